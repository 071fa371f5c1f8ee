"""Damage to files, as disks, cables and killed copies do it: a flipped bit, a lost end, a block of zeros."""

from collections.abc import Callable
from random import Random

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
