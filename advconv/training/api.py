"""Training in Python: what the command does, with its options as arguments."""

import json
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from advconv.language.overrides import Setting, SettingError, setting
from advconv.net import ArchError, Net
from advconv.system.console import show
from advconv.system.extras import naming_the_extra
from advconv.text.document import MAX_BYTES
from advconv.training.errors import TrainingError
from advconv.training.openmp import wait_briefly
from advconv.training.options import FIELDS, Options

if TYPE_CHECKING:
    from advconv.training.report import TrainingResult

Arguments = ParamSpec("Arguments")


def as_python_expects(call: "Callable[Arguments, TrainingResult]") -> "Callable[Arguments, TrainingResult]":
    """How a training ends in Python: with a result or an exception, and a signal only after its checkpoint."""

    @wraps(call)
    def ended(*args: Arguments.args, **kwargs: Arguments.kwargs) -> "TrainingResult":
        wait_briefly()
        with naming_the_extra("advconv.train"):
            from advconv.training.start import Failed, Stopped
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise TrainingError("several processes are started with: torchrun ... -m advconv train FILE")
        try:
            with naming_the_extra("advconv.train"):
                return call(*args, **kwargs)
        except ArchError as problem:
            if problem.checked.measures is not None:
                problem.add_note("a network that breaks its constraints is not trained; force=True trains it")
            raise
        except Failed as failed:
            raise TrainingError(f"{failed}; go on with: {failed.resumed}") from failed
        except Stopped as stopped:
            show(f"{stopped}; go on with: {stopped.resumed}")
            # What was there before the training answers the signal: for Ctrl-C, KeyboardInterrupt.
            signal.raise_signal(stopped.signal)
            raise KeyboardInterrupt(str(stopped)) from None

    return ended


@as_python_expects
def train(
    arch: str | Path | Net,
    *,
    data: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    val_split: int | None = None,
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
    runs: str | Path = "runs",
) -> "TrainingResult":
    """Trains a file or a loaded network, as `advconv train` does, and gives what it came to.

    `data` to `val_split` override the file; so does `settings`, any field by its path: `{"train.mixup": 0.2}`.
    `until` is a percentage. Ctrl-C and SIGTERM finish the step and write a checkpoint first, in the main thread.

    Raises ArchError where the file cannot be trained or breaks its constraints without `force`, ValueError for an
    argument that cannot be, TrainingError for data, devices and runs, and OSError where the file cannot be read.
    """
    from advconv.training.start import start

    options = _options(
        data_dir=data_dir, limit=limit, until=until, device=device, workers=workers, compile=compile,
        tensorboard=tensorboard, quiet=quiet, name=name, force=force, runs=Path(runs),
    )  # fmt: skip
    if settings is not None and not isinstance(settings, Mapping):
        raise SettingError(f"settings is a mapping of paths to values, not {settings!r}")
    given = {"data": data, "epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed, "val_split": val_split}
    fields = [_setting(FIELDS[key], value, key) for key, value in given.items() if value is not None]
    others = [_setting(path, value, path) for path, value in (settings or {}).items()]
    source, content, own = _file(arch)
    return _told_by(start(source, content, [*own, *fields, *others], options), quiet)


@as_python_expects
def resume(
    run: str | Path,
    *,
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
    """Goes on with an interrupted run, by its directory. Raises as `train` does.

    `previous` goes on from the checkpoint before the newest, where that one is damaged.
    """
    from advconv.training.start import resume

    options = _options(
        data_dir=data_dir, until=until, device=device, workers=workers, compile=compile,
        tensorboard=tensorboard, quiet=quiet, force=force, previous=previous,
    )  # fmt: skip
    return _told_by(resume(Path(run), options), quiet)


def _options(data_dir: str | Path | None, device: Any, **others: Any) -> Options:
    """A path and a torch.device are what they are as text."""
    directory, place = (None if value is None else str(value) for value in (data_dir, device))
    return Options(data_dir=directory, device=place, **others)


def _setting(path: str, value: Any, name: str) -> Setting:
    """A value as YAML, of which JSON is a part."""
    try:
        written = json.dumps(value, default=_plain)
    except TypeError as problem:
        raise SettingError(f"{name}: {value!r} is no number, text, list or mapping") from problem
    return setting(path, written, f"{name}={written}")


def _plain(value: Any) -> Any:
    """The number in a scalar of numpy or torch."""
    if not hasattr(value, "item"):
        raise TypeError
    return value.item()


def _file(arch: str | Path | Net) -> tuple[str, bytes, list[Setting]]:
    """The name and the content of a file; for a network that was loaded for another input, that input too."""
    if not isinstance(arch, Net):
        with open(arch, "rb") as file:
            return str(arch), file.read(MAX_BYTES + 1), []
    source, spec, input = arch.checked.source, arch.checked.spec, arch.measures.graph.input
    is_own = spec is not None and spec.input == input
    own = [] if is_own else [_setting("input", [input.channels, input.height, input.width], "input")]
    return source.name, source.text.encode(), own


def _told_by(result: "TrainingResult | None", quiet: bool) -> "TrainingResult":
    assert result is not None, "this process is the only one"
    if not quiet:
        show(str(result))
    return result
