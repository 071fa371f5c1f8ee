"""A trained network as an ONNX file, held beside the module on test images."""

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

from advconv.geometry import Shape
from advconv.system.files import write
from advconv.training.data import Pictures
from advconv.training.device import Normalise
from advconv.training.files import RunError
from advconv.training.run import Run

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-3
"""How far a score may be from torch's; the two sum float32 in different orders."""


class Input(NamedTuple):
    """What an exported network takes: `bytes` as image files hold them, or images `normalised` as in training."""

    takes: str
    shape: Shape

    @property
    def is_bytes(self) -> bool:
        return self.takes == "bytes"

    def __str__(self) -> str:
        channels, height, width = self.shape[:3]
        if self.is_bytes:
            return f"uint8 (batch, {height}, {width}, {channels}){', RGB' if channels == 3 else ''}, 0 to 255"
        return f"float32 (batch, {channels}, {height}, {width}), (image / 255 - mean) / std"


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


def export(run: Run, module: nn.Module, test: Pictures, path: Path, takes: str) -> tuple[Input, Proof]:
    """Writes the network, for batches of any size, and holds it beside the module. Raises RunError and FileError.

    Its input is `images`, its output `scores`, one for each class before the softmax. The metadata say the rest.
    """
    given, whole = Input(takes, run.spec.input), whole_network(run, module, takes)
    data = onnx_bytes(run, whole, given)
    write(path, data)
    return given, compare(data, whole, images(run, test, given))


def whole_network(run: Run, module: nn.Module, takes: str) -> nn.Module:
    """The network as it is exported: with its normalisation inside where it takes bytes."""
    return nn.Sequential(_normalise(run), module).eval() if takes == "bytes" else module


def _normalise(run: Run) -> Normalise:
    return Normalise(tuple(run.about.mean), tuple(run.about.std))


def images(run: Run, test: Pictures, given: Input, most: int = 1000) -> Tensor:
    """The first test images as the exported network takes them."""
    first = test.images[:most]
    return first if given.is_bytes else _normalise(run)(first).contiguous()


def onnx_bytes(run: Run, module: nn.Module, given: Input) -> bytes:
    import onnx

    channels, height, width = given.shape[:3]
    bytes_, floats = ((2, height, width, channels), torch.uint8), ((2, channels, height, width), torch.float32)
    size, dtype = bytes_ if given.is_bytes else floats
    with _quietly():
        model = _exported(module, torch.zeros(size, dtype=dtype))
    facts = {"takes": given.takes, "images": str(given), "scores": "one for each class, before the softmax"}
    about = {"mean": run.about.mean, "std": run.about.std, "classes": run.about.classes}
    onnx.helper.set_model_props(model, facts | {key: json.dumps(value) for key, value in about.items()})
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

    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["scores"]}
    if tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 9):
        shapes = ({0: torch.export.Dim("batch", min=1)},)
        program = torch.onnx.export(module, (example,), dynamo=True, verbose=False, dynamic_shapes=shapes, **names)
        assert program is not None, "dynamo gives a program"
        return program.model_proto
    out, axes = io.BytesIO(), {"images": {0: "batch"}, "scores": {0: "batch"}}
    torch.onnx.export(module, (example,), out, dynamo=False, dynamic_axes=axes, **names)  # type: ignore[arg-type]
    return onnx.load_from_string(out.getvalue())


def compare(data: bytes, module: nn.Module, given: Tensor) -> Proof:
    """What onnxruntime and torch say of the same images, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        theirs = torch.from_numpy(session.run(None, {"images": given.numpy()})[0])
        ours = module(given)
    agreed = int((theirs.argmax(1) == ours.argmax(1)).sum())
    return Proof(len(given), agreed, float((theirs - ours).abs().max()))
