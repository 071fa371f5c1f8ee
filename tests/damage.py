"""Damage to the files of a run, as disks, cables and killed copies do it, and all that the commands read of a run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from advconv.backends.torch_module import build
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import choose_accelerator
from advconv.training.loader import BatchPlan
from advconv.training.run import Run, open_run
from advconv.training.run_files import load_checkpoint, load_weights
from advconv.training.trainer import Trainer

Mutation = Callable[[bytes, Random], bytes]


def flipped(data: bytes, random: Random) -> bytes:
    """One bit."""
    place = random.randrange(8 * len(data))
    byte = data[place // 8] ^ (1 << place % 8)
    return data[: place // 8] + bytes([byte]) + data[place // 8 + 1 :]


def truncated(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def zeroed(data: bytes, random: Random) -> bytes:
    """A block of at most 512 bytes."""
    start = random.randrange(len(data))
    block = data[start : start + random.randint(1, 512)]
    return data[:start] + bytes(len(block)) + data[start + len(block) :]


MUTATIONS: tuple[Mutation, ...] = (flipped, truncated, zeroed)

FILES = (
    "run.json", "arch.yaml", "checkpoints.json", "state.pt", "last.safetensors", "best.safetensors", "metrics.jsonl",
)  # fmt: skip
"""What is read back from the directory of a run."""


def trainer_of(run: Run, optimizer: str = "sgd") -> Trainer:
    images = ImageSet(torch.zeros(96, 16, 16, 3, dtype=torch.uint8), torch.zeros(96, dtype=torch.long))
    mean, std = tuple(run.metadata.mean), tuple(run.metadata.std)
    data = TrainingData(images, None, images, tuple(run.metadata.classes), mean, std)
    recipe = run.spec.train.model_copy(update={"optimizer": optimizer})
    place = choose_accelerator("cpu", "float32", "off")
    return Trainer(build(run.measures.graph), data, recipe, BatchPlan(96, 32, recipe.epochs, recipe.seed), place)


class Reading(NamedTuple):
    """All that the commands take from a run."""

    about: str
    network: str
    rows: str
    tensors: dict[str, torch.Tensor]

    def same(self, other: "Reading") -> bool:
        equal = self[:3] == other[:3] and self.tensors.keys() == other.tensors.keys()
        return equal and all(torch.equal(value, other.tensors[key]) for key, value in self.tensors.items())


def reading(path: Path, trainer: Trainer) -> Reading:
    """Raises RunError."""
    run = open_run(path)
    history = load_checkpoint(run, trainer)
    parts: dict[str, Any] = {
        "module": trainer.module.state_dict(),
        "averaged": trainer.averaged.state_dict(),
        "last": load_weights(run, "last").state_dict(),
        "best": load_weights(run, "best").state_dict(),
    }
    parts |= {str(key): value for key, value in trainer.optimizer.state_dict()["state"].items()}
    tensors = {f"{part}.{name}": value.clone() for part, state in parts.items() for name, value in state.items()}
    rates = [group["lr"] for group in trainer.optimizer.param_groups]
    return Reading(repr(run.metadata), repr(run.spec), repr((history, trainer.step, trainer.running, rates)), tensors)


def mutated(mutation: Mutation, random: Random, data: bytes) -> bytes:
    return mutation(data, random)


def draws(count: int, files: tuple[str, ...]) -> Iterator[tuple[str, Callable[[bytes], bytes], str]]:
    for seed in range(count):
        mutation, random = MUTATIONS[seed % len(MUTATIONS)], Random(seed)
        name = files[seed // len(MUTATIONS) % len(files)]
        yield name, partial(mutated, mutation, random), f"{mutation.__name__} {name}, draw {seed}"
