"""What training says to OpenMP before torch is imported."""

import os
import subprocess
import sys

import pytest

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
