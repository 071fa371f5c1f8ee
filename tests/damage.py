"""Damage to the files of a run, as disks, cables and killed copies do it, and all that the commands read of a run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from advconv.backends.torch_module import build
from advconv.training.data import DataSets, Pictures
from advconv.training.device import setup
from advconv.training.loader import Plan
from advconv.training.loop import Learner
from advconv.training.run import Run, load_weights, open_run, restore

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


def learner_of(run: Run, optimizer: str = "sgd") -> Learner:
    pictures = Pictures(torch.zeros(96, 16, 16, 3, dtype=torch.uint8), torch.zeros(96, dtype=torch.long))
    mean, std = tuple(run.about.mean), tuple(run.about.std)
    data = DataSets(pictures, None, pictures, tuple(run.about.classes), mean, std)
    recipe = run.spec.train.model_copy(update={"optimizer": optimizer})
    place = setup("cpu", "float32", "off")
    return Learner(build(run.measures.graph), data, recipe, Plan(96, 32, recipe.epochs, recipe.seed), place)


class Reading(NamedTuple):
    """All that the commands take from a run."""

    about: str
    network: str
    rows: str
    tensors: dict[str, torch.Tensor]

    def same(self, other: "Reading") -> bool:
        equal = self[:3] == other[:3] and self.tensors.keys() == other.tensors.keys()
        return equal and all(torch.equal(value, other.tensors[key]) for key, value in self.tensors.items())


def reading(path: Path, learner: Learner) -> Reading:
    """Raises RunError."""
    run = open_run(path)
    record = restore(run, learner)
    parts: dict[str, Any] = {
        "module": learner.module.state_dict(),
        "averaged": learner.averaged.state_dict(),
        "last": load_weights(run, "last").state_dict(),
        "best": load_weights(run, "best").state_dict(),
    }
    parts |= {str(key): value for key, value in learner.optimizer.state_dict()["state"].items()}
    tensors = {f"{part}.{name}": value.clone() for part, state in parts.items() for name, value in state.items()}
    rates = [group["lr"] for group in learner.optimizer.param_groups]
    return Reading(repr(run.about), repr(run.spec), repr((record, learner.step, learner.tally, rates)), tensors)


def mutated(mutation: Mutation, random: Random, data: bytes) -> bytes:
    return mutation(data, random)


def draws(count: int, files: tuple[str, ...]) -> Iterator[tuple[str, Callable[[bytes], bytes], str]]:
    for seed in range(count):
        mutation, random = MUTATIONS[seed % len(MUTATIONS)], Random(seed)
        name = files[seed // len(MUTATIONS) % len(files)]
        yield name, partial(mutated, mutation, random), f"{mutation.__name__} {name}, draw {seed}"
