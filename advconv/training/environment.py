"""The environment that a run was computed in; resuming in another one may change the last bits of the result."""

import sys
from typing import TYPE_CHECKING, NamedTuple, Self

from advconv.training.saved import Positive, Text

if TYPE_CHECKING:
    from advconv.training.device import Accelerator


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that a result depends on."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": sys.version.split()[0]}
    for name in ("advconv", "torch", "torchvision", "albumentations", "timm", "numpy"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


class Environment(NamedTuple):
    """What the rounding of a step depends on, apart from the recipe. `device` is an Accelerator as text."""

    device: Text
    world_size: Positive
    torch: Text

    @classmethod
    def current(cls, accelerator: "Accelerator", world_size: int) -> Self:
        return cls(str(accelerator), world_size, versions()["torch"])

    def difference(self, before: "Environment") -> str:
        """A warning that names what differs from `before` and how that affects the result; empty if nothing does."""
        parts = []
        if self.device != before.device:
            parts.append(f"{self.device} instead of {before.device} ({_device_effect(self.device, before.device)})")
        if self.world_size != before.world_size:
            count = f"{self.world_size} process{'es' * (self.world_size > 1)}"
            parts.append(f"{count} instead of {before.world_size} ({WORLD_SIZE_EFFECT})")
        if self.torch != before.torch:
            parts.append(
                f"torch {self.torch} instead of {before.torch} (summation order and random numbers may differ)"
            )
        return f"the result may differ from that of an uninterrupted run: {'; '.join(parts)}" if parts else ""


WORLD_SIZE_EFFECT = "batch norm statistics and random numbers differ"


def _device_effect(now: str, before: str) -> str:
    """The number of threads changes the order of summation; the device changes the kernels."""
    differing = set(now.split(", ")) ^ set(before.split(", "))
    if all(part.endswith((" thread", " threads")) for part in differing):
        return "summation order and last bits differ"
    return "kernels, precision or random numbers differ"
