"""How much memory a training needs, and how much there is, before anything large is made."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch

from advconv.analysis.measure import Measures
from advconv.language.recipe import Train
from advconv.training.device import Setup
from advconv.training.errors import TrainingError
from advconv.training.loader import Share, shelf_places
from advconv.training.loop import EVALUATED
from advconv.values.quantities import bytes_text

Parts = dict[str, int]
"""Bytes by what they are needed for."""


class MemoryShort(TrainingError):
    """A training that needs more memory than there is."""


class Need(NamedTuple):
    """What is held throughout, and what each stage of a training holds besides: bytes in the host's memory and on the
    device, which on a CPU are one."""

    host: Parts
    device: Parts
    stages: dict[str, tuple[int, int]]

    def on_host(self) -> Parts:
        return self.host | self._worst({stage: host for stage, (host, _) in self.stages.items()})

    def on_device(self) -> Parts:
        return self.device | self._worst({stage: device for stage, (_, device) in self.stages.items()})

    def on_both(self) -> Parts:
        return self.host | self.device | self._worst({stage: sum(sizes) for stage, sizes in self.stages.items()})

    @staticmethod
    def _worst(stages: Parts) -> Parts:
        worst = max(stages, key=lambda stage: stages[stage])
        return {worst: stages[worst]}


def hold_memory(need: Need, setup: Setup, processes: int) -> None:
    """Raises MemoryShort where a training, or so many of them on one machine, needs more than is available."""
    if setup.device.type != "cuda":
        _hold(need.on_both(), processes, available_memory(), "this machine")
        return
    _hold(need.on_host(), processes, available_memory(), "this machine")
    _hold(need.on_device(), 1, torch.cuda.mem_get_info(setup.device)[0], str(setup.device))


def _hold(parts: Parts, processes: int, available: int | None, where: str) -> None:
    total = processes * sum(parts.values())
    if available is None or total <= available:
        return
    listed = ", ".join(f"{bytes_text(size)} {name}" for name, size in parts.items())
    each = f"in each of {processes} processes " if processes > 1 else ""
    raise MemoryShort(
        f"training needs about {bytes_text(total)} of memory ({each}{listed}), {where} has {bytes_text(available)} "
        "available; use a smaller input, batch_size or --limit; --force (in Python force=True) trains all the same"
    )


LIBRARIES = 200 * 10**6
"""What a training of a very small network takes beside its data on a CPU: what it imports, and what torch sets up."""

CHECKPOINT = 1.5
"""How often the bytes of a checkpoint are in memory while it is written, on the average of its growing buffer."""


def estimate(
    measures: Measures, recipe: Train, counts: tuple[int, int], setup: Setup, workers: int, share: Share
) -> Need:
    """What a training on so many images for training and for the test needs."""
    (train, test), memory, weights = counts, measures.memory, measures.weights
    image, batch = measures.graph.input.elements, max(1, min(recipe.batch_size, train) // share.of)
    shelf, scored = shelf_places(setup.device.type, workers) * batch * image, min(EVALUATED, test)
    optimizer = {"adamw": 2, "sgd": int(recipe.momentum > 0)}[recipe.optimizer]
    # Autocast keeps most of what it computes in two bytes.
    scale = 1 if setup.dtype is None else 0.5
    stages = {
        # Where training images are put into shared memory, they are there twice.
        "to share them among workers": (train * image, 0),
        # The outputs that are kept, and the gradients of two at a time.
        f"for a step on {batch:,} images": (shelf, int(batch * (scale * (memory.training + memory.eager) + image))),
        f"to score {scored:,} images at a time": (shelf, int(scored * (scale * memory.eager + image))),
        "for a checkpoint": (shelf + weights + int(CHECKPOINT * (2 + optimizer) * weights), 0),
    }
    host = {"for libraries": LIBRARIES, "for the images of the data set": (train + test) * image}
    return Need(host, {"for weights, gradients, optimizer and average": (3 + optimizer) * weights}, stages)


def available_memory(root: Path = Path("/")) -> int | None:
    """What this process can still take: the least of what the machine and its control groups have left. In bytes."""
    found = [*_control_groups(root), *_machine(root)]
    return max(0, min(found)) if found else None


def _machine(root: Path) -> Iterator[int]:
    """What Linux calls available; elsewhere all the memory there is, where the system says so."""
    with suppress(OSError, ValueError, KeyError):
        yield 1024 * int(_table(root / "proc/meminfo")["MemAvailable:"])
        return
    with suppress(OSError, ValueError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _control_groups(root: Path) -> Iterator[int]:
    """What each group around this process has left, in either version of Linux's control groups."""
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
            # In a container the path may be that of the machine outside, of which the top alone is to be seen.
            for each in (group, *group.parents):
                yield from _left(top / each, *FILES[version])


FILES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


def _left(group: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    """A limit less what counts against it, without the pages of files that the kernel drops when it needs room."""
    with suppress(OSError, ValueError, KeyError):
        most, used = (int((group / name).read_text(encoding="utf-8")) for name in (limit, usage))
        yield most - used + int(_table(group / "memory.stat")[reclaimable])


def _table(path: Path) -> dict[str, str]:
    """The first two words of each line."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1] for words in lines if len(words) > 1}
