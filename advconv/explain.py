"""Pydantic's errors in our words, at their places."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from advconv.blocks.fields import shown, similar
from advconv.diagnostics import MOST, Diagnostic, Span, error, in_order
from advconv.source import Document, Path

Error = Any
"""One of the mappings that pydantic_core's ValidationError.errors() lists."""

Keys = Callable[[Path], list[str]]
"""The keys that may stand where the last step of a path stands."""

SYNONYMS = {
    **dict.fromkeys(("filters", "channels", "out", "out_planes", "features"), "out_channels"),
    **dict.fromkeys(("units", "out_channels"), "out_features"),
    **dict.fromkeys(("layers", "blocks", "model", "architecture"), "network"),
    **dict.fromkeys(("kernel", "k", "size"), "kernel_size"),
    **dict.fromkeys(("count", "n"), "times"),
}
"""Words of other tools for keys of ours."""

SECTIONS = ("defaults", "constraints", "train")


def explain(document: Document, problem: ValidationError, keys_at: Keys) -> list[Diagnostic]:
    """A diagnostic for each mistake; a required key that stands there misspelt is one mistake."""
    errors = problem.errors(include_url=False)
    unknown: dict[Path, list[str]] = {}
    for item in errors:
        if item["type"] == "extra_forbidden":
            unknown.setdefault(item["loc"][:-1], []).append(str(item["loc"][-1]))
    told = [item for item in errors[: MOST + 1] if not _is_misspelt(item, unknown, keys_at)]
    found = [_explained(document, item, keys_at) for item in told]
    return in_order(found)


def _is_misspelt(item: Error, unknown: dict[Path, list[str]], keys_at: Keys) -> bool:
    if item["type"] != "missing":
        return False
    *parent, field = item["loc"]
    beside = unknown.get(tuple(parent), [])
    return any(SYNONYMS.get(key) == field or field in similar(key, keys_at((*parent, key))) for key in beside)


def _explained(document: Document, item: Error, keys_at: Keys) -> Diagnostic:
    path: Path = tuple(step for step in item["loc"] if step != "[key]")
    at_key = item["loc"][-1:] == ("[key]",)
    if item["type"].startswith("AC"):
        context = item["ctx"]
        at = (*path, *context["at"])
        span = document.key_span(at) if at_key or context["at_key"] else document.span(at)
        return error(item["type"], span, _named(context["message"], path), context["help"])
    return TYPES.get(item["type"], _other)(document, path, item, keys_at)


def _named(message: str, path: Path) -> str:
    """`this must be ... -> out_channels must be ...`"""
    return message.replace("this must", f"{path[-1]} must", 1) if message.startswith("this must") else message


def _missing(document: Document, path: Path, item: Error, keys_at: Keys) -> Diagnostic:
    *parent, field = path
    span = document.key_span(tuple(parent)) if parent else Span()
    return error("AC112", span, f"{_owner(path)} has no {field}", f"write `{field}: ...`")


def _unknown_key(document: Document, path: Path, item: Error, keys_at: Keys) -> Diagnostic:
    key, keys = path[-1], keys_at(path)
    meant = SYNONYMS.get(str(key), "")
    help = f"write {meant}" if meant in keys else similar(key, keys) or f"the keys are {', '.join(keys)}"
    help = "in_channels is never written: it is what the row before puts out" if key == "in_channels" else help
    return error("AC111", document.key_span(path), f"{_owner(path)} has no key {str(path[-1])[:40]!r}", help)


def _wrong_form(form: str) -> Callable[..., Diagnostic]:
    def wrong(document: Document, path: Path, item: Error, keys_at: Keys) -> Diagnostic:
        what = str(path[-1]) if path else "an architecture"
        help = f"write [{shown(item['input'])}]" if form == "a list" and isinstance(item["input"], str) else ""
        help = help if path else f"the keys are {', '.join(keys_at(('advconv',)))}"
        return error("AC114", document.span(path), f"{what} must be {form}, not {shown(item['input'])}", help)

    return wrong


def _other(document: Document, path: Path, item: Error, keys_at: Keys) -> Diagnostic:
    return error("AC114", document.span(path), item["msg"])


TYPES: dict[str, Callable[..., Diagnostic]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "model_type": _wrong_form("a mapping"),
    "dict_type": _wrong_form("a mapping"),
    "list_type": _wrong_form("a list"),
    "tuple_type": _wrong_form("a list"),
}


def _owner(path: Path) -> str:
    if len(path) == 1:
        return "the architecture"
    if path[0] == "network" or path[-2] in SECTIONS:
        return str(path[-2])
    return f"`{path[-2]}`"
