"""An estimate of the memory that a training needs, and how much is available, before anything large is allocated."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch

from advconv.analysis.measure import Measures
from advconv.language.recipe import Train
from advconv.layers.base import FLOAT_BYTES
from advconv.training.device import Accelerator
from advconv.training.errors import TrainingError
from advconv.training.evaluation import EVAL_BATCH_SIZE
from advconv.training.loader import buffer_slots
from advconv.training.optim import optimizer_state_names
from advconv.training.ranks import Rank
from advconv.values.quantities import bytes_text

Sizes = dict[str, int]
"""Bytes by purpose."""


class InsufficientMemory(TrainingError):
    """A training needs more memory than is available."""


class MemoryEstimate(NamedTuple):
    """Bytes in the host's memory and on the device throughout, and (host, device) bytes of each stage in addition.

    On a CPU the two memories are one.
    """

    host: Sizes
    device: Sizes
    stages: dict[str, tuple[int, int]]

    def on_host(self) -> Sizes:
        return self.host | self._largest({stage: host for stage, (host, _) in self.stages.items()})

    def on_device(self) -> Sizes:
        return self.device | self._largest({stage: device for stage, (_, device) in self.stages.items()})

    def on_both(self) -> Sizes:
        return self.host | self.device | self._largest({stage: sum(sizes) for stage, sizes in self.stages.items()})

    @staticmethod
    def _largest(stages: Sizes) -> Sizes:
        largest = max(stages, key=lambda stage: stages[stage])
        return {largest: stages[largest]}


def check_memory(need: MemoryEstimate, accelerator: Accelerator, processes: int) -> None:
    """Raises InsufficientMemory if so many processes on one machine need more memory than is available."""
    if accelerator.device.type != "cuda":
        _check(need.on_both(), processes, available_memory(), "this machine")
        return
    _check(need.on_host(), processes, available_memory(), "this machine")
    _check(need.on_device(), 1, torch.cuda.mem_get_info(accelerator.device)[0], str(accelerator.device))


def _check(parts: Sizes, processes: int, available: int | None, where: str) -> None:
    total = processes * sum(parts.values())
    if available is None or total <= available:
        return
    listed = ", ".join(f"{bytes_text(size)} {name}" for name, size in parts.items())
    each = f"in each of {processes} processes " if processes > 1 else ""
    raise InsufficientMemory(
        f"training needs about {bytes_text(total)} of memory ({each}{listed}), {where} has {bytes_text(available)} "
        "available; use a smaller input, batch_size or --limit; --force (in Python force=True) trains anyway"
    )


LIBRARIES = 200 * 10**6
"""Bytes that training a very small network on a CPU needs besides its data: imports, and allocations of torch."""

CHECKPOINT = 1.5
"""Copies of a checkpoint in memory while it is written, on average: its buffer grows by doubling."""


def estimate(
    measures: Measures,
    recipe: Train,
    counts: tuple[int, int],
    accelerator: Accelerator,
    workers: int,
    process: Rank,
    teacher: Measures | None = None,
) -> MemoryEstimate:
    """The memory that a training on `counts` images (training, test) needs, beside a teacher if there is one."""
    (train, test), memory, weights = counts, measures.memory, measures.weights
    image, batch = measures.graph.input.elements, max(1, min(recipe.batch_size, train) // process.world_size)
    buffer, evaluated = buffer_slots(accelerator.device.type, workers) * batch * image, min(EVAL_BATCH_SIZE, test)
    # Of a vector, for which no optimizer has fewer than for a matrix.
    optimizer = sum(name != "step" for name in optimizer_state_names(recipe, torch.empty(1)))
    # Autocast saves most activations in two bytes.
    scale = 1 if accelerator.dtype is None else 0.5
    each = scale * (memory.training + memory.eager) + image
    each += scale * teacher.memory.eager + FLOAT_BYTES * image if teacher else 0
    stages = {
        # Moving the training images into shared memory copies them.
        "to share them among workers": (train * image, 0),
        # The activations saved for backward, and the gradients of two at a time.
        f"for a step on {batch:,} images": (buffer, int(batch * each)),
        f"to evaluate {evaluated:,} images at a time": (buffer, int(evaluated * (scale * memory.eager + image))),
        "for a checkpoint": (buffer + weights + int(CHECKPOINT * (2 + optimizer) * weights), 0),
    }
    host = {"for libraries": LIBRARIES, "for the images of the data set": (train + test) * image}
    device = {"for weights, gradients, optimizer and average": (3 + optimizer) * weights}
    beside = {"for the weights of the teacher": teacher.weights} if teacher else {}
    return MemoryEstimate(host, device | beside, stages)


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process can still allocate: the least of what the machine and its control groups have left."""
    sizes = [*_control_groups(root), *_machine(root)]
    return max(0, min(sizes)) if sizes else None


def _machine(root: Path) -> Iterator[int]:
    """The available memory of Linux; elsewhere the total memory, if the system reports it."""
    with suppress(OSError, ValueError, KeyError):
        yield 1024 * int(_table(root / "proc/meminfo")["MemAvailable:"])
        return
    with suppress(OSError, ValueError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _control_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of this process, for both versions of Linux's control groups."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        version = 2 if not controllers else 1 if "memory" in controllers.split(",") else 0
        if version:
            top = root / "sys/fs/cgroup" / ("memory" if version == 1 else "")
            group = Path(path.lstrip("/"))
            # In a container the path may be that of the host, of which only the top is visible.
            for each in (group, *group.parents):
                yield from _remaining(top / each, *FILES[version])


FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


def _remaining(group: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    """A limit minus its usage, not counting file pages that the kernel can reclaim."""
    with suppress(OSError, ValueError, KeyError):
        allowed, used = (int((group / name).read_text(encoding="utf-8")) for name in (limit, usage))
        yield allowed - used + int(_table(group / "memory.stat")[reclaimable])


def _table(path: Path) -> dict[str, str]:
    """The first two words of each line."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}
