"""Whether a trained network keeps the accuracy that its file promises."""

from typing import NamedTuple

from advconv.language.data_sets import SETS
from advconv.language.spec import ArchSpec
from advconv.training.options import Wishes
from advconv.values.limits import Limit


class Judgement(NamedTuple):
    """`kept` is None where nothing was promised, or where `reason` says why the promise is not judged."""

    promise: Limit | None = None
    kept: bool | None = None
    reason: str = ""


def judge(spec: ArchSpec, wishes: Wishes, accuracy: float) -> Judgement:
    """A promise is about all images of the file's own data set; other images neither keep nor break it."""
    promise = spec.constraints.accuracy
    if promise is None:
        return Judgement()
    if reason := _other_images(spec, wishes):
        return Judgement(promise, None, reason)
    return Judgement(promise, promise.holds(accuracy))


def _other_images(spec: ArchSpec, wishes: Wishes) -> str:
    promised = wishes.promised_data
    title = SETS[promised].title if promised in SETS else promised
    parts = [f"the first {wishes.limit:,} images"] if wishes.limit else []
    parts += [f"{SETS[spec.data].title} instead of {title}"] if promised else []
    return f"the run used {' of '.join(parts)}" if parts else ""
