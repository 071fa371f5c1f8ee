"""Pictures a second of `advconv train` beside two loops by hand: python benchmarks/train_throughput.py [cpu|cuda]

In turn, in one process: `train` with its augmentation and its workers; a bare loop of the same network, precision,
compile setting and batch on one batch that lies in memory; and the loop that people write, with a Dataset that calls
albumentations picture by picture, a default DataLoader, float32 and torch's default memory format.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import albumentations as A
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advconv.net import load as load_net
from advconv.training.data import load, split
from advconv.training.device import Normalise, setup
from advconv.training.loader import Share, batches, default_workers
from advconv.training.loop import READ_EVERY, READ_SELDOM
from advconv.training.options import Wishes
from advconv.training.show import Voice
from advconv.training.train import Job
from benchmarks.timing import machine

ARCH = "archs/c1c2c3c4.yaml"
ROUNDS, STEPS, WARM_UP = 5, 40, 20
"""The warm-up of each round uses up what workers have made while the others ran."""

Step = Callable[[], None]


def main() -> None:
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    job = a_job(device)
    loops = {"train": trained(job), "bare loop": bare(job), "loop that people write": by_hand(job)}
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, step in loops.items():
            speeds[name].append(speed(step, job))
    print(f"{machine()}; {job.setup}; {ARCH}, batch {job.plan().batch_size}, {job.workers} workers")
    print(f"medians of {ROUNDS} rounds in turn, {STEPS} steps each")
    for name, found in speeds.items():
        print(f"{name}: {median(found):,.0f} pictures/s ({min(found):,.0f} to {max(found):,.0f})")
    for name, least in (("bare loop", 0.7 if device == "cuda" else 0.8), ("loop that people write", 2.0)):
        ratio = median(ours / theirs for ours, theirs in zip(speeds["train"], speeds[name], strict=True))
        print(f"train / {name}: {ratio:.2f} (at least {least})")


def a_job(device: str) -> Job:
    net = load_net(ARCH)
    assert net.checked.spec is not None
    spec = net.checked.spec.model_copy(update={"train": net.checked.spec.train.model_copy(update={"epochs": 10**6})})
    data = split(load("shapes", Path(), spec.input), 0, None, 0)
    there, quiet = setup(device, "auto", "auto"), Voice(is_silent=True)
    return Job(spec, net.measures, data, there, Wishes(""), default_workers(), Share(), quiet)


def speed(step: Step, job: Job) -> float:
    for _ in range(WARM_UP):
        step()
    synchronise(job)
    started = time.perf_counter()
    for _ in range(STEPS):
        step()
    synchronise(job)
    return STEPS * job.plan().batch_size / (time.perf_counter() - started)


def synchronise(job: Job) -> None:
    if job.setup.device.type == "cuda":
        torch.cuda.synchronize()


def trained(job: Job) -> Step:
    learner = job.learner()
    stream = batches(job.data.train, job.augment(), learner.plan, 0, job.workers, job.setup.device.type, print)
    every = READ_EVERY.get(job.setup.device.type, READ_SELDOM)

    def step() -> None:
        learner.update(*next(stream))
        if learner.step % every == 0:
            learner.settle()

    return step


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
    module: nn.Module = load_net(ARCH).module().to(job.setup.device)
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
    main()
