"""advconv: a declarative language and compiler for convolutional networks.

net = advconv.load("mynet.yaml")            # or advconv.loads(text); raises advconv.ArchError
net.ok, net.params, net.macs, net.receptive_field, net.memory
net.check(), net.rf_table(), net.summary()  # tables, for notebooks and pandas too
net.module(), net.source()                  # the torch module, and its source
"""

# Like `typing.TYPE_CHECKING`, without importing `typing`, which would delay the Ctrl-C handler.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from advconv.net import ArchError, Net, load, loads
    from advconv.training.api import resume, train
    from advconv.training.errors import TrainingError

    __version__: str

__all__ = ["ArchError", "Net", "TrainingError", "__version__", "load", "loads", "resume", "train"]

# The module of each public name, imported on first access, so that the command line starts faster.
MODULE_OF_NAME = {
    **dict.fromkeys(["ArchError", "Net", "load", "loads"], "advconv.net"),
    **dict.fromkeys(["TrainingError", "resume", "train"], "advconv.training.api"),
}


def __getattr__(name: str) -> "Any":
    """A public name, imported on first access."""
    if name == "__version__":
        return _version()
    if name not in MODULE_OF_NAME:
        raise AttributeError(f"module 'advconv' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    return getattr(import_module(MODULE_OF_NAME[name]), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("advconv")
    except PackageNotFoundError as missing:
        raise AttributeError("advconv has no version until it is installed, as `pip install .` does it") from missing


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return sorted([*__all__, "__doc__", "__name__"])
