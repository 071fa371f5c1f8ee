"""A trained network as an ONNX file, held beside the module on test pictures."""

import io
import json
import logging
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from advconv.training.data import Pictures
from advconv.training.device import Normalise
from advconv.training.files import write
from advconv.training.run import Run

TOLERANCE = 1e-3
"""How far a score may be from torch's; the two sum float32 in different orders."""


class Proof(NamedTuple):
    """How many pictures both saw, how many they put in the same class, and how far apart their scores are at most."""

    pictures: int
    agreed: int
    apart: float

    @property
    def holds(self) -> bool:
        return self.agreed == self.pictures and self.apart <= TOLERANCE

    def __str__(self) -> str:
        return (
            f"onnxruntime and torch agree on {self.agreed:,} of {self.pictures:,} test pictures, "
            f"their scores differ by at most {self.apart:.1e}"
        )


def export(run: Run, module: nn.Module, test: Pictures, path: Path) -> Proof:
    """Writes the network, for batches of any size, and holds it beside the module. Raises RunError.

    It takes float32 (batch, channels, height, width), normalised; the file's metadata hold `mean`, `std` and `classes`.
    """
    data = onnx_bytes(run, module)
    write(path, data)
    return compare(data, run, module, test)


def onnx_bytes(run: Run, module: nn.Module) -> bytes:
    import onnx

    shape = run.spec.input
    example = torch.zeros(2, shape.channels, shape.height, shape.width)
    with warnings.catch_warnings():
        # The exporter's own parts warn of each other.
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                verbose=False,
                input_names=["pictures"],
                output_names=["scores"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            )
        finally:
            logging.disable(logging.NOTSET)
    assert program is not None, "dynamo gives a program"
    model = program.model_proto
    facts = {"mean": run.about.mean, "std": run.about.std, "classes": run.about.classes}
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in facts.items()})
    onnx.checker.check_model(model, full_check=True)
    out = io.BytesIO()
    onnx.save_model(model, out)
    return out.getvalue()


def compare(data: bytes, run: Run, module: nn.Module, test: Pictures, most: int = 1000) -> Proof:
    """What onnxruntime and torch say of the first test pictures, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    normalise = Normalise(tuple(run.about.mean), tuple(run.about.std))
    with torch.inference_mode():
        given = normalise(test.images[:most]).contiguous()
        theirs = torch.from_numpy(session.run(None, {"pictures": given.numpy()})[0])
        ours = module(given)
    agreed = int((theirs.argmax(1) == ours.argmax(1)).sum())
    return Proof(len(given), agreed, float((theirs - ours).abs().max()))
