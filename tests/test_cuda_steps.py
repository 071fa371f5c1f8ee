"""What a training step does on a GPU, compared with the same on a CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from advconv import load
from advconv.backends.torch_module import build, initialised
from advconv.language.augment import ASSIGNMENT
from advconv.language.recipe import Train
from advconv.training.augment import pipeline
from advconv.training.data import ImageSet, TrainingData
from advconv.training.device import choose_accelerator
from advconv.training.device_augment import DeviceAugment, load_batches_on
from advconv.training.loader import Batch, BatchPlan
from advconv.training.mixing import mixed
from advconv.training.shapes import draw_shapes
from advconv.training.trainer import Trainer
from tests.gpu_device import DEVICE, MARKS, RECIPE, WITHOUT_DROPOUT
from tests.training import write_arch

pytestmark = MARKS

TYPE = torch.device(DEVICE).type

IMAGES, LABELS = (torch.from_numpy(part) for part in draw_shapes(64, (16, 16, 3), 0))
DATA = TrainingData(
    ImageSet(IMAGES, LABELS), None, ImageSet(IMAGES, LABELS), tuple("abcdefghij"), (0.5,) * 3, (0.25,) * 3
)
PLAN = BatchPlan(64, 16, 3, 0)


def a_trainer(directory: Path, device: str = DEVICE) -> Trainer:
    graph = load(write_arch(directory / "t.yaml", rows=WITHOUT_DROPOUT)).measures.graph
    accelerator = choose_accelerator(device, "bfloat16", "off")
    return Trainer(initialised(graph, 0), DATA, Train.model_validate(RECIPE), PLAN, accelerator)


def batches(device: str, start_step: int = 0) -> list[Batch]:
    augment = DeviceAugment(pipeline(ASSIGNMENT, (0.5, 0.5, 0.5)), 0, len(LABELS))
    return list(load_batches_on(torch.device(device), DATA.train, augment, PLAN, start_step))


def weights_of(module: nn.Module) -> torch.Tensor:
    return torch.cat([each.detach().cpu().double().flatten() for each in module.parameters()])


def test_convolutions_keep_channels_last_and_compute_in_bfloat16(tmp_path: Path) -> None:
    """So that a GPU uses tensor cores without a copy. The weights stay in float32."""
    trainer, outputs = a_trainer(tmp_path), list[torch.Tensor]()
    for layer in trainer.module.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, given, output: outputs.append(output))
    trainer.update(IMAGES[:16], LABELS[:16])

    assert outputs
    assert all(output.is_contiguous(memory_format=torch.channels_last) for output in outputs)
    assert {(output.dtype, output.device.type) for output in outputs} == {(torch.bfloat16, TYPE)}
    assert {each.dtype for each in trainer.module.parameters()} == {torch.float32}


def test_the_averaged_weights_are_those_of_the_formula(tmp_path: Path) -> None:
    """A moving average whose decay is (1 + n) / (10 + n) after n steps, and 0.9 at most."""
    trainer, expected = a_trainer(tmp_path), torch.zeros(())
    for step, batch in enumerate(batches(DEVICE)):
        trainer.update(*batch)
        decay = 0.0 if step == 0 else min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights_of(trainer.module)

    found = weights_of(trainer.averaged.module)
    assert trainer.step == 12
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found, weights_of(trainer.module), rtol=1e-2, atol=1e-4)


def test_the_loss_of_each_step_is_that_of_a_cpu(tmp_path: Path) -> None:
    """With mixup, up to the rounding of bfloat16 in four steps."""
    there, here = a_trainer(tmp_path), a_trainer(tmp_path, "cpu")
    for images, labels in batches("cpu")[:4]:
        there.update(images, labels)
        here.update(images, labels)
    found, expected = (torch.stack(each.pending_metrics)[:, 0].cpu() for each in (there, here))

    assert torch.allclose(found, expected, rtol=0.02)


@pytest.mark.parametrize("recipe", [{"mixup": 0.2}, {"cutmix": 1.0}])
def test_images_are_mixed_as_on_a_cpu(recipe: dict[str, float]) -> None:
    train, images = Train.model_validate(recipe), IMAGES.permute(0, 3, 1, 2).float()
    found = []
    for device in (DEVICE, "cpu"):
        torch.manual_seed(0)
        found.append(mixed(images.to(device), LABELS.to(device), 10, train, step=3))
    (there, targets), (here, expected) = found

    assert torch.allclose(there.cpu(), here, atol=1e-3)
    assert torch.allclose(targets.cpu(), expected, atol=1e-6)
    assert not torch.equal(here, images)


def test_batches_from_a_step_on_are_those_of_the_whole_training() -> None:
    """To the last bit, which a resumed run depends on."""
    whole, rest = batches(DEVICE), batches(DEVICE, start_step=5)

    assert len(rest) == len(whole) - 5
    for (images, labels), (wanted, classes) in zip(rest, whole[5:], strict=True):
        assert images.device.type == TYPE
        assert torch.equal(images, wanted)
        assert torch.equal(labels, classes)


def test_images_augmented_on_the_device_are_those_of_a_cpu() -> None:
    pairs = zip(batches(DEVICE), batches("cpu"), strict=True)
    difference = torch.stack([(there.cpu().int() - here.int()).abs() for (there, _), (here, _) in pairs])

    # Positions are computed in float32, so a rounding may fall to the other side.
    assert difference.max() <= 2
    assert (difference > 0).float().mean() < 0.01


def test_every_architecture_of_the_zoo_takes_a_step_on_the_device() -> None:
    for path in sorted(Path("archs").rglob("*.yaml")):
        graph = load(path).measures.graph
        module = build(graph).to(DEVICE).to(memory_format=torch.channels_last)
        with torch.autocast(TYPE, torch.bfloat16):
            loss = module(torch.randn(2, *graph.input[:3], device=DEVICE)).float().square().mean()
        loss.backward()

        assert all(np.isfinite(each.grad.sum().item()) for each in module.parameters() if each.grad is not None), path
