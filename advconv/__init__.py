"""advconv: a declarative language and compiler for convolutional networks."""

from advconv.net import ArchError, Net, load

__all__ = ["ArchError", "Net", "load"]
