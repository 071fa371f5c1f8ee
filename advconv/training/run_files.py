"""The checkpoints, weights and logs of a run: how they are written and loaded."""

import json
import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from safetensors.torch import save as dump_weights
from torch import Tensor, nn

from advconv.backends.torch_module import build
from advconv.backends.weights import WeightsError, load_exactly, parse
from advconv.report.cells import csv_text
from advconv.text.words import join_words
from advconv.training import checkpoints
from advconv.training.files import RunDirectory, RunError
from advconv.training.metrics import EpochMetrics, History
from advconv.training.names import ARCH, LOG, METRICS, WEIGHT_FILES
from advconv.training.run import Run, finish_extension, open_run
from advconv.training.state import dump_state, load_state
from advconv.training.trainer import Trainer
from advconv.values.quantities import rounded


def save_checkpoint(run: Run, trainer: Trainer, history: History, is_best: bool) -> None:
    """Writes a checkpoint, then the logs, which follow from it. Raises RunError and Diverged."""
    # First, since the weights may turn out to have diverged.
    trainer.flush_metrics()
    weights = _averaged_weights(trainer)
    files = {checkpoints.LAST: weights, checkpoints.STATE: dump_state(run.metadata.hash, trainer, history)}
    if is_best:
        files[checkpoints.BEST] = weights
    checkpoints.write(run.directory, len(history.epochs), trainer.step, files)
    write_logs(run.directory, history)


def _averaged_weights(trainer: Trainer) -> bytes:
    state: dict[str, Tensor] = trainer.averaged.module.state_dict()
    return dump_weights({key: value.detach().cpu().contiguous() for key, value in state.items()})


def load_checkpoint(run: Run, trainer: Trainer) -> History:
    """Loads the requested checkpoint into a trainer. Empty without one, if no epoch was finished. Raises RunError."""
    directory = run.checkpoint_directory()
    path = directory.path / checkpoints.STATE
    if not directory.has(checkpoints.STATE):
        if _has_epochs(run):
            raise RunError(f"{path} is missing, and {METRICS} has finished epochs; {_recovery(run)}")
        return History([])
    data = _read_file(run, checkpoints.STATE)
    try:
        checkpoints.verify(directory)
    except RunError as problem:
        raise RunError(f"{problem}; {_recovery(run)}") from problem
    try:
        return load_state(data, run.metadata.hash, trainer, [each.hash for each in run.metadata.extended])
    except ValueError as problem:
        raise RunError(f"{path} is damaged: {problem}") from problem


def load_weights(run: Run, which: str) -> nn.Module:
    """The network of a run with its `last` or `best` weights, on the CPU, in evaluation mode. Raises RunError."""
    if which not in WEIGHT_FILES:
        raise ValueError(f"the weights of a run are {join_words(tuple(WEIGHT_FILES))}, not {which!r}")
    name = WEIGHT_FILES[which]
    path = run.checkpoint_directory().path / name
    data, module = _read_file(run, name), build(run.measures.graph)
    try:
        load_exactly(path, parse(path, data).tensors, module)
    except WeightsError as problem:
        raise RunError(str(problem)) from problem
    return module.eval()


def read_weights(path: Path) -> bytes:
    """The safetensors file of a run's last weights, compared with its checksum. Raises RunError."""
    return _read_file(open_run(path), checkpoints.LAST)


def _read_file(run: Run, name: str) -> bytes:
    """A file of the requested checkpoint. Raises RunError, with the checkpoint that can be used instead."""
    directory = run.checkpoint_directory()
    try:
        return checkpoints.read_file(directory, name)
    except RunError as problem:
        raise RunError(f"{problem}; {_recovery(run)}") from problem


def _recovery(run: Run) -> str:
    """What a user can do about a checkpoint that is damaged or missing."""
    path = shlex.quote(str(run.path))
    if not (run.directory.has(checkpoints.LIST) or _has_epochs(run)):
        return f"no epoch is finished; resume with: advconv train --resume {path}"
    good = None if run.previous else checkpoints.intact(run.directory.child(checkpoints.PREVIOUS))
    if good:
        return (
            f"the last good checkpoint is the one before it ({good}), which --previous uses (in Python previous=True); "
            f"resume from there with: advconv train --resume {path} --previous"
        )
    return f"there is no other good checkpoint; train it again with: advconv train {shlex.quote(str(run.path / ARCH))}"


def _has_epochs(run: Run) -> bool:
    """Whether the log has finished epochs."""
    return run.directory.has(METRICS) and run.directory.read(METRICS).strip() != b""


def repair_files(run: Run, history: History) -> None:
    """Makes the files agree with the checkpoint that was loaded, whatever an interrupted process has left."""
    finish_extension(run)
    if run.previous:
        checkpoints.restore_previous(run.directory)
    write_logs(run.directory, history)


def write_logs(directory: RunDirectory, history: History) -> None:
    rows = [asdict(metrics) for metrics in history.epochs]
    directory.write(METRICS, "".join(json.dumps(row) + "\n" for row in rows))
    columns = [field.name for field in fields(EpochMetrics)]
    directory.write(LOG, csv_text(columns, ([_rounded(row[column]) for column in columns] for row in rows)))


def _rounded(value: Any) -> Any:
    return rounded(value) if isinstance(value, float) else value
