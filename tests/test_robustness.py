"""The attacks of benchmarks.robustness: what they count as broken, how they go on, and where their figures stand."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advconv.check import check
from advconv.rules.diagnostics import placed
from advconv.text.finding import Finding
from advconv.text.source import Source, Span
from benchmarks import robustness
from benchmarks.attacks import damage, images, texts, trainings
from benchmarks.attacks.commands import CompletedCommand, check_exit
from benchmarks.attacks.counts_table import HEAD, table
from benchmarks.attacks.trials import BROKEN, Attack, AttackCounts, BrokenPromise, TrialResult, run_trial, run_trials
from tests.processes import called

pytestmark = pytest.mark.slow

FIGURES = Path("docs/results/robustness.json")
DOCUMENT = Path("docs/reliability.md")
NONE = {"files": 0, "kills": 0, "checkpoints": 0, "images": 0, "disks": 0}


def test_mutated_files_are_counted_and_a_later_run_goes_on_from_there(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    words = [word for name in NONE for word in (f"--{name}", "30" if name == "files" else "0")]
    program = [sys.executable, "-m", "benchmarks.robustness", *words, "--processes", "1", "--out", str(out)]
    first = subprocess.run(program, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("mutated files: 30 trials in ")
    before = json.loads(out.read_text(encoding="utf-8"))["attacks"]["mutated files"]

    more = NONE | {"files": 60}
    assert robustness.main(**more, seed=0, processes=1, out=out) == 0
    after = json.loads(out.read_text(encoding="utf-8"))
    assert (before["done"], after["attacks"]["mutated files"]["done"]) == (30, 60)
    assert sum(after["attacks"]["mutated files"]["outcomes"].values()) == 60
    assert {"date", "device", "seed"} < set(after)
    with pytest.raises(SystemExit, match="has the counts of seed 0"):
        robustness.main(**more, seed=1, processes=1, out=out)


def attacked_once(attack: Attack, directory: Path, number: int) -> TrialResult:
    attack.prepare(directory)
    return run_trial(attack, 0, directory, number)


@pytest.mark.parametrize(
    ("attack", "number"),
    [(trainings.KILLS, 0), (trainings.KILLS, 1), (trainings.DISKS, 0), (damage.ATTACK, 0), (images.ATTACK, 0)],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_attack_on_runs_comes_to_its_end(tmp_path: Path, attack: Attack, number: int) -> None:
    outcome, failure = called(attacked_once, attack, tmp_path, number)

    assert failure is None
    assert outcome != BROKEN


def made_of(directory: Path) -> tuple[str, str, str]:
    """What is found of an undamaged run, and of one that predicts something else than it did."""
    damage.prepare(directory)
    predicted = damage.check_prediction(directory, directory, "best.safetensors")
    resumed = damage.check_resume(directory, directory, "state.pt")
    (directory / "predicted.json").write_text(json.dumps(["", ""]), encoding="utf-8")
    with pytest.raises(BrokenPromise) as caught:
        damage.check_prediction(directory, directory, "run.json")
    return predicted, resumed, str(caught.value)


def test_what_is_made_of_an_undamaged_run_is_what_was_made_of_it_before(tmp_path: Path) -> None:
    predicted, resumed, broken = called(made_of, tmp_path)

    assert (predicted, resumed) == ("identical", "identical")
    assert broken.startswith("damage in run.json went unnoticed and gave other predictions")


def outcome(trial: Any) -> AttackCounts:
    attack = Attack("planted", trial, lambda shared: None)
    counts = AttackCounts()
    for number in range(3):
        counts.add(run_trial(attack, 0, Path(), number))
    return counts


def test_what_a_trial_raises_is_a_failure_that_its_number_shows_again() -> None:
    def broken(rng: random.Random, shared: Path) -> str:
        raise BrokenPromise(f"it took {rng.randrange(1000)} s")

    def mistaken(rng: random.Random, shared: Path) -> str:
        raise KeyError("x")

    assert (outcome(broken).done, outcome(broken).failed) == (3, 3)
    assert outcome(broken).failures == outcome(broken).failures
    assert len({what for _, what in outcome(broken).failures}) == 3
    assert outcome(mistaken).failures[2] == [2, "KeyError('x')"]


def test_trials_that_are_done_are_not_done_again() -> None:
    assert list(run_trials(texts.ATTACK, 0, 5, AttackCounts(done=5), Path(), 1)) == []


@pytest.mark.parametrize(
    ("span", "is_inside"),
    [
        (Span(0, 3), True),
        (Span(3, 4), True),
        (Span(4, 5), True),
        (Span(4, 6), False),
        (Span(5, 6), False),
        (Span(-1, 1), False),
        (Span(2, 2), False),
    ],
)
def test_a_place_is_inside_of_the_text_or_right_behind_it(span: Span, is_inside: bool) -> None:
    assert texts.is_inside(span, "abc\n") == is_inside


def test_a_check_that_is_slow_or_points_elsewhere_breaks_a_promise() -> None:
    checked = check(Source("t", "advconv: 1\n"))

    assert texts.check_outcome(checked, 0.1) == "refused"
    with pytest.raises(BrokenPromise, match=r"took 2\.5 s"):
        texts.check_outcome(checked, 2.5)
    (found,) = placed([Finding("AC102", Span(70, 71), "far below")], checked.source, None)
    with pytest.raises(BrokenPromise, match="outside the text"):
        texts.check_outcome(checked._replace(diagnostics=[found]), 0.1)


@pytest.mark.parametrize("mutation", texts.MUTATIONS)
def test_a_mutation_is_drawn_from_the_chance_alone(mutation: Any) -> None:
    text = texts.networks()[0]
    drawn = [mutation(text, random.Random(number)) for number in range(20)]

    assert drawn == [mutation(text, random.Random(number)) for number in range(20)]
    assert len(set(drawn)) > 5
    assert mutation("", random.Random(0)) is not None


@pytest.mark.parametrize("broken", [damage.flipped, damage.truncated, damage.zeroed])
def test_a_damage_changes_a_file(broken: Any) -> None:
    data = bytes(range(1, 256)) * 40

    assert all(broken(data, random.Random(number)) != data for number in range(50))


def test_hostile_images_start_from_images_of_every_format() -> None:
    assert {suffix for suffix, _ in images.valid_images()} == set(images.SUFFIXES)
    assert len(images.bomb(30_000)) < 1_000_000


@pytest.mark.parametrize(
    ("said", "is_held"),
    [
        (CompletedCommand(0, "out", ""), True),
        (CompletedCommand(2, "", "advconv: a line\n"), True),
        (CompletedCommand(2, "", "advconv: a line\nand another\n"), False),
        (CompletedCommand(2, "", ""), False),
        (CompletedCommand(0, "", "Traceback (most recent call last):\n"), False),
        (CompletedCommand(1, "", ""), False),
        (CompletedCommand(-11, "", ""), False),
    ],
)
def test_a_command_ends_as_promised_or_breaks_a_promise(said: CompletedCommand, is_held: bool) -> None:
    try:
        check_exit(said, 0, 2)
    except BrokenPromise:
        assert not is_held
    else:
        assert is_held


def test_the_counts_in_the_document_are_those_of_the_figures(update: bool) -> None:
    data = json.loads(FIGURES.read_text(encoding="utf-8"))
    text = DOCUMENT.read_text(encoding="utf-8")
    behind = "## Counts\n\n"
    prose, _, _ = text[text.index(behind) + len(behind) :].partition("\n\n")
    now = f"{text[: text.index(behind)]}{behind}{prose}\n\n{table(data)}\n"
    if update:
        DOCUMENT.write_text(now, encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == now
    assert HEAD in now
