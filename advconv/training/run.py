"""The directory of a run: what it is made of, and how it is read again."""

import errno
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from safetensors.torch import load as read_weights
from safetensors.torch import save as weights_bytes
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import build
from advconv.check import check_bytes
from advconv.language.spec import ArchSpec
from advconv.report.cells import csv_text
from advconv.text.document import MAX_BYTES
from advconv.training import checkpoints
from advconv.training.conditions import Conditions
from advconv.training.files import RunDirectory, RunError
from advconv.training.loop import Learner, Row
from advconv.training.options import Wishes
from advconv.training.saved import Natural, Sha256, Text, held_to, sealed, unsealed
from advconv.training.state import Record, state_bytes, take_up
from advconv.values.names import TITLE
from advconv.values.quantities import rounded

ABOUT, ARCH, METRICS = "run.json", "arch.yaml", "metrics.jsonl"

MOST = 2**24
"""Bytes of a `run.json` that is read."""

Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]
Deviation = Annotated[float, Field(strict=True, gt=0, le=1)]


@dataclass(frozen=True)
class About:
    """What `run.json` says. `mean` and `std` are those that the pictures were normalised with, 0 to 1."""

    name: Annotated[str, Field(strict=True, pattern=f"^{TITLE.pattern}$")]
    started: Text
    hash: Sha256
    seed: Natural
    device: Text
    versions: dict[Text, Text]
    options: Wishes
    classes: list[Text]
    mean: list[Fraction]
    std: list[Deviation]
    # Of a run of an older advconv, which does not say it, 0.
    processes: Natural = 0

    @property
    def conditions(self) -> Conditions:
        """Those that it was started with."""
        return Conditions(self.device, self.processes, self.versions.get("torch", ""))


class Run(NamedTuple):
    """A run as it lies there: where, what is said of it, and the network that it trains.

    `has_checksum`: whether `run.json` has one; those of earlier versions have none. `previous`: whether the checkpoint
    before the newest is asked for.
    """

    directory: RunDirectory
    about: About
    spec: ArchSpec
    measures: Measures
    has_checksum: bool
    previous: bool = False

    @property
    def path(self) -> Path:
        return self.directory.path

    @property
    def note(self) -> str:
        """What is to be said of a run whose damage may go unnoticed."""
        without = f"{self.path} is of an earlier version and has no checksums, so damage to it may go unnoticed"
        return "" if self.has_checksum else without

    def checkpoint(self) -> RunDirectory:
        """The directory of the checkpoint that is asked for. Raises RunError where there is none."""
        if not self.previous:
            return self.directory
        if (found := self.directory.child(checkpoints.PREVIOUS)) is None:
            raise RunError(f"{self.path} has no checkpoint before the newest one; leave --previous out")
        return found


def digest(text: bytes) -> str:
    """What an architecture is known by: the SHA-256 of its resolved file."""
    return hashlib.sha256(text).hexdigest()


def create(about: About, files: Mapping[str, bytes | str], directory: Path) -> Path:
    """A new directory with these files in it. It appears with all of them or not at all. Raises RunError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    path = directory / f"{about.name}-{stamp}"
    part = directory / f".{path.name}-{os.getpid()}.part"
    try:
        part.mkdir(parents=True)
        made = RunDirectory(part)
        for name, data in {**files, ABOUT: sealed(asdict(about))}.items():
            made.write(name, data)
        return _moved(part, path)
    except OSError as problem:
        raise RunError(f"{path} cannot be made: {problem.strerror}") from problem
    finally:
        rmtree(part, ignore_errors=True)


def _moved(part: Path, path: Path) -> Path:
    """The directory under its name, or the next free one: runs can start in the same second."""
    for number in range(1, 1000):
        free = path if number == 1 else path.with_name(f"{path.name}-{number}")
        # A rename would put it in the place of an empty directory; one with files in it refuses.
        if free.exists():
            continue
        try:
            return part.rename(free)
        except OSError as problem:
            # Another process has just taken the name.
            if problem.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    raise OSError(0, "there are a thousand runs of this second")


def open_run(path: Path, previous: bool = False) -> Run:
    """A run by its directory. Raises RunError where that is none, or its architecture is not what was trained."""
    if not (path / ABOUT).is_file():
        raise RunError(f"{path} is no run: it has no {ABOUT}")
    directory = RunDirectory(path)
    about, has_checksum = _about(directory)
    text = directory.read(ARCH, MAX_BYTES)
    if digest(text) != about.hash:
        raise RunError(f"{path / ARCH} has changed since the run started; train the changed one as a new run")
    checked = check_bytes(str(path / ARCH), text)
    if checked.spec is None or checked.measures is None:
        raise RunError(f"{path / ARCH} is no network to this version of advconv")
    channels, classes = checked.spec.input.channels, checked.measures.graph.output.elements
    for name, count, expected in (
        ("mean", len(about.mean), channels),
        ("std", len(about.std), channels),
        ("classes", len(about.classes), classes),
    ):
        if count != expected:
            raise RunError(f"{path / ABOUT} is damaged: {name} has {count} values, the network needs {expected}")
    return Run(directory, about, checked.spec, checked.measures, has_checksum, previous)


def _about(directory: RunDirectory) -> tuple[About, bool]:
    """What `run.json` says, and whether it has a checksum."""
    try:
        data, is_sealed = unsealed(directory.read(ABOUT, MOST))
        return held_to(About, data), is_sealed
    except ValueError as problem:
        raise RunError(f"{directory.path / ABOUT} is damaged: {problem}") from problem


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Keeps other processes from writing the same run, where the system has locks. Raises RunError."""
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    with run.directory.opened(ABOUT) as file:
        try:
            # A lock of this process alone: workers that outlive it by a moment do not hold it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise RunError(f"{run.path} is being written by another process") from problem
        run.directory.sweep()
        yield


