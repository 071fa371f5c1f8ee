"""What a file holds stays a value in the Python that is emitted: one literal that evaluates to it."""

import ast
import json
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import advconv
from advconv.backends.torch_source import emit
from advconv.language.augment import source, transform
from advconv.values.names import name_problem
from tests.build import measured
from tests.test_escapes import TEXTS

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name_problem(name))

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def literals(text: str) -> dict[str, ast.expr]:
    """The arguments of the one transform in an emitted pipeline."""
    (call,) = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.keywords]
    return {str(keyword.arg): keyword.value for keyword in call.keywords}


def evaluated(node: ast.expr) -> Any:
    """A literal's value; it may call nothing but `float` of a text."""
    for part in ast.walk(node):
        assert isinstance(
            part,
            ast.Constant | ast.List | ast.Tuple | ast.Dict | ast.UnaryOp | ast.USub | ast.Load | ast.Call | ast.Name,
        )
        if isinstance(part, ast.Call):
            assert ast.unparse(part) in ("float('inf')", "float('-inf')", "float('nan')")
    return eval(compile(ast.Expression(node), "literal", "eval"), {"__builtins__": {"float": float}})


def same(found: Any, value: Any) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return isinstance(found, float) and math.isnan(found)
    if isinstance(value, list | tuple):
        return len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, dict):
        return list(found) == list(value) and all(same(found[key], value[key]) for key in value)
    return type(found) is type(value) and found == value


@settings(max_examples=300)
@given(VALUES.filter(lambda value: value != "mean"))
def test_any_value_of_an_augmentation_is_one_literal_that_evaluates_to_it(value: Any) -> None:
    declared = transform({"CoarseDropout": {"fill": value, "p": 0.5}})

    arguments = literals(source((declared,), "t"))

    assert set(arguments) == {"fill", "p"}
    assert same(evaluated(arguments["fill"]), declared.arguments["fill"])


@pytest.mark.parametrize(
    "value", ["a'+str(__import__('os'))+'b", "it's 'x'", math.inf, -math.inf, math.nan, "\\", '"""']
)
def test_values_that_ended_their_literal_no_longer_do(value: Any) -> None:
    written = f"fill: {json.dumps(value)}" if isinstance(value, str) else f"fill: {str(value).replace('inf', '.inf')}"
    written = written.replace("nan", ".nan")
    net = advconv.loads(
        "advconv: 1\nname: t\ninput: [3, 8, 8]\nclasses: 2\n"
        f"network: {{C: [gap, linear]}}\naugment:\n  - CoarseDropout: {{{written}}}\n"
    )
    assert net.checked.spec is not None

    assert same(evaluated(literals(source(net.checked.spec.augment, "t"))["fill"]), value)


@settings(max_examples=15, deadline=None)
@example([None, None, None, None, {"é'\ufeff|\"é\r.": [[3.991619409595068e16, -1.2672148334323328e133]]}])
@given(st.lists(VALUES, min_size=5, max_size=12))
def test_an_emitted_augmentation_is_formatted(values: list[Any]) -> None:
    """Inside a composition too, where the lines have less room."""
    rows: list[Any] = [{"CoarseDropout": {"fill": value, "fill_mask": values}} for value in values]
    text = source((*map(transform, rows), transform({"OneOf": {"transforms": [*rows[:2], "D4"]}})), "t")

    format = [sys.executable, "-m", "ruff", "format", "--isolated", "--stdin-filename", "t.py", "-"]
    assert subprocess.run(format, input=text.encode(), capture_output=True, check=True).stdout.decode() == text


@given(TEXTS)
def test_any_title_is_text_in_the_docstring_of_what_is_emitted(name: str) -> None:
    model, augmentation = (ast.parse(text) for text in (emit(measured("gap"), name), source((), name)))

    assert ast.get_docstring(model, clean=False) == f"{name}: a convolutional network, written by advconv emit."
    assert ast.get_docstring(augmentation, clean=False) == f"The augmentation of {name}."


AWKWARD = ["torch", "nn", "F", "Tensor", "OrderedDict", "named", "Net", "Head", "x", "y", "out", "modules_", "print"]


@settings(max_examples=30)
@example(["OrderedDict", "x"])
@given(st.lists(NAMES | st.sampled_from(AWKWARD), min_size=2, max_size=3, unique=True))
def test_any_names_of_blocks_and_paths_are_attributes_in_the_emitted_source(names: list[str]) -> None:
    rows = {name: ["relu"] for name in names}
    text = json.dumps({"advconv": 1, "name": "t", "input": [3, 8, 8], "network": rows})
    branches = json.dumps({**json.loads(text), "network": {"C": [{"branches": {"paths": rows, "merge": "add"}}]}})

    for document in (text, branches):
        tree = ast.parse(advconv.loads(document.replace('"relu"', '{"conv": 3}')).source())
        nodes = list(ast.walk(tree))
        assert set(names) <= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        imported = {alias.asname or alias.name for node in nodes for alias in getattr(node, "names", ())}
        assert imported == imported & {node.id for node in nodes if isinstance(node, ast.Name)}
