"""Commands on a trained network say the same of a run and of a file with its weights beside it."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open

import advconv
from advconv.backends.weights import RECORD
from advconv.training.run import open_run
from advconv.training.run_files import load_weights
from tests.training import command, only_run, short_trainings_in, write_arch, write_metadata

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("short_trainings")]

OPTIONS = ("--limit", "320", "--workers", "0", "--device", "cpu", "--quiet")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `t.yaml`, its run and its weights."""
    directory = tmp_path_factory.mktemp("trained")
    with short_trainings_in(directory):
        assert command("train", write_arch(directory / "t.yaml"), *OPTIONS) == 0
        assert command("export", only_run(directory), "-o", "t.safetensors") == 0
    return directory


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy in the working directory."""
    directory = shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(directory)
    return directory


def record(path: Path) -> dict[str, object]:
    with safe_open(path, "pt") as file:
        return dict(json.loads(file.metadata()[RECORD]))


def test_export_says_what_it_has_written_and_what_comes_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = only_run(here).relative_to(here)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert command("export", run, "-o", "t.safetensors") == 0
    assert command("export", run, "-o", "other.safetensors") == 0

    accuracy = f"last weights; test accuracy {result['test_accuracy']:.2f}%"
    assert capsys.readouterr().out.splitlines() == [
        f"wrote t.safetensors, {accuracy}",
        "next: advconv evaluate t.yaml",
        f"wrote other.safetensors, {accuracy}",
        f"next: cp {run}/arch.yaml other.yaml; advconv evaluate other.yaml",
    ]


def test_the_file_records_what_the_run_has_recorded(here: Path) -> None:
    run, found = only_run(here), record(here / "t.safetensors")
    about, result = (json.loads((run / name).read_text(encoding="utf-8")) for name in ("run.json", "result.json"))

    assert {key: found[key] for key in ("classes", "mean", "std", "seed", "started", "device", "versions")} == {
        key: about[key] for key in ("classes", "mean", "std", "seed", "started", "device", "versions")
    }
    assert (found["format"], found["weights"], found["limit"]) == (1, "last", 320)
    assert (found["epoch"], found["test_accuracy"]) == (2, result["test_accuracy"])
    assert found["initial_weights"] is None


def test_the_tensors_are_those_of_the_run_in_float32(here: Path) -> None:
    module = advconv.load("t.yaml").module(pretrained=True)
    expected = load_weights(open_run(only_run(here)), "last").state_dict()

    assert all(torch.equal(value, expected[name]) for name, value in module.state_dict().items())
    assert {value.dtype for value in module.state_dict().values()} == {torch.float32, torch.int64}


def test_evaluate_prints_the_same_of_both(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = only_run(here)
    for words in (["--format", "csv"], ["--flip", "--format", "csv"]):
        assert command("evaluate", run, *words, "--device", "cpu") == 0
        of_run = capsys.readouterr().out
        assert command("evaluate", "t.yaml", *words, "--device", "cpu") == 0
        assert capsys.readouterr().out == of_run
    assert command("evaluate", "t.yaml") == 0

    said = capsys.readouterr().out
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert said.startswith("t, last weights, of epoch 2: t.yaml\n")
    assert f"accuracy {result['test_accuracy']:.2f}%" in said


def test_so_do_predict_and_export(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = only_run(here)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)).save("image.png")
    rows = []
    for name in (run, "t.yaml"):
        assert command("predict", name, "image.png", "--format", "json") == 0
        rows.append(json.loads(capsys.readouterr().out)["rows"])
    assert rows[0] == rows[1]

    images, scores, facts = np.zeros((2, 16, 16, 3), np.uint8), [], []
    for name in (run, "t.yaml"):
        assert command("export", name, "-o", "m.onnx") == 0
        session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
        scores.append(session.run(None, {"images": images})[0])
        facts.append({entry.key: entry.value for entry in onnx.load("m.onnx").metadata_props})
    assert np.array_equal(*scores)
    assert facts[0] == facts[1]


def test_the_effective_field_of_a_file_is_that_of_its_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in ((only_run(here),), ("t.yaml", "--trained")):
        assert command("erf", *words, "--images", "2", "--format", "csv") == 0
        said.append(capsys.readouterr().out)

    assert said[0] == said[1]
    assert command("erf", "t.yaml", "--trained", "--seeds", "2", "--previous") == 2
    assert capsys.readouterr().err.endswith("own input and seed; leave out --seeds, --previous\n")


def test_the_best_weights_are_exported_with_their_epoch(here: Path) -> None:
    run = only_run(here)
    assert command("export", run, "-o", "t.safetensors", "--weights", "best") == 0
    found, result = record(here / "t.safetensors"), json.loads((run / "result.json").read_text(encoding="utf-8"))

    assert (found["weights"], found["epoch"], found["test_accuracy"]) == (
        "best", result["best_epoch"], result["best_accuracy"],
    )  # fmt: skip


def test_an_accuracy_that_is_not_recorded_is_not_invented(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the checkpoint before the newest, and of a run that is not finished."""
    run = only_run(here)
    assert command("export", run, "-o", "t.safetensors", "--previous") == 0
    assert record(here / "t.safetensors")["epoch"] == 1
    (run / "result.json").unlink()
    assert command("export", run, "-o", "t.safetensors") == 0
    assert record(here / "t.safetensors")["epoch"] == 2

    assert record(here / "t.safetensors")["test_accuracy"] is None
    assert capsys.readouterr().out.count("test accuracy not recorded\n") == 2


