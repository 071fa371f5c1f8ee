"""TensorBoard's files of a run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from advconv.training.files import RunError
from advconv.training.metrics import EpochMetrics, History
from advconv.training.run import Run


@contextmanager
def tensorboard_log(run: Run | None, history: History) -> Iterator[Callable[[EpochMetrics], None]]:
    """A function that logs an epoch to TensorBoard, or does nothing without a run; earlier epochs are logged again."""
    if run is None:
        yield lambda metrics: None
        return
    from torch.utils.tensorboard import SummaryWriter

    if run.directory.is_link("tensorboard"):
        raise RunError(f"{run.path / 'tensorboard'} is a link, which is not followed")
    with SummaryWriter(str(run.path / "tensorboard"), purge_step=0) as writer:
        for metrics in history.epochs:
            _log(writer, metrics)
        yield lambda metrics: _log(writer, metrics)


def _log(writer: Any, metrics: EpochMetrics) -> None:
    for key, value in vars(metrics).items():
        if key != "epoch" and value is not None:
            writer.add_scalar(key, value, metrics.epoch)
    writer.flush()
