"""The content of `state.pt`: plain values and tensors, validated against the trainer that loads them."""

import io
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from advconv.text.visible import first_line
from advconv.training.environment import Environment
from advconv.training.metrics import History, RunningMetrics, check_history
from advconv.training.optim import optimizer_state_names
from advconv.training.saved import Natural, Sha256, complete, validated_as
from advconv.training.trainer import Trainer


class _OptimizerState(BaseModel):
    """The optimizer's settings follow from the recipe and are not read."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state: dict[int, dict[str, Tensor]]


class _TrainerState(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    module: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: _OptimizerState
    step: Natural
    running: Annotated[RunningMetrics, complete(RunningMetrics)]
    environment: Environment


class _State(BaseModel):
    """`hash` is the one of the run's architecture."""

    hash: Sha256
    trainer: _TrainerState
    history: Annotated[History, complete(History)]


def dump_state(hash: str, trainer: Trainer, history: History) -> bytes:
    out = io.BytesIO()
    torch.save({"hash": hash, "trainer": trainer.state_dict(), "history": asdict(history)}, out)
    return out.getvalue()


def load_state(data: bytes, hash: str, trainer: Trainer, earlier: Collection[str] = ()) -> History:
    """Loads a state into a trainer. Raises ValueError if it is damaged or belongs to another architecture.

    `earlier`: hashes that the run's architecture had before the run was extended.
    """
    state = validated_as(_State, _unpickled(data))
    if state.hash not in (hash, *earlier):
        raise ValueError("it belongs to another architecture than the run's arch.yaml")
    given = state.trainer
    _check_tensors(given, trainer)
    _check_counts(given, trainer)
    check_history(state.history, given.step // trainer.plan.steps_per_epoch)
    trainer.load_state(
        given.step, given.running, given.environment, given.module, given.averaged, given.optimizer.state
    )
    return state.history


def _unpickled(data: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            # About features that no state uses: sparse and quantised tensors.
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as problem:
        # Torch has no error of its own for a damaged file: zip, pickle and storages raise various ones.
        raise ValueError(f"torch cannot load it: {first_line(problem):.100}") from problem


def _check_tensors(given: _TrainerState, trainer: Trainer) -> None:
    _check_alike("module", given.module, trainer.module.state_dict())
    _check_alike("averaged", given.averaged, trainer.averaged.state_dict())
    parameters = [each for group in trainer.optimizer.param_groups for each in group["params"]]
    names = [optimizer_state_names(trainer.recipe, each) if given.step else () for each in parameters]
    _check_names("optimizer.state", given.optimizer.state, [index for index, each in enumerate(names) if each])
    for index, tensors in given.optimizer.state.items():
        expected = {name: torch.zeros(()) if name == "step" else parameters[index] for name in names[index]}
        _check_alike(f"optimizer.state.{index}", tensors, expected)


def _check_alike(place: str, given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compares names, shapes and dtypes."""
    _check_names(place, given, expected)
    for name, tensor in given.items():
        if not (tensor.device.type == "cpu" and tensor.layout == torch.strided):
            raise ValueError(f"{place}.{name} is not a dense CPU tensor")
        kinds = [f"{tuple(each.shape)} of {each.dtype}" for each in (tensor, expected[name])]
        if kinds[0] != kinds[1]:
            raise ValueError(f"{place}.{name} is {kinds[0]}, in this network {kinds[1]}")


def _check_names(place: str, given: Iterable[object], expected: Iterable[object]) -> None:
    present, required = set(given), set(expected)
    if present != required:
        name = next(iter(sorted(map(str, present ^ required))))
        raise ValueError(f"{place}.{name:.80} is {'missing' if required - present else 'not in this network'}")


def _check_counts(given: _TrainerState, trainer: Trainer) -> None:
    """The number of steps, which the average and the metrics repeat."""
    plan, step = trainer.plan, given.step
    if step > plan.total_steps:
        raise ValueError(f"step is {step}, of {plan.total_steps} in all")
    for name, count, expected in (
        ("averaged.n_averaged", int(given.averaged["n_averaged"]), step),
        ("running.steps", given.running.steps, step % plan.steps_per_epoch),
    ):
        if count != expected:
            raise ValueError(f"{name} is {count}, at step {step} it is {expected}")
