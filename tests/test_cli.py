"""The command line, as a user meets it: output, exit codes, wrong input."""

import argparse
import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from advconv.cli.main import main
from advconv.cli.parser import parser
from advconv.report.rf_table import COLUMNS
from advconv.system.extras import EXTRAS, MODULES, install, needed
from advconv.system.shipped import shipped_arch

ARCH = "archs/c1c2c3c4.yaml"
BROKEN = "archs/reference/99850.yaml"


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as exit:
        main(list(arguments))
    out, err = capsys.readouterr()
    assert isinstance(exit.value.code, int)
    return exit.value.code, out, err


def shell(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "advconv", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=os.environ | environment, check=False)


def test_check_of_a_kept_promise_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("check", ARCH, capsys=capsys)

    assert (code, err) == (0, "")
    assert "ok    receptive_field" in out
    assert "later accuracy" in out
    assert out.splitlines()[-1].startswith("c1c2c3c4: ok, 8 of 8 constraints kept")


def test_a_failed_constraint_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("check", BROKEN, capsys=capsys)

    assert code == 1
    assert f"{BROKEN}:44:14: error[AC403]" in out


def test_warnings_alone_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "w.yaml"
    row = "residual: [conv: {out_channels: 3, kernel_size: 2}]"
    file.write_text(f"advconv: 1\nname: w\ninput: [3, 8, 8]\nnetwork: {{C1: [{row}]}}\n")

    code, out, _ = run("check", str(file), capsys=capsys)

    assert code == 0
    assert "warning[AC211]" in out


def test_a_missing_file_exits_2_and_the_others_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("check", "nowhere.yaml", BROKEN, ARCH, capsys=capsys)

    assert code == 2
    assert err == "advconv: nowhere.yaml: No such file or directory\n"
    assert "99850: 2 errors" in out
    assert "c1c2c3c4: ok" in out


def test_directories_are_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("check", "archs", capsys=capsys)
    assert code == 1
    assert out.count(" params, ") == len(list(Path("archs").rglob("*.yaml")))

    code, _, err = run("check", str(tmp_path), capsys=capsys)
    assert code == 2
    assert "no .yaml file in this directory" in err


def test_yaml_files_of_a_directory_that_are_no_architectures_are_skipped_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "advconv: 1\nname: a\ninput: [3, 8, 8]\nnetwork: {C1: [conv: 4]}\n"
    architectures = {
        "a.yaml": good,
        "as-json.yaml": '{"advconv": 1, "name": "b", "input": [3, 8, 8], "network": {"C1": ["gap"]}}',
        "no-version.yaml": good.replace("advconv: 1\n", ""),
        "no-yaml.yaml": good + "data: [\n",
    }
    others = {
        "workflow.yaml": "on: push\njobs: {}\n",
        "list.yaml": "- network\n",
        "scalar.yaml": "network",
        "empty.yaml": "",
        "template.yaml": "a: {{ network }\n b: [\n",
        "deep.yaml": "x:\n  network: {}\n",
    }
    for name, text in (architectures | others).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "text.yaml").write_bytes(b"\xff\xfe")

    code, out, err = run("check", str(tmp_path), capsys=capsys)
    assert (code, err) == (1, "")
    assert out.count("\n== ") + out.startswith("== ") == 4
    assert out.endswith("\n\n4 files: 2 errors, 0 warnings; 7 YAML files skipped (not architectures)\n")
    report = json.loads(run("check", str(tmp_path), "--format", "json", capsys=capsys)[1])
    assert [Path(file["file"]).name for file in report["files"]] == sorted(architectures)
    assert report["skipped"] == 7

    # A file that is named is checked whatever is in it.
    code, out, _ = run("check", str(tmp_path / "workflow.yaml"), capsys=capsys)
    assert code == 1
    assert "error[AC112]" in out
    assert "skipped" not in out


def test_a_directory_of_one_architecture_among_others_says_what_it_skips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("advconv: 1\nname: a\ninput: [3, 8, 8]\nnetwork: {C1: [conv: 4]}\n")
    (tmp_path / "b.yaml").write_text("x: 1\n")
    assert run("check", str(tmp_path), capsys=capsys)[1].endswith(
        "\n\n1 file: 0 errors, 0 warnings; 1 YAML file skipped (not an architecture)\n"
    )

    (tmp_path / "a.yaml").unlink()
    code, out, err = run("check", str(tmp_path), capsys=capsys)
    assert (code, out) == (2, "")
    assert err == f"advconv: {tmp_path}: its only YAML file does not have the key `advconv` or `network` at the top\n"


