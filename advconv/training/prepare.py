"""From an architecture to everything that its training needs, validated before anything is written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from advconv.check import Checked
from advconv.language.data_sets import SETS, DataSet, field_findings
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.rules.diagnostics import placed
from advconv.text.finding import Finding
from advconv.training.architecture import Architecture
from advconv.training.augment import compile_augment
from advconv.training.data import LoadedData, TrainingData, split
from advconv.training.device import Accelerator, choose_accelerator
from advconv.training.distillation import Teacher
from advconv.training.distributed import run_on_all_ranks
from advconv.training.errors import TrainingError
from advconv.training.loader import default_workers
from advconv.training.memory_need import check_memory, estimate
from advconv.training.options import CallOptions, RunOptions
from advconv.training.progress import ProgressReporter
from advconv.training.ranks import Rank, local_rank, local_world_size
from advconv.training.sets import image_counts, load_dataset
from advconv.training.setup import TrainingSetup
from advconv.training.trial import AugmentError
from advconv.values.quantities import counted


def prepare(
    architecture: Architecture,
    run_options: RunOptions,
    call: CallOptions,
    process: Rank,
    teacher: Teacher | None = None,
) -> TrainingSetup:
    """Loads the images and chooses the device. Cheap checks come before expensive ones.

    Raises ArchError if the images or the augmentation do not fit the network, and TrainingError.
    """
    spec = architecture.spec
    reporter = ProgressReporter(is_silent=call.quiet or not process.is_main)
    raise_if(architecture, data_errors(architecture, SETS[spec.data]))
    accelerator = choose_accelerator(run_options.device, spec.train.precision, run_options.compile, local_rank())
    workers = default_workers() if call.workers is None else call.workers
    if not call.force:
        run_on_all_ranks(
            lambda: _check_memory(architecture, run_options, accelerator, workers, process, teacher), process
        )
    raise_if(architecture, augment_errors(architecture, reporter.message))
    # Whatever an option or the recipe needs, before anything is written.
    if run_options.tensorboard:
        import tensorboard  # noqa: F401
    if spec.train.optimizer == "muon":
        import timm.optim  # noqa: F401
    data = _load_data(spec, run_options, process, reporter)
    raise_if(architecture, data_errors(architecture, SETS[spec.data]._replace(classes=len(data.classes))))
    _check_classes(teacher, list(data.classes))
    run_options = _drop_ineffective_limit(run_options, data, reporter)
    setup = TrainingSetup(architecture, data, accelerator, run_options, workers, process, reporter, teacher=teacher)
    # Raises if the processes cannot divide the batches.
    setup.plan()
    return setup


def raise_if(architecture: Architecture, findings: list[Finding]) -> None:
    if findings:
        document = architecture.document
        diagnostics = placed(findings, document.source, document)
        raise ArchError(Checked(document.source, diagnostics, architecture.spec))


def data_errors(architecture: Architecture, data: DataSet) -> list[Finding]:
    """Whether the images and the network have the same channels and classes."""
    _, spec, measures = architecture
    output = measures.graph.output
    if not output.flat:
        message = f"training needs one output for each class, the output of the network is {output}"
        return [Finding("AC503", ("network",), message, "write `classes: ...`", at_key=True)]
    found = field_findings(data, spec.input, spec.classes)
    if spec.classes is None and data.classes not in (None, output.elements):
        has = counted(output.elements, "value")
        message = f"the output of the network has {has}, {data.title} has {counted(data.classes, 'class')}"
        found.append(Finding("AC503", measures.graph.nodes[-1].origin.path, message, f"end in {data.classes} outputs"))
    return found


def augment_errors(architecture: Architecture, report: Callable[[str], None]) -> list[Finding]:
    """Whether albumentations accepts the declared augmentation, which only the library can decide."""
    spec = architecture.spec
    try:
        compile_augment(spec.augment, (0.5,) * spec.input.channels, spec.input, report)
    except AugmentError as problem:
        is_default = "augment" not in spec.model_fields_set
        return [_of_default(problem.finding) if is_default else problem.finding]
    return []


def _of_default(finding: Finding) -> Finding:
    """A finding about the default augmentation, which the file does not show."""
    message = f"the default augmentation cannot be used: {finding.message}"
    return finding._replace(path=("input",), message=message, help="write `augment: []`, or the transforms to use")


def _check_memory(
    architecture: Architecture,
    options: RunOptions,
    accelerator: Accelerator,
    workers: int,
    process: Rank,
    teacher: Teacher | None,
) -> None:
    """Raises InsufficientMemory."""
    _, spec, measures = architecture
    counts = image_counts(spec.data, Path(options.data_dir), options.limit)
    beside = teacher.measures if teacher else None
    need = estimate(measures, spec.train, counts, accelerator, workers, process, beside)
    check_memory(need, accelerator, local_world_size())


def _check_classes(teacher: Teacher | None, classes: list[str]) -> None:
    """Raises TrainingError if a teacher knows other classes than those of the images."""
    if teacher and teacher.classes != classes:
        theirs, ours = (", ".join(names[:5]) for names in (teacher.classes, classes))
        raise TrainingError(
            f"the teacher {teacher.record.source} knows other classes ({theirs}) than the images ({ours})"
        )


def _load_data(spec: ArchSpec, options: RunOptions, process: Rank, reporter: ProgressReporter) -> TrainingData:
    """Loads and splits the images. On each machine one process loads them first, since it may have to download them."""

    def load() -> LoadedData:
        return load_dataset(spec.data, Path(options.data_dir), spec.input, options.limit)

    first = run_on_all_ranks(lambda: load() if local_rank() == 0 else None, process)
    loaded = first or load()
    for note in loaded.notes:
        reporter.message(note)
    return split(loaded, spec.train.val_split, options.limit, spec.train.seed)


def _drop_ineffective_limit(options: RunOptions, data: TrainingData, reporter: ProgressReporter) -> RunOptions:
    """Drops a limit above the number of images, so that a promise is judged as without it."""
    train, test = len(data.train) + len(data.validation or ()), len(data.test)
    if options.limit is None or options.limit <= max(train, test):
        return options
    reporter.message(
        f"a limit of {options.limit:,} is above the {train:,} training and {test:,} test images; all are used"
    )
    return replace(options, limit=None)
