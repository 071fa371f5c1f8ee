"""Options that override values of a document, with the spans of both in their texts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from advconv.blocks import BLOCKS_BY_KIND
from advconv.blocks.composite import Repeat
from advconv.blocks.rows import paths_of, rows_of
from advconv.language.dump import dump, plain
from advconv.language.spec import ArchSpec, parse
from advconv.text.document import Document, Value
from advconv.text.reader import INTEGER, MAX_DEPTH, read, resolve
from advconv.text.source import Source, Span
from advconv.values.forms import in_yaml, single


class SettingError(ValueError):
    """An option whose path does not lead to a value of the file."""


class PathStep(NamedTuple):
    """A step of a path, `C1` or `0`; `before` is the path up to it, as written."""

    key: str
    span: Span
    before: str = ""

    @property
    def is_index(self) -> bool:
        return self.key.isascii() and self.key.isdigit()


def _option(step: PathStep) -> str:
    return step.span.source.text if step.span.source else ""


class Setting(NamedTuple):
    """A value for a path in a file. The spans of the steps and of the value are spans of the option."""

    path: tuple[PathStep, ...]
    value: Value


MAX_PATH, MAX_VALUE, MAX_SETTINGS = 1_000, 10_000, 100
"""Characters of a path and of a value, and the number of settings; more than anybody writes, and still fast."""

STEP = re.compile(r"(?:^|(?<=.)\.)([^\s.\[\]]+)|\[([0-9]+)\]")


def setting(path: str, written: str, option: str) -> Setting:
    """A value as written at the end of an option: `train.mixup=0.2`, `--epochs 3`. Raises SettingError."""
    _check_length("path", path, MAX_PATH)
    _check_length(f"value of {path}", written, MAX_VALUE)
    value = _value(path, written, option)
    source = Source(option, option, is_option=True)
    return Setting(_steps(path, source), _in_option(value, source, len(option) - len(written)))


def _value(path: str, written: str, option: str) -> Value:
    if written[:1] in ("<", ">", "="):
        # A comparison, which YAML would want in quotes.
        return Value(Span(0, len(written)), written)
    document, wrong = read(Source(option, written or "''"))
    if document is None or wrong:
        if path.startswith("train.") and INTEGER.fullmatch(written):
            # Beyond 64 bits; the recipe has narrower bounds, which its fields report.
            return Value(Span(0, len(written)), resolve(written))
        problem = "cannot be used" if wrong and wrong[0].code == "AC110" else "is not YAML"
        reason = f": {wrong[0].message}" if wrong else ""
        raise SettingError(f"the value of {path} {problem}{reason}")
    return document.root


def parse_setting(text: str) -> Setting:
    """`train.schedule=cosine`. Raises SettingError."""
    path, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not path:
        raise SettingError(f"{_cut(text)!r} is not PATH=VALUE, as in train.schedule=cosine")
    return setting(path, written, f"--set {path}={written}")


def _check_length(what: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise SettingError(f"the {what} has {len(text):,} characters, the limit is {limit:,}: {_cut(text)}")


def _cut(text: str) -> str:
    """The start of a text, for messages."""
    return text if len(text) <= 80 else f"{text[:77]}..."


def _steps(path: str, option: Source) -> tuple[PathStep, ...]:
    """`C1[0].out_channels -> C1, 0, out_channels`. If the option has a name of its own, that is their span."""
    steps: list[PathStep] = []
    start, end, name_width = option.text.find(path), 0, len(re.split("[ =]", option.text)[0])
    while end < len(path):
        match = STEP.match(path, end)
        if match is None:
            raise SettingError(f"{_cut(path)!r} is not a path, write one as in train.mixup or C1[0].out_channels")
        group = match.lastindex or 0
        first, last = match.span(group)
        span = Span(start + first, start + last, option) if start >= 0 else Span(0, name_width, option)
        steps.append(PathStep(match[group], span, path[:end]))
        end = match.end()
    if len(steps) > MAX_DEPTH:
        raise SettingError(f"the path {_cut(path)} has {len(steps)} steps, the limit is {MAX_DEPTH}")
    return tuple(steps)


def _in_option(value: Value, option: Source, offset: int) -> Value:
    """A value with its spans moved to the option, `offset` characters after its start."""

    def moved(span: Span) -> Span:
        return Span(span.start + offset, span.end + offset, option)

    children = {step: _in_option(child, option, offset) for step, child in value.children.items()}
    keys = {key: moved(span) for key, span in value.keys.items()}
    return replace(value, span=moved(value.span), end=value.end + offset, children=children, keys=keys)


def apply_settings(document: Document, settings: list[Setting]) -> Document:
    """The document with some values set. Raises SettingError.

    If mistakes of the file hide the value of a path, the check of the document reports them.
    """
    if len(settings) > MAX_SETTINGS:
        raise SettingError(f"{len(settings):,} values are set, the limit is {MAX_SETTINGS}; write them into the file")
    if not isinstance(document.root.data, dict):
        return document
    long: dict[str, Any] | None = None
    for path, value in settings:
        spec, _ = parse(document)
        # After a wrong value the previous long form is kept, so that one run reports the next mistakes too.
        long = dump(spec) | {"augment": plain(spec.augment)} if spec else long
        try:
            whole = whole_path(long or document.root.data, path)
            document = Document(document.source, _set(document.root, whole, value, long))
        except SettingError:
            if long:
                raise
            return document
    return document


def whole_path(data: dict[str, Any], path: tuple[PathStep, ...]) -> tuple[PathStep, ...]:
    """A path with the steps that messages leave out: `C1[0].groups -> network.C1[0].conv.groups`.

    Raises SettingError if it starts with neither a section nor a block.
    """
    first, *rest = path
    network = data.get("network")
    blocks = network if isinstance(network, dict) else {}
    has_row = bool(rest) and rest[0].is_index
    if first.key in blocks and (first.key not in ArchSpec.model_fields or has_row):
        return (first._replace(key="network"), first, *_in_rows(blocks[first.key], rest))
    if first.key not in ArchSpec.model_fields:
        raise _unknown(first, blocks)
    if first.key == "network" and rest:
        if rest[0].key not in blocks and rest[1:]:
            raise _unknown(rest[0], blocks)
        return (first, rest[0], *_in_rows(blocks.get(rest[0].key), rest[1:]))
    return (first, *_in_rows(data.get("augment"), rest)) if first.key == "augment" else path


def _unknown(step: PathStep, blocks: Iterable[str]) -> SettingError:
    known = f"the blocks are {', '.join(blocks)}, the sections {', '.join(ArchSpec.model_fields)}"
    return SettingError(f"{_cut(_option(step))}: there is no {step.key!r}; {known}")


def _in_rows(rows: Any, steps: Sequence[PathStep]) -> tuple[PathStep, ...]:
    """Inserts the word of the block, or of the transform, after the index of a row."""
    if not steps:
        return ()
    first, *rest = steps
    row = _at(rows, first.key)
    pair = (row, {}) if isinstance(row, str) else single(row)
    if not pair or not rest:
        return tuple(steps)
    word, fields = pair
    inside = rest[1:] if rest[0].key == word else rest
    return (first, rest[0]._replace(key=word), *_in_block(word, fields, inside))


def _in_block(word: str, fields: Any, steps: Sequence[PathStep]) -> tuple[PathStep, ...]:
    """The steps inside a block, whose rows are in a field, in paths, or in rounds."""
    if not steps:
        return ()
    first, *rest = steps
    block = BLOCKS_BY_KIND.get(word)
    if block is Repeat and first.is_index:
        _check_round(first, _at(fields, "times"))
        return (first._replace(key="layers"), *_in_rows(_at(fields, "layers"), rest))
    for field in paths_of(block) if block else ():
        paths = _at(fields, field) or {}
        if first.key == field and rest:
            return (first, rest[0], *_in_rows(_at(paths, rest[0].key), rest[1:]))
        if first.key in paths and (block is None or first.key not in block.model_fields or (rest and rest[0].is_index)):
            return (first._replace(key=field), first, *_in_rows(paths[first.key], rest))
    if first.key in (rows_of(block) if block else COMPOSITION_ROWS):
        # The short form of a residual is the list of its rows.
        return (first, *_in_rows(fields if isinstance(fields, list) else _at(fields, first.key), rest))
    return tuple(steps)


COMPOSITION_ROWS = ("transforms",)
"""The argument of a transform that contains others."""


def _check_round(step: PathStep, times: Any) -> None:
    if isinstance(times, int) and int(step.key) >= times:
        raise SettingError(f"{_cut(_option(step))}: {step.before} has {times} rounds, counted from 0")


def _set(value: Value, path: Sequence[PathStep], new: Value, long: Any) -> Value:
    """A copy of a value with another in it; the values around it may be shared by aliases and are not changed.

    `long`: the same value in the long form, used if the file has a short form without such a step.
    """
    if not path:
        return new
    first, *rest = path
    if not isinstance(value.data, dict) and _at(value.data, first.key) is None and isinstance(long, dict):
        value = _written_out(long, value.span)
    key, longer = _key(value.data, first), _at(long, first.key)
    old = value.children.get(key) or _written_out(longer if isinstance(longer, list) else {}, new.span)
    children = value.children | {key: _set(old, rest, new, longer)}
    data = {step: child.data for step, child in children.items()}
    keys = value.keys if isinstance(key, int) else {key: first.span} | value.keys
    return replace(
        value, data=data if isinstance(value.data, dict) else list(data.values()), children=children, keys=keys
    )


def _at(data: Any, key: str) -> Any:
    """The value at a step; None if there is no such step."""
    if isinstance(data, dict):
        return data.get(key)
    is_row = isinstance(data, list) and key.isdecimal() and int(key) < len(data)
    return data[int(key)] if is_row else None


def _key(data: Any, step: PathStep) -> str | int:
    """A key of a mapping, which may be new, or the number of a row. Raises SettingError."""
    if isinstance(data, dict):
        return step.key
    if not isinstance(data, list):
        raise SettingError(f"{_cut(_option(step))}: {step.before} is {in_yaml(data)}, there is no {step.key!r} in it")
    if _at(data, step.key) is None:
        rows = f"its rows are {step.before}[0] to {step.before}[{len(data) - 1}]" if data else "which is empty"
        raise SettingError(f"{_cut(_option(step))}: {step.before} is a list, {rows}; there is no {step.key!r} in it")
    return int(step.key)


def _written_out(data: Any, span: Span) -> Value:
    """Data as values that all have one span."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    children = {step: _written_out(item, span) for step, item in items}
    return Value(span, data, children=children, keys=dict.fromkeys(data, span) if isinstance(data, dict) else {})
