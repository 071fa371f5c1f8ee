"""What commands need beyond the measuring side: the extra that installs it."""

EXTRAS = {
    "evaluate": "train",
    "export": "export",
    "predict": "train",
    "summary": "train",
    "train": "train",
    "verify": "train",
}
"""The extra of each command that has one; `summary` needs it for --torchinfo alone."""

MODULES = {
    "PIL", "albumentations", "cv2", "matplotlib", "numpy", "onnx", "onnxruntime", "onnxscript", "safetensors",
    "tensorboard", "torch", "torchinfo", "torchvision", "tqdm",
}  # fmt: skip
"""What the extras install. Another module that is missing is our own mistake."""

TITLES = {"train": "training"}


def needed(command: str, missing: str | None, has_tensorboard: bool = False) -> str | None:
    """What to say where a module is missing, whichever one happened to be imported first; None for our own mistake."""
    module = (missing or "").split(".")[0]
    if module not in MODULES:
        return None
    what, extra = command, EXTRAS[command]
    if command == "train" and (has_tensorboard or module == "tensorboard"):
        what, extra = "train --tensorboard", "tensorboard"
    return f"{what} needs the {TITLES.get(extra, extra)} extra; install it with: pip install 'advconv[{extra}]'"
