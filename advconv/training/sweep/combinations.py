"""The networks and recipes of all combinations of a sweep, validated before the first is trained."""

from collections.abc import Callable

from advconv.language.data_sets import SETS
from advconv.language.dump import plain
from advconv.language.effective import effective_fields
from advconv.language.overrides import apply_settings
from advconv.language.spec import ArchSpec, parse
from advconv.net import ArchError
from advconv.report.text import report
from advconv.training.architecture import Architecture, check_architecture, read_document
from advconv.training.prepare import augment_errors, data_errors, raise_if
from advconv.training.sweep.plan import Combination, Plan, SweepError

MAX_REPORTS, MAX_NAMED = 5, 3
"""Reports of combinations that fail, and combinations that each names."""


class InvalidCombinations(Exception):
    """Combinations that cannot be trained. `failed`: each with its error."""

    def __init__(self, failed: list[tuple[Combination, ArchError]], count: int) -> None:
        super().__init__(f"{len(failed)} of {count} combinations cannot be trained")
        self.failed = failed

    @property
    def reports(self) -> list[str]:
        """The diagnostics, those of several combinations once, with the combinations."""
        groups: dict[str, list[Combination]] = {}
        for combination, error in self.failed:
            groups.setdefault(report(error.checked), []).append(combination)
        parts = [f"{_named(found)}{text}" for text, found in list(groups.items())[:MAX_REPORTS]]
        more = len(groups) - MAX_REPORTS
        return parts + ([f"and {more:,} more such reports"] if more > 0 else [])

    @property
    def fails_constraints(self) -> bool:
        """Whether all of them fail nothing but constraints, so that they could be trained with --force."""
        return all(error.checked.measures is not None for _, error in self.failed)


def _named(combinations: list[Combination]) -> str:
    """`train.lr=0.1:` on a line of its own; empty if nothing is varied."""
    names = [str(each) for each in combinations[:MAX_NAMED] if str(each)]
    more = len(combinations) - MAX_NAMED
    lines = [*names, *([f"and {more:,} more combinations"] if more > 0 else [])]
    return "\n".join(lines) + ":\n\n" if names else ""


def check_combinations(plan: Plan, message: Callable[[str], None] | None) -> list[ArchSpec]:
    """The spec of each combination. `message` reports what takes long; without one, no augmentation is tried.

    Raises InvalidCombinations, ArchError if the file is not a document, SettingError, and SweepError.
    """
    document, yaml_findings = read_document(plan.file, plan.text.encode())
    tried: set[str] = set()
    specs, failed = [], []
    for combination in plan.combinations():
        try:
            with_settings = apply_settings(document, combination.settings)
            architecture = check_architecture(with_settings, yaml_findings, plan.force)
            if message:
                _check_fit(architecture, tried, message)
            specs.append(architecture.spec)
        except ArchError as error:
            failed.append((combination, error))
    if failed:
        raise InvalidCombinations(failed, plan.count)
    _check_different(plan, specs)
    _check_ranked_alike(plan, specs)
    return specs


def default_seed(plan: Plan) -> int:
    """The seed of the file."""
    document, _ = read_document(plan.file, plan.text.encode())
    spec, _ = parse(apply_settings(document, plan.combinations()[0].settings))
    return spec.train.seed if spec else 0


def _check_fit(architecture: Architecture, tried: set[str], message: Callable[[str], None]) -> None:
    """Whether the data set and the augmentation fit, as far as that is known without the images. Raises ArchError.

    `tried`: augmentations that fit. Each is tried for up to a second, so it is tried once.
    """
    spec = architecture.spec
    raise_if(architecture, data_errors(architecture, SETS[spec.data]))
    augmentation = f"{plain(spec.augment)} {spec.input}"
    if augmentation not in tried:
        raise_if(architecture, augment_errors(architecture, message))
        tried.add(augmentation)


def _check_different(plan: Plan, specs: list[ArchSpec]) -> None:
    """Two combinations that give the same file would be trained twice. Raises SweepError."""
    seen: dict[str, Combination] = {}
    for combination, spec in zip(plan.combinations(), specs, strict=True):
        other = seen.setdefault(repr(effective_fields(spec)), combination)
        if other is not combination:
            raise SweepError(f"{other} and {combination} are the same network and recipe; leave one of them out")


def _check_ranked_alike(plan: Plan, specs: list[ArchSpec]) -> None:
    """Combinations are ranked on one set of images. Raises SweepError."""
    if len({spec.train.val_split > 0 for spec in specs}) > 1:
        with_none = next(c for c, spec in zip(plan.combinations(), specs, strict=True) if not spec.train.val_split)
        reason = "has no validation images (train.val_split) and others have, so there is no one set to rank them on"
        raise SweepError(f"{with_none} {reason}")
