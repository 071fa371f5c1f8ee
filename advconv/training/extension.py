"""A run that is trained for more epochs than it was started with, where that gives what a longer run would have given.

Its `arch.yaml` then has the new number. The new file is written as `arch.next.yaml`, then `run.json` with its hash, and
then it takes its name. So whenever a process ends, the run is either the one before or the longer one, not finished.
"""

import shlex
from dataclasses import asdict, replace

from advconv.language.effective import effective_text
from advconv.language.overrides import Setting, apply_settings
from advconv.language.recipe import Train
from advconv.training.architecture import check_architecture, read_document
from advconv.training.files import RunError
from advconv.training.names import ARCH, METADATA, NEXT_ARCH
from advconv.training.run import Extension, Run, arch_hash, finish_extension, locked
from advconv.training.saved import dump_with_checksum

EXTENDABLE = ("constant",)
"""Schedules whose learning rate at a step does not depend on the number of epochs."""


def extended(run: Run, epochs: Setting) -> Run:
    """The run with more epochs, not yet written; the same run if it has so many. Raises RunError and ArchError."""
    document = apply_settings(run.architecture.document, [epochs])
    spec = check_architecture(document, [], force=True).spec
    before, now = run.spec.train.epochs, spec.train.epochs
    if now == before:
        return run
    if now < before:
        raise RunError(f"{run.path} has {before:,} epochs, it cannot be shortened to {now:,}")
    if reason := what_depends_on_epochs(spec.train):
        path = shlex.quote(str(run.path))
        help = f"advconv train {shlex.quote(str(run.path / ARCH))} --weights {path} --epochs {now - before}"
        raise RunError(
            f"{run.path} cannot be extended from {before:,} to {now:,} epochs: {reason}; "
            f"to go on from its weights in a new run: {help}"
        )
    text = effective_text(spec).encode()
    architecture = check_architecture(*read_document(str(run.path / ARCH), text), force=True)
    earlier = [*run.metadata.extended, Extension(before, run.metadata.hash)]
    metadata = replace(run.metadata, hash=arch_hash(text), extended=earlier)
    return run._replace(metadata=metadata, architecture=architecture)


def what_depends_on_epochs(recipe: Train) -> str:
    """What a step of a longer training would have computed otherwise; empty if nothing.

    With validation images the last epoch is the one that reads the test set, which changes no step.
    """
    if recipe.schedule not in EXTENDABLE:
        return f"the learning rate of schedule {recipe.schedule} depends on the number of epochs at each step"
    if recipe.initial_scale < 1:
        return "the size of the images (initial_scale) depends on the number of epochs at each step"
    return ""


def write_extension(before: Run, run: Run) -> None:
    """Writes what `extended` has returned for a run. Raises RunError."""
    if run is before:
        return
    directory = run.directory
    with locked(before):
        finish_extension(before)
        if directory.sha256(ARCH) != before.metadata.hash:
            raise RunError(f"{run.path} has just been extended by another process; start again")
        directory.write(NEXT_ARCH, run.architecture.document.source.text)
        directory.write(METADATA, dump_with_checksum(asdict(run.metadata)))
        directory.put(NEXT_ARCH, ARCH)