def test_weights_are_not_written_beside_a_file_that_would_refuse_them(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("t.safetensors").read_bytes()
    write_arch(here / "t.yaml", train={"lr": 0.2})
    run = only_run(here)

    assert command("export", run, "-o", "t.safetensors", "--weights", "best") == 2
    assert f"t.yaml is not what {run} trained: train.lr is 0.2, was 0.1 in the run; " in capsys.readouterr().err
    assert Path("t.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["evaluate", "none.yaml"], 2, "none.yaml: No such file or directory"),
        (["evaluate", "t.yaml", "--weights", "best", "--previous"], 2,
         "t.yaml is a file, whose weights are those beside it; leave out --weights, --previous"),
        (["evaluate", "bare.yaml"], 2,
         "bare.yaml has no weights, there is no bare.safetensors; train it with: advconv train bare.yaml; then: "
         "advconv export RUN -o bare.safetensors"),
        (["predict", "t.safetensors", "x.png"], 2, "t.safetensors is not a run: it has no run.json"),
        (["evaluate", "RUN/arch.yaml"], 2, "RUN/arch.yaml is the file of a run; give RUN"),
        (["export", "t.yaml", "-o", "u.safetensors"], 2, "t.yaml is not a run: it has no run.json"),
        (["export", "RUN", "-o", "u.safetensors", "--int8", "--takes", "bytes"], 2,
         "a file of weights takes no images; leave out --takes, --int8"),
        (["export", "RUN", "-o", "none/u.safetensors"], 2, "none cannot be opened: No such file or directory"),
    ],
)  # fmt: skip
def test_a_mistake_has_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, line: str
) -> None:
    shutil.copy("t.yaml", "bare.yaml")
    run = str(only_run(here).relative_to(here))

    assert command(*(word.replace("RUN", run) if "RUN" in word else word for word in words)) == code
    expected = line if "export RUN" in line else line.replace("RUN", run)
    assert capsys.readouterr().err == f"advconv: {expected}\n"


def test_a_file_with_mistakes_has_its_diagnostics(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_arch(here / "t.yaml", rows=[{"maxpool": 99}])

    assert command("evaluate", "t.yaml") == 1
    assert "error[AC201]" in capsys.readouterr().err


def test_what_runs_and_files_hold_stays_on_its_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Class names that would be a line break are refused when a run is exported, as they are by its other commands."""
    run = only_run(here)
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    write_metadata(run, about | {"classes": ["a\nb"] * 10})

    assert command("export", run, "-o", "t.safetensors") == 2
    assert capsys.readouterr().err.count("\n") == 1
