"""Settings of the C libraries below torch: how long idle threads spin, and what malloc does with freed memory."""

import ctypes
import os
import sys

SPIN_COUNT = "10000"
"""A few tenths of a millisecond: longer than the gap between two operations of a step, shorter than loading a batch."""

SPINNING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The parameters' numbers in glibc's <malloc.h>."""

MALLOC = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")

LARGEST = 2**31 - 1
"""Bytes. Smaller blocks are not mapped on their own, and so much free memory at the end of the heap is kept."""


def tune_runtime() -> None:
    """Both settings, unless the user has set variables of the same library. Call it before torch is imported."""
    if not any(name in os.environ for name in SPINNING):
        limit_spinning()
    if not any(name in os.environ for name in MALLOC):
        keep_freed_memory()


def limit_spinning() -> None:
    """Frees processors for the workers while training waits for a batch; libgomp's threads would spin for long."""
    os.environ["GOMP_SPINCOUNT"] = SPIN_COUNT


def keep_freed_memory() -> None:
    """Memory that a step frees is kept for the next one, where the C library is glibc.

    By default glibc returns large blocks to the kernel, which clears their pages each time that they are used again.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, LARGEST)
        mallopt(M_MMAP_THRESHOLD, LARGEST)
