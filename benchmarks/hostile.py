"""Files that are expensive to check, with CPU time and memory of each command, the most expensive first.

A file of a megabyte may cost at most 2 seconds of CPU and 300 MB of memory, whatever its content.
"""

import os
import resource
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.hostile_files import FILES
from benchmarks.options import Option, options
from benchmarks.timing import machine

COMMANDS = {
    "text": ["check"],
    "json": ["check", "--format", "json"],
    "github": ["check", "--format", "github"],
    "sarif": ["check", "--format", "sarif"],
    "rf-table": ["rf-table", "--explain"],
    "rf-table json": ["rf-table", "--format", "json"],
    "summary": ["summary"],
    "summary csv": ["summary", "--format", "csv"],
    "torchsummary": ["summary", "--format", "torchsummary"],
    "emit": ["emit"],
    "emit augment": ["emit", "--what", "augment"],
    "report": ["report", "-o", "/dev/null"],
}
SECONDS, MEGABYTES = 2.0, 300


class Run(NamedTuple):
    """CPU time and memory of a command, and the size of its output; `code` is None if it was killed."""

    seconds: float
    megabytes: float
    bytes: int
    code: int | None
    file: str
    command: str

    @property
    def is_within_limits(self) -> bool:
        return self.code in (0, 1) and self.seconds <= SECONDS and self.megabytes <= MEGABYTES


def main(size: int, only: str, commands: str, limit: int, worst: int) -> None:
    if unknown := [command for command in commands.split(",") if command not in COMMANDS]:
        sys.exit(f"there is no command {unknown[0]!r}; the commands are {', '.join(COMMANDS)}")
    chosen = {name: write for name, write in FILES.items() if only in name}
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            run(name, command, path, limit)
            for number, (name, write) in enumerate(chosen.items())
            for path in [write_truncated(Path(folder, f"{number}.yaml"), write(size), size)]
            for command in commands.split(",")
        ]
    runs.sort(key=lambda run: (run.code is None, max(run.seconds / SECONDS, run.megabytes / MEGABYTES)), reverse=True)
    print(f"{machine()}; {len(chosen)} files of at most {size:,} bytes, {len(commands.split(','))} commands")
    print(f"{'CPU s':>7} {'MB':>6} {'output kB':>10} {'exit':>4}  command, file")
    for found in runs[:worst]:
        code = "-" if found.code is None else found.code
        measured = f"{found.seconds:>7.2f} {found.megabytes:>6.0f} {found.bytes / 1000:>10,.0f} {code:>4}"
        print(f"{measured}  {found.command}, {found.file}")
    met = sum(found.is_within_limits for found in runs)
    print(f"{met} of {len(runs)} within {SECONDS:g} s of CPU and {MEGABYTES} MB")


def write_truncated(path: Path, text: str, size: int) -> Path:
    """Writes a text to a file, truncated to `size` bytes."""
    path.write_bytes(text.encode()[:size])
    return path


def run(file: str, command: str, path: Path, limit: int) -> Run:
    """Runs a command in a process, which is killed when it has used `limit` seconds of CPU time."""
    words = [sys.executable, "-m", "advconv", *COMMANDS[command], str(path)]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, preexec_fn=partial(_limit_cpu, limit))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        size = os.fstat(out.fileno()).st_size
    seconds, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6
    code = process.returncode if process.returncode >= 0 else None
    return Run(seconds, megabytes, size, code, file, command)


def _limit_cpu(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))


if __name__ == "__main__":
    main(
        **options(
            __doc__,
            size=Option(1_000_000, "bytes of each file"),
            only=Option("", "run only files whose names contain this"),
            commands=Option(",".join(COMMANDS), "the commands, separated by commas"),
            limit=Option(60, "seconds of CPU after which a run is killed"),
            worst=Option(40, "number of runs to list"),
        )
    )
