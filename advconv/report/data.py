"""Checked architectures as JSON and as GitHub workflow commands."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from advconv.analysis.cost import MACS_CONVENTION, weight_bytes
from advconv.analysis.measure import Measures
from advconv.analysis.receptive_field import Reaches, ReceptiveField
from advconv.check import Checked, gc_disabled
from advconv.constraints.record import Verdict
from advconv.geometry import Reach
from advconv.report.diagnostics import as_data, as_github
from advconv.text.visible import json_text

AXES = ("height", "width")


def json_report(checked: Iterable[Checked]) -> str:
    """All files as one JSON value."""
    return "\n".join(json_lines(checked, lambda: 0))


def json_lines(checked: Iterable[Checked], skipped: Callable[[], int]) -> Iterator[str]:
    """The same one line at a time, one for each file, so that only one is in memory.

    `skipped` returns, at the end, the number of YAML files in directories that are not architectures.
    """
    yield f'{{"conventions": {json_text(CONVENTIONS)}, "files": ['
    yield from separated(map(_line, checked))
    yield f'], "skipped": {skipped()}}}'


def _line(checked: Checked) -> str:
    with gc_disabled():
        return json_text(_file(checked), None)


def separated(values: Iterable[str]) -> Iterator[str]:
    """The elements of a JSON array, with a comma after each but the last."""
    previous = None
    for value in values:
        if previous is not None:
            yield f"{previous},"
        previous = value
    yield from [] if previous is None else [previous]


CONVENTIONS = {
    "macs": f"multiply-accumulates for one image; {MACS_CONVENTION}",
    "memory": "bytes, float32, one image, nothing in place; parameters not counted; memory frees each output after "
    "its last reader, memory_eager is the peak of the built module in torch's eager mode",
    "reach": "position p of a map depends on input positions jump*p + first to jump*p + last; start is the centre of "
    "the receptive field of position 0, with 0.0 at the centre of the first pixel",
    "place": "line and column of a diagnostic count from 1, offsets in characters from 0, in the file, or in `option` "
    "if that is not null; the end is exclusive",
}


def _file(checked: Checked) -> dict[str, Any]:
    return {
        "file": checked.source.name,
        "name": checked.spec.name if checked.spec else None,
        "ok": checked.ok,
        "diagnostics": [as_data(diagnostic) for diagnostic in checked.diagnostics],
        "constraints": [_verdict(verdict) for verdict in checked.verdicts],
        "suggestions": [] if checked.ok else _suggestions(checked),
        "network": network(checked.measures) if checked.measures else None,
    }


def _suggestions(checked: Checked) -> list[dict[str, Any]]:
    # Imported for networks that break a constraint only.
    from advconv.report.suggestions import suggestion_data
    from advconv.suggest.suggestion import quick_suggestions

    return [suggestion_data(found) for found in quick_suggestions(checked)]


def _verdict(verdict: Verdict) -> dict[str, Any]:
    fields = {"name": verdict.name, "limit": verdict.limit.text, "value": verdict.value, "unit": verdict.unit}
    return fields | {"margin": verdict.margin, "status": verdict.status}


def network(measures: Measures) -> dict[str, Any]:
    """All measures, of the network and of each row."""
    graph, pooled = measures.graph, measures.receptive_field_through_pooling
    return {
        "input": str(graph.input),
        "output": str(graph.output),
        "receptive_field": _field(measures.receptive_field)
        | {"maps": [_reaches(measures.reaches[index]) for index in measures.last_maps.maps]},
        "receptive_field_through_pooling": _field(pooled) if pooled else None,
        "params": measures.total.params,
        "macs": measures.total.macs,
        "weights": measures.weights,
        "memory": measures.memory.inference,
        "memory_eager": measures.memory.eager,
        "training_memory": measures.memory.training,
        "rows": rows(measures),
    }


def _field(field: ReceptiveField) -> dict[str, Any]:
    return {
        "size": field.size,
        "narrowest": field.narrowest,
        "gated": field.gated,
        "gate_sees_whole_image": field.whole,
    }


def _reaches(reaches: Reaches) -> dict[str, Any]:
    return {axis: _reach(reach) for axis, reach in zip(AXES, reaches, strict=True)}


def _reach(reach: Reach) -> dict[str, Any] | None:
    if reach.unknown:
        return None
    interval = {"size": reach.size, "jump": reach.jump or None, "first": reach.first, "last": reach.last}
    gate = {"gated": reach.gated, "gate_sees_whole_image": reach.whole}
    return interval | {"start": reach.centre, "narrowest": reach.narrowest} | gate


def rows(measures: Measures) -> list[dict[str, Any]]:
    """The totals of the layers of each row of the YAML, repeats unrolled."""
    found: dict[str, dict[str, Any]] = {}
    for index, node in enumerate(measures.graph.nodes):
        cost = measures.costs[index]
        start = {"row": node.origin.label, "block": node.origin.block, "kind": node.origin.kind}
        zeros = {"params": 0, "macs": 0, "weights": 0, "memory": 0, "memory_eager": 0, "training_memory": 0}
        row = found.setdefault(node.origin.label, start | zeros)
        row |= {"output": str(node.shape), "reach": _reaches(measures.reaches[index])}
        row["params"] += cost.params
        row["macs"] += cost.macs
        row["weights"] = weight_bytes(row["params"])
        row["memory"] = max(row["memory"], measures.memory.live[index])
        row["memory_eager"] = max(row["memory_eager"], measures.memory.eager_live[index])
        row["training_memory"] += measures.memory.saved[index]
    return list(found.values())


def github_report(checked: Checked) -> str:
    """A workflow command for each diagnostic."""
    return "\n".join(as_github(diagnostic, checked.source.name) for diagnostic in checked.diagnostics)
