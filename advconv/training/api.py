"""`advconv.train` and `advconv.resume`: the train command as Python functions, with its options as arguments."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from advconv.language.overrides import Setting, SettingError, setting
from advconv.net import ArchError, Net
from advconv.system.console import print_text
from advconv.system.extras import naming_the_extra
from advconv.system.shipped import shipped_arch
from advconv.text.document import MAX_BYTES
from advconv.training.errors import TrainingError
from advconv.training.names import RUNS
from advconv.training.options import FIELD_OPTIONS, CallOptions
from advconv.training.runtime import tune_runtime

if TYPE_CHECKING:
    from advconv.training.report import TrainingResult

Arguments = ParamSpec("Arguments")


def with_python_errors(call: "Callable[Arguments, TrainingResult]") -> "Callable[Arguments, TrainingResult]":
    """Converts the ways in which a training ends to exceptions, and raises a signal again after the checkpoint."""

    @wraps(call)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> "TrainingResult":
        tune_runtime()
        with naming_the_extra("advconv.train"):
            # Before cv2, which prints a message of its own if numpy is missing.
            import numpy  # noqa: F401

            from advconv.training.train import Failed, Stopped
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise TrainingError("several processes are started with: torchrun ... -m advconv train FILE")
        try:
            with naming_the_extra("advconv.train"):
                return call(*args, **kwargs)
        except ArchError as problem:
            if problem.checked.measures is not None:
                problem.add_note("constraints failed; train anyway with force=True")
            raise
        except Failed as failed:
            raise TrainingError(f"{failed}; resume with: {failed.resume_call}") from failed
        except Stopped as stopped:
            print_text(f"{stopped}; resume with: {stopped.resume_call}")
            # The handler that was installed before the training runs now: for SIGINT it raises KeyboardInterrupt.
            signal.raise_signal(stopped.signal)
            raise KeyboardInterrupt(str(stopped)) from None

    return wrapper


@with_python_errors
def train(
    arch: str | Path | Net,
    *,
    data: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    val_split: int | None = None,
    weights: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    until: float | None = None,
    device: Any = None,
    workers: int | None = None,
    compile: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    name: str | None = None,
    force: bool = False,
    runs: str | Path = RUNS,
) -> "TrainingResult":
    """Trains a file or a loaded network, as `advconv train` does, and returns the result.

    `data` to `val_split` override the file; so does `settings`, any field by its path: `{"train.mixup": 0.2}`.
    `weights` is a run or a safetensors file to start from; what does not fit is newly initialised and reported.
    `until` is a percentage. In the main thread, SIGINT, SIGTERM and SIGHUP end training after the current step, with a
    checkpoint.

    Raises ArchError if the file cannot be trained or fails its constraints without `force`, ValueError for an invalid
    argument, TrainingError for data, devices and runs, and OSError if the file cannot be read.
    """
    from advconv.training.train import train_file

    call = _call_options(
        data_dir=data_dir, limit=limit, until=until, device=device, workers=workers, compile=compile,
        tensorboard=tensorboard, quiet=quiet, name=name, force=force, runs=Path(runs),
        weights_from=None if weights is None else str(weights),
    )  # fmt: skip
    if settings is not None and not isinstance(settings, Mapping):
        raise SettingError(f"settings is a mapping of paths to values, not {settings!r}")
    given = {"data": data, "epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed, "val_split": val_split}
    named = [_setting(FIELD_OPTIONS[key], value, key) for key, value in given.items() if value is not None]
    by_path = [_setting(path, value, path) for path, value in (settings or {}).items()]
    name_of_file, content, own = _content(arch)
    return _printed(train_file(name_of_file, content, [*own, *named, *by_path], call), quiet)


@with_python_errors
def resume(
    run: str | Path,
    *,
    epochs: int | None = None,
    previous: bool = False,
    data_dir: str | Path | None = None,
    until: float | None = None,
    device: Any = None,
    workers: int | None = None,
    compile: str | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
    force: bool = False,
) -> "TrainingResult":
    """Resumes an interrupted run, given its directory. Raises as `train` does.

    `epochs` trains it longer, which needs `schedule: constant`: other schedules depend on the number of epochs.
    `previous` resumes from the checkpoint before the newest, for example if that one is damaged.
    """
    from advconv.training.train import resume_run

    call = _call_options(
        data_dir=data_dir, until=until, device=device, workers=workers, compile=compile,
        tensorboard=tensorboard, quiet=quiet, force=force, previous=previous,
    )  # fmt: skip
    longer = None if epochs is None else _setting(FIELD_OPTIONS["epochs"], epochs, "epochs")
    return _printed(resume_run(Path(run), call, epochs=longer), quiet)


def _call_options(data_dir: str | Path | None, device: Any, **others: Any) -> CallOptions:
    """A path and a torch.device are converted to text."""
    directory, name = (None if value is None else str(value) for value in (data_dir, device))
    return CallOptions(data_dir=directory, device=name, **others)


def _setting(path: str, value: Any, name: str) -> Setting:
    """An override of a field; the value is written as JSON, which is valid YAML."""
    try:
        written = json.dumps(value, default=_number)
    except TypeError as problem:
        raise SettingError(f"{name}: {value!r} is not a number, text, list or mapping") from problem
    return setting(path, written, f"{name}={written}")


def _number(value: Any) -> Any:
    """Converts a scalar of numpy or torch."""
    if not hasattr(value, "item"):
        raise TypeError
    return value.item()


def _content(arch: str | Path | Net) -> tuple[str, bytes, list[Setting]]:
    """The name and the content of a file; for a network that was loaded for another input, also a setting for it."""
    if not isinstance(arch, str | Path | Net):
        raise TypeError(f"train takes the path of a file or a network, not {arch!r}")
    if not isinstance(arch, Net):
        found = shipped_arch(str(arch))
        with open(found, "rb") as file:
            return found, file.read(MAX_BYTES + 1), []
    source, spec, input = arch.checked.source, arch.checked.spec, arch.measures.graph.input
    is_own = spec is not None and spec.input == input
    own = [] if is_own else [_setting("input", [input.channels, input.height, input.width], "input")]
    return source.name, source.text.encode(), own


def _printed(result: "TrainingResult | None", quiet: bool) -> "TrainingResult":
    assert result is not None, "there is one process"
    if not quiet:
        print_text(str(result))
    return result
