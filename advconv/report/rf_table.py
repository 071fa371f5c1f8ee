"""The receptive-field calculation table, and the formula of each row."""

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveField, square
from advconv.analysis.rf_table import RfStep, steps
from advconv.geometry import Reach, Window
from advconv.layers.conv import Convolution
from advconv.report.table import Cell, Table, cell_text

COLUMNS = (
    "Input Size",
    "Input RF",
    "Kernel (+Dilation)",
    "Padding",
    "Stride",
    "Jump In",
    "Jump Out",
    "Output RF",
    "Output Size",
    "Block",
    "Notes",
)


def rf_table(measures: Measures, name: str, explain: bool = False) -> Table:
    """A row for each convolutional unit and pooling; a global pooling is reported below the table.

    Kernel counts dilation. Square values are one number, others (height, width), written HxW; asymmetric
    padding is (top, bottom, left, right), written before+after. Unknown values are None. `explain`
    adds how each row is computed from its input.
    """
    found = steps(measures)
    rows = [step for step in found if not step.is_global_pooling]
    closing = [_closing(step) for step in found if step.is_global_pooling]
    formulas = [_formula(step) for step in rows]
    columns = (*COLUMNS, "Formula") if explain else COLUMNS
    cells = [(*_cells(step), *([formula] if explain else [])) for step, formula in zip(rows, formulas, strict=True)]
    return Table(_title(measures.receptive_field, rows, name), columns, tuple(cells), tuple(closing), texts=TEXTS)


def _title(field: ReceptiveField, rows: list[RfStep], name: str) -> str:
    """The receptive field: that of the marked row, unless branches that see different pixels merge."""
    widest = [ReceptiveField.of(step.after).size for step in rows if step.is_widest]
    is_merged = field.size is not None and widest not in ([], [field.size])
    notes = [field.note, "union over merged branches; no single branch covers it" if is_merged else ""]
    note = "; ".join(filter(None, notes))
    return f"{name}: receptive field {field}" + (f" ({note})" if note else "")


def _cells(step: RfStep) -> tuple[Cell, ...]:
    vertical, horizontal = step.windows
    return (
        _pair(*step.input_size),
        _rf(step.before),
        _pair(vertical.extent, horizontal.extent),
        _padding(vertical, horizontal),
        _pair(vertical.stride, horizontal.stride),
        _jump(step.before),
        _jump(step.after),
        _rf(step.after),
        _pair(*step.output_size),
        step.node.origin.block,
        step.notes + _mark(step),
    )


def _mark(step: RfStep) -> str:
    if not step.is_widest:
        return ""
    return f" (Last {'conv' if isinstance(step.node.layer, Convolution) else 'map'} before GAP)"


def _pair(height: int, width: int) -> Cell:
    return height if height == width else (height, width)


def _padding(vertical: Window, horizontal: Window) -> Cell:
    if vertical.before == vertical.after and horizontal.before == horizontal.after:
        return _pair(vertical.before, horizontal.before)
    return vertical.before, vertical.after, horizontal.before, horizontal.after


def _padding_text(cell: Cell) -> str:
    """`(1, 2, 0, 0) -> 1+2x0`"""
    if not isinstance(cell, tuple) or len(cell) == 2:
        return cell_text(cell)
    top, bottom, left, right = cell
    height, width = (f"{a}" if a == b else f"{a}+{b}" for a, b in ((top, bottom), (left, right)))
    return height if height == width else f"{height}x{width}"


def _rf(reaches: tuple[Reach, Reach]) -> Cell:
    field = ReceptiveField.of(reaches)
    return _pair(*field.size) if field.size else None


def _jump(reaches: tuple[Reach, Reach]) -> Cell:
    vertical, horizontal = reaches
    has_jump = all(reach.jump and not reach.unknown for reach in reaches)
    return _pair(vertical.jump, horizontal.jump) if has_jump else None


def _known(cell: Cell) -> str:
    return "unknown" if cell is None else cell_text(cell)


TEXTS = {"Padding": _padding_text} | dict.fromkeys(("Input RF", "Jump In", "Jump Out", "Output RF"), _known)


def _closing(step: RfStep) -> str:
    sizes = f"{square(step.input_size)} -> {square(step.output_size)}"
    through = ReceptiveField.of(step.after)
    return f"{step.node.origin.label} {step.node.layer.kind}: {sizes}, receptive field through it {through}"


def _formula(step: RfStep) -> str:
    """The formulas with their numbers; both axes if they differ."""
    axes = [_axis_formula(step, axis) for axis in (0, 1)]
    return axes[0] if axes[0] == axes[1] else f"height: {axes[0]}; width: {axes[1]}"


def _axis_formula(step: RfStep, axis: int) -> str:
    window, before, after = step.windows[axis], step.before[axis], step.after[axis]
    n, out = step.input_size[axis], step.output_size[axis]
    size = f"size {_rounding(window, n, out)}"
    if window.dilation > 1:
        size = f"kernel {window.dilation}*({window.kernel_size} - 1) + 1 = {window.extent}, {size}"
    if before.unknown or after.unknown:
        return f"{size}, RF unknown"
    jump = f"jump {before.jump}*{window.stride} = {after.jump}"
    return f"{size}, {jump}, RF {before.size} + ({window.extent} - 1)*{before.jump} = {after.size}"


def _rounding(window: Window, n: int, out: int) -> str:
    """The formula of the output size; with ceil_mode, a last window that starts after the map is not counted."""
    quotient = f"({n} + {window.before} + {window.after} - {window.extent}) / {window.stride}"
    if not window.ceil_mode:
        return f"floor({quotient}) + 1 = {out}"
    windows = -(-(n + window.before + window.after - window.extent) // window.stride) + 1
    return f"ceil({quotient}) + 1 = {windows}" + (f", less the last = {out}" if windows != out else "")
