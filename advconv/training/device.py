"""The device of a training, its precision, and whether the network is compiled."""

import os
import shutil
import sys
from typing import NamedTuple

import torch
from torch import Tensor, nn

from advconv.text.visible import first_line
from advconv.training.errors import TrainingError


class DeviceError(TrainingError):
    """The requested device is not available."""


class Accelerator(NamedTuple):
    """`dtype` is the one of autocast, None without autocast. `note`: why a request was not followed, or empty."""

    device: torch.device
    dtype: torch.dtype | None
    compiles: bool
    note: str = ""

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype or torch.bfloat16, enabled=self.dtype is not None)

    def __str__(self) -> str:
        precision = "float32" if self.dtype is None else "bfloat16 autocast"
        return f"{device_name(self.device)}, {precision}{', compiled' if self.compiles else ''}"


def choose_accelerator(device: str, precision: str, compilation: str, local_rank: int = 0) -> Accelerator:
    """The requested device, or for `auto` the best available one. Raises DeviceError."""
    chosen = _device(device, local_rank)
    is_compiled, note = _should_compile(compilation, chosen)
    return Accelerator(chosen, _dtype(precision, chosen), is_compiled, note)


def _device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name.split(":")[0] not in ("cpu", "cuda", "mps", "xpu"):
        raise DeviceError(f"there is no device {name!r} here: use cpu, cuda, cuda:1 or mps")
    try:
        device = torch.device(name)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", local_rank % max(1, torch.cuda.device_count()))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as problem:
        reason = first_line(problem).rstrip(".")
        raise DeviceError(f"there is no device {name!r} here: {reason}; use another one, such as cpu") from problem
    return device


def _dtype(precision: str, device: torch.device) -> torch.dtype | None:
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16(device) else "float32"
    return torch.bfloat16 if precision == "bfloat16" else None


def _has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16: CUDA from Ampere on, CPUs with AVX512_BF16 or AMX."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    # Torch has no public name for this before 2.11.
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check)


def _should_compile(requested: str, device: torch.device) -> tuple[bool, str]:
    """Whether to compile, and why not although it was requested. `auto` compiles on CUDA."""
    if requested == "off" or (requested == "auto" and device.type != "cuda"):
        return False, ""
    if not shutil.which(os.environ.get("CXX", COMPILERS.get(sys.platform, "g++"))):
        return False, "there is no C++ compiler, so torch.compile is not used"
    try:
        torch.compile(lambda x: x.sin() + 1)(torch.zeros(1, device=device))
    except Exception as problem:
        # A compiler without headers, a GPU without Triton: each part of torch.compile has errors of its own.
        return False, f"torch.compile fails here ({first_line(problem)}), so it is not used"
    return True, ""


COMPILERS = {"darwin": "clang++", "win32": "cl"}
"""The compiler that torch.compile calls unless $CXX names another one; elsewhere g++."""


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}" if device.type == "cpu" else device.type.upper()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; to CUDA through pinned memory, so that the host does not wait for the work queued there."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Normalise(nn.Module):
    """Normalises uint8 (batch, height, width, channels) to float32 (batch, channels, height, width).

    The memory format becomes channels_last, without a copy. `mean` and `std` are those of values from 0 to 1.
    """

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        scale = 1 / (255 * torch.tensor(std, dtype=torch.float64))
        shift = -torch.tensor(mean, dtype=torch.float64) / torch.tensor(std, dtype=torch.float64)
        self.register_buffer("scale", scale.float().view(1, -1, 1, 1))
        self.register_buffer("shift", shift.float().view(1, -1, 1, 1))
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 3, 1, 2).float().mul_(self.scale).add_(self.shift)
