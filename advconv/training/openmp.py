"""How long the threads of OpenMP wait awake, which has to be said before torch is imported."""

import os

SPINS = "10000"
"""Some tenths of a millisecond: longer than between two operations of a step, shorter than the drawing of a batch."""

SAID = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_briefly() -> None:
    """Leaves processors to the workers while training waits for a batch: libgomp's threads would hold them for long.

    What the user has said of it stays.
    """
    if not any(name in os.environ for name in SAID):
        os.environ["GOMP_SPINCOUNT"] = SPINS
