"""The weights beside an architecture file: what their run has recorded, how they are written and opened."""

from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from advconv.backends.torch_module import build
from advconv.backends.weights import WeightsError, dump_trained, load_trained, weights_file
from advconv.language.identity import change, resolved, sha256_of
from advconv.system.files import reason, write
from advconv.text.document import MAX_BYTES
from advconv.training import checkpoints
from advconv.training.architecture import Architecture, check_architecture, read_document
from advconv.training.errors import TrainingError
from advconv.training.files import RunError
from advconv.training.names import ARCH, METADATA
from advconv.training.records import read_result
from advconv.training.run import Deviation, Mean, Run, check_lengths
from advconv.training.run_files import load_weights
from advconv.training.saved import Natural, Percent, Positive, Sha256, Text, validated_as


@dataclass(frozen=True)
class WeightsMetadata:
    """What a file of weights says about them. `mean` and `std` normalise the images, by channel, of values from 0 to 1.

    `weights`: `last` or `best`, after `epoch`; None if the run has not recorded it. `test_accuracy`: percent of the
    test images, of these weights and by the run. `limit`: the run used only so many images of each set.
    `initial_weights`: the SHA-256 of the file of weights that the run started from, None if they were new.
    """

    weights: Text
    classes: list[Text]
    mean: list[Mean]
    std: list[Deviation]
    epoch: Natural | None
    test_accuracy: Percent | None
    seed: Natural
    started: Text
    device: Text
    versions: dict[Text, Text]
    limit: Positive | None = None
    initial_weights: Sha256 | None = None


def save_trained(run: Run, which: str, path: Path) -> WeightsMetadata:
    """Writes the `last` or `best` weights of a run as the file beside an architecture file.

    Raises TrainingError if the architecture file beside it is not the one that was trained, and FileError.
    """
    metadata, module = _metadata_of(run, which), load_weights(run, which)
    if (file := architecture_file(path)).is_file():
        _check_same(file, run)
    write(path, dump_trained(run.spec, module, asdict(metadata)))
    return metadata


def architecture_file(path: Path) -> Path:
    """The architecture file that the weights in a file are for, whether or not it exists."""
    short = path.with_suffix(".yml")
    return short if short.is_file() else path.with_suffix(".yaml")


def _metadata_of(run: Run, which: str) -> WeightsMetadata:
    metadata = run.metadata
    initial = metadata.options.initial_weights
    epoch, accuracy = _recorded(run, which)
    return WeightsMetadata(
        weights=which,
        classes=metadata.classes,
        mean=metadata.mean,
        std=metadata.std,
        epoch=epoch,
        test_accuracy=accuracy,
        seed=metadata.seed,
        started=metadata.started,
        device=metadata.device,
        versions=metadata.versions,
        limit=metadata.options.limit,
        initial_weights=initial.sha256 if initial else None,
    )


def _recorded(run: Run, which: str) -> tuple[int | None, float | None]:
    """The epoch of the weights and their accuracy on the test set, as far as they are recorded."""
    result, listed = read_result(run.directory), checkpoints.read_list(run.checkpoint_directory())
    epoch = listed[0].epoch if listed else None
    # A run that was finished and then resumed has a result of an earlier epoch until it is finished again.
    if result is None or run.previous or result.epoch != epoch:
        return (epoch if which == "last" else None), None
    if which == "last":
        return epoch, result.test_accuracy
    return result.best_epoch, result.best_accuracy if result.best_picked_on == "test" else None


def _check_same(file: Path, run: Run) -> None:
    """Raises TrainingError if a file is not the one that a run has trained."""
    there, trained = resolved(read_architecture(file).spec), resolved(run.spec)
    if sha256_of(there) != sha256_of(trained):
        help = f"its weights would be refused; train {file}, or choose another name and put {run.path / ARCH} beside it"
        raise TrainingError(f"{file} is not what {run.path} trained: {change(there, trained)} in the run; {help}")


def read_architecture(file: Path) -> Architecture:
    """The architecture in a file, whether or not it keeps its constraints. Raises TrainingError and ArchError."""
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise TrainingError(f"{file}: {reason(problem)}") from problem
    return check_architecture(*read_document(str(file), data), force=True)


def open_trained_file(file: Path) -> tuple[Architecture, WeightsMetadata, nn.Module]:
    """An architecture file with its weights, on the CPU, in evaluation mode. Raises TrainingError and ArchError."""
    if file.name == ARCH and file.with_name(METADATA).is_file():
        raise RunError(f"{file} is the file of a run; give {file.parent}")
    try:
        weights_file(file)
        architecture = read_architecture(file)
        module = build(architecture.measures.graph)
        record = load_trained(file, architecture.spec, module)
    except WeightsError as problem:
        raise TrainingError(str(problem)) from problem
    path = weights_file(file)
    try:
        metadata = validated_as(WeightsMetadata, record)
    except ValueError as problem:
        raise TrainingError(f"{path} is damaged: {problem}") from problem
    check_lengths(path, metadata.mean, metadata.std, metadata.classes, architecture)
    return architecture, metadata, module.eval()
