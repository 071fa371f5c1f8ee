"""Findings from pydantic's errors, with our messages and paths."""

import re
from collections.abc import Callable, Collection
from functools import partial
from itertools import islice, takewhile
from typing import Any, NamedTuple

from pydantic import ValidationError

from advconv.analysis.features import FEATURES
from advconv.blocks import BLOCKS_BY_KIND
from advconv.blocks.row_help import written_row
from advconv.language.form_help import Keys, form_help, value_help
from advconv.text.document import Document
from advconv.text.finding import MAX_FINDINGS, Edit, Finding, Path
from advconv.text.source import Span
from advconv.text.words import join_words, the_keys_are
from advconv.values.forms import closest, did_you_mean, in_yaml
from advconv.values.synonyms import our_word, write_instead

Error = Any
"""One of the mappings that pydantic_core's ValidationError.errors() lists."""

SECTIONS = ("train", "defaults", "constraints")

MARKER_KEYS = ("advconv", "network")
"""The keys that make a file an architecture."""

MAPPINGS = (*SECTIONS, "network", "uses")


def findings_of(document: Document, problem: ValidationError, keys_at: Keys) -> list[Finding]:
    """A finding for each mistake; a misspelt required key is one mistake, not a missing and an unknown key."""
    if not _is_architecture(document.root.data):
        return [_foreign(document.root.data)]
    errors = problem.errors(include_url=False)
    unknown = _unknown_keys(errors)
    empty = [
        section for parent, keys in unknown.items() for section in _empty_sections(document, parent, keys, keys_at)
    ]
    caused = {path for section in empty for path in section.errors}
    reported = [
        item
        for item in errors[: MAX_FINDINGS + 1]
        if item["loc"] not in caused and not _is_misspelt(item, unknown, keys_at)
    ]
    return [_finding(item, keys_at) for item in reported] + [_empty(*section) for section in empty]


def _is_architecture(data: Any) -> bool:
    """Whether a file has a marker key, however it is spelt."""
    keys = list(data)[:MAX_FINDINGS] if isinstance(data, dict) else []
    return any(
        key in MARKER_KEYS or our_word("section", key, ("network",)) or did_you_mean(key, MARKER_KEYS) for key in keys
    )


def _foreign(data: Any) -> Finding:
    if isinstance(data, list):
        help = "write `advconv: 1` as the first line, and rows under the name of a block: `network: {C1: [...]}`"
        return Finding("AC114", Span(), "an architecture is a mapping of sections, this is a list", help)
    what = "it has neither `advconv` nor `network`" if isinstance(data, dict) else f"it is {_described(data)}"
    code = "AC112" if isinstance(data, dict) else "AC114"
    return Finding(
        code, Span(), f"this file is not an architecture: {what}", "`advconv new NAME` writes one to start from"
    )


def _described(data: Any) -> str:
    if data is None:
        return "empty"
    return f"the text {data[:40]!r}" if isinstance(data, str) else in_yaml(data)


def _unknown_keys(errors: list[Error]) -> dict[Path, dict[str, None]]:
    """The unknown keys of each mapping, in order."""
    unknown: dict[Path, dict[str, None]] = {}
    for item in errors:
        if item["type"] == "extra_forbidden":
            unknown.setdefault(item["loc"][:-1], {})[str(item["loc"][-1])] = None
    return unknown


class EmptySection(NamedTuple):
    """A section without a value, with the unknown keys after it, which belong inside it."""

    path: Path
    keys: list[str]

    @property
    def errors(self) -> list[Path]:
        """Where this one mistake makes pydantic report errors: at the section and at the keys after it."""
        return [self.path, *((*self.path[:-1], key) for key in self.keys)]


def _empty_sections(document: Document, parent: Path, unknown: Collection[str], keys_at: Keys) -> list[EmptySection]:
    """The empty sections in the mapping at `parent` that unknown keys with values follow."""
    data = document.root.data
    for step in parent:
        data = data.get(step) if isinstance(data, dict) else None
    items = list(data.items()) if isinstance(data, dict) else []
    found = []
    for number, (key, value) in enumerate(items):
        if value is None and key in MAPPINGS:
            after = takewhile(lambda item: item[0] in unknown and item[1] is not None, items[number + 1 :])
            keys = takewhile(partial(_can_belong_to, key, keys_at), (name for name, _ in after))
            found.append(EmptySection((*parent, key), list(keys)))
    return [section for section in found if section.keys]


def _can_belong_to(section: str, keys_at: Keys, key: str) -> bool:
    """Whether a key is one of the section, or of none, such as the name of a block."""
    sections = [each for each in SECTIONS if key in keys_at((each, key))]
    return section not in SECTIONS or section in sections or not sections


def _empty(section: Path, keys: list[str]) -> Finding:
    shown = [*(key[:40] for key in keys[:4]), *([f"{len(keys) - 4} more"] if len(keys) > 4 else [])]
    names = join_words(shown, "and")
    message = f"{section[-1]} is empty: {names} {'is' if len(keys) == 1 else 'are'} at the same indentation"
    help = f"indent {names} deeper than {section[-1]}"
    return Finding("AC114", section, message, help, at_key=True)


