"""A trained network as an ONNX file, compared with the module on test images."""

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
from advconv.text.visible import first_line
from advconv.training.data import ImageSet
from advconv.training.files import RunError
from advconv.training.trained import Trained

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-3
"""The largest accepted difference of two scores; the two runtimes sum float32 in different orders."""


class ExportInput(NamedTuple):
    """The input of an exported network: `bytes` as image files have them, or images `normalised` as in training."""

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


class Comparison(NamedTuple):
    """On how many test images both predict the same class, and the largest difference of their scores."""

    images: int
    agreeing: int
    max_difference: float

    @property
    def holds(self) -> bool:
        return self.agreeing == self.images and self.max_difference <= TOLERANCE

    def __str__(self) -> str:
        return (
            f"onnxruntime and torch agree on {self.agreeing:,} of {self.images:,} test images, "
            f"their scores differ by at most {self.max_difference:.1e}"
        )


def export(network: Trained, test: ImageSet, path: Path, takes: str) -> tuple[ExportInput, Comparison]:
    """Writes the network for any batch size and compares it with the module. Raises RunError and FileError.

    Its input is `images`, its output `scores` (batch, classes), before the softmax; the metadata describe both.
    """
    given, exported = ExportInput(takes, network.spec.input), exported_module(network, takes)
    data = onnx_bytes(network, exported, given)
    write(path, data)
    return given, compare(data, exported, export_inputs(network, test, given))


def exported_module(network: Trained, takes: str) -> nn.Module:
    """The network, preceded by its normalisation if it takes bytes."""
    return nn.Sequential(network.normalise(), network.module).eval() if takes == "bytes" else network.module


def export_inputs(network: Trained, test: ImageSet, given: ExportInput, count: int = 1000) -> Tensor:
    """The first test images as the exported network takes them."""
    images = test.images[:count]
    return images if given.is_bytes else network.normalise()(images).contiguous()


def onnx_bytes(network: Trained, module: nn.Module, given: ExportInput) -> bytes:
    import onnx

    channels, height, width = given.shape[:3]
    bytes_, floats = ((2, height, width, channels), torch.uint8), ((2, channels, height, width), torch.float32)
    size, dtype = bytes_ if given.is_bytes else floats
    model = onnx_of(module, torch.zeros(size, dtype=dtype))
    properties = {"takes": given.takes, "images": str(given), "scores": "one for each class, before the softmax"}
    constants = {"mean": network.mean, "std": network.std, "classes": network.classes}
    onnx.helper.set_model_props(model, properties | {key: json.dumps(value) for key, value in constants.items()})
    onnx.checker.check_model(model, full_check=True)
    out = io.BytesIO()
    onnx.save_model(model, out)
    return out.getvalue()


@contextmanager
def _exporting() -> Iterator[None]:
    """Suppresses the warnings of the exporter's parts about each other, and converts its errors to RunError."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except torch.onnx.OnnxExporterError as problem:
        version = torch.__version__
        raise RunError(f"torch {version} cannot write this network as ONNX: {first_line(problem)}") from problem
    finally:
        logging.disable(logging.NOTSET)


def onnx_of(module: nn.Module, example: Tensor) -> "ModelProto":
    """A module as ONNX, for any size of a batch. Raises RunError."""
    with _exporting():
        return _exported(module, example)


def _exported(module: nn.Module, example: Tensor) -> "ModelProto":
    """By torch's default exporter: torch.export from 2.9 on; before, that one failed on batch norms."""
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


def compare(data: bytes, module: nn.Module, given: Tensor) -> Comparison:
    """Compares onnxruntime and torch on the same images, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        onnx_scores = torch.from_numpy(session.run(None, {"images": given.numpy()})[0])
        torch_scores = module(given)
    agreeing = int((onnx_scores.argmax(1) == torch_scores.argmax(1)).sum())
    return Comparison(len(given), agreeing, float((onnx_scores - torch_scores).abs().max()))
