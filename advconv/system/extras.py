"""The extra that installs the libraries a command needs."""

import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

EXTRAS = {
    "bench": "train",
    "erf": "train",
    "evaluate": "train",
    "export": "export",
    "predict": "train",
    "report": "train",
    "summary": "train",
    "sweep": "train",
    "train": "train",
    "verify": "train",
}
"""The extra of each command that needs one; `summary` needs it only for --torchinfo, `report` only to
evaluate a run."""

MODULES = {
    "PIL", "albumentations", "cv2", "matplotlib", "numpy", "onnx", "onnxruntime", "onnxscript", "safetensors",
    "tensorboard", "timm", "torch", "torchinfo", "torchvision", "tqdm",
}  # fmt: skip
"""Modules that the extras install. Any other missing module is a bug of advconv."""

TITLES = {"train": "training"}


def needed(command: str, missing: str | None, has_tensorboard: bool = False, what: str = "") -> str | None:
    """The message about a missing module, whichever one was imported first; None if that is a bug of advconv.

    `what`: the name of the command in it, if that is another one.
    """
    module = (missing or "").split(".")[0]
    if module not in MODULES or command not in EXTRAS:
        return None
    what, extra = what or command, EXTRAS[command]
    if module == "timm":
        what, extra = "optimizer: muon", "muon"
    elif command in ("train", "sweep") and (has_tensorboard or module == "tensorboard"):
        what, extra = f"{command} --tensorboard", "tensorboard"
    return f"{what} needs the {TITLES.get(extra, extra)} extra; install it with: {install(extra)}"


def install(extra: str) -> str:
    """The command that installs an extra from the source of advconv itself (PEP 610), with the tool that was used."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        direct_url = json.loads(distribution("advconv").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:
        # Run from a clone, without having been installed.
        direct_url = {"url": Path(__file__).parents[2].as_uri()}
    url, vcs = direct_url.get("url", ""), direct_url.get("vcs_info", {}).get("vcs", "")
    package = f"{unquote(urlsplit(url).path)}[{extra}]" if url.startswith("file:") and not vcs else f"advconv[{extra}]"
    package += f" @ {vcs}+{url}" if vcs else ""
    command = "uv tool install --force" if "/uv/tools/" in sys.prefix.replace("\\", "/") else "pip install"
    return f"{command} {shlex.quote(package)}"


@contextmanager
def naming_the_extra(what: str) -> Iterator[None]:
    """For the Python interface: a missing torch raises ModuleNotFoundError with the extra to install."""
    try:
        yield
    except ModuleNotFoundError as missing:
        text = needed("train", missing.name, what=what)
        if text is None:
            raise
        raise ModuleNotFoundError(text, name=missing.name) from missing
