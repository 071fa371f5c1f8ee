"""advconv: a declarative language and compiler for convolutional networks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from advconv.net import ArchError, Net, load

__all__ = ["ArchError", "Net", "load"]


def __getattr__(name: str) -> Any:
    """The public names, when they are asked for: the command line starts faster without them."""
    if name not in __all__:
        raise AttributeError(f"module 'advconv' has no attribute {name!r}")
    import advconv.net as net

    return getattr(net, name)
