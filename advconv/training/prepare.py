"""From a document to all that its training needs: the network, its images, and where it runs."""

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from advconv.analysis.measure import Measures
from advconv.check import Checked, check_document
from advconv.language.data_sets import SETS, DataSet, misfits
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.rules.diagnostics import placed
from advconv.text.document import Document
from advconv.text.finding import Finding
from advconv.training.augment import compile_augment
from advconv.training.data import DataSets, Loaded, split
from advconv.training.device import Setup, setup
from advconv.training.distributed import agreed, local_rank
from advconv.training.loader import Share, default_workers
from advconv.training.memory_need import estimate, hold_memory
from advconv.training.options import Options, Wishes
from advconv.training.sets import image_counts, load
from advconv.training.show import Voice
from advconv.training.train import Job
from advconv.training.trial import Misfit


class Architecture(NamedTuple):
    """What can be trained, and where its values stand."""

    document: Document
    spec: ArchSpec
    measures: Measures


def checked_architecture(document: Document, unsound: list[Finding], force: bool) -> Architecture:
    """A network that keeps its constraints, or breaks them by `force`. Raises ArchError."""
    checked = check_document(document, unsound)
    if checked.spec is None or checked.measures is None or not (checked.ok or force):
        raise ArchError(checked)
    return Architecture(document, checked.spec, checked.measures)


def prepared(architecture: Architecture, wishes: Wishes, options: Options, share: Share) -> Job:
    """All that a training needs, in memory.

    Raises ArchError where images, network and augmentation do not fit together, and TrainingError.
    """
    spec, measures = architecture.spec, architecture.measures
    voice = Voice(is_silent=options.quiet or share.rank > 0)
    _hold(architecture, _unfit(architecture, SETS[spec.data]))
    device = setup(wishes.device, spec.train.precision, wishes.compile, local_rank())
    workers = default_workers() if options.workers is None else options.workers
    if not options.force:
        agreed(lambda: _hold_memory(architecture, wishes, device, workers, share), share)
    _hold(architecture, _unfit_augment(architecture, voice))
    if wishes.tensorboard:
        import tensorboard  # noqa: F401, before anything is written
    data = _data(spec, wishes, share, voice)
    _hold(architecture, _unfit(architecture, SETS[spec.data]._replace(classes=len(data.classes))))
    wishes = _limited(wishes, data, voice)
    job = Job(spec, measures, data, device, wishes, workers, share, voice)
    # Raises where the processes cannot share the batches.
    job.plan()
    return job


def _limited(wishes: Wishes, data: DataSets, voice: Voice) -> Wishes:
    """A limit above what there is takes no image away, and a promise is judged as without it."""
    train, test = len(data.train) + len(data.validation or ()), len(data.test)
    if wishes.limit is None or wishes.limit <= max(train, test):
        return wishes
    voice.say(f"a limit of {wishes.limit:,} is above the {train:,} training and {test:,} test images; all are used")
    return replace(wishes, limit=None)


def _hold_memory(architecture: Architecture, wishes: Wishes, device: Setup, workers: int, share: Share) -> None:
    """Raises MemoryShort."""
    _, spec, measures = architecture
    counts = image_counts(spec.data, Path(wishes.data_dir), wishes.limit)
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    hold_memory(estimate(measures, spec.train, counts, device, workers, share), device, processes)


def _hold(architecture: Architecture, wrong: list[Finding]) -> None:
    if wrong:
        document = architecture.document
        raise ArchError(Checked(document.source, placed(wrong, document.source, document), architecture.spec))


def _unfit(architecture: Architecture, data: DataSet) -> list[Finding]:
    """Whether the images and the network have the same channels and classes."""
    _, spec, measures = architecture
    output = measures.graph.output
    if not output.flat:
        message = f"training needs a number for each class, the network puts out {output}"
        return [Finding("AC503", ("network",), message, "write `classes: ...`", at_key=True)]
    return misfits(data, spec.input, output.elements)


def _unfit_augment(architecture: Architecture, voice: Voice) -> list[Finding]:
    """Whether albumentations takes what is declared, which only the library can tell."""
    _, spec, _ = architecture
    try:
        compile_augment(spec.augment, (0.5,) * spec.input.channels, spec.input, voice.say)
    except Misfit as misfit:
        return [Finding("AC114", misfit.path, misfit.message, misfit.help)]
    return []


def _data(spec: ArchSpec, wishes: Wishes, share: Share, voice: Voice) -> DataSets:
    """The images. On each machine one process reads them before the others, since it may have to download them."""

    def read_images() -> Loaded:
        return load(spec.data, Path(wishes.data_dir), spec.input, wishes.limit)

    first = agreed(lambda: read_images() if local_rank() == 0 else None, share)
    loaded = first or read_images()
    for note in loaded.notes:
        voice.say(note)
    return split(loaded, spec.train.val_split, wishes.limit, spec.train.seed)
