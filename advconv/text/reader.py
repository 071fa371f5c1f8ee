"""From YAML text to a document: scalars by YAML 1.2's core schema, bounded work."""

import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from advconv.geometry import INT64_MAX
from advconv.text.document import MAX_BYTES, Document, Value, too_long
from advconv.text.finding import MAX_FINDINGS, Finding, Refused
from advconv.text.lookalikes import lookalikes
from advconv.text.repair import GREATER, as_written, repaired
from advconv.text.source import LINE_BREAK, Source, Span

MAX_DEPTH = 100
MAX_VALUES = 100_000
"""Keys and values in a file, and values that its aliases and merges expand to."""

MAX_TEXT = 1000
"""Characters of a key or a value."""

TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


class PythonLoader(yaml.SafeLoader):
    """PyYAML's own parser, where there is no libyaml; an empty value in braces is where libyaml has it."""

    def process_empty_scalar(self, mark: Any) -> Any:
        if self.state in (self.parse_flow_mapping_key, self.parse_flow_sequence_entry_mapping_end):
            mark = self.peek_token().start_mark  # type: ignore[no-untyped-call]
        return super().process_empty_scalar(mark)


LOADER = getattr(yaml, "CSafeLoader", PythonLoader)


def read(source: Source) -> tuple[Document | None, list[Finding]]:
    """The document in a text, and its mistakes as YAML; None if it cannot be read to its end."""
    size = len(source.text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return None, [too_long(f"{size:,}")]
    if strange := lookalikes(source):
        return None, strange
    if "%TAG" in source.text and (directive := TAG_DIRECTIVE.search(source.text)):
        # LibYAML compares each directive with all others, and tags are refused in any case.
        span = Span(directive.start(), directive.start() + 4)
        return None, [Finding("AC104", span, "the directive %TAG is not supported", "leave it out")]
    try:
        root, findings = Composer(source).document()
    except Refused as refused:
        return None, [refused.finding]
    except yaml.MarkedYAMLError as problem:
        from advconv.text.syntax import syntax_error

        return None, [syntax_error(source, problem, LOADER)]
    except yaml.reader.ReaderError as problem:
        return None, [_unreadable(problem.position, f"the character U+{_code_point(problem):04X}")]
    except yaml.YAMLError as problem:
        return None, [Finding("AC101", Span(), f"the text cannot be read: {problem}")]
    except UnicodeEncodeError as problem:
        return None, [_unreadable(problem.start, "a lone surrogate")]
    return Document(source, root), findings


class Composer:
    """Builds values from YAML events. Collects the mistakes that it can read past, and raises Refused at others."""

    def __init__(self, source: Source) -> None:
        self.source = source
        text = repaired(source.text)
        self.is_repaired = text != source.text
        self.loader = LOADER(text)
        self.next_event: Callable[[], Any] = self.loader.get_event
        self.anchors: dict[str, Value | None] = {}
        self.findings: list[Finding] = []
        self.overlong: Finding | None = None
        self.values = 0
        self.merged = 0
        self.end = 0

    def document(self) -> tuple[Value, list[Finding]]:
        self.next_event()
        event = self.next_event()
        if isinstance(event, yaml.StreamEndEvent):
            raise Refused(Finding("AC102", Span(), "the file is empty", "`advconv new NAME` writes a starter"))
        root = self.value(self.next_event(), depth=0)
        self.next_event()
        event = self.next_event()
        if not isinstance(event, yaml.StreamEndEvent):
            self.report("AC105", _span(event), "a second document starts here", "a file has one architecture")
        if self.overlong:
            raise Refused(self.overlong)
        return root, self.findings

    def value(self, event: Any, depth: int) -> Value:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        span = _span(event)
        self.end = span.end
        self.values += 1
        if self.values > MAX_VALUES:
            self.refuse_length(span)
        if event.tag and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.report("AC104", span, f"the tag {tag} is not supported", "leave it out")
        if not event.anchor:
            return self.compose(event, span, depth)
        self.anchors[event.anchor] = None
        self.anchors[event.anchor] = value = self.compose(event, span, depth)
        return value

    def refuse_length(self, span: Span) -> NoReturn:
        message = f"the file has more than {MAX_VALUES:,} keys and values up to here"
        raise Refused(Finding("AC101", span, message, "write repeated rows with `repeat`"))

    def compose(self, event: Any, span: Span, depth: int) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            return Value(span, self.scalar(event, span))
        self.check_depth(depth + 1, span)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        value = Value(span, {} if is_mapping else [], is_block=not event.flow_style, height=1)
        last = self.fill_mapping(value, depth) if is_mapping else self.fill_sequence(value, depth)
        if event.flow_style:
            value.span = Span(span.start, last.end_mark.index)
            self.end = value.span.end
        value.end = self.end
        self.report_wrong_brackets(value)
        if value.is_block and value.keys:
            # Diagnostics point at the first key of a mapping in block style.
            value.span = next(iter(value.keys.values()))
        for child in value.children.values():
            value.count += child.count
            if child.height >= value.height:
                value.height = child.height + 1
        if value.count > MAX_VALUES:
            raise Refused(
                Finding("AC107", span, f"the aliases in this value expand to more than {MAX_VALUES:,} values")
            )
        self.check_depth(depth + value.height, span)
        return value

    def report_wrong_brackets(self, value: Value) -> None:
        """Reports a list in parentheses, as in Python, or in braces."""
        written = self.source.text[value.span.start : value.span.end] if self.is_repaired else ""
        if written.startswith(("(", "{")) and isinstance(value.data, list):
            message = f"a list is written in brackets, not in {'parentheses' if written[0] == '(' else 'braces'}"
            self.report("AC114", value.span, message, f"write [{written[1:-1]}]")

    def check_depth(self, depth: int, span: Span) -> None:
        if depth > MAX_DEPTH:
            raise Refused(Finding("AC106", span, f"lists and mappings are nested deeper than {MAX_DEPTH} levels"))

    def fill_sequence(self, value: Value, depth: int) -> Any:
        """Reads the items of a list. Returns the event after the last, as `fill_mapping` does."""
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            child = self.value(event, depth + 1)
            value.children[len(value.data)] = child
            value.data.append(child.data)
        return event

    def fill_mapping(self, value: Value, depth: int) -> Any:
        merged: list[tuple[Span, Value]] = []
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key, span = self.key(event, depth)
            child = self.value(self.next_event(), depth + 1)
            if key in value.keys:
                self.report("AC103", span, f"duplicate key {key!r}", "keep one of the two")
                continue
            value.keys[key] = span
            if key == "<<" and event.implicit[0]:
                merged.append((span, child))
            else:
                value.children[key] = child
                value.data[key] = child.data
        for span, child in merged:
            del value.keys["<<"]
            self.merge(value, span, child)
        return event

    def key(self, event: Any, depth: int) -> tuple[str, Span]:
        span = _span(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise Refused(Finding("AC108", span, "a key must be a scalar", "write `key: value` with a plain key"))
        if event.tag or event.anchor or self.is_repaired or len(event.value) > MAX_TEXT:
            # A tag, an anchor, a limit or a long text is checked as in any scalar; the key is the text alone.
            self.value(event, depth + 1)
        elif self.values == MAX_VALUES:
            self.refuse_length(span)
        else:
            self.values += 1
        return self.written(event) if self.is_repaired else event.value, span

    def merge(self, value: Value, span: Span, merged: Value) -> None:
        """`<<: *base` adds the keys that the mapping does not have; two bases must not disagree."""
        parts = list(merged.children.values()) if isinstance(merged.data, list) else [merged]
        if not parts or not all(isinstance(part.data, dict) for part in parts):
            self.report("AC109", span, "`<<` takes a mapping or a list of mappings", "write `<<: *anchor`")
            return
        written = set(value.data)
        for part in parts:
            # Comparing a value takes as long as it has values inside.
            self.merged += part.count
            if self.merged > MAX_VALUES:
                raise Refused(Finding("AC107", span, f"the merges up to here add more than {MAX_VALUES:,} values"))
            for key, child in part.children.items():
                if key in written:
                    continue
                if key in value.data and value.data[key] != child.data:
                    self.report("AC109", span, f"the merged mappings disagree about {key!r}", f"write {key!r} here")
                    continue
                value.children[key] = child
                value.data[key] = child.data
                value.keys[str(key)] = part.keys[str(key)]

    def scalar(self, event: Any, span: Span) -> Any:
        # A tag has been reported; the value after it is read as if there were none.
        text = self.written(event) if self.is_repaired else event.value
        if event.style == ">" and AMOUNT.fullmatch(text.strip()):
            text = f"> {text.strip()}"
            self.report_limit(span, text)
        elif event.value.startswith(GREATER):
            self.report_limit(span, text)
        data = text if event.style else resolve(text)
        if not isinstance(data, str):
            return data if not isinstance(data, int) or abs(data) <= INT64_MAX else self.one_instead(span)
        if len(data) > MAX_TEXT and not self.overlong:
            message = f"a text has {len(data):,} characters, the limit is {MAX_TEXT:,}"
            help = "shorten it; an unclosed quote includes the lines below it"
            self.overlong = Finding("AC114", span, message, help)
        return data

    def one_instead(self, span: Span) -> int:
        """Reports a number that does not fit; what is measured with another one is not shown."""
        self.report("AC110", span, "the number does not fit in 64 bits")
        return 1

    def written(self, event: Any) -> str:
        """The text of a scalar before it was repaired."""
        start, end = event.start_mark, event.end_mark
        if event.style or start.line != end.line:
            return as_written(event.value)
        return self.source.text[start.index : end.index]

    def report_limit(self, span: Span, limit: str) -> None:
        """Reports a limit without quotes; the help shows it with its key."""
        before = LINE_BREAK.split(self.source.text[max(0, span.start - 100) : span.start])[-1]
        key = re.search(r"[\w.]+: *$", before)
        help = f'put the limit in quotes: `{key[0].strip() + " " if key else ""}"{limit}"`'
        self.report("AC120", span, "a limit with > needs quotes, or YAML reads > as the start of a folded scalar", help)

    def alias(self, event: Any) -> Value:
        self.end = event.end_mark.index
        if event.anchor not in self.anchors:
            raise Refused(Finding("AC107", _span(event), f"no anchor &{event.anchor} above this alias"))
        value = self.anchors[event.anchor]
        if value is None:
            raise Refused(Finding("AC107", _span(event), f"the alias *{event.anchor} is inside the value it names"))
        return value

    def report(self, code: str, span: Span, message: str, help: str = "") -> None:
        if len(self.findings) <= MAX_FINDINGS:
            self.findings.append(Finding(code, span, message, help))


WORDS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys([f"{sign}.{word}" for sign in ("", "+") for word in ("inf", "Inf", "INF")], float("inf")),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], float("-inf")),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], float("nan")),
}
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
ZEROS = re.compile(r"^([-+]?)0+(?=[0-9])")
BASES = {"0o": 8, "0x": 16}
AMOUNT = re.compile(r"=?\s*[0-9][0-9_.]*\s*[A-Za-z%]*")


def resolve(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2.2, section 10.3.

    >>> resolve("no"), resolve("012"), resolve("1e-3"), resolve("1:30"), resolve("2024-01-01")
    ('no', 12, 0.001, '1:30', '2024-01-01')
    """
    if text in WORDS:
        return WORDS[text]
    if text[0].isalpha():
        return text
    if INTEGER.fullmatch(text):
        # Python refuses to read a number of thousands of digits; one this long is too large in any case.
        shortest = text if len(text) < 100 else ZEROS.sub(r"\1", text)
        return int(shortest, BASES.get(text[:2], 10)) if len(shortest) < 100 else INT64_MAX + 1
    return float(text) if FLOAT.fullmatch(text) else text


def _span(event: Any) -> Span:
    start, end = event.start_mark.index, event.end_mark.index
    # A caret needs at least one character, also of an empty value.
    return Span(start, end if end > start else start + 1)


def _code_point(problem: Any) -> int:
    return problem.character if isinstance(problem.character, int) else ord(problem.character[:1] or "\0")


def _unreadable(position: int, what: str) -> Finding:
    return Finding("AC101", Span(max(position, 0), max(position, 0) + 1), f"{what} is not allowed in YAML")
