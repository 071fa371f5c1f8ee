"""Laws that hold for any network, with torch as the judge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from advconv.analysis.features import FEATURES, features
from advconv.backends.evidence import verify
from advconv.language.dump import dump
from tests import build
from tests.strategies import CONSTRAINTS, LAW, archs


@LAW
@given(archs(), CONSTRAINTS)
def test_a_dumped_spec_reads_back_the_same(data: dict[str, Any], constraints: dict[str, Any]) -> None:
    spec = build.checked(data | {"constraints": constraints}).spec
    assume(spec is not None)
    assert spec is not None

    assert build.checked(dump(spec)).spec == spec


@LAW
@given(archs())
def test_the_report_is_true_of_the_module_and_its_source(data: dict[str, Any]) -> None:
    """Shapes, parameters, MACs, finite outputs, memory, the ends of the field, and the source bit for bit."""
    measures = build.checked(data).measures
    assume(measures is not None)
    assert measures is not None
    with one_thread():
        claims = verify(measures)

    assert [claim for claim in claims if not claim.holds] == []


@LAW
@given(archs(), st.sampled_from(["add", "concat", "multiply"]), st.integers(1, 2), st.permutations(range(3)))
def test_the_order_of_paths_changes_no_number(data: dict[str, Any], merge: str, height: int, order: list[int]) -> None:
    """But for the peaks of memory: paths run in the order in which they are written."""
    stem, *rest = data["network"].values()
    ends = [[{"conv": {"out_channels": 8, "stride": [stride, 1]}}] for stride in (1, height)]
    paths = {"a": ends[0], "b": ends[1], "c": [*stem, {"pointwise": 8}]}
    data |= {"input": [4, height, data["input"][2]]}

    def numbers(names: list[str]) -> Any:
        branches = {"branches": {"merge": merge, "paths": {name: paths[name] for name in names}}}
        row = {"residual": [branches, {"conv": 8}]}
        found = build.checked(data | {"network": {"C1": [branches, {"conv": 4}, row], "O": rest[-1]}})
        codes = sorted(diagnostic.code for diagnostic in found.diagnostics)
        if found.measures is None:
            return codes
        counts = [len(features(found.measures.graph, (name,))) for name in FEATURES]
        fields = found.measures.receptive_field, found.measures.receptive_field_through_pooling
        return codes, fields, found.measures.total, found.measures.memory.training, counts

    assert numbers(list(paths)) == numbers([list(paths)[index] for index in order])


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks are faster so; tests that come later compute with as many threads as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
