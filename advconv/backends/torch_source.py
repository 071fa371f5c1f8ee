"""The graph as the source of a torch module that a person could have written; no torch is needed to write it."""

import re
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveField
from advconv.backends.plan import Leaf, Section, Step, last_reads, plan
from advconv.layers.base import Call
from advconv.text.python_source import INDENT, WIDTH, docstring, literal
from advconv.values.quantities import count_text

NAMED = '''def named(**modules: nn.Module) -> nn.Sequential:
    """Modules one behind the other, each with a name."""
    return nn.Sequential(OrderedDict(modules))'''


def emit(measures: Measures, name: str) -> str:
    """A module with no import but torch's, whose state_dict has the keys of the compiled module.

    `Net()` is the network; its sequences are nn.Sequential, and where paths branch a small class says how.
    """
    root = plan(measures.graph)
    classes = Classes()
    body = "\n".join(_blocks(measures, root, classes))
    forward = _forward(root, [f"self.{child}" for child in root.children])
    net = f"{_docstring(measures, name)}\n\n{INDENT}def __init__(self) -> None:\n{INDENT * 2}super().__init__()\n{body}"
    definitions = [*classes.sources, f"class Net(nn.Module):\n{net}\n\n{forward}"]
    definitions = [NAMED, *definitions] if "named(" in body else definitions
    text = "\n\n\n".join(definitions)
    return f"{_header(measures, name, text)}\n\n\n{text}\n"


def _header(measures: Measures, name: str, text: str) -> str:
    """The module's docstring and the imports that its text needs."""
    lines = [docstring(f"{name}: a convolutional network, written by advconv emit."), ""]
    lines += ["from collections import OrderedDict", ""] if re.search(r"[ (]OrderedDict\(", text) else []
    lines += ["import torch"] if "torch." in text.replace("torch.nn", "") else []
    lines += ["import torch.nn.functional as F"] if " F." in text else []
    return "\n".join([*lines, "from torch import Tensor, nn"])


def _docstring(measures: Measures, name: str) -> str:
    """What the network takes, gives and costs."""
    total, field = measures.total, measures.receptive_field
    shape, output = _batch(measures.graph.input), _batch(measures.graph.output)
    lines = [
        f'{INDENT}"""Takes {shape}, gives {output}.',
        "",
        f"{INDENT}{count_text(total.params)} parameters, {count_text(total.macs)} MACs, receptive field {field}.",
        f'{INDENT}"""',
    ]
    return "\n".join(lines)


def _batch(shape: Any) -> str:
    sizes = [shape.channels] if shape.flat else [shape.channels, shape.height, shape.width]
    return f"({', '.join(map(str, ['batch', *sizes]))})"


def _blocks(measures: Measures, root: Section, classes: "Classes") -> Iterator[str]:
    """An attribute for each block, with the map it leads to and what that sees."""
    for name, child in root.children.items():
        last = child.node if isinstance(child, Leaf) else child.last
        shape, field = measures.graph.nodes[last].shape, ReceptiveField.of(measures.reaches[last])
        seen = f", receptive field {field}" if shape.size != (1, 1) else ""
        yield f"{INDENT * 2}# {name}: to {shape}{seen}"
        yield f"{INDENT * 2}self.{name} = {_expression(child, 2, classes)}"


class Classes:
    """The classes of sections that branch: one for all that have the same children and the same steps."""

    def __init__(self) -> None:
        self.names: dict[tuple[Any, ...], str] = {}
        self.counts = Counter[str]()
        self.sources: list[str] = []

    def name(self, section: Section) -> str:
        key = (section.kind, tuple(section.children), section.steps)
        if key not in self.names:
            base = "".join(word.capitalize() for word in section.kind.split("_")) or "Head"
            self.counts[base] += 1
            self.names[key] = f"{base}{self.counts[base]}" if self.counts[base] > 1 else base
            self.sources.append(_class(self.names[key], section))
        return self.names[key]


def _class(name: str, section: Section) -> str:
    """Children that are rows come by index, as in nn.Sequential; others by their names."""
    if _has_rows(section):
        places = [f"self[{index}]" for index in range(len(section.children))]
        return f"class {name}(nn.Sequential):\n{_forward(section, places)}"
    taken = ["self", *(f"{child}: nn.Module" for child in section.children)]
    kept = "\n".join(f"{INDENT * 2}self.{child} = {child}" for child in section.children)
    init = f"{_signature(taken)}\n{INDENT * 2}super().__init__()\n{kept}\n\n"
    init = init if section.children else ""
    return f"class {name}(nn.Module):\n{init}{_forward(section, [f'self.{child}' for child in section.children])}"


def _signature(taken: list[str]) -> str:
    line = f"{INDENT}def __init__({', '.join(taken)}) -> None:"
    return line if len(line) <= WIDTH else f"{_spread(f'{INDENT}def __init__(', taken, 1)} -> None:"


def _has_rows(section: Section) -> bool:
    return any(child.isdigit() for child in section.children)


