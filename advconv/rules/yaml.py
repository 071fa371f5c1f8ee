"""Mistakes in YAML; found by the reader."""

from advconv.rules.record import ERROR, Rule
from advconv.text.document import MAX_BYTES
from advconv.text.reader import MAX_DEPTH, MAX_VALUES

RULES = (
    Rule(
        code="AC101",
        severity=ERROR,
        title="the text cannot be read",
        what=(
            f"The text cannot be read: it is not UTF-8, has a control character, more than {MAX_BYTES:,} bytes, or "
            f"more than {MAX_VALUES:,} keys and values."
        ),
        why=("Other encodings are ambiguous. A network of a megabyte repeats itself, for which there is `repeat`."),
        fails='a: "\x07"',
        passes="- gap",
    ),
    Rule(
        code="AC102",
        severity=ERROR,
        title="the text is not YAML",
        what=(
            "The text is not YAML. Known mistakes are reported where they are: a bracket or a quote that is "
            "not closed, wrong indentation, a tab, a colon or a dash without a space. Others are reported "
            "where the parser failed."
        ),
        why=("After a syntax error the rest of the file cannot be parsed reliably."),
        fails="network: {C1: [conv: 32",
        passes="network: {C1: [conv: 32]}",
    ),
    Rule(
        code="AC103",
        severity=ERROR,
        title="duplicate key",
        what="A mapping has the same key twice.",
        why="Most YAML readers silently keep the last one, and the first is lost.",
        fails="network: {C1: [conv: 32]}\nnetwork: {C2: [conv: 64]}",
        passes="network: {C1: [conv: 32], C2: [conv: 64]}",
    ),
    Rule(
        code="AC104",
        severity=ERROR,
        title="tag",
        what="A value has a tag, such as `!!str`, or the file starts with the directive `%TAG`.",
        why="Tags set types by hand, and run code in some readers. Here types follow from the values.",
        fails="network: {C1: [conv: !!int 32]}",
        passes="network: {C1: [conv: 32]}",
    ),
    Rule(
        code="AC105",
        severity=ERROR,
        title="second document",
        what="The file continues after `---` with a second document.",
        why="A file has one architecture; the second document would never be read.",
        fails="network: {C1: [gap]}\n---\nmore: 1",
        passes="network: {C1: [gap]}",
    ),
    Rule(
        code="AC106",
        severity=ERROR,
        title="nested too deeply",
        what=f"Lists and mappings are nested deeper than {MAX_DEPTH} levels, aliases counted.",
        why="No network needs it, and deep nesting crashes parsers.",
        fails="a: " + "[" * 120 + "]" * 120,
        passes="- gap",
    ),
    Rule(
        code="AC107",
        severity=ERROR,
        title="alias that is unknown, recursive or expands too far",
        what=f"An alias names no anchor or its own, or aliases and merges expand to more than {MAX_VALUES:,} values.",
        why="The last is an alias bomb: a few lines that expand to millions of values.",
        fails="a: *nowhere",
        passes="network: {C1: [&unit {conv: 32}, *unit]}",
    ),
    Rule(
        code="AC108",
        severity=ERROR,
        title="key is not a scalar",
        what="A key is a list or a mapping.",
        why="Keys of the language are words.",
        fails="? [a, b]\n: 1",
        passes="- gap",
    ),
    Rule(
        code="AC109",
        severity=ERROR,
        title="merge of no mapping, or of mappings that conflict",
        what="A merge (`<<`) takes no mapping, or two merged mappings give one key different values.",
        why=("Keys beside a merge override it; between two merges neither overrides the other."),
        fails=(
            "network:\n"
            "  C1:\n"
            "    - conv: &a {out_channels: 8}\n"
            "    - conv: &b {out_channels: 9}\n"
            "    - conv: {<<: [*a, *b]}"
        ),
        passes="network:\n  C1:\n    - conv: &a {out_channels: 8}\n    - conv: {<<: *a, kernel_size: 5}",
    ),
    Rule(
        code="AC110",
        severity=ERROR,
        title="number beyond 64 bits",
        what="A number does not fit in 64 bits.",
        why="torch counts in 64 bits, and so does advconv.",
        fails="- conv: 99999999999999999999",
        passes="- conv: 32",
    ),
)
