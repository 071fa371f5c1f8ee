"""Laws that hold for any network, with torch as the judge."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from hypothesis import HealthCheck, assume, given, settings

from advconv.backends.evidence import verify
from advconv.dump import dump
from tests import build
from tests.strategies import archs

# CI draws 200 networks; ADVCONV_EXAMPLES asks for more, and for others each time.
EXAMPLES = int(os.environ.get("ADVCONV_EXAMPLES", "200"))
LAW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="ADVCONV_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


@LAW
@given(archs())
def test_a_dumped_spec_reads_back_the_same(data: dict[str, Any]) -> None:
    spec = build.checked(data).spec
    assume(spec is not None)
    assert spec is not None

    assert build.checked(dump(spec)).spec == spec


@LAW
@given(archs())
def test_the_report_is_true_of_the_module_and_its_source(data: dict[str, Any]) -> None:
    """Shapes, parameters, MACs, memory, the first and last pixel of the field, and the source bit for bit."""
    measures = build.checked(data).measures
    assume(measures is not None)
    assert measures is not None
    with one_thread():
        claims = verify(measures)

    assert [claim for claim in claims if not claim.holds] == []


@contextmanager
def one_thread() -> Iterator[None]:
    """Small networks are faster so; tests that come later compute with as many threads as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