def _forward(section: Section, places: list[str]) -> str:
    """The steps as statements. A value that only the next step reads is `x`; the section's own is, while it lasts."""
    callees = dict(_callees(section, places))
    lines = [f"{INDENT}def forward(self, x: Tensor) -> Tensor:"]
    names = _value_names(section.steps)
    for number, step in enumerate(section.steps):
        value = _step(step, callees, [names[index] for index in step.inputs])
        if number < len(section.steps) - 1:
            lines.append(f"{INDENT * 2}{names[number + 1]} = {value}")
        elif not isinstance(step.callee, Call):
            # What a module gives is of any type to a type checker; the annotation says which.
            lines += [f"{INDENT * 2}out: Tensor = {value}", f"{INDENT * 2}return out"]
        else:
            lines.append(f"{INDENT * 2}return {value}")
    return "\n".join(lines)


def _value_names(steps: tuple[Step, ...]) -> list[str]:
    """A name for each value: `x` again where nothing later reads the old one, else `y`, `z`, ..."""
    read_last: dict[int, list[int]] = {}
    for value, number in enumerate(last_reads(steps)):
        read_last.setdefault(max(value, number), []).append(value)
    names, free, fresh = [0], list[int](), count(1)
    for number in range(len(steps)):
        for value in read_last.get(number, ()):
            heappush(free, names[value])
        names.append(heappop(free) if free else next(fresh))
    return [_name(name) for name in names]


def _name(number: int) -> str:
    """`x, y, z, y1, y2, ...`"""
    return "xyz"[number] if number < 3 else f"y{number - 2}"


def _callees(section: Section, places: list[str], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """How each child is written, and those that open sections hold for it."""
    for (name, child), place in zip(section.children.items(), places, strict=True):
        yield (*above, name), place
        if isinstance(child, Section) and child.is_open:
            inside = [f"{place}[{index}]" for index in range(len(child.children))]
            yield from _callees(child, inside, (*above, name))


def _step(step: Step, callees: dict[tuple[str, ...], str], values: list[str]) -> str:
    if not isinstance(step.callee, Call):
        return f"{callees[step.callee]}({', '.join(values)})"
    inputs = f"[{', '.join(values)}]" if step.callee.packed else ", ".join(values)
    return _call(step.callee, first=[inputs])


def _call(call: Call, first: list[str] | None = None) -> str:
    """`nn.Conv2d(3, 32, kernel_size=3)`"""
    return f"{call.target}({', '.join([*(first or []), *_arguments(call)])})"


def _arguments(call: Call) -> list[str]:
    return [*map(literal, call.arguments), *(f"{name}={literal(value)}" for name, value in call.options)]


def _expression(part: Section | Leaf, depth: int, classes: Classes, label: str = "") -> str:
    """The construction of a module behind its label, a child to a line."""
    if isinstance(part, Leaf):
        return _leaf(part.call, depth, label)
    if _in_order(part):
        name = "nn.Sequential" if part.is_sequence else classes.name(part)
        words = [_expression(child, depth + 1, classes) for child in part.children.values()]
    elif _has_rows(part):
        return f"{label}{_numbered_and_named(part, depth, classes)}"
    else:
        name = "named" if part.is_sequence else classes.name(part)
        words = [_expression(made, depth + 1, classes, f"{child}=") for child, made in part.children.items()]
    return _spread(f"{label}{name}(", words, depth)


def _leaf(call: Call, depth: int, label: str) -> str:
    """A call on one line, or its arguments on a line of their own where that is too long."""
    line = f"{label}{_call(call)}"
    if len(INDENT * depth + line) < WIDTH or not _arguments(call):
        return line
    arguments = ", ".join(_arguments(call))
    if len(INDENT * (depth + 1) + arguments) <= WIDTH:
        return f"{label}{call.target}(\n{INDENT * (depth + 1)}{arguments}\n{INDENT * depth})"
    return _spread(f"{label}{call.target}(", _arguments(call), depth)


def _numbered_and_named(section: Section, depth: int, classes: Classes) -> str:
    """Rows some of which have names: a mapping, for `0` can be no keyword."""
    inside = depth + (1 if section.is_sequence else 2)
    words = [_expression(child, inside + 1, classes, f'"{name}": ') for name, child in section.children.items()]
    if section.is_sequence:
        return _wrapped("named(", _spread("**{", words, inside, "}"), depth)
    ordered = _wrapped("OrderedDict(", _spread("{", words, inside, "}"), depth + 1)
    return _wrapped(f"{classes.name(section)}(", ordered, depth)


def _in_order(section: Section) -> bool:
    """Whether the children have the names that nn.Sequential gives by itself."""
    return list(section.children) == [str(index) for index in range(len(section.children))]


def _spread(opening: str, words: list[str], depth: int, closing: str = ")") -> str:
    """Each word on a line of its own."""
    lines = "".join(f"{INDENT * (depth + 1)}{word},\n" for word in words)
    return f"{opening}\n{lines}{INDENT * depth}{closing}" if words else f"{opening}{closing}"


def _wrapped(opening: str, word: str, depth: int) -> str:
    """One word that fills lines, without the comma that a list of words ends with."""
    return f"{opening}\n{INDENT * (depth + 1)}{word}\n{INDENT * depth})"