def load_weights(run: Run, which: str) -> nn.Module:
    """The network of a run with its `last` or `best` weights, in evaluation mode. Raises RunError."""
    name = f"{which}.safetensors"
    directory = run.checkpoint()
    data = _read(run, name)
    try:
        module = build(run.measures.graph)
        weights, like = read_weights(data), module.state_dict()
        module.load_state_dict(weights)
        for key, tensor in weights.items():
            if tensor.dtype != like[key].dtype:
                raise ValueError(f"{key} is {tensor.dtype}, in this network {like[key].dtype}")
    except Exception as problem:
        # The library has no error of its own for a damaged file; torch gives each mismatch a line below a heading.
        reasons = [line.strip() for line in str(problem).splitlines()] or [type(problem).__name__]
        raise RunError(
            f"{directory.path / name} does not hold the weights of this network: {reasons[min(1, len(reasons) - 1)]}"
        ) from problem
    return module.eval()


def _read(run: Run, name: str) -> bytes:
    """A file of the checkpoint that is asked for. Raises RunError, with the checkpoint that can be used instead."""
    directory = run.checkpoint()
    try:
        if run.has_checksum and directory.has(name) and not directory.has(checkpoints.LIST):
            raise RunError(f"{directory.path / checkpoints.LIST} is missing, so nothing says whether {name} is damaged")
        return checkpoints.read(directory, name)
    except RunError as problem:
        raise RunError(f"{problem}; {_way_out(run)}") from problem


def _way_out(run: Run) -> str:
    """What can be done about a checkpoint that is damaged or not there."""
    if not (run.directory.has(checkpoints.LIST) or _has_epochs(run)):
        return f"no epoch is finished; go on with: advconv train --resume {shlex.quote(str(run.path))}"
    good = None if run.previous else checkpoints.whole(run.directory.child(checkpoints.PREVIOUS))
    if good:
        again = f"advconv train --resume {shlex.quote(str(run.path))} --previous"
        return (
            f"the last good checkpoint is the one before it ({good}), which --previous uses (in Python previous=True); "
            f"go on from there with: {again}"
        )
    return f"there is no other good checkpoint; train it anew with: advconv train {shlex.quote(str(run.path / ARCH))}"


def save(run: Run, learner: Learner, record: Record, is_best: bool) -> None:
    """Writes a checkpoint. `state.pt` alone is what a run goes on from; the rest follows from it. Raises RunError."""
    # First, since it may find that the weights are none.
    learner.settle()
    weights = _weights(learner)
    files = {checkpoints.LAST: weights, checkpoints.STATE: state_bytes(run.about.hash, learner, record)}
    if is_best:
        files[checkpoints.BEST] = weights
    checkpoints.put(run.directory, len(record.rows), learner.step, files)
    write_logs(run.directory, record)


def _weights(learner: Learner) -> bytes:
    state: dict[str, Tensor] = learner.averaged.module.state_dict()
    return weights_bytes({key: value.detach().cpu().contiguous() for key, value in state.items()})


def restore(run: Run, learner: Learner) -> Record:
    """Takes a learner to where its run stands; to the start, where no epoch was finished. Raises RunError."""
    directory = run.checkpoint()
    path = directory.path / checkpoints.STATE
    if not directory.has(checkpoints.STATE):
        if _has_epochs(run):
            raise RunError(f"{path} is missing, and {METRICS} has epochs that are done; {_way_out(run)}")
        return Record([])
    data = _read(run, checkpoints.STATE)
    try:
        checkpoints.verify(directory)
    except RunError as problem:
        raise RunError(f"{problem}; {_way_out(run)}") from problem
    try:
        return take_up(data, run.about.hash, learner)
    except ValueError as problem:
        raise RunError(f"{path} is damaged: {problem}") from problem


def _has_epochs(run: Run) -> bool:
    """Whether the log has any."""
    return run.directory.has(METRICS) and run.directory.read(METRICS).strip() != b""


def settled(run: Run, learner: Learner, record: Record) -> None:
    """Puts in order what the last process has left: the checkpoint that is gone on from, and its logs."""
    if run.previous:
        checkpoints.reinstate(run.directory)
    checkpoints.adopt(run.directory, len(record.rows), learner.step)
    write_logs(run.directory, record)


def write_logs(directory: RunDirectory, record: Record) -> None:
    rows = [asdict(row) for row in record.rows]
    directory.write(METRICS, "".join(json.dumps(row) + "\n" for row in rows))
    columns = [field.name for field in fields(Row)]
    directory.write("log.csv", csv_text(columns, ([_rounded(row[column]) for column in columns] for row in rows)))


def _rounded(value: Any) -> Any:
    return rounded(value) if isinstance(value, float) else value
