"""What can be wrong with a text as YAML; the reader finds it."""

from advconv.rules.record import ERROR, Rule

RULES = (
    Rule(
        code="AC101",
        severity=ERROR,
        title="the text cannot be read",
        what=(
            "The text cannot be read: it is not UTF-8, has a control character, more than 1,000,000 bytes, or "
            "more than 100,000 keys and values."
        ),
        why=(
            "Other encodings would be guessed at. A network of a megabyte repeats itself, for which there is `repeat`."
        ),
        fails='a: "\x07"',
        passes="- gap",
    ),
    Rule(
        code="AC102",
        severity=ERROR,
        title="the text is not YAML",
        what=(
            "The text is not YAML. The place is that of the mistake where it is a known one: a bracket or a "
            "quote that is not closed, a line whose indentation fits nothing above, a tab, a colon or a dash "
            "without a space. Of other mistakes it is the place where the reader gave up."
        ),
        why=("Nothing behind such a place can be told apart for certain, so the rest of the file is not looked at."),
        fails="network: {C1: [conv: 32",
        passes="network: {C1: [conv: 32]}",
    ),
    Rule(
        code="AC103",
        severity=ERROR,
        title="duplicate key",
        what="A mapping has the same key twice.",
        why="Most YAML readers keep the last one without a word, and half of what was written is lost.",
        fails="network: {C1: [conv: 32]}\nnetwork: {C2: [conv: 64]}",
        passes="network: {C1: [conv: 32], C2: [conv: 64]}",
    ),
    Rule(
        code="AC104",
        severity=ERROR,
        title="tag",
        what="A value has a tag, such as `!!str`, or the file starts with the directive `%TAG`.",
        why="Tags choose types by hand, and in some readers run code. Types follow from the values here.",
        fails="network: {C1: [conv: !!int 32]}",
        passes="network: {C1: [conv: 32]}",
    ),
    Rule(
        code="AC105",
        severity=ERROR,
        title="second document",
        what="The file goes on behind `---` with a second document.",
        why="A file holds one architecture; the second would never be read.",
        fails="network: {C1: [gap]}\n---\nmore: 1",
        passes="network: {C1: [gap]}",
    ),
    Rule(
        code="AC106",
        severity=ERROR,
        title="nested too deeply",
        what="Lists and mappings are nested deeper than 100 levels, aliases counted.",
        why="No network needs it, and readers can be brought down with it.",
        fails="a: " + "[" * 120 + "]" * 120,
        passes="- gap",
    ),
    Rule(
        code="AC107",
        severity=ERROR,
        title="alias that is unknown, recursive or expands too far",
        what="An alias names no anchor or its own, or aliases and merges expand to more than 100,000 values.",
        why="The last is an alias bomb: a few lines that grow without end.",
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
        why=("What is written beside a merge wins over it; between two merges there is nothing that should win."),
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
        why="torch counts in 64 bits, and so does every size here.",
        fails="- conv: 99999999999999999999",
        passes="- conv: 32",
    ),
)
