"""How long idle OpenMP threads spin, which must be set before torch is imported."""

import os

SPIN_COUNT = "10000"
"""A few tenths of a millisecond: longer than the gap between two operations of a step, shorter than loading a batch."""

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def limit_spinning() -> None:
    """Frees processors for the workers while training waits for a batch; libgomp's threads would spin for long.

    A value that the user has set is left unchanged.
    """
    if not any(name in os.environ for name in VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = SPIN_COUNT
