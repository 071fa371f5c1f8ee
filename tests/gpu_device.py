"""Which device the tests of GPUs use, and when they are skipped."""

import os

import pytest
import torch

DEVICE = os.environ.get("ADVCONV_TEST_DEVICE", "cuda")
"""`ADVCONV_TEST_DEVICE=cpu` runs the same tests on a CPU, so that they are known to work."""

IS_CUDA = torch.device(DEVICE).type == "cuda"
NO_DEVICE = IS_CUDA and not torch.cuda.is_available()
MARKS = [pytest.mark.cuda, pytest.mark.slow, pytest.mark.skipif(NO_DEVICE, reason="there is no CUDA device")]

RECIPE = {"mixup": 0.2, "ema": 0.9, "precision": "bfloat16", "augment_on": "device", "lr": 0.01}
"""With a low rate, so that runs that round differently stay near each other."""

WITHOUT_DROPOUT = [{"conv": 16}, {"strided": 32}, {"strided": 32}, {"residual": [{"conv": 32}]}, "gap", "linear"]
"""Rows of a network that uses no random numbers of the device, which has others than a CPU."""
