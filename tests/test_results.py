"""The table of trained networks in docs/results.md, made from the logs of their runs and the shipped files."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from advconv.check import check_bytes, check_document
from advconv.language.effective import effective_text
from advconv.language.overrides import apply_settings, setting
from advconv.language.spec import ArchSpec
from advconv.text.reader import read
from advconv.text.source import Source
from benchmarks.results import Trained, arch_of, chart, rows_of, runs, trained_networks
from tests.golden import OWN

DOCUMENT = Path("docs/results.md")
HEAD = (
    "| architecture | parameters | MACs | RF | test accuracy: mean (lowest to highest) | of each run | epochs "
    "| time on two CPU cores |"
)


def spec_of(path: Path) -> ArchSpec:
    spec = check_bytes(path.name, path.read_bytes()).spec
    assert spec is not None
    return spec


def line(trained: Trained) -> str:
    """What the runs of a network came to."""
    said = f"**{trained.mean:.2f}%** ({trained.lowest:.2f} to {trained.highest:.2f})"
    each = ", ".join(f"[{accuracy:.2f}](results/{run}/log.csv)" for run, accuracy in trained.accuracies.items())
    cells = [f"[{trained.path.stem}](../{trained.path})", f"{trained.params:,}", f"{trained.macs:,}"]
    cells += [trained.receptive_field, said, each, str(trained.epochs), f"{trained.minutes:.1f} min"]
    return "| " + " | ".join(cells) + " |"


def table() -> Iterator[str]:
    yield HEAD
    yield "|" + "---|" * HEAD.count(" | ") + "---|"
    yield from map(line, trained_networks())


def test_the_table_says_what_the_logs_say(update: bool) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text[: text.index(HEAD)], text[text.index(HEAD) :]
    now = before + "\n".join(table()) + rest[rest.index("\n\n") :]
    if update:
        DOCUMENT.write_text(now, encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == now


@pytest.mark.parametrize("run", runs(), ids=lambda path: path.name)
def test_what_was_trained_is_what_is_shipped(run: Path) -> None:
    shipped, seed = arch_of(run), run.name.rpartition("-seed")[2]
    document, unsound = read(Source(shipped.name, shipped.read_text(encoding="utf-8")))
    assert document is not None
    spec = check_document(apply_settings(document, [setting("train.seed", seed, f"--seed {seed}")]), unsound).spec

    assert spec is not None
    assert effective_text(spec_of(run / "arch.yaml")) == effective_text(spec)
    assert len(rows_of(run)) == spec.train.epochs


def test_the_means_keep_the_promises_of_the_shipped_networks() -> None:
    promised = {path: spec.constraints.accuracy for path in OWN if (spec := spec_of(path)).constraints.accuracy}
    networks = {trained.path: trained for trained in trained_networks()}

    assert networks.keys() == promised.keys()
    for path, promise in promised.items():
        assert promise is not None
        assert promise.holds(networks[path].mean)


def test_the_chart_has_every_network_at_its_parameters_and_macs() -> None:
    networks = trained_networks()
    left, right = chart(networks).axes

    for axes, places in (
        (left, [each.params / 1e3 for each in networks]),
        (right, [each.macs / 1e6 for each in networks]),
    ):
        assert [text.get_text() for text in axes.texts] == [each.path.stem for each in networks]
        assert np.asarray(axes.lines[0].get_xdata()).tolist() == places
        assert np.asarray(axes.lines[0].get_ydata()).tolist() == [each.mean for each in networks]
