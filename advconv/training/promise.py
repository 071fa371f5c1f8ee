"""Whether a trained network reaches the accuracy that its file promises."""

from typing import NamedTuple

from advconv.language.data_sets import SETS
from advconv.language.spec import ArchSpec
from advconv.training.options import RunOptions
from advconv.values.limits import Limit


class AccuracyJudgement(NamedTuple):
    """`kept` is None if nothing was promised, or if `reason` says why the promise is not judged."""

    promise: Limit | None = None
    kept: bool | None = None
    reason: str = ""


def judge_accuracy(spec: ArchSpec, options: RunOptions, accuracy: float) -> AccuracyJudgement:
    """A promise applies to all images of the file's own data set; on other images it is not judged."""
    promise = spec.constraints.accuracy
    if promise is None:
        return AccuracyJudgement()
    if reason := _other_images(spec, options):
        return AccuracyJudgement(promise, None, reason)
    return AccuracyJudgement(promise, promise.holds(accuracy))


def _other_images(spec: ArchSpec, options: RunOptions) -> str:
    """Which other images the run used, or an empty text."""
    promised = options.promised_data
    title = SETS[promised].title if promised in SETS else promised
    parts = [f"the first {options.limit:,} images"] if options.limit else []
    parts += [f"{SETS[spec.data].title} instead of {title}"] if promised else []
    return f"the run used {' of '.join(parts)}" if parts else ""
