"""Options of a training beside its file: those that its run records, and those of one call."""

from dataclasses import dataclass
from pathlib import Path

from advconv.training.names import COMPILE_CHOICES, RUNS, Compile
from advconv.training.saved import Flag, Percent, Positive, Sha256, Text
from advconv.values.forms import in_yaml, is_int, is_number
from advconv.values.limits import percentage
from advconv.values.names import title_problem

FIELD_OPTIONS = {
    "data": "data",
    "epochs": "train.epochs",
    "batch_size": "train.batch_size",
    "lr": "train.lr",
    "seed": "train.seed",
    "val_split": "train.val_split",
}
"""Options that override a field of the file, and its path."""

COUNT_RANGES = {"limit": (1, 10**9), "workers": (0, 256)}
"""The minimum and the maximum of options that are counts."""


def flag(name: str) -> str:
    """`batch_size -> --batch-size`"""
    return f"--{name.replace('_', '-')}"


def validate_count(name: str, value: int) -> int:
    """The value of an option that is a count. Raises ValueError."""
    least, most = COUNT_RANGES[name]
    if not (is_int(value) and value >= least):
        raise ValueError(f"{name} is a whole number of at least {least}, not {value!r}")
    if value > most:
        raise ValueError(f"{name} is at most {most:,}, not {in_yaml(value)}")
    return value


@dataclass(frozen=True)
class InitialWeights:
    """Where the weights came from that a run started with, and the SHA-256 of that file.

    `start` is the SHA-256 of `initial.safetensors` in the run: these weights, and new ones where they did not fit.
    """

    source: Text
    sha256: Sha256
    start: Sha256


@dataclass(frozen=True)
class TeacherRecord:
    """Where the teacher of a distillation is, and the SHA-256 of its weights."""

    source: Text
    sha256: Sha256


@dataclass(frozen=True)
class RunOptions:
    """Options that `run.json` records, so that a resumed run has them too.

    `promised_data`: the data set that the file's accuracy is promised for, if an option has replaced it.
    """

    data_dir: Text
    limit: Positive | None = None
    until: Percent | None = None
    device: Text = "auto"
    compile: Compile = "auto"
    tensorboard: Flag = False
    promised_data: Text = ""
    initial_weights: InitialWeights | None = None
    teacher: TeacherRecord | None = None


@dataclass(frozen=True)
class CallOptions:
    """Options of one call. None: the value of the run, or the default of this machine. Raises ValueError.

    `weights_from`: a run or a safetensors file whose weights a new run starts from.
    `directory`: that of the new run; None: one below `runs`, with the name and the time.
    """

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
    weights_from: str | None = None
    runs: Path = Path(RUNS)
    directory: Path | None = None

    def __post_init__(self) -> None:
        for name in COUNT_RANGES:
            if (value := getattr(self, name)) is not None:
                validate_count(name, value)
        if self.until is not None:
            if not is_number(self.until):
                raise ValueError(f"until is an accuracy in percent, not {self.until!r}")
            percentage(self.until)
        if self.compile is not None and self.compile not in COMPILE_CHOICES:
            raise ValueError(f"compile is one of {', '.join(COMPILE_CHOICES)}, not {self.compile!r}")
        if self.name is not None:
            if not isinstance(self.name, str):
                raise ValueError(f"name is a text, not {self.name!r}")
            if problem := title_problem(self.name, "directory"):
                raise ValueError(problem)
