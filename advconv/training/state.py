"""What `state.pt` holds: plain values and tensors, held to the learner that goes on from them."""

import io
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from advconv.training.conditions import Conditions
from advconv.training.loop import Learner, Row, Tally
from advconv.training.optim import moments
from advconv.training.saved import Natural, Percent, Sha256, complete, held_to


@dataclass
class Record:
    """What a run has come to: a row for each epoch, and which epoch was the best on what."""

    rows: list[Row]
    best: Percent | None = None
    best_epoch: Natural = 0

    def add(self, row: Row) -> bool:
        """Whether it is the best so far, on the validation set where there is one, else on the test set."""
        self.rows.append(row)
        accuracy = self.newest
        if accuracy is None or (self.best is not None and accuracy <= self.best):
            return False
        self.best, self.best_epoch = accuracy, row.epoch
        return True

    @property
    def newest(self) -> float | None:
        """The accuracy of the last epoch on what the best one is picked on."""
        if not self.rows:
            return None
        row = self.rows[-1]
        return row.test_accuracy if row.val_accuracy is None else row.val_accuracy

    @property
    def picked_on(self) -> str:
        return "validation" if self.rows and self.rows[-1].val_accuracy is not None else "test"


class _Optimizer(BaseModel):
    """Its settings are those of the recipe and not read."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: dict[int, dict[str, Tensor]]


class _Learner(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    module: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: _Optimizer
    step: Natural
    tally: Annotated[Tally, complete(Tally)]
    conditions: Conditions | None = None


class _State(BaseModel):
    hash: Sha256
    learner: _Learner
    record: Annotated[Record, complete(Record)]


def state_bytes(hash: str, learner: Learner, record: Record) -> bytes:
    out = io.BytesIO()
    torch.save({"hash": hash, "learner": learner.state(), "record": asdict(record)}, out)
    return out.getvalue()


def take_up(data: bytes, hash: str, learner: Learner) -> Record:
    """Takes a learner to where such bytes were written. Raises ValueError where they are damaged or of another run."""
    try:
        with warnings.catch_warnings():
            # Of what no state has: sparse tensors, quantised ones.
            warnings.simplefilter("ignore")
            told = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as problem:
        # Torch has no type of its own for a damaged file: zip, pickle and storages raise what they please.
        reason = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
        raise ValueError(f"torch cannot load it: {reason:.100}") from problem
    state = held_to(_State, told)
    if state.hash != hash:
        raise ValueError("it is of another architecture than the run's arch.yaml")
    _hold_tensors(state.learner, learner)
    _hold_counts(state.learner, learner)
    _hold_rows(state.record, state.learner.step // learner.plan.steps)
    given = state.learner
    learner.restore(given.step, given.tally, given.module, given.averaged, given.optimizer.state)
    learner.before = given.conditions
    return state.record


def _hold_tensors(given: _Learner, learner: Learner) -> None:
    _hold_alike("module", given.module, learner.module.state_dict())
    _hold_alike("averaged", given.averaged, learner.averaged.state_dict())
    names = moments(learner.recipe) if given.step else ()
    parameters = [each for group in learner.optimizer.param_groups for each in group["params"]] if names else []
    _hold_names("optimizer.state", given.optimizer.state, range(len(parameters)))
    for index, parameter in enumerate(parameters):
        like = {name: torch.zeros(()) if name == "step" else parameter for name in names}
        _hold_alike(f"optimizer.state.{index}", given.optimizer.state[index], like)


def _hold_alike(place: str, given: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> None:
    """Names, shapes and dtypes."""
    _hold_names(place, given, like)
    for name, tensor in given.items():
        if not (tensor.device.type == "cpu" and tensor.layout == torch.strided):
            raise ValueError(f"{place}.{name} is no plain tensor")
        kind, expected = (f"{tuple(each.shape)} of {each.dtype}" for each in (tensor, like[name]))
        if kind != expected:
            raise ValueError(f"{place}.{name} is {kind}, in this network {expected}")


def _hold_names(place: str, given: Iterable[object], expected: Iterable[object]) -> None:
    there, wanted = set(given), set(expected)
    if there != wanted:
        odd = next(iter(sorted(map(str, wanted ^ there))))
        raise ValueError(f"{place}.{odd:.80} is {'missing' if wanted - there else 'not in this network'}")


def _hold_counts(given: _Learner, learner: Learner) -> None:
    """One number of steps that all agree on; `n_averaged` is what the average goes by."""
    plan, steps = learner.plan, given.step
    if steps > plan.epochs * plan.steps:
        raise ValueError(f"step is {steps}, of {plan.epochs * plan.steps} in all")
    for name, count, expected in (
        ("averaged.n_averaged", int(given.averaged["n_averaged"]), steps),
        ("tally.steps", given.tally.steps, steps % plan.steps),
    ):
        if count != expected:
            raise ValueError(f"{name} is {count}, at step {steps} it is {expected}")


def _hold_rows(record: Record, epochs: int) -> None:
    numbers = [row.epoch for row in record.rows]
    if numbers != list(range(1, epochs + 1)):
        raise ValueError(f"record.rows are those of epochs {numbers[:9]}, of which {epochs} are finished")
    for row in record.rows:
        pairs = ((row.val_loss, row.val_accuracy), (row.test_loss, row.test_accuracy))
        if any((loss is None) != (accuracy is None) for loss, accuracy in pairs) or pairs == ((None,) * 2,) * 2:
            raise ValueError(f"record.rows.{row.epoch - 1} has a loss without an accuracy, or no accuracy at all")
    if record.best_epoch not in range(1, epochs + 1) if epochs else record.best_epoch:
        raise ValueError(f"record.best_epoch is {record.best_epoch}, of {epochs}")
    if record.best != (Record(record.rows[: record.best_epoch]).newest if epochs else None):
        raise ValueError(f"record.best is {record.best}, which is not the accuracy of epoch {record.best_epoch}")
