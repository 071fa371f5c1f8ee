"""What the last bits of a training depend on beside its recipe: a run that goes on with other ones says so."""

from typing import NamedTuple, Self

from advconv.training.device import Setup, versions
from advconv.training.saved import Natural, Text


class Conditions(NamedTuple):
    """What some steps were computed with. `device` is a Setup as text; 0 processes where an older run does not say."""

    device: Text
    processes: Natural
    torch: Text

    @classmethod
    def here(cls, setup: Setup, processes: int) -> Self:
        return cls(str(setup), processes, versions()["torch"])

    def changed(self, before: "Conditions") -> str:
        """What differs from before, and how the result may differ for it; empty where nothing does."""
        parts = []
        if self.device != before.device:
            parts.append(f"{self.device} instead of {before.device} ({_effect(self.device, before.device)})")
        if before.processes and self.processes != before.processes:
            parts.append(f"{_count(self.processes)} instead of {before.processes} ({OTHER_BATCHES})")
        if self.torch != before.torch:
            parts.append(f"torch {self.torch} instead of {before.torch} (sums and random numbers may be others)")
        return f"the result may differ from that of an uninterrupted run: {'; '.join(parts)}" if parts else ""


OTHER_BATCHES = "other parts of a batch in each batch norm, other random numbers"


def _count(processes: int) -> str:
    return f"{processes} process{'es' * (processes > 1)}"


def _effect(now: str, before: str) -> str:
    """Another number of threads adds up in another order; another device has other kernels."""
    differs = set(now.split(", ")) ^ set(before.split(", "))
    if all(part.endswith((" thread", " threads")) for part in differs):
        return "sums in another order, so other last bits"
    return "other kernels, precision or random numbers"
