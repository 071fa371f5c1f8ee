"""What is measured in a training: the metrics of an epoch, and their history over a run."""

from dataclasses import dataclass

from advconv.training.saved import Natural, NonNegative, Percent, Positive


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one epoch: losses in nats, accuracies in percent, `seconds` without evaluation.

    `lr` is the learning rate of its last step. Validation and test metrics are those of the averaged weights.
    """

    epoch: Positive
    train_loss: NonNegative
    train_accuracy: Percent
    val_loss: NonNegative | None
    val_accuracy: Percent | None
    test_loss: NonNegative | None
    test_accuracy: Percent | None
    lr: NonNegative
    seconds: NonNegative
    images_per_second: NonNegative


@dataclass
class RunningMetrics:
    """Sums over the first `steps` steps of an epoch; `correct` sums fractions of batches."""

    loss: NonNegative = 0.0
    correct: NonNegative = 0.0
    steps: Natural = 0
    seconds: NonNegative = 0.0

    @property
    def mean_loss(self) -> float:
        return self.loss / self.steps

    @property
    def accuracy(self) -> float:
        """Percent."""
        return 100 * self.correct / self.steps


@dataclass
class History:
    """The metrics of each finished epoch, and the best epoch, on the validation set if there is one, else on test."""

    epochs: list[EpochMetrics]
    best_accuracy: Percent | None = None
    best_epoch: Natural = 0

    def add(self, metrics: EpochMetrics) -> bool:
        """Adds an epoch; whether it is the best so far."""
        self.epochs.append(metrics)
        accuracy = self.latest_accuracy
        if accuracy is None or (self.best_accuracy is not None and accuracy <= self.best_accuracy):
            return False
        self.best_accuracy, self.best_epoch = accuracy, metrics.epoch
        return True

    @property
    def latest_accuracy(self) -> float | None:
        """The accuracy of the last epoch on the set that the best epoch is picked on."""
        if not self.epochs:
            return None
        last = self.epochs[-1]
        return last.test_accuracy if last.val_accuracy is None else last.val_accuracy

    @property
    def picked_on(self) -> str:
        """The set that the best epoch is picked on."""
        return "validation" if self.epochs and self.epochs[-1].val_accuracy is not None else "test"


def check_history(history: History, epochs: int) -> None:
    """Raises ValueError if a history is not that of so many finished epochs."""
    numbers = [metrics.epoch for metrics in history.epochs]
    if numbers != list(range(1, epochs + 1)):
        raise ValueError(f"history.epochs has the epochs {numbers[:9]}, of which {epochs} are finished")
    for metrics in history.epochs:
        pairs = ((metrics.val_loss, metrics.val_accuracy), (metrics.test_loss, metrics.test_accuracy))
        if any((loss is None) != (accuracy is None) for loss, accuracy in pairs) or pairs == ((None,) * 2,) * 2:
            place = f"history.epochs.{metrics.epoch - 1}"
            raise ValueError(f"{place} has a loss without an accuracy, or no accuracy at all")
    if history.best_epoch not in range(1, epochs + 1) if epochs else history.best_epoch:
        raise ValueError(f"history.best_epoch is {history.best_epoch}, of {epochs}")
    if history.best_accuracy != (History(history.epochs[: history.best_epoch]).latest_accuracy if epochs else None):
        raise ValueError(
            f"history.best_accuracy is {history.best_accuracy}, not the accuracy of epoch {history.best_epoch}"
        )