def _is_misspelt(item: Error, unknown: dict[Path, dict[str, None]], keys_at: Keys) -> bool:
    if item["type"] != "missing":
        return False
    *parent, field = item["loc"]
    for key in islice(unknown.get(tuple(parent), ()), MAX_FINDINGS):
        path = (*parent, key)
        if field in (our_word(_kind(path), key, keys_at(path)), closest(key, keys_at(path))):
            return True
    return False


def _kind(path: Path) -> str:
    """The category of the key at the end of a path, as in the table of synonyms."""
    if len(path) == 1:
        return "section"
    return {"train": "train", "constraints": "constraint"}.get(str(path[0]), "field") if len(path) == 2 else "field"


def _finding(item: Error, keys_at: Keys) -> Finding:
    path: Path = tuple(step for step in item["loc"] if step != "[key]")
    at_key = item["loc"][-1:] == ("[key]",)
    if item["type"].startswith("AC"):
        finding: Finding = item["ctx"]["finding"]
        help = item["ctx"]["help"]
        is_whole = finding.code == "AC114" and not finding.path
        help = (help() if callable(help) else help) or (value_help(item["input"]) if is_whole else "")
        message, at_key = _named(finding.message, path), at_key or finding.at_key
        return finding._replace(path=(*path, *finding.path), message=message, help=help, at_key=at_key)
    return TYPES.get(item["type"], _other)(path, item, keys_at)


def _named(message: str, path: Path) -> str:
    """`this must be ... -> out_channels must be ...`"""
    named = message.replace("this must", f"{path[-1]} must", 1) if message.startswith("this must") else message
    is_empty = named.endswith(", not nothing")
    return f"{named.removesuffix(', not nothing')}, and there is nothing here" if is_empty else named


def _missing(path: Path, item: Error, keys_at: Keys) -> Finding:
    *parent, field = path
    place = tuple(parent) if parent else Span()
    if path == ("advconv",):
        message = "the language version is missing"
        return Finding("AC112", place, message, "write `advconv: 1` as the first line")
    block = BLOCKS_BY_KIND[str(parent[-1])] if item["input"] == {} and len(parent) > 2 else None
    row = written_row(block) if block else f"{field}: {keys_at(path)[str(field)]}"
    lacks = "needs a value" if block and block.short_is_mapping else f"has no {field}"
    return Finding("AC112", place, f"{_owner(path)} {lacks}", f"write `{row}`", at_key=bool(parent))


def _unknown_key(path: Path, item: Error, keys_at: Keys) -> Finding:
    key, keys = str(path[-1]), keys_at(path)
    pair = re.fullmatch(r"\s*(\w+)\s*=\s*([^=\s].*)", key)
    if key.startswith("//"):
        return Finding("AC111", path, "a comment starts with #, not with //", "write # in place of //", at_key=True)
    if pair and pair[1] in keys:
        message = f"a key and its value are separated by a colon, this is {key[:40]}"
        return Finding("AC111", path, message, f"write `{pair[1]}: {pair[2][:40]}`", at_key=True)
    message, known = f"{_owner(path)} has no key {key[:40]!r}", write_instead(_kind(path), key, keys)
    if known or (known := _elsewhere(path, keys_at)):
        return Finding("AC111", path, message, known, at_key=True)
    if near := closest(key, keys):
        return Finding("AC111", path, message, f"did you mean {near}?", (Edit(path, near, at_key=True),), at_key=True)
    return Finding("AC111", path, message, the_keys_are(keys), at_key=True)


def _elsewhere(path: Path, keys_at: Keys) -> str:
    """The section in which an unknown key is known."""
    key = str(path[-1])
    for section in SECTIONS if len(path) == 1 else ():
        if found := our_word(_kind((section, key)), key, keys_at((section, key))):
            return f"write it under {section}: `{section}: {{{found}: ...}}`"
    if len(path) != 2 or path[0] not in SECTIONS:
        return ""
    if key in keys_at((key,)):
        return f"indent {key} like {path[0]}"
    feature = our_word("feature", key, FEATURES) if path[0] == "constraints" else ""
    return f'write it under uses: `uses: {{{feature}: ">= 1"}}`' if feature else ""


def _wrong_form(form: str) -> Callable[..., Finding]:
    def wrong(path: Path, item: Error, keys_at: Keys) -> Finding:
        is_empty = item["input"] is None
        message = f"{path[-1]} is empty" if is_empty else f"{path[-1]} must be {form}, not {in_yaml(item['input'])}"
        return Finding("AC114", path, message, form_help(path, form, item["input"], keys_at))

    return wrong


def _other(path: Path, item: Error, keys_at: Keys) -> Finding:
    return Finding("AC114", path, item["msg"])


TYPES: dict[str, Callable[..., Finding]] = {
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
