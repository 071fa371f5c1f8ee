"""Timing of processes and loops: medians of alternating runs, so that load on the machine affects both."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence


def seconds(command: Sequence[str]) -> float:
    """The wall time of one process, which must exit 0."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def medians(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, float]:
    """The median of each command over alternating runs; the first run of each is a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            took = seconds(command)
            times[name] += [took] if run else []
    return {name: statistics.median(values) for name, values in times.items()}


def per_second(work: Callable[[], object], runs: int, batch: int) -> float:
    """Calls of `work` per second: the median over runs of a batch each."""
    rates = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(batch):
            work()
        rates.append(batch / (time.perf_counter() - start))
    return statistics.median(rates)


def machine() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}, {sys.platform}"
