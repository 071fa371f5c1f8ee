"""The time that a network takes for images, in torch and in ONNX Runtime."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median, quantiles
from typing import Any, NamedTuple

import torch
from torch import nn

from advconv.constraints.latency import measured
from advconv.constraints.record import Verdict
from advconv.geometry import Shape
from advconv.report.table import Cell, Table
from advconv.report.text import verdict_line
from advconv.training.errors import computing
from advconv.training.export import onnx_of
from advconv.values.limits import Limit
from advconv.values.quantities import rounded

TORCH, ONNX = "torch", "onnxruntime"

WARM_UP, LEAST_CALLS = 3, 5


class Latency(NamedTuple):
    """The time of a batch in seconds: the median of `calls`, and the time below which 95% of them were."""

    runtime: str
    batch: int
    seconds: float
    seconds_95: float
    calls: int

    @property
    def images_per_second(self) -> float:
        return self.batch / self.seconds


def latencies(
    module: nn.Module, image: Shape, batches: Sequence[int], device: torch.device, has_onnx: bool, seconds: float
) -> Iterator[Latency]:
    """The latency for each size of a batch, in float32 without gradients.

    Images are normalised, (batch, channels, height, width), and already on the device for torch; ONNX Runtime takes
    them from the CPU. `seconds`: for each measurement, after a warm-up. Raises ComputeError and RunError.
    """
    with computing("the start of the measurement"):
        module = module.eval().to(device).to(memory_format=torch.channels_last)
        session = _session(module, image, device) if has_onnx else None
    for batch in batches:
        with computing(f"a batch of {batch:,} images"), torch.inference_mode():
            images = torch.randn(batch, *image[:3], generator=torch.Generator().manual_seed(0))
            on_device = images.to(device).to(memory_format=torch.channels_last)
            yield _latency(TORCH, batch, partial(_call_torch, module, on_device), seconds)
            if session:
                call = partial(session.run, None, {"images": images.numpy()})
                yield _latency(runtime_name(session, device), batch, call, seconds)


def _call_torch(module: nn.Module, images: torch.Tensor) -> None:
    module(images)
    if images.is_cuda:
        torch.cuda.synchronize(images.device)


def _session(module: nn.Module, image: Shape, device: torch.device) -> Any:
    """The network in ONNX Runtime, on the GPU where its package can."""
    import onnxruntime

    data = onnx_of(module, torch.zeros(2, *image[:3], device=device)).SerializeToString()
    available = onnxruntime.get_available_providers()
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" and "CUDAExecutionProvider" in available else []
    return onnxruntime.InferenceSession(data, providers=[*wanted, "CPUExecutionProvider"])


def runtime_name(session: Any, device: torch.device) -> str:
    """The package onnxruntime computes on the CPU alone; onnxruntime-gpu has a provider for CUDA."""
    is_elsewhere = device.type != "cpu" and session.get_providers()[0] == "CPUExecutionProvider"
    return f"{ONNX} (CPU)" if is_elsewhere else ONNX


def _latency(runtime: str, batch: int, call: Callable[[], object], seconds: float) -> Latency:
    for _ in range(WARM_UP):
        call()
    times = list[float]()
    while sum(times) < seconds or len(times) < LEAST_CALLS:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return Latency(runtime, batch, median(times), quantiles(times, n=20, method="inclusive")[-1], len(times))


def judged(limit: Limit | None, found: Sequence[Latency]) -> Verdict | None:
    """The verdict on one image in torch; None without a limit."""
    one = next((each.seconds for each in found if each.runtime == TORCH and each.batch == 1), None)
    return measured(limit, round(1e6 * one)) if limit and one else None


COLUMNS = ("Runtime", "Batch", "Milliseconds", "95% below", "Images/s", "Calls")
TEXTS: dict[str, Any] = dict.fromkeys(COLUMNS[2:4], "{:,.3f}".format) | {"Images/s": "{:,.0f}".format}


def latency_table(title: str, found: Sequence[Latency], verdict: Verdict | None) -> Table:
    """A row for each runtime and batch. The times are those of a whole batch."""
    closing = (verdict_line(verdict),) if verdict else ()
    totals: dict[str, Cell] = {"constraint": verdict.limit.text, "status": str(verdict.status)} if verdict else {}
    return Table(title, COLUMNS, tuple(map(_row, found)), closing, totals, TEXTS)


def _row(found: Latency) -> tuple[Cell, ...]:
    times = rounded(1000 * found.seconds), rounded(1000 * found.seconds_95), rounded(found.images_per_second)
    return found.runtime, found.batch, *times, found.calls
