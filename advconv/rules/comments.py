"""Comments that silence rules."""

from advconv.rules.record import WARNING, Rule

RULES = (
    Rule(
        code="AC350",
        severity=WARNING,
        title="ignore that silences nothing",
        what="A comment `# advconv: ignore[CODE] reason` names a code that its row does not have.",
        why="The row has been mended since, or the code is another: such a comment would hide the next real finding.",
        fails="- conv: 16 # advconv: ignore[AC301] a test",
        passes="- conv: 8\n- pointwise: {out_channels: 16, stride: 2} # advconv: ignore[AC301] half is enough",
    ),
    Rule(
        code="AC351",
        severity=WARNING,
        title="ignore without a code or a reason",
        what="A comment that silences a rule names no code, an unknown code or an error, or gives no reason.",
        why="The reason is what the next reader needs; without a code the comment would silence everything.",
        fails="- conv: 8\n- pointwise: {out_channels: 16, stride: 2} # advconv: ignore[AC301]",
        passes="- conv: 8\n- pointwise: {out_channels: 16, stride: 2} # advconv: ignore[AC301] half is enough",
    ),
)
