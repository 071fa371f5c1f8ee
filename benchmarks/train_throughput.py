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

from advconv.training.runtime import tune_runtime

# As the command does it, before torch is imported.
tune_runtime()

import albumentations as A
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from advconv.backends.torch_module import build
from advconv.training.architecture import check_architecture, read_document
from advconv.training.data import split
from advconv.training.device import Normalise, choose_accelerator
from advconv.training.fit import batches
from advconv.training.loader import PREFETCH, default_workers
from advconv.training.options import RunOptions
from advconv.training.progress import ProgressReporter
from advconv.training.ranks import Rank
from advconv.training.sets import load_dataset
from advconv.training.setup import TrainingSetup
from benchmarks.options import Option, options
from benchmarks.timing import machine

WARM_UP = {"cpu": PREFETCH, "cuda": 80}
"""Steps before each round that are not timed. On CUDA they use up what workers have loaded while the others ran."""

Step = Callable[[], None]


def main(arch: str, device: str, augment_on: str, rounds: int, steps: int) -> None:
    setup = training_setup(arch, device, augment_on)
    with trained(setup) as ours:
        loops = {"train": ours, "bare loop": bare(setup), "loop that people write": by_hand(setup)}
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for _ in range(rounds):
            for name, step in loops.items():
                speeds[name].append(speed(step, setup, steps))
    print(f"{machine()}; {setup.accelerator}; {arch}, batch {setup.plan().batch_size}, {setup.workers} workers")
    print(f"medians of {rounds} rounds in turn, {steps} steps each")
    for name, found in speeds.items():
        print(f"{name}: {median(found):,.0f} images/s ({min(found):,.0f} to {max(found):,.0f})")
    for name, least in (
        ("bare loop", 0.7 if setup.accelerator.device.type == "cuda" else 0.85),
        ("loop that people write", 2.0),
    ):
        ratio = median(fast / slow for fast, slow in zip(speeds["train"], speeds[name], strict=True))
        print(f"train / {name}: {ratio:.3f} (at least {least}: {'met' if ratio >= least else 'MISSED'})")


def training_setup(arch: str, device: str, augment_on: str) -> TrainingSetup:
    architecture = check_architecture(*read_document(arch, Path(arch).read_bytes()), force=True)
    spec = architecture.spec
    recipe = spec.train.model_copy(update={"epochs": 10**6, "augment_on": augment_on})
    spec = spec.model_copy(update={"train": recipe})
    data = split(load_dataset("shapes", Path(), spec.input), 0, None, 0)
    accelerator, quiet = choose_accelerator(device, "auto", "auto"), ProgressReporter(is_silent=True)
    architecture = architecture._replace(spec=spec)
    return TrainingSetup(architecture, data, accelerator, RunOptions(""), default_workers(), Rank(), quiet)


def speed(step: Step, setup: TrainingSetup, steps: int) -> float:
    for _ in range(WARM_UP[setup.accelerator.device.type]):
        step()
    synchronise(setup)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    synchronise(setup)
    return steps * setup.plan().batch_size / (time.perf_counter() - started)


def synchronise(setup: TrainingSetup) -> None:
    if setup.accelerator.device.type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def trained(setup: TrainingSetup) -> Iterator[Step]:
    trainer = setup.trainer()
    with batches(setup, trainer) as loaded:

        def step() -> None:
            trainer.update(*next(loaded))
            if trainer.step % trainer.flush_every == 0:
                trainer.flush_metrics()

        yield step


def bare(setup: TrainingSetup) -> Step:
    module = setup.trainer().module
    forward = torch.compile(module) if setup.accelerator.compiles else module
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    size = setup.plan().batch_size
    normalise = Normalise(setup.data.mean, setup.data.std).to(setup.accelerator.device)
    images = normalise(setup.data.train.images[:size].to(setup.accelerator.device))
    labels = setup.data.train.labels[:size].to(setup.accelerator.device)

    def step() -> None:
        with setup.accelerator.autocast():
            scores = forward(images)
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


class ByHand(Dataset[tuple[Tensor, Tensor]]):
    """As in the course's notebooks: one image at a time, normalised and converted to a tensor by albumentations."""

    def __init__(self, setup: TrainingSetup) -> None:
        self.images, self.labels = setup.data.train
        mean = tuple(255 * part for part in setup.data.mean)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.transform = A.Compose(
                [
                    A.HorizontalFlip(),
                    A.ShiftScaleRotate(rotate_limit=10),
                    A.CoarseDropout((1, 1), (16, 16), (16, 16), fill=mean),
                    A.Normalize(setup.data.mean, setup.data.std),
                    A.ToTensorV2(),
                ]
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(image=self.images[index].numpy())["image"], self.labels[index]


def by_hand(setup: TrainingSetup) -> Step:
    module: nn.Module = build(setup.measures.graph).to(setup.accelerator.device)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    loader = DataLoader(ByHand(setup), batch_size=setup.plan().batch_size, shuffle=True, drop_last=True)

    def endless() -> Iterator[list[Tensor]]:
        while True:
            yield from loader

    stream = endless()

    def step() -> None:
        images, labels = (part.to(setup.accelerator.device) for part in next(stream))
        optimizer.zero_grad()
        loss = F.cross_entropy(module(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


if __name__ == "__main__":
    known = {
        "arch": Option("archs/c1c2c3c4.yaml", "the file whose network is trained, on drawn shapes"),
        "device": Option("cpu", "cpu or cuda"),
        "augment_on": Option("workers", "workers or device"),
        "rounds": Option(15, "of which the median counts"),
        "steps": Option(16, "in a round: a multiple of the batches that workers draw at once"),
    }
    main(**options(__doc__, **known))
