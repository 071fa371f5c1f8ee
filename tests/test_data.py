"""ImageSet: where they come from, what is wrong with them, and that they arrive as they are."""

import gzip
import json
import pickle
import urllib.error
import urllib.request
from multiprocessing import Value
from pathlib import Path
from typing import Any, NoReturn

import albumentations as A
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from advconv.geometry import Shape
from advconv.training.augment import Augment
from advconv.training.data import DataError, ImageSet, LoadedData, split
from advconv.training.device import Normalise
from advconv.training.loader import PREFETCH, BatchPlan, BatchSampler, LoadSampler, load_batches
from advconv.training.ranks import Rank
from advconv.training.sets import load_dataset
from advconv.training.shapes import SHAPES, draw_shapes
from tests.processes import wait_until
from tests.training import BATCHES, command, linked, only_run, write_arch

pytestmark = pytest.mark.usefixtures("short_trainings")

SIZE = Shape(3, 32, 32)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.slow
def test_real_images_are_those_that_torchvision_reads(cifar10: Path) -> None:
    loaded = load_dataset("cifar10", cifar10, SIZE)
    theirs = datasets.CIFAR10(cifar10, train=False)

    assert (loaded.test.images.numpy() == theirs.data).all()
    assert loaded.test.labels.tolist() == theirs.targets
    assert list(loaded.classes) == theirs.classes
    assert (len(loaded.train), len(loaded.test)) == (50_000, 10_000)
    # The published statistics of CIFAR-10.
    data = split(loaded, 0, None, 0)
    assert data.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=1e-4)
    assert data.std == pytest.approx((0.2470, 0.2435, 0.2616), abs=1e-4)


@pytest.mark.slow
def test_a_damaged_batch_is_told_by_its_name(cifar10: Path, tmp_path: Path) -> None:
    directory = linked(cifar10, tmp_path / "copy")
    batch = directory / BATCHES / "data_batch_3"
    whole = batch.read_bytes()
    batch.unlink()
    batch.write_bytes(whole[:-1])

    with pytest.raises(DataError, match=r"damaged there \(checksum does not match: data_batch_3\).*no network"):
        load_dataset("cifar10", directory, SIZE)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion-mnist", "svhn"])
def test_missing_images_without_a_network_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"missing.* cannot be downloaded \(.*no network.*--data shapes"):
        load_dataset(name, tmp_path, SIZE)


def test_a_truncated_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(gzip.compress(b"half of it"))

    with pytest.raises(DataError, match=r"missing there \(cifar-10-python.tar.gz does not match its checksum\)"):
        load_dataset("cifar10", tmp_path, SIZE)