def test_a_closing_line_counts_files_errors_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", ARCH, BROKEN, capsys=capsys)[1].splitlines()[-1] == "2 files: 2 errors, 7 warnings"
    assert "files:" not in run("check", ARCH, capsys=capsys)[1]


def test_stdin_is_a_file_too() -> None:
    found = shell("check", "-", stdin=Path(ARCH).read_bytes())

    assert found.returncode == 0
    assert b"c1c2c3c4: ok" in found.stdout


def test_json_holds_what_the_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("check", ARCH, BROKEN, "--format", "json", capsys=capsys)
    good, bad = json.loads(out)["files"]

    assert code == 1
    assert (good["ok"], bad["ok"]) == (True, False)
    assert good["network"]["receptive_field"]["size"] == [81, 81]
    assert good["network"]["receptive_field"]["maps"][0]["height"]["jump"] == 8
    assert sum(row["params"] for row in good["network"]["rows"]) == good["network"]["params"]
    assert sum(row["training_memory"] for row in good["network"]["rows"]) == good["network"]["training_memory"]
    assert max(row["memory"] for row in good["network"]["rows"]) == good["network"]["memory"]
    assert max(row["memory_eager"] for row in good["network"]["rows"]) == good["network"]["memory_eager"] == 274_432
    assert [(found["code"], found["line"], found["column"]) for found in bad["diagnostics"]] == [
        ("AC301", 23, 7), ("AC316", 26, 40), ("AC322", 27, 7), ("AC306", 27, 46), ("AC301", 28, 7), ("AC307", 30, 7),
        ("AC301", 32, 7), ("AC314", 34, 7), ("AC403", 44, 14), ("AC403", 45, 12),
    ]  # fmt: skip


def test_json_has_a_number_with_its_unit_for_each_constraint(capsys: pytest.CaptureFixture[str]) -> None:
    files = json.loads(run("check", ARCH, BROKEN, "--format", "json", capsys=capsys)[1])["files"]
    good, bad = ({verdict["name"]: verdict for verdict in file["constraints"]} for file in files)

    assert good["params"] == {
        "name": "params", "limit": "< 200k", "value": 193_434, "unit": "parameters", "margin": 6566, "status": "kept",
    }  # fmt: skip
    assert (good["accuracy"]["value"], good["accuracy"]["unit"], good["accuracy"]["margin"]) == (None, "%", None)
    assert bad["uses dwsep"]["margin"] == -1
    assert [verdict["status"] for verdict in bad.values() if (verdict["margin"] or 0) < 0] == ["failed"] * 2


