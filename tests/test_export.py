"""A trained network elsewhere: ONNX in onnxruntime, and the programs of docs/deploying.md."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from tests.test_docs import blocks
from tests.training import command, only_run, short_trainings_in, write_arch

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

INPUTS = {"bytes": np.zeros((7, 16, 16, 3), np.uint8), "normalised": np.zeros((7, 3, 16, 16), np.float32)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("exported")
    with short_trainings_in(directory):
        words = ["--limit", "640", "--epochs", "1", "--workers", "0", "--device", "cpu"]
        assert command("train", write_arch(directory / "t.yaml"), *words) == 0
    return only_run(directory)


@pytest.mark.parametrize("version", [torch.__version__, "2.8.0"], ids=["this torch", "the older exporter"])
@pytest.mark.parametrize("takes", ["bytes", "normalised"])
def test_an_exported_network_says_what_torch_says(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    takes: str,
    version: str,
) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    path = tmp_path / "model.onnx"
    assert command("export", run, "-o", path, "--takes", takes) == 0
    said = capsys.readouterr().out
    layout = {
        "bytes": "uint8 (batch, 16, 16, 3), RGB, 0 to 255",
        "normalised": "float32 (batch, 3, 16, 16), (image / 255 - mean) / std",
    }[takes]
    assert f"wrote {path}, which takes {takes}: {layout}\n" in said
    assert "agree on 640 of 640 test images" in said

    facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert (facts["takes"], facts["images"]) == (takes, layout)
    assert json.loads(facts["classes"]) == about["classes"]
    assert json.loads(facts["mean"]) == about["mean"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.run(None, {"images": INPUTS[takes]})[0].shape == (7, 10)


def test_both_inputs_give_the_same_scores(run: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    normalised = (images / 255 - about["mean"]) / about["std"]
    given = {"bytes": images, "normalised": normalised.transpose(0, 3, 1, 2).astype(np.float32)}
    scores = []
    for takes, batch in given.items():
        words = ["--takes", takes] if takes != "bytes" else []
        assert command("export", run, "-o", tmp_path / f"{takes}.onnx", *words) == 0
        session = onnxruntime.InferenceSession(tmp_path / f"{takes}.onnx", providers=["CPUExecutionProvider"])
        scores.append(session.run(None, {"images": batch})[0])

    assert np.abs(scores[0] - scores[1]).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m.pt", "'m.pt' ends in .pt; use m.onnx or m.safetensors"),
        ("m", "'m' has no suffix; use m.onnx or m.safetensors"),
    ],
)
def test_another_suffix_is_refused(run: Path, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    assert command("export", run, "-o", name) == 2
    assert f"argument -o/--output: {said}" in capsys.readouterr().err


def test_the_programs_of_the_page_say_what_predict_says(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("image.png")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "c1c2c3c4-20261121-120000").symlink_to(run)
    page = Path(__file__).parents[1] / "docs" / "deploying.md"
    commands, *_ = blocks(page, "sh")
    export = next(line.split()[1:] for line in commands.splitlines() if line.startswith("advconv "))
    assert command(*export) == 0
    capsys.readouterr()
    assert command("predict", run, "image.png", "--top", "1", "--format", "json") == 0
    (likeliest,) = json.loads(capsys.readouterr().out)["rows"]

    programs = blocks(page, "python")
    assert len(programs) == 2
    for program in programs:
        alone = f"import sys\nsys.modules['advconv'] = None\n{program}"
        said = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True).stdout
        name, probability = said.rsplit(maxsplit=1)
        assert name == likeliest["class"]
        assert float(probability) == pytest.approx(float(likeliest["probability"]), abs=2e-4)


@pytest.mark.parametrize("takes", ["bytes", "normalised"])
def test_a_network_in_8_bits_is_compared_with_float32_on_all_test_images(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], takes: str
) -> None:
    """Counted anew from both files, on the drawn test images."""
    floats, integers = tmp_path / "floats.onnx", tmp_path / "integers.onnx"
    assert command("export", run, "-o", floats, "--takes", takes) == 0
    capsys.readouterr()
    assert command("export", run, "-o", integers, "--takes", takes, "--int8") == 0
    said = capsys.readouterr().out
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    images, labels = drawn_test_images()
    if takes == "normalised":
        images = ((images / 255 - about["mean"]) / about["std"]).transpose(0, 3, 1, 2).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        .run(None, {"images": images})[0]
        .argmax(1)
        for path in (floats, integers)
    )
    was, now = (100 * float((classes == labels).mean()) for classes in (before, after))

    assert f"accuracy {was:.2f}% in float32, {now:.2f}% in 8 bits ({now - was:+.2f}) on 640 test images" in said
    assert f"they agree on {(before == after).sum():,};" in said
    assert integers.stat().st_size < floats.stat().st_size
    kinds = {tensor.data_type for tensor in onnx.load(integers).graph.initializer}
    assert {onnx.TensorProto.INT8, onnx.TensorProto.UINT8} <= kinds
    facts = [{entry.key: entry.value for entry in onnx.load(path).metadata_props} for path in (floats, integers)]
    assert facts[0] == facts[1]


def drawn_test_images() -> tuple[np.ndarray, np.ndarray]:
    from advconv.geometry import Shape
    from advconv.training.sets import load_dataset

    images, labels = load_dataset("shapes", Path(), Shape(3, 16, 16)).test.first(640)
    return images.numpy(), labels.numpy()
