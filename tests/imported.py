"""All that a training imports, for the process that those of `processes.py` are forked from."""

import os

from advconv.training.runtime import tune_runtime

tune_runtime()
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
# A process that has asked CUDA itself whether there is a device cannot be forked.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

import matplotlib.backends.backend_agg  # noqa: E402
import torch._dynamo  # noqa: E402
import torchinfo  # noqa: E402

import advconv.cli.train_command  # noqa: E402
import advconv.training.train  # noqa: E402
import tests.processes  # noqa: E402
from tests.training import drawn  # noqa: E402

__all__ = ["advconv", "matplotlib", "tests", "torch", "torchinfo"]

for seed, count in enumerate((5000, 1000), 1):
    drawn(count, (16, 16, 3), seed)
