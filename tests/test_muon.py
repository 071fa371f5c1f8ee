"""`optimizer: muon`: which weights it takes as matrices, and how it moves them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advconv.language.recipe import Train
from advconv.training.optim import create_optimizer, optimizer_state_names

RECIPE = Train(optimizer="muon", lr=0.1, weight_decay=0.2, momentum=0.8)


class Weights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kernel = nn.Conv2d(6, 12, 3, groups=2)
        self.depthwise = nn.Conv2d(4, 4, 3, groups=4)
        self.norm = nn.BatchNorm2d(4)
        self.linear = nn.Linear(12, 10)


def stepped(module: nn.Module, recipe: Train, steps: int = 1) -> torch.optim.Optimizer:
    """The optimizer after steps on the same gradients."""
    optimizer, gradients = create_optimizer(module, recipe), torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=gradients)
    for _ in range(steps):
        optimizer.step()
    return optimizer


def test_kernels_and_matrices_have_a_momentum_the_rest_is_left_to_nadamw() -> None:
    module = Weights()
    optimizer = stepped(module, RECIPE)
    has_momentum = {
        name for name, parameter in module.named_parameters() if "momentum_buffer" in optimizer.state[parameter]
    }

    assert has_momentum == {"kernel.weight", "linear.weight"}
    for parameter in module.parameters():
        tensors = {name for name, value in optimizer.state[parameter].items() if isinstance(value, Tensor)}
        assert tensors == set(optimizer_state_names(RECIPE, parameter))


def test_a_step_of_a_kernel_is_nearly_orthogonal_and_points_along_the_gradient() -> None:
    """By the singular values of (outputs, inputs * kernel): Newton-Schulz leaves them between 0.5 and 1.5."""
    module = Weights()
    before = module.kernel.weight.detach().clone()
    stepped(module, RECIPE.model_copy(update={"weight_decay": 0.0}))
    gradient = module.kernel.weight.grad
    assert gradient is not None
    left, _, right = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    moved = (before - module.kernel.weight.detach()).flatten(1) / (0.1 * 0.2 * 27**0.5)
    along = left.T @ moved @ right.T

    assert along.diagonal().min() > 0.5
    assert along.diagonal().max() < 1.5
    assert (along - along.diagonal().diag()).abs().max() < 0.1


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon from 2.9 on")
def test_a_matrix_moves_as_torchs_own_muon_moves_it() -> None:
    ours, theirs = Weights(), Weights()
    matrix = nn.Parameter(theirs.kernel.weight.detach().flatten(1).clone())
    stepped(ours, RECIPE, 3)
    assert ours.kernel.weight.grad is not None
    matrix.grad = ours.kernel.weight.grad.flatten(1)
    settings: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.8, "adjust_lr_fn": "match_rms_adamw"}
    optimizer = torch.optim.Muon([matrix], **settings)
    for _ in range(3):
        optimizer.step()  # type: ignore[no-untyped-call]

    assert torch.allclose(ours.kernel.weight.flatten(1), matrix, atol=1e-2)
    assert not torch.allclose(theirs.kernel.weight.flatten(1), matrix, atol=1e-1)


def test_a_depthwise_kernel_moves_by_the_formula_of_nadamw() -> None:
    """AdamW (Loshchilov and Hutter, 2019), whose first moment takes the gradient once more (Dozat, 2016)."""
    module = Weights()
    weight = module.depthwise.weight.detach().double()
    stepped(module, RECIPE, 3)
    assert module.depthwise.weight.grad is not None
    gradient = module.depthwise.weight.grad.double()
    first, second = torch.zeros_like(gradient), torch.zeros_like(gradient)
    for step in (1, 2, 3):
        first = 0.8 * first + 0.2 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        ahead = (0.8 * first + 0.2 * gradient) / (1 - 0.8**step)
        weight = (1 - 0.1 * 0.2) * weight - 0.1 * ahead / ((second / (1 - 0.99**step)).sqrt() + 1e-7)

    assert torch.allclose(module.depthwise.weight.double(), weight, atol=1e-5)


def test_vectors_do_not_decay() -> None:
    decay = {
        parameter.ndim > 1: group["weight_decay"]
        for group in create_optimizer(Weights(), RECIPE).param_groups
        for parameter in group["params"]
    }
    assert decay == {True: 0.2, False: 0.0}
