"""The networks and images of `advconv erf`: initialisations of a file, or before and after a training."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from advconv.analysis.measure import Measures
from advconv.backends.effective_field import EffectiveField, Mass, Target, masses, sees_beyond, targets
from advconv.backends.torch_module import initialised
from advconv.geometry import Shape
from advconv.language.data_sets import SETS
from advconv.report.effective_field import MeasuredFields
from advconv.training.data import DataError, statistics
from advconv.training.device import Normalise
from advconv.training.environment import versions
from advconv.training.errors import ComputeError, computing
from advconv.training.names import NOISE
from advconv.training.sets import load_dataset
from advconv.training.trained import Trained
from advconv.values.quantities import counted


class Images(NamedTuple):
    """Normalised images, float32 (count, channels, height, width). `name`: what they are, in the plural."""

    pixels: Tensor
    name: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{counted(len(self.pixels), 'image')} of {self.name}"


def noise(shape: Shape, count: int, seed: int) -> Images:
    """Independent normal values with the mean 0 and the deviation 1 of normalised images."""
    # Numpy's numbers are independent of those by which torch initialises weights from the same seed.
    values = np.random.default_rng(seed).standard_normal((count, shape.channels, *shape.size), np.float32)
    return Images(torch.from_numpy(values), NOISE)


def images_of(name: str, directory: Path, shape: Shape, count: int, trained: Trained | None) -> Images:
    """The first test images of a set, normalised as in training, else by their own statistics. Raises DataError."""
    channels = SETS[name].channels
    if channels is not None and channels != shape.channels:
        raise DataError(f"the input has {counted(shape.channels, 'channel')}, {SETS[name].title} has {channels}")
    loaded = load_dataset(name, directory, shape, count)
    images = loaded.test.first(count).images
    normalise = trained.normalise() if trained else Normalise(*statistics(images))
    return Images(normalise(images).contiguous(), SETS[name].title, loaded.notes)


def of_initialisations(name: str, measures: Measures, seeds: range, images: Images) -> MeasuredFields:
    """The fields of a network before training, over several seeds. Raises ComputeError."""
    graph, found = measures.graph, targets(measures)
    networks = (initialised(graph, seed) for seed in seeds)
    fields, notes = _fields(measures, found, networks, images, "at initialisation")
    sample = f"of {counted(len(seeds), 'initialisation')} (seed {_range_text(seeds)}), {images}"
    said = (*notes, *_outside_notes(found))
    return MeasuredFields(name, sample, {"at initialisation": fields}, _beyond(measures, found), said)


def _range_text(seeds: range) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def of_trained(trained: Trained, images: Images) -> MeasuredFields:
    """The fields of a network before its training, and with its weights. Raises TrainingError."""
    measures, found = trained.measures, targets(trained.measures)
    networks = {"before training": trained.untrained(), "after training": trained.module}
    fields, notes = dict[str, list[EffectiveField]](), list[str]()
    for state, network in networks.items():
        fields[state], said = _fields(measures, found, [network], images, state)
        notes += said
    sample = f"before and after training ({trained.weights}), {images}: {trained.path}"
    notes += [*_outside_notes(found), *_version_notes(trained)]
    return MeasuredFields(trained.name, sample, fields, _beyond(measures, found), tuple(notes))


def _fields(
    measures: Measures, found: list[Target], networks: Iterable[nn.Module], images: Images, state: str
) -> tuple[list[EffectiveField], tuple[str, ...]]:
    """The field of each target, and notes on networks that are left out. Raises ComputeError."""
    by_target: list[list[Mass]] = [[] for _ in found]
    blocked = 0
    for network in networks:
        with computing(f"the gradient {state}"):
            measured = masses(measures, network, found, images.pixels)
        blocked += any(mass is None for mass in measured)
        for kept, mass in zip(by_target, measured, strict=True):
            kept += [] if mass is None else [mass]
    for target, kept in zip(found, by_target, strict=True):
        if not kept:
            raise ComputeError(f"{state} no gradient of {target.name} reaches the image: it is 0 in float64")
    note = f"{state} the gradient is 0 in {counted(blocked, 'network')}, which the mean leaves out"
    fields = [EffectiveField(target, tuple(kept)) for target, kept in zip(found, by_target, strict=True)]
    return fields, (note,) if blocked else ()


def _beyond(measures: Measures, found: list[Target]) -> tuple[str, ...]:
    return tuple(sees_beyond(measures, target) for target in found)


def _outside_notes(found: list[Target]) -> Iterator[str]:
    """Which part of each theoretical field is outside of the image, where nothing has a gradient."""
    for target in found:
        height, width = target.size or (0, 0)
        if outside := height * width - int(target.inside.sum()):
            share = f"{outside / (height * width):.1%} of the theoretical field of {target.name}"
            yield f"{share} is outside of the image, on padding; the shares are of the part inside"


def _version_notes(trained: Trained) -> tuple[str, ...]:
    """Torch promises equal random numbers only within a version."""
    theirs, ours = trained.versions.get("torch", ""), versions()["torch"]
    if theirs == ours:
        return ()
    return (f"the training was started with torch {theirs}, this is {ours}, which may initialise it otherwise",)
