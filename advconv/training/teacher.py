"""The teacher of `train.distill`: a run, or a file with its weights beside it, opened and checked."""

from hashlib import sha256
from pathlib import Path

from safetensors.torch import save as dump_weights

from advconv.language.resizing import why_not_smaller
from advconv.language.spec import ArchSpec
from advconv.net import ArchError
from advconv.training.distillation import Teacher
from advconv.training.errors import TrainingError
from advconv.training.files import recordable
from advconv.training.options import TeacherRecord
from advconv.training.trained import Trained, open_trained


def open_teacher(spec: ArchSpec, recorded: TeacherRecord | None = None) -> Teacher | None:
    """The teacher of a recipe, None if it has none; of a resumed run the one that it has `recorded`.

    Raises TrainingError if it cannot be opened or used, or if its weights are not those that were recorded.
    """
    settings = spec.train.distill
    if settings is None:
        return None
    path = Path(recorded.source if recorded else settings.run)
    try:
        trained = open_trained(path)
    except (TrainingError, ArchError) as problem:
        raise TrainingError(f"the teacher cannot be used: {problem}") from problem
    if reason := _why_not(trained, spec):
        raise TrainingError(f"the teacher {path} cannot be used: {reason}")
    digest = sha256(dump_weights(trained.module.state_dict())).hexdigest()
    if recorded and recorded.sha256 != digest:
        raise TrainingError(f"the teacher {path} has other weights than when the run started")
    record = recorded or TeacherRecord(recordable(trained.path), digest)
    return Teacher(settings, record, trained.measures, trained.module, trained.classes, trained.mean, trained.std)


def _why_not(trained: Trained, spec: ArchSpec) -> str:
    """Why a trained network cannot score the images of a training; empty if it can."""
    if trained.spec.input != spec.input:
        return f"its images are {trained.spec.input}, those of {spec.name} are {spec.input}"
    return why_not_smaller(trained.measures.graph, spec.train.initial_scale)
