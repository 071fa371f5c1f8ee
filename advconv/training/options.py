"""What is asked of a training beside its file: what its run remembers, and what each call says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from advconv.training.saved import Flag, Percent, Positive, Text
from advconv.values.forms import in_yaml, is_int
from advconv.values.limits import percentage
from advconv.values.names import TITLE

FIELDS = {
    "data": "data",
    "epochs": "train.epochs",
    "batch_size": "train.batch_size",
    "lr": "train.lr",
    "seed": "train.seed",
    "val_split": "train.val_split",
}
"""Options that stand for a field of the file."""

COMPILES = ("auto", "on", "off")


COUNTS = {"limit": (1, 10**9), "workers": (0, 256)}
"""The least and the most of options that count."""


def counted(name: str, value: int) -> int:
    """A number that an option counts. Raises ValueError."""
    least, most = COUNTS[name]
    if not (is_int(value) and value >= least):
        raise ValueError(f"{name} is a whole number of at least {least}, not {value!r}")
    if value > most:
        raise ValueError(f"{name} is at most {most:,}, not {in_yaml(value)}")
    return value


@dataclass(frozen=True)
class Wishes:
    """What is asked of a training beside its file, and remembered by its run.

    `promised_data`: the data set that the file's accuracy is promised for, where an option names another one.
    """

    data_dir: Text
    limit: Positive | None = None
    until: Percent | None = None
    device: Text = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    tensorboard: Flag = False
    promised_data: Text = ""


@dataclass(frozen=True)
class Options:
    """What one call says. None leaves it as the run has it, or as is best here. Raises ValueError."""

    data_dir: str | None = None
    limit: int | None = None
    until: float | None = None
    device: str | None = None
    compile: str | None = None
    tensorboard: bool = False
    workers: int | None = None
    quiet: bool = False
    name: str | None = None
    force: bool = False
    previous: bool = False
    runs: Path = Path("runs")

    def __post_init__(self) -> None:
        for name in COUNTS:
            if (value := getattr(self, name)) is not None:
                counted(name, value)
        if self.until is not None:
            percentage(self.until)
        if self.compile is not None and self.compile not in COMPILES:
            raise ValueError(f"compile is one of {', '.join(COMPILES)}, not {self.compile!r}")
        if self.name is not None and not TITLE.fullmatch(self.name):
            raise ValueError(f"{self.name[:40]!r} cannot name a directory; use letters, digits, '-', '_' and '.'")
