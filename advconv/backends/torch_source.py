"""The graph as readable source of a torch module; torch itself is not needed to write it."""

import re
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import ReceptiveField
from advconv.backends.plan import ForwardCall, Leaf, ModulePlan, last_reads, plan
from advconv.layers.base import Call
from advconv.text.python_source import INDENT, WIDTH, Brackets, docstring, layout, literal
from advconv.values.quantities import count_text

NAMED = '''def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))'''


def emit(measures: Measures, name: str) -> str:
    """Python source that imports only torch and whose state_dict has the keys of the built module.

    `Net()` is the network; its sequences are nn.Sequential, and each kind of branching module is a small class.
    """
    root = plan(measures.graph)
    classes = Classes()
    body = "\n".join(_blocks(measures, root, classes))
    forward = _forward(root, [f"self.{child}" for child in root.children])
    net = f"{_docstring(measures)}\n\n{INDENT}def __init__(self) -> None:\n{INDENT * 2}super().__init__()\n{body}"
    definitions = [*classes.sources, f"class Net(nn.Module):\n{net}\n\n{forward}"]
    definitions = [NAMED, *definitions] if "named(" in body else definitions
    text = "\n\n\n".join(definitions)
    return f"{_header(name, text)}\n\n\n{text}\n"


def _header(name: str, text: str) -> str:
    """The module's docstring and the imports that its text needs."""
    lines = [docstring(f"{name}: a convolutional network, written by advconv emit."), ""]
    lines += ["from collections import OrderedDict", ""] if re.search(r"[ (]OrderedDict\(", text) else []
    lines += ["import torch"] if "torch." in text.replace("torch.nn", "") else []
    lines += ["import torch.nn.functional as F"] if " F." in text else []
    return "\n".join([*lines, "from torch import Tensor, nn"])


def _docstring(measures: Measures) -> str:
    """Input, output and cost of the network."""
    total, field = measures.total, measures.receptive_field
    shape, output = _batch(measures.graph.input), _batch(measures.graph.output)
    lines = [
        f'{INDENT}"""Input {shape}, output {output}.',
        "",
        f"{INDENT}{count_text(total.params)} parameters, {count_text(total.macs)} MACs, receptive field {field}.",
        f'{INDENT}"""',
    ]
    return "\n".join(lines)


def _batch(shape: Any) -> str:
    sizes = [shape.channels] if shape.flat else [shape.channels, shape.height, shape.width]
    return f"({', '.join(map(str, ['batch', *sizes]))})"


def _blocks(measures: Measures, root: ModulePlan, classes: "Classes") -> Iterator[str]:
    """An attribute for each block, under a comment with its output shape and receptive field."""
    for name, child in root.children.items():
        last = child.node if isinstance(child, Leaf) else child.last
        shape, field = measures.graph.nodes[last].shape, ReceptiveField.of(measures.reaches[last])
        field_text = f", receptive field {field}" if shape.size != (1, 1) else ""
        yield f"{INDENT * 2}# {name} -> {shape}{field_text}"
        yield f"{INDENT * 2}self.{name} = {_expression(child, 2, classes)}"


class Classes:
    """The classes of modules that branch; modules with the same children and the same calls share one."""

    def __init__(self) -> None:
        self.names: dict[tuple[Any, ...], str] = {}
        self.counts = Counter[str]()
        self.sources: list[str] = []

    def name(self, module: ModulePlan) -> str:
        key = (module.kind, tuple(module.children), module.calls)
        if key not in self.names:
            base = "".join(word.capitalize() for word in module.kind.split("_")) or "Head"
            self.counts[base] += 1
            self.names[key] = f"{base}{self.counts[base]}" if self.counts[base] > 1 else base
            self.sources.append(_class(self.names[key], module))
        return self.names[key]


def _class(name: str, module: ModulePlan) -> str:
    """The class of a module. Children that are rows are read by index, as in nn.Sequential; others by their names."""
    if _has_rows(module):
        references = [f"self[{index}]" for index in range(len(module.children))]
        return f"class {name}(nn.Sequential):\n{_forward(module, references)}"
    taken = ["self", *(f"{child}: nn.Module" for child in module.children)]
    assignments = "\n".join(f"{INDENT * 2}self.{child} = {child}" for child in module.children)
    init = f"{_signature(taken)}\n{INDENT * 2}super().__init__()\n{assignments}\n\n"
    init = init if module.children else ""
    return f"class {name}(nn.Module):\n{init}{_forward(module, [f'self.{child}' for child in module.children])}"


def _signature(taken: list[str]) -> str:
    line = f"{INDENT}def __init__({', '.join(taken)}) -> None:"
    return line if len(line) <= WIDTH else f"{_spread(f'{INDENT}def __init__(', taken, 1)} -> None:"


def _has_rows(module: ModulePlan) -> bool:
    return any(child.isdigit() for child in module.children)


