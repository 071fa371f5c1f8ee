"""advconv: a declarative language and compiler for convolutional networks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advconv.net import ArchError, Net, load
    from advconv.training.api import resume, train
    from advconv.training.errors import TrainingError

TRAINING = ("TrainingError", "resume", "train")

__all__ = ["ArchError", "Net", "TrainingError", "load", "resume", "train"]


def __getattr__(name: str) -> Any:
    """The public names, when they are asked for: the command line starts faster without them."""
    if name not in __all__:
        raise AttributeError(f"module 'advconv' has no attribute {name!r}")
    import advconv.net as net
    import advconv.training.api as api

    return getattr(api if name in TRAINING else net, name)
