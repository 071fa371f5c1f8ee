"""A trained network, wherever its weights are: a run, or an architecture file with its weights beside it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from torch import nn

from advconv.analysis.measure import Measures
from advconv.backends.torch_module import initialised
from advconv.graph import Graph
from advconv.language.spec import ArchSpec
from advconv.system.shipped import shipped_arch
from advconv.training.device import Normalise
from advconv.training.errors import TrainingError
from advconv.training.initial_weights import recorded_start
from advconv.training.options import RunOptions
from advconv.training.run import Run, open_run
from advconv.training.run_files import load_weights
from advconv.training.trained_file import open_trained_file


class Trained(NamedTuple):
    """A network with its weights, and what its training has recorded.

    `module` is on the CPU, in evaluation mode; `untrained` builds it as it was before the first step. `weights`: which
    weights these are, in words. `mean` and `std` are those of the training images by channel, of values from 0 to 1.
    """

    path: Path
    name: str
    spec: ArchSpec
    measures: Measures
    weights: str
    classes: list[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    seed: int
    versions: dict[str, str]
    options: RunOptions
    module: nn.Module
    untrained: Callable[[], nn.Module]

    def normalise(self) -> Normalise:
        """The module that normalises images as in training."""
        return Normalise(self.mean, self.std)


def open_trained(path: Path, weights: str | None = None, previous: bool = False) -> Trained:
    """A run, or a YAML file with its weights beside it, which has no choice of `weights` and no `previous` ones.

    Raises TrainingError if there are no weights, if they are damaged, or if the file has changed since they were
    trained; ArchError if the file is not a network.
    """
    found = Path(shipped_arch(str(path)))
    if found.is_dir() or found.suffix not in (".yaml", ".yml"):
        return _of_run(open_run(path, previous), weights or "last")
    if weights or previous:
        given = ["--weights"] * bool(weights) + ["--previous"] * previous
        raise TrainingError(f"{path} is a file, whose weights are those beside it; leave out {', '.join(given)}")
    return _of_file(found)


def _of_run(run: Run, which: str) -> Trained:
    metadata = run.metadata
    return Trained(
        run.path,
        metadata.name,
        run.spec,
        run.measures,
        f"{which} weights",
        metadata.classes,
        tuple(metadata.mean),
        tuple(metadata.std),
        metadata.seed,
        metadata.versions,
        metadata.options,
        load_weights(run, which),
        partial(_before, run),
    )


def _before(run: Run) -> nn.Module:
    """The network of a run before its first step. Raises RunError."""
    module = initialised(run.measures.graph, run.metadata.seed)
    if start := recorded_start(run):
        module.load_state_dict(start.tensors)
    return module


def _of_file(file: Path) -> Trained:
    architecture, metadata, module = open_trained_file(file)
    return Trained(
        file,
        architecture.spec.name,
        architecture.spec,
        architecture.measures,
        f"{metadata.weights} weights" + ("" if metadata.epoch is None else f", of epoch {metadata.epoch}"),
        metadata.classes,
        tuple(metadata.mean),
        tuple(metadata.std),
        metadata.seed,
        metadata.versions,
        RunOptions("", limit=metadata.limit),
        module,
        partial(_initialised, file, architecture.measures.graph, metadata.seed, metadata.initial_weights),
    )


def _initialised(file: Path, graph: Graph, seed: int, initial_weights: str | None) -> nn.Module:
    if initial_weights:
        raise TrainingError(f"{file} was trained from other weights (SHA-256 {initial_weights}), which are not here")
    return initialised(graph, seed)
