"""The directory of a run: what it is made of, and how it is read again."""

import errno
import hashlib
import io
import json
import os
import pickle
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

import torch
from safetensors.torch import load as read_weights
from safetensors.torch import save as weights_bytes
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import build
from advconv.check import check_bytes
from advconv.report.cells import csv_text
from advconv.spec import ArchSpec
from advconv.training.conditions import Conditions
from advconv.training.files import RunError, read, write
from advconv.training.loop import Learner, Row
from advconv.training.options import Wishes
from advconv.units import rounded


@dataclass(frozen=True)
class About:
    """What `run.json` says. `mean` and `std` are those that the pictures were normalised with, 0 to 1."""

    name: str
    started: str
    hash: str
    seed: int
    device: str
    versions: dict[str, str]
    options: Wishes
    classes: list[str]
    mean: list[float]
    std: list[float]
    # Of a run of an older advconv, which does not say it, 0.
    processes: int = 0

    @property
    def conditions(self) -> Conditions:
        """Those that it was started with."""
        return Conditions(self.device, self.processes, self.versions.get("torch", ""))


class Run(NamedTuple):
    """A run as it lies there: where, what is said of it, and the network that it trains."""

    path: Path
    about: About
    spec: ArchSpec
    measures: Measures


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
        for name, data in {**files, "run.json": json.dumps(asdict(about), indent=2) + "\n"}.items():
            write(part / name, data)
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


def open_run(path: Path) -> Run:
    """A run by its directory. Raises RunError where that is none, or its architecture is not what was trained."""
    if not (path / "run.json").is_file():
        raise RunError(f"{path} is no run: it has no run.json")
    about = _about(path / "run.json")
    text = read(path / "arch.yaml")
    if digest(text) != about.hash:
        raise RunError(f"{path / 'arch.yaml'} has changed since the run started; train the changed one as a new run")
    checked = check_bytes(str(path / "arch.yaml"), text)
    if checked.spec is None or checked.measures is None:
        raise RunError(f"{path / 'arch.yaml'} is no network to this version of advconv")
    return Run(path, about, checked.spec, checked.measures)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps other processes from writing the same run, where the system has locks. Raises RunError."""
    try:
        import fcntl
    except ModuleNotFoundError:
        yield
        return
    with open(path / "run.json", "r+b") as file:
        try:
            # A lock of this process alone: workers that outlive it by a moment do not hold it.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise RunError(f"{path} is being written by another process") from problem
        yield


def _about(path: Path) -> About:
    try:
        said = json.loads(read(path))
        known = {"processes": 0} | said
        return About(
            **{field.name: known[field.name] for field in fields(About)} | {"options": Wishes(**said["options"])}
        )
    except (ValueError, KeyError, TypeError) as problem:
        raise RunError(f"{path} is damaged: {problem!r}") from problem


def load_weights(run: Run, which: str) -> nn.Module:
    """The network of a run with its `last` or `best` weights, in evaluation mode. Raises RunError."""
    path = run.path / f"{which}.safetensors"
    try:
        weights = read_weights(read(path))
        module = build(run.measures.graph)
        module.load_state_dict(weights)
    except RunError:
        raise
    except Exception as problem:
        # The library has no error of its own for a damaged file; torch gives each mismatch a line below a heading.
        reasons = [line.strip() for line in str(problem).splitlines()]
        raise RunError(
            f"{path} does not hold the weights of this network: {reasons[min(1, len(reasons) - 1)]}"
        ) from problem
    return module.eval()


@dataclass
class Record:
    """What a run has come to: a row for each epoch, and which epoch was the best on what."""

    rows: list[Row]
    best: float | None = None
    best_epoch: int = 0

    def add(self, row: Row) -> bool:
        """Whether it is the best so far, on the validation set where there is one, else on the test set."""
        self.rows.append(row)
        accuracy = self.newest
        if accuracy is None or (self.best is not None and accuracy <= self.best):
            return False
        self.best, self.best_epoch = accuracy, row.epoch
        return True

    @property
    def newest(self) -> float | None:
        """The accuracy of the last epoch on what the best one is picked on."""
        if not self.rows:
            return None
        row = self.rows[-1]
        return row.test_accuracy if row.val_accuracy is None else row.val_accuracy

    @property
    def picked_on(self) -> str:
        return "validation" if self.rows and self.rows[-1].val_accuracy is not None else "test"


def save(path: Path, about: About, learner: Learner, record: Record, is_best: bool) -> None:
    """Writes a checkpoint. `state.pt` alone is what a run goes on from; the rest follows from it. Raises RunError."""
    # First, since it may find that the weights are none.
    learner.settle()
    weights = _weights(learner)
    if is_best:
        write(path / "best.safetensors", weights)
    write(path / "last.safetensors", weights)
    state = io.BytesIO()
    torch.save({"hash": about.hash, "learner": learner.state(), "record": asdict(record)}, state)
    write(path / "state.pt", state.getvalue())
    write_logs(path, record)


def _weights(learner: Learner) -> bytes:
    state: dict[str, Tensor] = learner.averaged.module.state_dict()
    return weights_bytes({key: value.detach().cpu().contiguous() for key, value in state.items()})


def restore(run: Run, learner: Learner) -> Record:
    """Takes a learner to where its run stands; to the start, where no epoch was finished. Raises RunError."""
    path = run.path / "state.pt"
    if not path.exists():
        return Record([])
    try:
        state = torch.load(io.BytesIO(read(path)), map_location="cpu", weights_only=True)
        told = state["record"]
        if state["hash"] != run.about.hash:
            raise RunError(f"{path} is of another architecture than {run.path / 'arch.yaml'}")
        learner.restore(state["learner"])
        rows = [Row(**row) for row in told["rows"]]
        return Record(rows, told["best"], told["best_epoch"])
    except (RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as problem:
        raise RunError(f"{path} is damaged: {problem!r:.100}") from problem


def write_logs(path: Path, record: Record) -> None:
    rows = [asdict(row) for row in record.rows]
    write(path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    columns = [field.name for field in fields(Row)]
    write(path / "log.csv", csv_text(columns, ([_rounded(row[column]) for column in columns] for row in rows)))


def _rounded(value: Any) -> Any:
    return rounded(value) if isinstance(value, float) else value
