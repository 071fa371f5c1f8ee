"""Images a second of `advconv train` beside two loops by hand.

In turn, in one process, since two processes of one program can differ in speed by a third: `train` with its
augmentation and its workers; a bare loop of the same network, precision, compile setting and batch on one batch that
lies in memory; and the loop that people write, with a Dataset that calls albumentations image by image, a default
DataLoader, float32 and torch's default memory format.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from advconv.training.openmp import wait_briefly

# As the command does it, before torch is imported.
wait_briefly()

import albumentations as A
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advconv.backends.torch_module import build
from advconv.net import load as load_net
from advconv.training.data import split
from advconv.training.device import Normalise, setup
from advconv.training.loader import AHEAD, Share, batches, default_workers
from advconv.training.loop import READ_EVERY, READ_SELDOM
from advconv.training.options import Wishes
from advconv.training.sets import load
from advconv.training.show import Voice
from advconv.training.train import Job
from benchmarks.options import Option, options
from benchmarks.timing import machine

WARM_UP = {"cpu": AHEAD, "cuda": 80}
"""Steps before each round that do not count. On CUDA they use up what workers have made while the others ran."""

Step = Callable[[], None]


def main(arch: str, device: str, rounds: int, steps: int) -> None:
    job = a_job(arch, device)
    with trained(job) as ours:
        loops = {"train": ours, "bare loop": bare(job), "loop that people write": by_hand(job)}
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for _ in range(rounds):
            for name, step in loops.items():
                speeds[name].append(speed(step, job, steps))
    print(f"{machine()}; {job.setup}; {arch}, batch {job.plan().batch_size}, {job.workers} workers")
    print(f"medians of {rounds} rounds in turn, {steps} steps each")
    for name, found in speeds.items():
        print(f"{name}: {median(found):,.0f} images/s ({min(found):,.0f} to {max(found):,.0f})")
    for name, least in (("bare loop", 0.7 if device == "cuda" else 0.85), ("loop that people write", 2.0)):
        ratio = median(fast / slow for fast, slow in zip(speeds["train"], speeds[name], strict=True))
        print(f"train / {name}: {ratio:.3f} (at least {least}: {'kept' if ratio >= least else 'MISSED'})")


def a_job(arch: str, device: str) -> Job:
    net = load_net(arch)
    assert net.checked.spec is not None
    spec = net.checked.spec.model_copy(update={"train": net.checked.spec.train.model_copy(update={"epochs": 10**6})})
    data = split(load("shapes", Path(), spec.input), 0, None, 0)
    there, quiet = setup(device, "auto", "auto"), Voice(is_silent=True)
    return Job(spec, net.measures, data, there, Wishes(""), default_workers(), Share(), quiet)


def speed(step: Step, job: Job, steps: int) -> float:
    for _ in range(WARM_UP[job.setup.device.type]):
        step()
    synchronise(job)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    synchronise(job)
    return steps * job.plan().batch_size / (time.perf_counter() - started)


def synchronise(job: Job) -> None:
    if job.setup.device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def trained(job: Job) -> Iterator[Step]:
    learner = job.learner()
    every = READ_EVERY.get(job.setup.device.type, READ_SELDOM)
    place = job.setup.device.type
    with batches(job.data.train, job.augment(), learner.plan, 0, job.workers, place, print) as stream:

        def step() -> None:
            learner.update(*next(stream))
            if learner.step % every == 0:
                learner.settle()

        yield step


def bare(job: Job) -> Step:
    module = job.learner().module
    forward = torch.compile(module) if job.setup.compiles else module
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    size = job.plan().batch_size
    normalise = Normalise(job.data.mean, job.data.std).to(job.setup.device)
    pictures = normalise(job.data.train.images[:size].to(job.setup.device))
    labels = job.data.train.labels[:size].to(job.setup.device)

    def step() -> None:
        with job.setup.autocast():
            scores = forward(pictures)
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


class ByHand(Dataset[tuple[Tensor, Tensor]]):
    """As in the course's notebooks: one picture at a time, normalised and made a tensor by albumentations."""

    def __init__(self, job: Job) -> None:
        self.images, self.labels = job.data.train
        mean = tuple(255 * part for part in job.data.mean)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.transform = A.Compose(
                [
                    A.HorizontalFlip(),
                    A.ShiftScaleRotate(rotate_limit=10),
                    A.CoarseDropout((1, 1), (16, 16), (16, 16), fill=mean),
                    A.Normalize(job.data.mean, job.data.std),
                    A.ToTensorV2(),
                ]
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(image=self.images[index].numpy())["image"], self.labels[index]


def by_hand(job: Job) -> Step:
    module: nn.Module = build(job.measures.graph).to(job.setup.device)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(ByHand(job), batch_size=128, shuffle=True, drop_last=True)

    def endless() -> Iterator[list[Tensor]]:
        while True:
            yield from loader

    stream = endless()

    def step() -> None:
        pictures, labels = (part.to(job.setup.device) for part in next(stream))
        optimizer.zero_grad()
        loss = F.cross_entropy(module(pictures), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


if __name__ == "__main__":
    known = {
        "arch": Option("archs/c1c2c3c4.yaml", "the file whose network is trained, on drawn shapes"),
        "device": Option("cpu", "cpu or cuda"),
        "rounds": Option(15, "of which the median counts"),
        "steps": Option(16, "in a round: a multiple of the batches that workers draw at once"),
    }
    main(**options(__doc__, **known))
