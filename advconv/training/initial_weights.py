"""The weights that a training starts from: those of a run, or of a safetensors file, where they fit."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save as dump_weights
from torch import Tensor, nn

from advconv.backends.torch_module import build, initialised
from advconv.backends.weights import WeightsError, load_exactly, parse, read_bytes
from advconv.graph import Graph
from advconv.system.shipped import shipped_arch
from advconv.training.checkpoints import LAST, STATE
from advconv.training.errors import TrainingError
from advconv.training.files import RunError, recordable
from advconv.training.names import INITIAL
from advconv.training.options import InitialWeights
from advconv.training.run import Run
from advconv.training.run_files import read_weights
from advconv.values.names import WEIGHTS_SUFFIX
from advconv.values.quantities import counted


class Start(NamedTuple):
    """The state of a module before the first step. `lines`: what was loaded, and what was not and why."""

    record: InitialWeights
    tensors: Mapping[str, Tensor]
    data: bytes
    lines: tuple[str, ...] = ()


class Fit(NamedTuple):
    """What of a file fits a module: tensors by name, and in words the names that do not."""

    tensors: Mapping[str, Tensor]
    other: Sequence[str]
    missing: Sequence[str]
    unexpected: Sequence[str]


def start_from(source: str, graph: Graph, seed: int, force: bool) -> Start:
    """The averaged weights of a run's last epoch, or those of a safetensors file, in a newly initialised module.

    Raises TrainingError if they cannot be read, or if fewer than half of the parameters fit; with `force`, if none do.
    """
    path, data = _content(Path(shipped_arch(source)))
    module = initialised(graph, seed)
    try:
        given = parse(path, data).tensors
    except WeightsError as problem:
        raise TrainingError(str(problem)) from problem
    found = fit(given, module.state_dict(), path)
    count, total = _parameters(module, found.tensors), _parameters(module, module.state_dict())
    _check_count(path, given, module, count, total, force)
    module.load_state_dict(module.state_dict() | dict(found.tensors))
    start = dump_weights(module.state_dict())
    record = InitialWeights(recordable(path), sha256(data).hexdigest(), sha256(start).hexdigest())
    loaded = f"starts from {path}: {count:,} of {counted(total, 'parameter')} loaded"
    return Start(record, module.state_dict(), start, (loaded, *_lines(found)))


def _content(source: Path) -> tuple[Path, bytes]:
    """The path and the content of a file of weights. Raises TrainingError."""
    if source.is_dir():
        return source / LAST, read_weights(source)
    if source.suffix in (".yaml", ".yml"):
        raise TrainingError(f"{source} is an architecture; its weights would be {source.with_suffix(WEIGHTS_SUFFIX)}")
    try:
        return source, read_bytes(source)
    except WeightsError as problem:
        raise TrainingError(str(problem)) from problem


def fit(given: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> Fit:
    """The tensors that match by name, shape and kind of number, as the types of the module. Raises TrainingError."""
    tensors, other = dict[str, Tensor](), list[str]()
    for name in (name for name in expected if name in given):
        theirs, ours = given[name], expected[name]
        if theirs.shape != ours.shape:
            other.append(f"{name} ({_size(theirs)} in the file, {_size(ours)} here)")
        elif _kind(theirs) != _kind(ours):
            other.append(f"{name} ({theirs.dtype} in the file, {ours.dtype} here)")
        else:
            tensors[name] = theirs.to(ours.dtype)
            if not torch.isfinite(tensors[name]).all():
                raise TrainingError(f"{path} cannot be used: {name} has values that are not finite in {ours.dtype}")
    return Fit(tensors, other, [*expected.keys() - given.keys()], [*given.keys() - expected.keys()])


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex()


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def _parameters(module: nn.Module, tensors: Mapping[str, Tensor]) -> int:
    """How many parameters of a module there are in tensors; buffers are not counted."""
    return sum(parameter.numel() for name, parameter in module.named_parameters() if name in tensors)


def _check_count(
    path: Path, given: Mapping[str, Tensor], module: nn.Module, count: int, total: int, force: bool
) -> None:
    """Raises TrainingError."""
    if count == 0:
        theirs, ours = (next(iter(names), "nothing") for names in (given, module.state_dict()))
        example = f"it starts with {theirs}, the network with {ours}"
        raise TrainingError(f"no parameter of {path} has a name and the shape of this network; {example}")
    if 2 * count < total and not force:
        few = f"{count:,} of the {total:,} parameters of this network, fewer than half"
        raise TrainingError(f"{path} has {few}; to start from it anyway, give --force (in Python force=True)")


def _lines(found: Fit) -> list[str]:
    reasons = {
        "not loaded, of another shape": found.other,
        "newly initialised, not in the file": sorted(found.missing),
        "ignored, not in this network": sorted(found.unexpected),
    }
    return [f"{reason}: {_listed(names)}" for reason, names in reasons.items() if names]


MAX_LISTED = 8


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_LISTED
    return ", ".join(names[:MAX_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def recorded_start(run: Run) -> Start | None:
    """What a run started from, if it was not a new initialisation. Raises RunError if that is damaged."""
    record, path = run.metadata.options.initial_weights, run.path / INITIAL
    if record is None:
        return None
    data = run.directory.read(INITIAL)
    if sha256(data).hexdigest() != record.start:
        raise RunError(f"{path} is damaged: its SHA-256 is not the one that was recorded when it was written")
    module = build(run.measures.graph)
    try:
        load_exactly(path, parse(path, data).tensors, module)
    except WeightsError as problem:
        raise RunError(str(problem)) from problem
    return Start(record, module.state_dict(), data)


def start_of_resumed(run: Run) -> Start | None:
    """As `recorded_start`; None if the run has a checkpoint, which everything follows from."""
    return None if run.checkpoint_directory().has(STATE) else recorded_start(run)
