"""Files of weights: safetensors of any origin, and the one beside an architecture file that was trained for it."""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor, nn

from advconv.language.identity import change, resolved, sha256_of
from advconv.language.spec import ArchSpec
from advconv.system.files import reason
from advconv.text.visible import first_line, visible_lines
from advconv.values.names import WEIGHTS_SUFFIX

FORMAT = 1
"""The version of the record in a file of ours; a change that older versions would misread gets the next number."""

RECORD = "advconv"
"""The key of the record, a JSON object, in the metadata of the file."""

MAX_RECORD_BYTES = 2**24
"""Of the header: the record, and the names and shapes of the tensors."""

MAX_BYTES = 2**32
"""Of a file that may have the weights of any network."""


class WeightsError(ValueError):
    """Weights that cannot be used; the text names the file and the reason."""

    def __str__(self) -> str:
        return visible_lines(super().__str__())


class Weights(NamedTuple):
    """The tensors of a file by name, and the texts of its metadata."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a regular file; links are followed. Raises WeightsError."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError(0, "it is not a regular file")
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > max_bytes:
                raise OSError(0, f"it is larger than {max_bytes:,} bytes")
            return file.read(max_bytes)
    except (OSError, MemoryError, ValueError) as problem:
        raise WeightsError(f"{path} cannot be read: {reason(problem)}") from problem


def parse(path: Path, data: bytes) -> Weights:
    """The content of a safetensors file. Raises WeightsError."""
    try:
        tensors = parse_tensors(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except Exception as problem:
        # Safetensors and torch have various errors for a damaged file and for types that torch does not have.
        if data.startswith(b"PK\x03\x04"):
            help = "it looks like one of torch.save, which may run code; convert it with safetensors.torch.save_file"
            raise WeightsError(f"{path} is not a safetensors file: {help}") from problem
        raise WeightsError(f"{path} is damaged, or not a safetensors file: {first_line(problem):.100}") from problem
    return Weights(tensors, header.get("__metadata__") or {})


def load_exactly(path: Path, tensors: Mapping[str, Tensor], module: nn.Module) -> None:
    """Loads tensors that have the names, the shapes and the types of a module. Raises WeightsError."""
    expected = module.state_dict()
    try:
        module.load_state_dict(tensors)
        for key, tensor in tensors.items():
            if tensor.dtype != expected[key].dtype:
                raise ValueError(f"{key} is {tensor.dtype}, in this network {expected[key].dtype}")
    except Exception as problem:
        # Torch lists mismatches below a heading.
        lines = [line.strip() for line in str(problem).splitlines()] or [type(problem).__name__]
        found = lines[min(1, len(lines) - 1)]
        raise WeightsError(f"{path} does not have the weights of this network: {found}") from problem


def weights_file(file: Path) -> Path:
    """`archs/c1c2c3c4.yaml -> archs/c1c2c3c4.safetensors`. Raises WeightsError for what is not a YAML file."""
    if file.suffix not in (".yaml", ".yml"):
        raise WeightsError(f"{file} is not a YAML file, so it has no weights beside it")
    return file.with_suffix(WEIGHTS_SUFFIX)


def dump_trained(spec: ArchSpec, module: nn.Module, facts: Mapping[str, Any]) -> bytes:
    """The file beside an architecture file: weights in float32, and facts about them, which are plain data."""
    tensors = {
        key: (value.float() if value.is_floating_point() else value).detach().cpu().contiguous()
        for key, value in module.state_dict().items()
    }
    architecture = resolved(spec)
    identity = {"format": FORMAT, "architecture_sha256": sha256_of(architecture), "architecture": architecture}
    record = identity | dict(facts)
    record["sha256"] = digest(record, tensors)
    return dump_tensors(tensors, {RECORD: json.dumps(record)})


def load_trained(file: Path, spec: ArchSpec, module: nn.Module) -> dict[str, Any]:
    """Loads the weights beside an architecture file into its module; the record, with facts that are not validated.

    Raises WeightsError if there are none, if they are damaged, or if the file has changed since they were trained.
    """
    path = weights_file(file)
    if not os.path.exists(path):
        help = f"train it with: advconv train {file}; then: advconv export RUN -o {path}"
        raise WeightsError(f"{file} has no weights, there is no {path}; {help}")
    size = sum(value.nbytes for value in module.state_dict().values())
    weights = parse(path, read_bytes(path, size + MAX_RECORD_BYTES))
    record = _record(path, weights)
    if record.pop("sha256", None) != digest(record, weights.tensors):
        raise WeightsError(f"{path} is damaged: its SHA-256 is not the one that was recorded when it was written")
    _check_architecture(file, path, spec, record)
    load_exactly(path, weights.tensors, module)
    return record


def _record(path: Path, weights: Weights) -> dict[str, Any]:
    if RECORD not in weights.metadata:
        raise WeightsError(f"{path} was not written by advconv export, so nothing says what it was trained for")
    try:
        record = json.loads(weights.metadata[RECORD])
    except (ValueError, RecursionError) as problem:
        raise WeightsError(f"{path} is damaged: its record is not JSON") from problem
    version = record.get("format") if isinstance(record, dict) else None
    if version != FORMAT:
        raise WeightsError(f"{path} has format {version!s:.20}, this version of advconv reads format {FORMAT}")
    return dict(record)


def _check_architecture(file: Path, path: Path, spec: ArchSpec, record: dict[str, Any]) -> None:
    """Whether the file says what was trained."""
    now = resolved(spec)
    ours, theirs = sha256_of(now), record.get("architecture_sha256")
    if ours != theirs:
        changed = f"{file} has changed since {path} was trained: {change(now, record.get('architecture'))}"
        hashes = f"SHA-256 of the resolved file {ours:.12}..., in the weights {theirs!s:.12}..."
        raise WeightsError(f"{changed} ({hashes}); train it again, or undo the change")


def digest(record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of a record and the tensors: their names, types, shapes and values."""
    hash = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        hash.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        hash.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hash.hexdigest()
