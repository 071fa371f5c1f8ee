"""The table of trained networks in docs/results.md, made from the logs of their runs and the shipped files."""

import csv
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from advconv.check import check_bytes, check_document
from advconv.language.effective import effective_text
from advconv.language.overrides import apply_settings, setting
from advconv.language.spec import ArchSpec
from advconv.text.reader import read
from advconv.text.source import Source

RUNS = Path("docs/results")
DOCUMENT = RUNS.with_suffix(".md")
HEAD = (
    "| architecture | parameters | MACs | RF | test accuracy: mean (lowest to highest) | of each run | epochs "
    "| time on two CPU cores |"
)
SHIPPED = sorted(Path("archs").glob("*.yaml"))
NAMES = sorted({path.name.rpartition("-seed")[0] for path in RUNS.glob("*-seed*")})


def rows_of(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "log.csv").read_text(encoding="utf-8").splitlines()))


def spec_of(path: Path) -> ArchSpec:
    spec = check_bytes(path.name, path.read_bytes()).spec
    assert spec is not None
    return spec


def runs_of(name: str) -> list[Path]:
    return sorted(RUNS.glob(f"{name}-seed*"))


def reached(name: str) -> dict[str, float]:
    """The test accuracy of the last epoch of each run of an architecture."""
    return {run.name: float(rows_of(run)[-1]["test_accuracy"]) for run in runs_of(name)}


def line(name: str) -> str:
    """What the runs of an architecture came to. The time is that of the epochs, the mean of the runs."""
    path = Path("archs", f"{name}.yaml")
    measures = check_bytes(path.name, path.read_bytes()).measures
    assert measures is not None
    runs = [rows_of(run) for run in runs_of(name)]
    (epochs,) = {len(rows) for rows in runs}
    minutes = statistics.mean(sum(float(row["seconds"]) for row in rows) for rows in runs) / 60
    of_each, total = reached(name), measures.total
    low, mean, high = min(of_each.values()), statistics.mean(of_each.values()), max(of_each.values())
    said = f"**{mean:.2f}%** ({low:.2f} to {high:.2f})"
    each = ", ".join(f"[{accuracy:.2f}]({RUNS.name}/{run}/log.csv)" for run, accuracy in of_each.items())
    cells = f"[{name}](../{path})", f"{total.params:,}", f"{total.macs:,}", measures.receptive_field, said, each, epochs
    return "| " + " | ".join(map(str, cells)) + f" | {minutes:.1f} min |"


def table() -> Iterator[str]:
    yield HEAD
    yield "|" + "---|" * HEAD.count(" | ") + "---|"
    yield from map(line, NAMES)


def test_the_table_says_what_the_logs_say(update: bool) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text[: text.index(HEAD)], text[text.index(HEAD) :]
    now = before + "\n".join(table()) + rest[rest.index("\n\n") :]
    if update:
        DOCUMENT.write_text(now, encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == now


@pytest.mark.parametrize("run", sorted(RUNS.glob("*-seed*")), ids=lambda path: path.name)
def test_what_was_trained_is_what_is_shipped(run: Path) -> None:
    name, _, seed = run.name.rpartition("-seed")
    shipped = Path("archs", f"{name}.yaml")
    document, unsound = read(Source(shipped.name, shipped.read_text(encoding="utf-8")))
    assert document is not None
    spec = check_document(apply_settings(document, [setting("train.seed", seed, f"--seed {seed}")]), unsound).spec

    assert spec is not None
    assert effective_text(spec_of(run / "arch.yaml")) == effective_text(spec)
    assert len(rows_of(run)) == spec.train.epochs


def test_the_means_keep_the_promises_of_the_shipped_networks() -> None:
    promised = {
        path.stem: spec.constraints.accuracy for path in SHIPPED if (spec := spec_of(path)).constraints.accuracy
    }

    assert sorted(promised) == NAMES
    for name, promise in promised.items():
        assert promise is not None
        assert promise.holds(statistics.mean(reached(name).values()))
