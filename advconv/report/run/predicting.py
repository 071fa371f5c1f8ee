"""Predictions and augmented images for the report of a run that has none: made once, and recorded in the run.

Torch and the images are needed for that, and for nothing else in a report.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from advconv.language.data_sets import SETS
from advconv.report.run.reading import RunReport
from advconv.system.extras import needed
from advconv.text.finding import Refused
from advconv.training.checkpoints import LAST
from advconv.training.errors import TrainingError
from advconv.training.files import RunError
from advconv.training.records import AUGMENTED, PREDICTIONS, Augmented, Predictions, record_text

if TYPE_CHECKING:
    from advconv.training.data import LoadedData


def complete(report: RunReport, data_dir: str | None = None, device: str | None = None) -> RunReport:
    """The report with what can be made; `missing` is the reason if something cannot. Raises RunError.

    Nothing is downloaded. `device` is by default that of the run.
    """
    lacks_predictions = report.result is not None and report.predictions is None
    if not lacks_predictions and report.augmented is not None:
        return report
    try:
        loaded = _loaded(report, data_dir)
        augmented = report.augmented or _augment(report, loaded)
        predictions = _predict(report, loaded, device) if lacks_predictions else report.predictions
    except RunError:
        raise
    except (TrainingError, Refused) as problem:
        return report._replace(missing=str(problem))
    except ModuleNotFoundError as missing:
        if (reason := needed("report", missing.name)) is None:
            raise
        return report._replace(missing=reason)
    return report._replace(augmented=augmented, predictions=predictions)


def _loaded(report: RunReport, data_dir: str | None) -> "LoadedData":
    """The images of the run. Raises DataError."""
    from advconv.training.data import DataError
    from advconv.training.sets import data_directory, is_at_hand, load_dataset

    directory, options = data_directory(data_dir, report.metadata.options.data_dir), report.metadata.options
    if not is_at_hand(report.spec.data, directory):
        raise DataError(f"{directory} does not have {SETS[report.spec.data].title}")
    loaded = load_dataset(report.spec.data, directory, report.spec.input, options.limit)
    if list(loaded.classes) != report.metadata.classes:
        raise DataError(f"{directory} has other classes than the training data of the run")
    return loaded


def _predict(report: RunReport, loaded: "LoadedData", device: str | None) -> Predictions:
    """The predictions of the last weights. Raises TrainingError."""
    from advconv.training.device import Normalise, choose_accelerator
    from advconv.training.evaluation import evaluate
    from advconv.training.predictions import predictions
    from advconv.training.run_files import load_weights

    run, metadata = report.run, report.metadata
    module = load_weights(run, "last")
    accelerator = choose_accelerator(device or metadata.options.device, report.spec.train.precision, "off")
    normalise = Normalise(tuple(metadata.mean), tuple(metadata.std)).to(accelerator.device)
    test = loaded.test.first(metadata.options.limit)
    evaluation = evaluate(module.to(accelerator.device), test, normalise, accelerator)
    made = predictions(test, evaluation, run.directory.sha256(LAST), str(accelerator))
    _record(report, PREDICTIONS, made)
    return made


def _augment(report: RunReport, loaded: "LoadedData") -> Augmented:
    """Training images before and after augmentation. Raises TrainingError."""
    from advconv.training.data import split
    from advconv.training.device_augment import image_augment
    from advconv.training.predictions import DRAWS, SAMPLES, augmented

    train = report.spec.train
    data = split(loaded, train.val_split, report.metadata.options.limit, train.seed)
    augment = image_augment(report.spec.augment, train, data)
    images = list(data.train.images[:SAMPLES].numpy())
    draws = [[augment(image, epoch, index) for epoch in range(DRAWS)] for index, image in enumerate(images)]
    made = augmented(train.seed, images, draws)
    _record(report, AUGMENTED, made)
    return made


def _record(report: RunReport, name: str, record: Predictions | Augmented) -> None:
    """Writes it into the run, unless that cannot be written: the report has it anyway."""
    with suppress(RunError):
        report.run.directory.write(name, record_text(record))
