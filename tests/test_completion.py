"""What the Tab key offers, asked as a shell asks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advconv.cli.completion import COMPLETERS, script
from advconv.cli.parser import parser
from advconv.language.data_sets import SETS
from advconv.language.starters import TEMPLATES


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory as people have them: two networks, two runs, a sweep, a folder that is none, other files."""
    files = ("a.yaml", "sub/b.yml", "notes.txt", "sub/image.png", ".hidden.yaml", "w.safetensors")
    for name in (*files, "runs/of-a/run.json", "runs/swept/sweep.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "runs/half").mkdir()
    (tmp_path / "sub/elsewhere").mkdir()
    (tmp_path / "sub/elsewhere/run.json").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(line: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell's completion function starts it; the answer is in the file `answer`."""
    protocol = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    where = {"COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_STDOUT_FILENAME": "answer"}
    command = [sys.executable, *options, "-m", "advconv"]
    return subprocess.run(command, env=os.environ | protocol | where, capture_output=True, text=True, check=False)


def completed(line: str) -> list[str]:
    assert asked(line).returncode == 0
    return Path("answer").read_text().split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("advconv ch", ["check"]),
        ("advconv check ", ["a.yaml", "runs/", "sub/"]),
        ("advconv check a.yaml sub/", ["sub/b.yml", "sub/elsewhere/"]),
        ("advconv check .h", [".hidden.yaml"]),
        ("advconv train --resume runs/", ["runs/half/", "runs/of-a", "runs/swept/"]),
        ("advconv evaluate ", ["a.yaml", "runs/", "sub/", "runs/of-a"]),
        ("advconv evaluate sub/", ["sub/b.yml", "sub/elsewhere"]),
        ("advconv evaluate a.yaml --weights ", ["last", "best"]),
        ("advconv train a.yaml --weights ", ["w.safetensors", "runs/", "sub/", "runs/of-a"]),
        ("advconv erf ", ["a.yaml", "runs/", "sub/", "runs/of-a"]),
        ("advconv erf runs/", ["runs/half/", "runs/of-a", "runs/swept/"]),
        ("advconv compare ", ["runs/", "sub/", "runs/of-a"]),
        ("advconv sweep --resume ", ["runs/", "sub/", "runs/swept"]),
        (
            "advconv sweep a.yaml --set train.optim",
            ["train.optimizer=sgd", "train.optimizer=adamw", "train.optimizer=muon"],
        ),
        ("advconv train a.yaml --data ", list(SETS)),
        (
            "advconv train a.yaml --set train.optim",
            ["train.optimizer=sgd", "train.optimizer=adamw", "train.optimizer=muon"],
        ),
        ("advconv train a.yaml --set train.mix", ["train.mixup="]),
        ("advconv new x --template ", list(TEMPLATES)),
        ("advconv explain dw", ["dwsep"]),
        ("advconv explain AC20", [f"AC20{number}" for number in range(1, 10)]),
        ("advconv explain rf_", ["rf_min", "rf_table"]),
        ("advconv completion ", ["bash", "zsh", "fish"]),
        ("advconv check a.yaml --fo", ["--format"]),
        ("advconv check a.yaml --select AC30", [f"AC30{number}" for number in range(1, 10)]),
        ("advconv check a.yaml --ignore AC1,AC21", ["AC1,AC210", "AC1,AC211"]),
    ],
)
def test_files_runs_sets_and_topics_are_completed(line: str, words: list[str]) -> None:
    assert sorted(completed(line)) == sorted(words)


@pytest.mark.parametrize("line", ["advconv emit a.yaml -o ", "advconv predict runs/of-a ", "advconv check nowhere/"])
def test_where_there_is_nothing_to_say_the_shell_is_left_to_say_it(line: str) -> None:
    assert completed(line) == []


def test_each_completer_has_an_argument() -> None:
    from advconv.cli.completion import _arguments

    assert set(COMPLETERS) <= {action.dest for action in _arguments(parser())}


def test_completing_a_file_imports_neither_torch_nor_pydantic() -> None:
    imported = asked("advconv check ", "-X", "importtime").stderr

    assert "argcomplete" in imported
    assert "pydantic" not in imported
    assert "torch" not in imported


def test_the_scripts_leave_the_shells_own_completion_in_place() -> None:
    assert "complete -o nospace -o default -o bashdefault -F" in script("bash")
    assert '_python_argcomplete "$@" || _files' in script("zsh")
    assert "__fish_complete_path" in script("fish")


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_by_the_script() -> None:
    program = """
        advconv() { "$PYTHON" -m advconv "$@"; }
        COMP_LINE="advconv check a" COMP_POINT=15 COMP_TYPE=9 COMP_WORDBREAKS=" "
        _python_argcomplete advconv
        echo "${COMPREPLY[0]}"
    """
    environment = os.environ | {"PYTHON": sys.executable}
    command = ["bash", "-c", script("bash") + program]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert found.stdout.strip() == "a.yaml"
