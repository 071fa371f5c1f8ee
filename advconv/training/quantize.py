"""ONNX models in 8 bits, by the static quantisation of ONNX Runtime."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from torch import Tensor

from advconv.system.files import write
from advconv.training.data import ImageSet
from advconv.training.export import ExportInput, export_inputs, exported_module, onnx_bytes
from advconv.training.trained import Trained
from advconv.values.quantities import bytes_text

CALIBRATION = 512
"""Training images that the ranges of the activations are taken from."""

BATCH = 32


class Int8Export(NamedTuple):
    """Accuracy in percent of the test images and size in bytes of both models, and on how many images they agree."""

    given: ExportInput
    images: int
    agreeing: int
    accuracies: tuple[float, float]
    sizes: tuple[int, int]

    def __str__(self) -> str:
        before, after = self.accuracies
        small, large = (bytes_text(size) for size in sorted(self.sizes))
        return (
            f"accuracy {before:.2f}% in float32, {after:.2f}% in 8 bits ({after - before:+.2f}) on {self.images:,} "
            f"test images; they agree on {self.agreeing:,}; {large} became {small}"
        )


def export_int8(network: Trained, train: ImageSet, test: ImageSet, path: Path, takes: str) -> Int8Export:
    """Writes the network in 8 bits and compares it with float32 on all test images. Raises RunError and FileError.

    Calibrated on the first training images, not augmented.
    """
    given = ExportInput(takes, network.spec.input)
    floats = onnx_bytes(network, exported_module(network, takes), given)
    integers = quantized(floats, export_inputs(network, train, given, CALIBRATION))
    write(path, integers)
    images, labels = export_inputs(network, test, given, len(test)).numpy(), test.labels.numpy()
    before, after = (_classes(data, images) for data in (floats, integers))
    accuracies = 100 * float((before == labels).mean()), 100 * float((after == labels).mean())
    return Int8Export(given, len(test), int((before == after).sum()), accuracies, (len(floats), len(integers)))


def _classes(data: bytes, images: NDArray[Any]) -> NDArray[np.int64]:
    """The class that a model predicts for each image."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    batches = np.array_split(images, max(1, len(images) // EVALUATED))
    return np.concatenate([session.run(None, {"images": batch})[0].argmax(1) for batch in batches])


EVALUATED = 500
"""Images in a batch."""


def quantized(data: bytes, images: Tensor) -> bytes:
    """The model with weights (int8, per output channel) and activations (uint8) in 8 bits, its metadata unchanged.

    `images`: as the model takes them; the ranges of the activations are the smallest and largest values on them.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as directory, _quiet():
        given, prepared, output = (Path(directory, f"{name}.onnx") for name in ("given", "prepared", "output"))
        given.write_bytes(data)
        # Merges each batch norm into its convolution.
        quant_pre_process(given, prepared)
        quantize_static(
            prepared,
            output,
            _Calibration(images.numpy()),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(output)
    properties = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    onnx.helper.set_model_props(model, properties)
    return bytes(model.SerializeToString())


class _Calibration:
    """The images in batches, as ONNX Runtime asks for them."""

    def __init__(self, images: NDArray[Any]) -> None:
        self.batches = iter(np.array_split(images, max(1, len(images) // BATCH)))

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that the parts of ONNX Runtime log for each other."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
