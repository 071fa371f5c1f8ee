"""`advconv bench`: the time of a network, and the constraint that it judges."""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advconv.constraints.latency import measured
from advconv.constraints.record import Status
from advconv.geometry import Shape
from advconv.training.latency import ONNX, TORCH, latencies, runtime_name
from advconv.values.limits import TIME_UNITS, limit
from tests.training import command, write_arch

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
QUICK = ("--seconds", "0.01", "--device", "cpu")


def bench(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    code = command("bench", *arguments, *QUICK, "--format", "json")
    return code, json.loads(capsys.readouterr().out)


def test_each_runtime_is_measured_at_batch_1_and_128(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = bench(capsys, write_arch(tmp_path / "t.yaml"))

    assert code == 0
    assert [(row["Runtime"], row["Batch"]) for row in found["rows"]] == [
        (TORCH, 1), (ONNX, 1), (TORCH, 128), (ONNX, 128)
    ]  # fmt: skip
    for row in found["rows"]:
        assert row["Images/s"] == pytest.approx(1000 * row["Batch"] / row["Milliseconds"], rel=1e-4)
        assert row["Calls"] >= 5


@pytest.mark.parametrize(("promise", "code", "status"), [("< 100 s", 0, "kept"), ("< 1 us", 1, "failed")])
def test_the_promised_latency_is_that_of_one_image(
    promise: str, code: int, status: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_arch(tmp_path / "t.yaml", constraints={"latency": promise})
    ended, found = bench(capsys, file, "--batch", "3")

    assert ended == code
    assert {row["Batch"] for row in found["rows"]} == {1, 3}
    assert found["totals"] == {"constraint": promise, "status": status}


@pytest.mark.parametrize(
    ("device", "provider", "runtime"),
    [
        ("cpu", "CPUExecutionProvider", ONNX),
        ("cuda", "CUDAExecutionProvider", ONNX),
        ("cuda", "CPUExecutionProvider", f"{ONNX} (CPU)"),
    ],
)
def test_onnx_runtime_without_a_gpu_is_named_as_such(device: str, provider: str, runtime: str) -> None:
    session = SimpleNamespace(get_providers=lambda: [provider, "CPUExecutionProvider"])

    assert runtime_name(session, torch.device(device)) == runtime


def test_a_check_leaves_the_latency_to_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(tmp_path / "t.yaml", constraints={"latency": "< 1 us"})

    assert command("check", file) == 0
    assert "later latency  not measured here  < 1 us  measured by bench" in capsys.readouterr().out


def test_a_verdict_is_data_in_microseconds() -> None:
    kept, failed = (measured(limit("< 5 ms", TIME_UNITS), microseconds) for microseconds in (4999, 5000))

    assert (kept.status, kept.margin, kept.margin_text) == (Status.KEPT, 1, "0.001 ms below 5.000 ms")
    assert (failed.status, failed.value_text, failed.margin_text) == (Status.FAILED, "5.000 ms", "at 5.000 ms")


class Slow(nn.Module):
    """Takes a hundredth of a second for each call."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        Slow.calls += 1
        time.sleep(0.01)
        return x


def test_the_time_is_that_of_a_call() -> None:
    Slow.calls = 0
    (found,) = latencies(Slow(), Shape(1, 2, 2), [7], CPU, has_onnx=False, seconds=0.08)

    assert (found.runtime, found.batch) == (TORCH, 7)
    assert 0.01 <= found.seconds <= found.seconds_95
    # Three calls are a warm-up.
    assert 5 <= found.calls <= 8
    assert Slow.calls == found.calls + 3


def test_without_onnxruntime_torch_alone_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert command("bench", write_arch(tmp_path / "t.yaml"), *QUICK, "--format", "csv") == 0
    out, err = capsys.readouterr()

    assert [line.split(",")[0] for line in out.splitlines()] == ["Runtime", TORCH, TORCH]
    assert err == "advconv: onnx or onnxruntime is not installed, so only torch is measured\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "1000000000000"], "a batch of 1,000,000,000,000 images failed: "),
        (["--device", "tpu"], "there is no device 'tpu' here"),
        (["--seconds", "0"], "'0' is not a number of seconds above 0 and at most 3,600"),
        (["--seconds", "nan"], "'nan' is not a number of seconds above 0 and at most 3,600"),
    ],
    ids=str,
)
def test_what_cannot_be_measured_is_told(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("bench", write_arch(tmp_path / "t.yaml"), *arguments) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_a_network_that_cannot_be_built_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_arch(tmp_path / "t.yaml", rows=[{"conv": {"out_channels": 8, "kernel_size": 99, "padding": 0}}])

    assert command("bench", file) == 1
    assert "error[AC201]" in capsys.readouterr().err