def _forward(module: ModulePlan, references: list[str]) -> str:
    """The calls as statements."""
    callees = dict(_callees(module, references))
    lines = [f"{INDENT}def forward(self, x: Tensor) -> Tensor:"]
    names = _value_names(module.calls)
    for number, call in enumerate(module.calls):
        value = _forward_call(call, callees, [names[index] for index in call.inputs])
        if number < len(module.calls) - 1:
            lines.append(f"{INDENT * 2}{names[number + 1]} = {value}")
        elif not isinstance(call.callee, Call):
            # To a type checker the result of a module is Any, so its type is annotated.
            lines += [f"{INDENT * 2}out: Tensor = {value}", f"{INDENT * 2}return out"]
        else:
            lines.append(f"{INDENT * 2}return {value}")
    return "\n".join(lines)


def _value_names(calls: tuple[ForwardCall, ...]) -> list[str]:
    """A name for each value: the first of `x`, `y`, `z`, ... whose value is no longer read."""
    read_last: dict[int, list[int]] = {}
    for value, number in enumerate(last_reads(calls)):
        read_last.setdefault(max(value, number), []).append(value)
    names, free, fresh = [0], list[int](), count(1)
    for number in range(len(calls)):
        for value in read_last.get(number, ()):
            heappush(free, names[value])
        names.append(heappop(free) if free else next(fresh))
    return [_name(name) for name in names]


def _name(number: int) -> str:
    """`x, y, z, y1, y2, ...`"""
    return "xyz"[number] if number < 3 else f"y{number - 2}"


def _callees(
    module: ModulePlan, references: list[str], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The expression that refers to each child, and to the children of open modules."""
    for (name, child), reference in zip(module.children.items(), references, strict=True):
        yield (*above, name), reference
        if isinstance(child, ModulePlan) and child.is_open:
            inside = [f"{reference}[{index}]" for index in range(len(child.children))]
            yield from _callees(child, inside, (*above, name))


def _forward_call(call: ForwardCall, callees: dict[tuple[str, ...], str], values: list[str]) -> str:
    if not isinstance(call.callee, Call):
        return f"{callees[call.callee]}({', '.join(values)})"
    inputs = f"[{', '.join(values)}]" if call.callee.packed else ", ".join(values)
    return _call(call.callee, first=[inputs])


def _call(call: Call, first: list[str] | None = None) -> str:
    """`nn.Conv2d(3, 32, kernel_size=3)`"""
    return f"{call.target}({', '.join([*(first or []), *_arguments(call)])})"


def _arguments(call: Call) -> list[str]:
    return [*map(literal, call.arguments), *(f"{name}={literal(value)}" for name, value in call.options)]


def _expression(planned: ModulePlan | Leaf, depth: int, classes: Classes, label: str = "") -> str:
    """The construction of a module after its label, one child a line."""
    if isinstance(planned, Leaf):
        return _leaf(planned.call, depth, label)
    if _in_order(planned):
        name = "nn.Sequential" if planned.is_sequence else classes.name(planned)
        words = [_expression(child, depth + 1, classes) for child in planned.children.values()]
    elif _has_rows(planned):
        return f"{label}{_numbered_and_named(planned, depth, classes)}"
    else:
        name = "named" if planned.is_sequence else classes.name(planned)
        words = [_expression(made, depth + 1, classes, f"{child}=") for child, made in planned.children.items()]
    return _spread(f"{label}{name}(", words, depth)


def _leaf(call: Call, depth: int, label: str) -> str:
    return layout(Brackets(f"{label}{call.target}(", tuple(_arguments(call)), ")"), depth)


def _numbered_and_named(module: ModulePlan, depth: int, classes: Classes) -> str:
    """Rows of which some have names: a mapping, since `0` is not a valid keyword."""
    inside = depth + (1 if module.is_sequence else 2)
    words = [_expression(child, inside + 1, classes, f'"{name}": ') for name, child in module.children.items()]
    if module.is_sequence:
        return _wrapped("named(", _spread("**{", words, inside, "}"), depth)
    ordered = _wrapped("OrderedDict(", _spread("{", words, inside, "}"), depth + 1)
    return _wrapped(f"{classes.name(module)}(", ordered, depth)


def _in_order(module: ModulePlan) -> bool:
    """Whether the children have the default names of nn.Sequential."""
    return list(module.children) == [str(index) for index in range(len(module.children))]


def _spread(opening: str, words: list[str], depth: int, closing: str = ")") -> str:
    """Each word on a line of its own."""
    lines = "".join(f"{INDENT * (depth + 1)}{word},\n" for word in words)
    return f"{opening}\n{lines}{INDENT * depth}{closing}" if words else f"{opening}{closing}"


def _wrapped(opening: str, word: str, depth: int) -> str:
    """A single argument of several lines, without a trailing comma."""
    return f"{opening}\n{INDENT * (depth + 1)}{word}\n{INDENT * depth})"
