"""The figure of `advconv erf`: each effective field on the image with the theoretical one, and the share by radius."""

import io
from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from advconv.backends.effective_field import EffectiveField, Target
from advconv.report.effective_field import HELD, MeasuredFields
from advconv.text.visible import visible

MAX_MAPS = 4
"""Last maps that are drawn, one below the other; the table has all."""

GAMMA = 0.5
"""The brightness of a pixel is the square root of its gradient, so that the tail of the field is seen too."""

IMAGE, BOX, HELD_BOX = "#8a8a8a", "#d1662a", "#38a8f0"
COLOURS = ("#8a8a8a", "#2468b2")


def figure(measured: MeasuredFields, format: str) -> bytes:
    """A row for each last map, with a column for each state; in a format of matplotlib: `png`, `svg`, `pdf`."""
    maps, states = len(measured.targets[:MAX_MAPS]), len(measured.fields)
    # Identifiers in SVG are otherwise random.
    with rc_context({"svg.hashsalt": "advconv"}):
        drawn = Figure(figsize=(3.6 * states + 4.6, 3.6 * maps + 0.7), layout="constrained")
        axes = drawn.subplots(maps, states + 1, squeeze=False, width_ratios=[1] * states + [1.1])
        for index, (*fields, profile) in enumerate(axes):
            for spot, (state, field) in zip(fields, measured.of_map(index).items(), strict=True):
                _draw_field(spot, field, f"{state}, {field.target.name}")
            _draw_profile(profile, measured.of_map(index))
        drawn.suptitle(visible(f"{measured.name}: effective receptive field"), fontsize=11)
        return _saved(drawn, format)


def _saved(drawn: Figure, format: str) -> bytes:
    out = io.BytesIO()
    # Without the version of matplotlib and the time, the same measurement gives the same file.
    unstable = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    drawn.savefig(out, format=format, dpi=120, metadata=unstable[format])
    return out.getvalue()


def _draw_field(axes: Axes, field: EffectiveField, title: str) -> None:
    """All of the image and of the theoretical field, in pixels of the image."""
    target = field.target
    height, width = target.image.size
    axes.imshow(field.mass / field.mass.max(), cmap="magma", norm=PowerNorm(GAMMA, 0, 1), interpolation="nearest")
    _outline(axes, (0, height - 1), (0, width - 1), IMAGE, "-", "image")
    if target.box is not None:
        _outline(axes, *target.box, BOX, "-", "theoretical field")
    row, column = target.centre
    radius = field.radius_of(HELD[-1])
    square = (row - radius, row + radius), (column - radius, column + radius)
    _outline(axes, *square, HELD_BOX, "--", f"{100 * HELD[-1]:g}% of the gradient")
    axes.set_title(visible(title), fontsize=9)
    axes.tick_params(labelsize=7)
    _set_view(axes, target)
    axes.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.5, -0.07), ncols=3, frameon=False, handlelength=1.2)


Interval = tuple[float, float]


def _outline(axes: Axes, rows: Interval, columns: Interval, colour: str, line: str, label: str) -> None:
    """Around pixels, whose centres are whole numbers."""
    (top, bottom), (left, right) = rows, columns
    corner, width, height = (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1
    patch = Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=1.4, linestyle=line, label=label)
    axes.add_patch(patch)


def _set_view(axes: Axes, target: Target) -> None:
    height, width = target.image.size
    (top, bottom), (left, right) = target.box or ((0, height - 1), (0, width - 1))
    first, last = (min(0, top), min(0, left)), (max(height - 1, bottom), max(width - 1, right))
    margin = 0.5 + 0.04 * max(last[0] - first[0], last[1] - first[1])
    axes.set_xlim(first[1] - margin, last[1] + margin)
    axes.set_ylim(last[0] + margin, first[0] - margin)
    axes.set_facecolor("#f2f2f2")


def _draw_profile(axes: Axes, fields: Mapping[str, EffectiveField]) -> None:
    """The share of the gradient inside each radius."""
    for (state, field), colour in zip(fields.items(), COLOURS[-len(fields) :], strict=True):
        shares = [100 * field.share(radius) for radius in field.radii]
        marker = "o" if len(shares) < 3 else ""
        axes.plot(field.radii, shares, color=colour, marker=marker, label=state)
        spreads = [100 * (field.spread(radius) or 0) for radius in field.radii]
        low, high = ([y + sign * d for y, d in zip(shares, spreads, strict=True)] for sign in (-1, 1))
        axes.fill_between(field.radii, low, high, color=colour, alpha=0.2, linewidth=0)
    half = next(iter(fields.values())).target.half_size
    if half is not None:
        axes.axvline(half, color=BOX, linewidth=1.4, label=f"theoretical field: {half:g}")
    axes.axhline(100 * HELD[-1], color="black", linestyle=":", linewidth=1, label=f"{100 * HELD[-1]:g}%")
    axes.set_xlabel("radius (pixels)", fontsize=8)
    axes.set_ylabel("gradient inside (%)", fontsize=8)
    axes.set_ylim(0, 103)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, frameon=False)
