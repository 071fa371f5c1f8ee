"""What training sets in the C libraries before torch is imported."""

import os
import platform
import subprocess
import sys

import pytest

from advconv.training.runtime import MALLOC

PROGRAM = """
import os, sys
from advconv.cli.main import main
sys.modules["torch"] = None
try:
    main(["train", "nowhere.yaml"])
except SystemExit:
    print(os.environ.get("GOMP_SPINCOUNT"), os.environ.get("OMP_WAIT_POLICY"))
"""


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, "10000 None"),
        ({"GOMP_SPINCOUNT": "5"}, "5 None"),
        ({"OMP_WAIT_POLICY": "active"}, "None active"),
    ],
)
def test_threads_wait_briefly_unless_the_user_has_said_how(said: dict[str, str], found: str) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=kept | said)

    assert ran.stdout.strip() == found


@pytest.mark.parametrize(("group", "level"), [({}, "None"), ({"RANK": "0"}, "ERROR")])
def test_of_several_processes_torch_logs_errors_alone(group: dict[str, str], level: str) -> None:
    """Its warnings of a peer that is gone are pages of frames, and a line of ours says the same."""
    kept = {key: value for key, value in os.environ.items() if key not in ("RANK", "TORCH_CPP_LOG_LEVEL")}
    program = PROGRAM.replace("GOMP_SPINCOUNT", "TORCH_CPP_LOG_LEVEL")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=kept | group)

    assert ran.stdout.split()[0] == level


LARGE_BLOCK = """
import ctypes
from advconv.training.runtime import tune_runtime

class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd".split() + ["rest"] * 5]

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.mallinfo2.restype = ctypes.c_void_p, Mallinfo2
tune_runtime()
libc.malloc(ctypes.c_size_t(2**26))
print(libc.mallinfo2().hblkhd >= 2**26)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not that of glibc")
@pytest.mark.parametrize(("variables", "is_mapped"), [({}, False), ({"MALLOC_MMAP_THRESHOLD_": "1048576"}, True)])
def test_a_large_block_comes_from_the_heap_unless_the_user_has_set_malloc(
    variables: dict[str, str], is_mapped: bool
) -> None:
    """A block that is mapped on its own goes back to the kernel when it is freed."""
    kept = {key: value for key, value in os.environ.items() if key not in MALLOC}
    ran = subprocess.run(
        [sys.executable, "-c", LARGE_BLOCK], capture_output=True, text=True, check=True, env=kept | variables
    )

    assert ran.stdout.strip() == str(is_mapped)