def test_the_command_reports_missing_images_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADVCONV_DATA", str(tmp_path / "elsewhere"))

    assert command("train", write_arch(tmp_path / "t.yaml", data="cifar10", input=(3, 32, 32))) == 2
    assert "elsewhere: CIFAR-10 is missing" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layout of drawn files is that of the real ones; their checksums are not, so they are not verified."""
    for module in (datasets.utils, datasets.cifar, datasets.svhn):
        monkeypatch.setattr(module, "check_integrity", lambda *_: True)


def test_cifar100_has_its_fine_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unverified(monkeypatch)
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    entry = {"data": np.arange(2 * 3072, dtype=np.uint16).astype(np.uint8).reshape(2, 3072), "fine_labels": [3, 99]}
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps(entry))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"class {index}" for index in range(100)]}))

    loaded = load_dataset("cifar100", tmp_path, SIZE)
    assert loaded.train.labels.tolist() == [3, 99]
    assert len(loaded.classes) == 100
    assert loaded.train.images[0, 0, 0].tolist() == [0, 0, 0]
    assert loaded.train.images[0, 0, 1].tolist() == [1, 1, 1]


def test_svhn_is_read_with_channels_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    unverified(monkeypatch)
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
    for part in ("train", "test"):
        savemat(tmp_path / f"{part}_32x32.mat", {"X": images, "y": np.array([[1], [2], [10], [3]])})

    loaded = load_dataset("svhn", tmp_path, SIZE)
    assert loaded.train.images.numpy().tolist() == images.transpose(3, 0, 1, 2).tolist()
    assert loaded.train.labels.tolist() == [1, 2, 0, 3]


def folder(top: Path, size: tuple[int, int] = (20, 30), classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for part in ("train", "val"):
        for shade, name in enumerate(classes):
            (top / part / name).mkdir(parents=True)
            for index in range(3):
                Image.new("RGB", size, (80 * shade, 10 * index, 0)).save(top / part / name / f"{index}.png")
    return top


def test_a_folder_is_resized_to_the_input(tmp_path: Path) -> None:
    loaded = load_dataset("folder", folder(tmp_path), SIZE)

    assert loaded.classes == ("cat", "dog")
    assert loaded.train.images.shape == (6, 32, 32, 3)
    colours = {(0, 0, 0), (0, 10, 0), (0, 20, 0), (80, 0, 0), (80, 10, 0), (80, 20, 0)}
    found = {tuple(image[0, 0].tolist()) for image in loaded.train.images}
    assert found == colours
    assert all((image == image[0, 0]).all() for image in loaded.train.images)
    # The first colour is that of the class, in an order in which the classes are mixed.
    assert (loaded.train.images[:, 0, 0, 0] == 80 * loaded.train.labels).all()
    assert loaded.train.labels.tolist() != [0, 0, 0, 1, 1, 1]
    assert load_dataset("folder", tmp_path, Shape(1, 8, 8)).test.images.shape == (6, 8, 8, 1)


def test_a_network_is_trained_on_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write_arch(tmp_path / "t.yaml", data="folder", classes=2)

    assert command("train", file, "--data-dir", folder(tmp_path / "images"), "--epochs", "1", "--workers", "0") == 0
    assert json.loads((only_run(tmp_path) / "run.json").read_text(encoding="utf-8"))["classes"] == ["cat", "dog"]


def test_folders_that_cannot_be_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has train/CLASS/ and test/CLASS/"):
        load_dataset("folder", tmp_path, SIZE)
    top = folder(tmp_path / "a")
    (top / "val" / "dog").rename(top / "val" / "fox")
    with pytest.raises(DataError, match=r"train/ and val/ differ in their classes \(dog, fox\)"):
        load_dataset("folder", top, SIZE)
    top = folder(tmp_path / "b")
    (top / "train" / "cat" / "1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"1\.png: not a readable image"):
        load_dataset("folder", top, SIZE)
    (top / "train" / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        load_dataset("folder", top, SIZE)
    with pytest.raises(DataError, match="have 1 or 3 channels, the input has 2"):
        load_dataset("folder", folder(tmp_path / "c"), Shape(2, 8, 8))


def test_a_folder_of_other_classes_than_the_networks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert command("train", write_arch(tmp_path / "t.yaml", data="folder"), "--data-dir", folder(tmp_path / "p")) == 1
    assert "the network has 10 classes, a folder of images has 2" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_drawn_shapes_are_the_same_every_time_and_all_kinds() -> None:
    images, labels = draw_shapes(200, (24, 32, 3), seed=1)
    again, _ = draw_shapes(200, (24, 32, 3), seed=1)

    assert images.shape == (200, 24, 32, 3)
    assert (images == again).all()
    assert set(labels) == set(range(len(SHAPES)))


def numbered(count: int = 103) -> LoadedData:
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 2, 2, 1)
    data = ImageSet(images, torch.arange(count) % 10)
    return LoadedData(data, data, tuple("abcdefghij"))


def test_what_is_held_out_is_not_trained_on() -> None:
    data = split(numbered(), 30, 100, seed=4)
    assert data.validation is not None
    kept, held_out = (set(part.images[:, 0, 0, 0].tolist()) for part in (data.train, data.validation))

    assert (len(kept), len(held_out)) == (70, 30)
    assert kept | held_out == set(range(100))
    assert len(data.test) == 100


def test_a_limit_keeps_no_other_images_in_memory() -> None:
    data = numbered()
    few = data.train.first(10)

    assert few.images.untyped_storage().nbytes() == 10 * 2 * 2
    assert few.labels.tolist() == [*range(10)]
    assert data.train.first(None) is data.train.first(103) is data.train


def test_mean_and_deviation_are_those_of_numpy() -> None:
    data = split(numbered(), 30, None, seed=4)
    values = data.train.images.numpy() / 255

    assert data.mean == pytest.approx(values.mean(axis=(0, 1, 2)))
    assert data.std == pytest.approx(values.std(axis=(0, 1, 2)))


def test_normalised_images_have_mean_0_and_deviation_1() -> None:
    data = split(numbered(), 0, None, seed=0)
    given = Normalise(data.mean, data.std)(data.train.images)

    assert given.shape == (103, 1, 2, 2)
    assert given.mean().item() == pytest.approx(0, abs=1e-5)
    assert given.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_an_epoch_sees_each_image_at_most_once_and_another_order_each_time() -> None:
    plan = BatchPlan(dataset_size=103, batch_size=20, epochs=2, seed=1)
    drawn = list(BatchSampler(plan, 0))
    orders = [np.concatenate([batch for epoch, batch in drawn if epoch == number]) for number in range(2)]

    assert plan.steps_per_epoch == 5
    assert all(len(set(order)) == len(order) == 100 for order in orders)
    assert (orders[0] != orders[1]).any()


def test_batches_go_on_from_any_step() -> None:
    plan = BatchPlan(dataset_size=103, batch_size=20, epochs=2, seed=1)
    drawn = [(epoch, batch.tolist()) for epoch, batch in BatchSampler(plan, 0)]

    for start in range(11):
        rest = BatchSampler(plan, start)
        assert len(rest) == 10 - start
        assert [(epoch, batch.tolist()) for epoch, batch in rest] == drawn[start:]


def test_a_batch_in_parts_is_the_same_batch() -> None:
    planned = BatchSampler(BatchPlan(dataset_size=103, batch_size=21, epochs=2, seed=1), 3)
    sampler = LoadSampler(planned, parts=2, slots=4)
    halves = list(sampler)

    assert len(halves) == 2 * len(planned)
    for number, (epoch, batch) in enumerate(planned):
        (one, first), (two, second) = halves[2 * number : 2 * number + 2]
        assert [*first.indices, *second.indices] == batch.tolist()
        assert (one, first.epoch, first.slot, first.start) == (number, epoch, number % 4, 0)
        assert (two, second.slot, second.start) == (number, number % 4, len(first.indices))


@pytest.mark.parametrize(("workers", "device"), [(0, "cpu"), (1, "cpu"), (3, "cpu"), (2, "cuda")])
def test_a_batch_stays_until_the_next_one_is_asked_for(workers: int, device: str) -> None:
    loaded, plan = numbered(96), BatchPlan(dataset_size=96, batch_size=8, epochs=3, seed=1)
    drawn = Value("l", 0)
    keep = Counting(drawn)
    orders = [batch.tolist() for _, batch in BatchSampler(plan, 0)]
    total = len(orders)

    with load_batches(loaded.train, keep, plan, 0, workers, device, print) as stream:
        for number, (order, (images, labels)) in enumerate(zip(orders, stream, strict=True)):
            # The workers are as far ahead as they may be, in what else could be the place of this batch.
            ahead = number + (PREFETCH - 1) * workers + 1 if device == "cuda" else PREFETCH * (number // PREFETCH + 1)
            wait_until(lambda: drawn.value >= 8 * min(ahead if workers else number + 1, total))  # noqa: B023
            assert images[:, 1, 1, 0].tolist() == order
            assert labels.tolist() == [index % 10 for index in order]


class Counting(Augment):
    """Leaves images as they are, and counts in all processes together how many it has had."""

    def __init__(self, drawn: Any) -> None:
        super().__init__(A.Compose([A.NoOp()]), seed=0)
        self.drawn = drawn

    def __call__(self, *place: Any) -> Any:
        image = super().__call__(*place)
        with self.drawn.get_lock():
            self.drawn.value += 1
        return image


def test_processes_share_each_batch() -> None:
    whole = BatchPlan(dataset_size=103, batch_size=20, epochs=1, seed=1)
    parts = [BatchSampler(whole._replace(process=Rank(rank, 2)), 0) for rank in range(2)]

    for (_, batch), (_, even), (_, odd) in zip(BatchSampler(whole, 0), *parts, strict=True):
        assert set(even) | set(odd) == set(batch)
        assert len(even) == len(odd) == 10
