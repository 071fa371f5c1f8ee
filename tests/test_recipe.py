"""The numbers of a recipe are those that a step in float32 can compute with; the same in a file and in an option."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torchvision import datasets

from advconv.language.data_sets import SETS
from advconv.language.overrides import apply_settings, parse_setting, setting
from advconv.language.recipe import OPTIMIZERS, SCHEDULES, Train
from advconv.language.recipe_forms import BELOW_ONE, LARGEST, MAX_EPOCHS, SMALLEST
from advconv.language.spec import parse
from advconv.rules.diagnostics import placed
from advconv.text.reader import read
from advconv.text.source import Source
from advconv.training import optim
from advconv.training.sets import DRAWN

ABOVE = {
    "lr": 2 * LARGEST,
    "weight_decay": 1e39,
    "mixup": 1e308,
    "clip": 1e19,
    "momentum": 0.99999999,
    "label_smoothing": 0.9999999999,
    "ema": 1 - 2**-25,
    "epochs": MAX_EPOCHS + 1,
}
BELOW = dict.fromkeys(set(ABOVE) - {"epochs"}, 1e-39)


@pytest.mark.parametrize(("field", "value"), [*ABOVE.items(), *sorted(BELOW.items())])
def test_a_number_that_float32_cannot_hold_is_refused_with_the_bound(field: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        Train.model_validate({field: value})

    (told,) = caught.value.errors()
    bound = told["msg"].partition(" at most " if field in ABOVE and value == ABOVE[field] else " at least ")[2]
    nearest = float(bound.split(",  ")[0].split(", not")[0].split(" where")[0].replace(",", ""))
    assert getattr(Train.model_validate({field: type(value)(nearest)}), field) == pytest.approx(nearest)


@pytest.mark.parametrize("field", ["lr", "weight_decay", "mixup", "clip"])
def test_a_number_that_python_reads_as_infinity_is_refused_with_the_bound(field: str) -> None:
    with pytest.raises(ValidationError, match=r"must be at most 1e\+18, not inf"):
        Train.model_validate({field: float("1e999")})


@pytest.mark.parametrize("recipe", [dict.fromkeys(BELOW, SMALLEST), {"lr": LARGEST, "momentum": BELOW_ONE}])
def test_the_bounds_themselves_are_taken(recipe: dict[str, Any]) -> None:
    assert Train.model_validate(recipe).lr == recipe["lr"]


@pytest.mark.parametrize("field", sorted(ABOVE))
def test_an_option_is_refused_in_its_own_words(field: str) -> None:
    document, _ = read(Source("t", "advconv: 1\nname: t\ninput: [1, 4, 4]\nnetwork: {C1: [gap]}\n"))
    assert document is not None
    option = f"train.{field}={ABOVE[field]}"
    changed = apply_settings(document, [parse_setting(option)])
    (found,) = placed(parse(changed)[1], changed.source, changed)

    assert (found.code, found.option) == ("AC114", f"--set {option}")
    assert found.start.column == len(f"--set train.{field}=") + 1


@pytest.mark.parametrize(
    ("field", "bound"),
    [
        ("epochs", "at most 1,000,000"),
        ("seed", "a whole number of at least 0 and below 2^32"),
        ("lr", "at most 1e+18"),
        ("batch_size", "at most 9,223,372,036,854,775,807"),
    ],
)
@pytest.mark.parametrize("value", ["9" * 20, "9" * 5_000])
def test_an_option_beyond_64_bits_is_refused_with_the_bound_of_its_field(field: str, bound: str, value: str) -> None:
    document, _ = read(Source("t", "advconv: 1\nname: t\ninput: [1, 4, 4]\nnetwork: {C1: [gap]}\n"))
    assert document is not None
    changed = apply_settings(document, [setting(f"train.{field}", value, f"--{field} {value}")])
    (found,) = parse(changed)[1]

    assert found.message.startswith(f"{field} must be {bound}, not 9")


def test_each_schedule_and_each_optimizer_of_the_language_is_implemented() -> None:
    assert list(optim.SCHEDULES) == list(SCHEDULES)
    assert list(optim.OPTIMIZERS) == list(OPTIMIZERS)


def test_an_optimizer_that_is_not_implemented_is_not_replaced_by_another() -> None:
    with pytest.raises(KeyError, match="lion"):
        optim.create_optimizer(torch.nn.Linear(2, 2), Train.model_construct(optimizer="lion", lr=0.1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_of_the_language_is_torchs_of_that_name_with_its_learning_rate(name: str) -> None:
    found = optim.create_optimizer(torch.nn.Linear(2, 2), Train(optimizer=name))

    assert type(found).__name__.lower() == name
    assert found.param_groups[0]["lr"] == OPTIMIZERS[name].lr


@pytest.mark.parametrize("name", SETS)
def test_each_data_set_of_the_language_is_one_of_torchvisions_or_has_a_loader_of_its_own(name: str) -> None:
    assert hasattr(datasets, SETS[name].torchvision) or name in ("folder", *DRAWN)
