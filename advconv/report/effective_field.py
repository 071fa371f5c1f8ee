"""The table and the JSON of `advconv erf`: the share of the gradient inside each radius."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from advconv.backends.effective_field import EffectiveField, Target
from advconv.report.formats import JSON, TEXT
from advconv.report.table import Cell, Table
from advconv.text.visible import json_text
from advconv.values.quantities import rounded

HELD = (0.5, 0.9, 0.9545)
"""The shares whose radius is reported; the last is that within two standard deviations of a normal distribution."""

MAX_RADII = 12
"""Of one map, in the formats that are read by people."""

MAP, RADIUS, SQUARE, OF_FIELD, SPREAD = "Map", "Radius", "Square", "Of the field", "Spread"


class MeasuredFields(NamedTuple):
    """The effective fields of a network, one for each of its last maps, by the state of its weights.

    `sample`: the images and networks that were measured, in words. `beyond`: by map, what lets it depend on pixels
    outside of its theoretical field, empty if nothing does.
    """

    name: str
    sample: str
    fields: Mapping[str, list[EffectiveField]]
    beyond: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def targets(self) -> list[Target]:
        return [field.target for field in next(iter(self.fields.values()))]

    def of_map(self, index: int) -> dict[str, EffectiveField]:
        return {state: fields[index] for state, fields in self.fields.items()}


def render(measured: MeasuredFields, format: str) -> str:
    """As `text`, `markdown`, `csv` (all radii) or `json`."""
    if format == JSON:
        return json_text(_data(measured))
    most = MAX_RADII if format in (TEXT, "markdown") else None
    return _table(measured, most).render(format)


def _table(measured: MeasuredFields, most: int | None) -> Table:
    """A row for each map and radius, at most so many radii of each map."""
    states = list(measured.fields)
    has_spread = len(measured.fields[states[0]][0].masses) > 1
    columns = (MAP, RADIUS, SQUARE, OF_FIELD, *states, *([SPREAD] if has_spread else []))
    rows = [
        row
        for index, target in enumerate(measured.targets)
        for row in _rows(target, list(measured.of_map(index).values()), most, has_spread)
    ]
    texts = {RADIUS: "{:g}".format} | dict.fromkeys((OF_FIELD, SPREAD, *states), percent)
    title = f"{measured.name}: effective receptive field {measured.sample}"
    return Table(title, columns, tuple(rows), tuple(_closing(measured)), texts=texts)


def _rows(
    target: Target, fields: list[EffectiveField], most: int | None, has_spread: bool
) -> Iterator[tuple[Cell, ...]]:
    for radius in thinned(radii(fields), most):
        shares = [rounded(field.share(radius)) for field in fields]
        spread = fields[0].spread(radius)
        height, width = target.square(radius)
        square = height if height == width else (height, width)
        yield (
            target.name, radius, square, of_field(target, radius), *shares,
            *([None if spread is None else rounded(spread)] if has_spread else []),
        )  # fmt: skip


def radii(fields: list[EffectiveField]) -> list[float]:
    """Those of all fields of one map."""
    return sorted({radius for field in fields for radius in field.radii})


def thinned(values: list[float], most: int | None) -> list[float]:
    """At most so many, evenly spaced, with the first and the last."""
    if most is None or len(values) <= most:
        return values
    step = (len(values) - 1) / (most - 1)
    return [values[round(step * number)] for number in range(most)]


def of_field(target: Target, radius: float) -> float | None:
    """A radius as a share of that of the theoretical field; None if that is unknown or a single pixel."""
    return rounded(radius / target.half_size) if target.half_size else None


def percent(share: float | None) -> str:
    """`0.5 -> 50.0%`; only all of it is 100%."""
    if share is None:
        return "-"
    return "99.9%" if 0.9995 <= share < 1 - 1e-9 else f"{100 * share:.1f}%"


def _closing(measured: MeasuredFields) -> Iterator[str]:
    for index, target in enumerate(measured.targets):
        yield f"{target.name}: {box_text(target)}"
        for state, field in measured.of_map(index).items():
            held = ", ".join(_held_text(field, share) for share in HELD)
            yield f"  {state}: {held}{_outside_text(field, measured.beyond[index])}"
    yield from measured.notes


def box_text(target: Target) -> str:
    """The position and its theoretical field."""
    row, column = target.position
    text = f"position {row}, {column} of the {target.shape} map, of an image of {target.image}"
    if target.box is None or target.size is None:
        return f"{text}; the theoretical receptive field is unknown"
    (top, bottom), (left, right) = target.box
    height, width = target.size
    return f"{text}; theoretical receptive field {height}x{width}, rows {top} to {bottom}, columns {left} to {right}"


def _held_text(field: EffectiveField, share: float) -> str:
    radius = field.radius_of(share)
    height, width = field.target.square(radius)
    return f"{100 * share:g}% in {height}x{width} (radius {radius:g})"


def _outside_text(field: EffectiveField, beyond: str) -> str:
    if not field.outside:
        return ""
    return f"; {percent(field.outside)} outside of the theoretical field{f', through {beyond}' if beyond else ''}"


def _data(measured: MeasuredFields) -> dict[str, Any]:
    maps = [_map_data(target, measured.of_map(index)) for index, target in enumerate(measured.targets)]
    return {"name": measured.name, "sample": measured.sample, "notes": measured.notes, "maps": maps}


def _map_data(target: Target, fields: dict[str, EffectiveField]) -> dict[str, Any]:
    profile = [
        {
            "radius": radius,
            "square": target.square(radius),
            "of_field": of_field(target, radius),
            "share": {state: rounded(field.share(radius)) for state, field in fields.items()},
            "spread": {state: _rounded(field.spread(radius)) for state, field in fields.items()},
        }
        for radius in radii(list(fields.values()))
    ]
    return {
        "map": target.name,
        "shape": str(target.shape),
        "position": target.position,
        "centre": target.centre,
        "box": target.box,
        "half_size": target.half_size,
        "outside": {state: _rounded(field.outside) for state, field in fields.items()},
        "radius_of": {state: {f"{s:g}": field.radius_of(s) for s in HELD} for state, field in fields.items()},
        "profile": profile,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else rounded(value)
