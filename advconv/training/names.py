"""Names that training shares with the command line, which imports neither torch nor pydantic for them."""

from typing import Literal, get_args

RUNS = "runs"
"""The default directory of runs."""

METADATA, ARCH = "run.json", "arch.yaml"
"""The files of a run directory that describe it."""

NEXT_ARCH = "arch.next.yaml"
"""The `arch.yaml` of a run that is being extended, until it takes its name."""

INITIAL = "initial.safetensors"
"""The weights that a run started from, if they were not newly initialised."""

SWEEP = "sweep.json"
"""The file of the directory of a sweep that describes it."""

METRICS, LOG = "metrics.jsonl", "log.csv"
"""The files with a row for each epoch, as data and for people."""

WEIGHT_FILES = {"last": "last.safetensors", "best": "best.safetensors"}
"""The files of a run's weights, by the epoch that they are of."""

Compile = Literal["auto", "on", "off"]

COMPILE_CHOICES = get_args(Compile)

NOISE = "noise"
"""The images of `advconv erf` that are no data set."""

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