def test_github_gets_a_command_a_diagnostic(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "100%,a:b.yaml"
    file.write_text("advconv: 1\n")

    _, out, _ = run("check", str(file), "--format", "github", capsys=capsys)

    assert f"::error file={tmp_path}/100%25%2Ca%3Ab.yaml,line=1,endLine=1,col=1,endColumn=2,title=AC112::" in out
    assert "%0Ahelp: write `name: my-network`" in out
    assert run("check", ARCH, "--format", "github", capsys=capsys)[1].startswith(f"::notice file={ARCH},line=32,")


def test_input_measures_at_another_size(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = (
        json.loads(run("check", ARCH, "--format", "json", *more, capsys=capsys)[1])["files"][0]["network"]
        for more in ([], ["--input", "3,64,64"])
    )

    assert large["macs"] > 3.9 * small["macs"]
    assert large["params"] == small["params"]


@pytest.mark.parametrize("text", ["3,64", "3,64,0", "a,b,c", "3,64,-1", "3,64,99999999999999999999", "3,٦٤,64"])
def test_a_wrong_input_size_is_a_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("check", ARCH, f"--input={text}", capsys=capsys)

    assert code == 2
    assert "--input" in err


def test_rf_table_has_exactly_these_columns_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    formats = {
        name: run("rf-table", ARCH, "--format", name, capsys=capsys)[1] for name in ("text", "markdown", "csv", "json")
    }

    assert all(column in formats["text"] for column in COLUMNS)
    assert [cell.strip() for cell in formats["markdown"].splitlines()[2].strip("|").split("|")] == list(COLUMNS)
    rows = list(csv.DictReader(io.StringIO(formats["csv"])))
    assert list(rows[0]) == list(COLUMNS)
    assert [list(row) for row in json.loads(formats["json"])["rows"]] == [list(COLUMNS)] * len(rows)
    assert rows[-1]["Notes"] == "Depthwise Separable Conv (Last conv before GAP)"


def test_rf_table_explains_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run("rf-table", ARCH, "--explain", capsys=capsys)

    assert (
        "kernel 2*(3 - 1) + 1 = 5, size floor((8 + 2 + 2 - 5) / 1) + 1 = 8, jump 4*1 = 4, RF 17 + (5 - 1)*4 = 33" in out
    )


def test_rf_table_without_a_file_shows_the_shipped_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_clone = run("rf-table", capsys=capsys)
    monkeypatch.chdir(tmp_path)

    assert in_clone == run("rf-table", capsys=capsys)
    assert in_clone[1].startswith("c1c2c3c4: receptive field 81\n")


def test_commands_find_a_shipped_file_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, check = run("summary", ARCH, capsys=capsys), run("check", ARCH, capsys=capsys)
    monkeypatch.chdir(tmp_path)

    assert run("summary", ARCH, capsys=capsys) == summary
    code, out, _ = run("check", ARCH, capsys=capsys)
    assert (code, out) == (check[0], check[1].replace(ARCH, shipped_arch(ARCH)))


def test_a_shipped_file_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(ARCH).read_bytes()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archs").mkdir()
    code, _, err = run("suggest", ARCH, "--goal", "receptive_field > 82", "--edits", "1", "--apply", "1", capsys=capsys)

    assert code == 1
    assert f"{ARCH} is shipped with advconv, as {shipped_arch(ARCH)}, and is left as it is" in err
    assert Path(shipped_arch(ARCH)).read_bytes() == before
    assert not list((tmp_path / "archs").iterdir())


def test_tables_of_a_file_that_is_no_network_are_its_diagnostics(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("rf-table", "summary"):
        code, out, err = run(command, "tests/cases/window.yaml", capsys=capsys)
        assert (code, out) == (1, "")
        assert "error[AC201]" in err
        assert run(command, "nowhere.yaml", capsys=capsys)[0] == 2


def test_summary_says_its_convention_in_every_header(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("text", "markdown", "csv", "json"):
        assert "MACs (bias and norm not counted)" in run("summary", ARCH, "--format", name, capsys=capsys)[1]
    assert "Total params: 193,434" in run("summary", ARCH, "--format", "torchsummary", capsys=capsys)[1]


@pytest.mark.parametrize(("name", "stem"), [("", ""), (".hidden", ".hidden"), ("folder/", ""), ("a b.yml", "a b")])
def test_a_name_that_new_refuses_is_shown_as_it_is_written(
    name: str, stem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("new", name, capsys=capsys)

    rule = "use up to 100 letters, digits, '-', '_' and '.', the first a letter or a digit"
    assert (code, err) == (2, f"advconv: '{stem}' cannot name an architecture; {rule}\n")


def test_new_writes_a_starter_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("new", "mine", capsys=capsys)[0] == 0
    assert run("check", "mine.yaml", capsys=capsys)[0] == 0
    assert run("new", "mine", capsys=capsys)[2] == "advconv: mine.yaml cannot be written: File exists\n"
    assert run("new", "no/such/folder/x", capsys=capsys)[0] == 2
    assert run("new", "bad name!", capsys=capsys)[0] == 2
    assert run("new", "", capsys=capsys)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *(
            [command, "--help"]
            for command in ("check", "rf-table", "summary", "new", "emit", "verify", "explain", "schema")
        ),
    ],
)
def test_help_has_an_example(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(*arguments, capsys=capsys)

    assert code == 0
    assert "example: advconv" in out or out.startswith("advconv ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "_ARGCOMPLETE" in run("completion", shell, capsys=capsys)[1]


def test_each_command_has_its_function_and_an_example_that_needs_no_clone() -> None:
    from advconv.cli.main import function_at
    from advconv.cli.parser import parser

    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, added in commands.choices.items():
        assert callable(function_at(added.get_default("run"))), name
        assert "archs/" not in added.format_help(), name
    assert "archs/" not in parser().format_help()


@pytest.mark.parametrize("text", ["-1", "0", "1.5", "x"])
def test_top_is_at_least_1_whatever_is_given(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run("predict", "run", "a.png", f"--top={text}", capsys=capsys)

    assert err.endswith(f"argument --top: '{text}' is not a whole number of at least 1\n")


@pytest.mark.parametrize("arguments", [[], ["check"], ["chekc"], ["check", ARCH, "--format", "xml"]])
def test_wrong_usage_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(*arguments, capsys=capsys)

    assert code == 2
    assert err.startswith("usage: advconv")


def test_output_survives_a_terminal_that_cannot_show_it() -> None:
    found = shell("check", "-", stdin='advconv: 1\nname: "漢"\n'.encode(), PYTHONIOENCODING="ascii")

    assert found.returncode == 1
    assert b"\\u6f22" in found.stdout
    assert b"Traceback" not in found.stderr


def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "advconv", "check", "archs", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), err) == (141, b"")


def test_odd_paths_are_errors_not_tracebacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (str(tmp_path / ("x" * 5000)), "a\0b", f"{ARCH}/x"):
        assert run("check", path, capsys=capsys)[0] == 2
    for path in ("/dev/null", "/dev/zero"):
        assert run("check", path, capsys=capsys)[0] == 1


def test_emit_prints_or_writes_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "model.py"
    _, out, _ = run("emit", ARCH, capsys=capsys)

    assert run("emit", ARCH, "-o", str(file), capsys=capsys) == (0, "", "")
    assert file.read_text(encoding="utf-8") == out
    assert run("emit", ARCH, "-o", str(tmp_path), capsys=capsys)[0] == 2
    assert run("emit", ARCH, "-o", "", capsys=capsys)[0] == 2
    assert run("emit", "tests/cases/window.yaml", capsys=capsys)[0] == 1


def test_verify_prints_each_claim_and_exits_1_where_one_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run("verify", ARCH, "--format", "json", capsys=capsys)
    claims = {row["Claim"]: row for row in json.loads(out)["rows"]}
    assert code == 0
    assert claims["receptive field over the height, first and last pixel"]["Report"] == [0, 80]
    assert {claim["Holds"] for claim in claims.values()} == {True}
    assert claims["parameters"]["Report"] == claims["parameters"]["Torch"] == 193_434

    monkeypatch.setattr("advconv.backends.evidence.macs", lambda graph, module: 1)
    code, out, _ = run("verify", ARCH, capsys=capsys)
    assert code == 1
    assert "c1c2c3c4: 9 of 10 claims hold" in out
    assert re.search(r"MACs +26,939,328 +1 +NO", out)


def test_summary_shows_torchinfos_own_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("summary", "archs/reference/159552.yaml", "--torchinfo", capsys=capsys)

    assert code == 0
    assert "Total params: 159,552" in out
    assert run("summary", ARCH, "--torchinfo", "--format", "json", capsys=capsys)[0] == 2


def test_streams_that_are_closed_or_full_are_errors_not_tracebacks() -> None:
    for redirection, code in ((">&-", 2), (">/dev/full", 2), ("2>&-", 0)):
        found = subprocess.run(
            f"{sys.executable} -m advconv check {ARCH} {redirection}", shell=True, capture_output=True, check=False
        )
        assert (found.returncode, b"Traceback" in found.stderr) == (code, False)
    found = subprocess.run(f"{sys.executable} -m advconv check - <&-", shell=True, capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (2, b"advconv: -: standard input is closed\n")


def test_control_characters_in_names_of_files_do_not_reach_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[31m.yaml"
    file.write_text("advconv: 1\n")
    found = shell("check", str(file), str(file), "no\x1b[31m.yaml")

    assert b"\x1b" not in found.stdout + found.stderr


def test_hidden_files_and_folders_are_not_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (".hidden.yaml", ".venv/lib.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("advconv: 1\n")

    assert run("check", str(tmp_path), capsys=capsys)[0] == 2


WITHOUT_EXTRAS = """
import sys
from advconv.cli.main import main
from advconv.system.extras import MODULES

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in set(sys.argv[1].split(",")) or (sys.argv[1] == "all" and name in MODULES):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "command", "what", "extra"),
    [
        ("all", ["train", ARCH], "train needs the training extra", "train"),
        ("all", ["train", "--resume", "runs/x"], "train needs the training extra", "train"),
        ("all", ["train", ARCH, "--tensorboard"], "train --tensorboard needs the tensorboard extra", "tensorboard"),
        ("tensorboard", ["train", ARCH, "--data", "shapes", "--tensorboard"],
         "train --tensorboard needs the tensorboard extra", "tensorboard"),
        ("timm", ["train", ARCH, "--data", "shapes", "--set", "train.optimizer=muon"],
         "optimizer: muon needs the muon extra", "muon"),
        # albumentations imports huggingface_hub if it is there, which prints that tqdm is missing.
        ("tqdm,huggingface_hub", ["train", ARCH, "--data", "shapes"], "train needs the training extra", "train"),
        ("all", ["sweep", ARCH], "sweep needs the training extra", "train"),
        ("all", ["sweep", "--resume", "runs/x"], "sweep needs the training extra", "train"),
        ("tensorboard", ["sweep", ARCH, "--data", "shapes", "--tensorboard", "--quiet"],
         "sweep --tensorboard needs the tensorboard extra", "tensorboard"),
        ("all", ["evaluate", "runs/x"], "evaluate needs the training extra", "train"),
        ("all", ["predict", "runs/x", "x.png"], "predict needs the training extra", "train"),
        ("all", ["verify", ARCH], "verify needs the training extra", "train"),
        ("all", ["erf", ARCH], "erf needs the training extra", "train"),
        ("all", ["erf", "archs"], "erf needs the training extra", "train"),
        ("all", ["summary", ARCH, "--torchinfo"], "summary needs the training extra", "train"),
        ("all", ["export", "runs/x", "-o", "x.onnx"], "export needs the export extra", "export"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named_by_the_command_that_needs_it(
    missing: str, command: list[str], what: str, extra: str
) -> None:
    program = [sys.executable, "-c", WITHOUT_EXTRAS, missing, *command]
    found = subprocess.run(program, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith(f"advconv: {what}; install it with: ")
    assert found.stderr.rstrip("'\n").endswith(f"[{extra}]")


@pytest.mark.parametrize(
    ("told", "prefix", "command"),
    [
        (None, "/venv", "pip install 'advconv[train]'"),
        ({"url": "file:///home/a%20b/clone", "dir_info": {}}, "/venv", "pip install '/home/a b/clone[train]'"),
        ({"url": "file:///c", "dir_info": {}}, "/data/uv/tools/advconv", "uv tool install --force '/c[train]'"),
        (
            {"url": "https://host/x.git", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "/venv",
            "pip install 'advconv[train] @ git+https://host/x.git'",
        ),
    ],
)
def test_an_extra_is_installed_from_where_advconv_came_from(
    told: Any, prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            return json.dumps(told) if told else None

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Distribution())
    monkeypatch.setattr(sys, "prefix", prefix)

    assert install("train") == command


def test_a_clone_that_is_not_installed_has_no_version_and_installs_its_own_extras(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    monkeypatch.setattr("importlib.metadata.version", missing)
    monkeypatch.setattr(sys, "prefix", "/venv")

    assert install("train") == f"pip install {shlex.quote(f'{Path.cwd()}[train]')}"
    assert run("--version", capsys=capsys) == (0, "advconv (not installed)\n", "")


def test_source_is_not_written_over_an_architecture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(Path(ARCH).read_bytes())

    code, _, err = run("emit", str(file), "-o", str(file), capsys=capsys)
    assert (code, err) == (2, f"advconv: {file}: Python source is not written to a YAML file; use a .py file\n")
    assert file.read_bytes() == Path(ARCH).read_bytes()


def test_a_library_that_is_missing_in_a_command_without_an_extra_is_a_bug_of_advconv() -> None:
    assert needed("check", "numpy") is None
    assert needed("train", "numpy") is not None


def test_every_module_of_an_extra_is_known() -> None:
    """By the names that are imported, which differ from those that are installed in two places."""
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    installed = {re.match(r"[\w-]+", line)[0] for lines in extras.values() for line in lines} - {"advconv"}  # type: ignore[index]

    assert installed | {"PIL", "cv2", "numpy"} == MODULES
    assert set(EXTRAS.values()) | {"muon", "tensorboard"} == set(extras)


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from advconv.system.console import wants_colour

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not wants_colour()
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert wants_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour()


def test_every_option_has_a_help_text() -> None:
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))

    for name, command in commands.choices.items():
        assert [action.dest for action in command._actions if not action.help] == [], name


def test_the_launcher_of_a_clone_is_the_command() -> None:
    found = subprocess.run([sys.executable, "cli.py", "check", ARCH], capture_output=True, check=False)

    assert found.returncode == 0
    assert b"c1c2c3c4: ok" in found.stdout
