"""A trained network as an ONNX file, held beside the module on test pictures."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from advconv.training.data import Pictures
from advconv.training.device import Normalise
from advconv.training.files import RunError, write
from advconv.training.run import Run

if TYPE_CHECKING:
    from onnx import ModelProto

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
    with _quietly():
        model = _exported(module, torch.zeros(2, shape.channels, shape.height, shape.width))
    facts = {"mean": run.about.mean, "std": run.about.std, "classes": run.about.classes}
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in facts.items()})
    onnx.checker.check_model(model, full_check=True)
    out = io.BytesIO()
    onnx.save_model(model, out)
    return out.getvalue()


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter's own parts warn of each other."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except torch.onnx.OnnxExporterError as problem:
        reason = str(problem).strip().split("\n")[0]
        raise RunError(f"torch {torch.__version__} cannot write this network as ONNX: {reason}") from problem
    finally:
        logging.disable(logging.NOTSET)


def _exported(module: nn.Module, example: Tensor) -> "ModelProto":
    """By torch's own default: the exporter on torch.export's graphs since 2.9; before, it failed on batch norms."""
    import onnx

    names: dict[str, Any] = {"input_names": ["pictures"], "output_names": ["scores"]}
    if tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 9):
        shapes = ({0: torch.export.Dim("batch", min=1)},)
        program = torch.onnx.export(module, (example,), dynamo=True, verbose=False, dynamic_shapes=shapes, **names)
        assert program is not None, "dynamo gives a program"
        return program.model_proto
    out, axes = io.BytesIO(), {"pictures": {0: "batch"}, "scores": {0: "batch"}}
    torch.onnx.export(module, (example,), out, dynamo=False, dynamic_axes=axes, **names)  # type: ignore[arg-type]
    return onnx.load_from_string(out.getvalue())


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
