"""Files that are expensive to check: one for each way in which a part of the language can grow, of any size."""

from collections.abc import Callable

from advconv.graph import MAX_LAYERS

HEAD = "advconv: 1\nname: hostile\ninput: [3, 32, 32]\n"
NETWORK = f"{HEAD}network:\n  C1:\n"
BARE = f"{HEAD}defaults: {{norm: none, activation: none}}\n"
BARE_ROWS = f"{BARE}network:\n  C1:\n"
"""One layer in a row, for as many rows as a network may have."""
ONE_ROW = f"{HEAD}network: {{C1: [conv: 8]}}\n"

Write = Callable[[int], str]
"""Returns a text of about `size` characters."""


def many(head: str, unit: str, tail: str = "") -> Write:
    """A repeated unit; each `#` in it becomes the number of the repetition."""

    def write(size: int) -> str:
        number, parts, left = 0, [head], size - len(head) - len(tail)
        while (left := left - len(part := unit.replace("#", str(number)))) >= 0:
            parts.append(part)
            number += 1
        return "".join([*parts, tail])

    return write


def long(head: str, character: str = "a", tail: str = "") -> Write:
    """One character repeated, in place of a short text."""
    return lambda size: head + character * ((size - len(head) - len(tail)) // len(character)) + tail


def aliased(head: str, anchored: str, unit: str, tail: str = "") -> Write:
    """Half of the text is a repeated unit with an anchor, the other half are aliases of it."""

    def write(size: int) -> str:
        return many(f"{many(head, anchored)(size // 2)}{tail}", unit)(size)

    return write


def nested(head: str, opening: str, inside: str, closing: str, depth: int) -> Write:
    """Rows of nested structures, as deep as a document allows."""
    row = f"    - {opening * depth}{inside}{closing * depth}\n"
    return many(head, row)


def fixed(text: str) -> Write:
    """A text that is short for every size, and expensive."""
    return lambda size: text


def counted(head: str, unit: str, tail: str, times: int) -> Write:
    """A unit repeated as often as a limit allows; each `#` in it becomes the number of the repetition."""
    return fixed("".join([head, *(unit.replace("#", str(number)) for number in range(times)), tail]))


NAMES = "".join(f"{name}: [], " for name in (f"p{number}" for number in range(1000)))

ROWS: dict[str, Write] = {
    "rows": many(NETWORK, "    - conv: 8\n"),
    "rows on images of many sizes": counted(
        f"{BARE}train: {{initial_scale: 0.1}}\nnetwork:\n  C1:\n", "    - conv: 8\n", "", MAX_LAYERS
    ),
    "rows of one layer": many(f"{HEAD}network: {{C1: [", "gap, ", "gap]}\n"),
    "rows with fields": many(NETWORK, "    - conv: {out_channels: 8, dropout: 0.1, kernel_size: 3, padding: [1, 1]}\n"),
    "rows with padding of their own": many(NETWORK, "    - conv: {out_channels: 3, padding: [0, 1, 2, 1]}\n"),
    "rows that halve": many(NETWORK, "    - strided: 8\n"),
    "rows that do not fit": many(NETWORK, "    - conv: {out_channels: 8, kernel_size: 99, padding: valid}\n"),
    "rows with wrong fields": many(NETWORK, "    - conv: {out_channels: no, kernel_size: [1, 2, 3]}\n"),
    "rows with unknown fields": many(NETWORK, "    - conv: {out_channels: 8, feld#: 1, kernel_site: 3}\n"),
    "rows that are no blocks": many(NETWORK, "    - convolutional#: 8\n"),
    "rows of nothing": many(NETWORK, "    -\n"),
    "rows of two keys": many(NETWORK, "    - {conv: 8, gap: 1}\n"),
    "rows of one name": many(NETWORK, "    - conv: {out_channels: 8, name: same}\n"),
    "blocks": many(f"{HEAD}network:\n", "  B#: [conv: 8]\n"),
    "blocks without rows": many(f"{HEAD}network:\n", "  B#: []\n"),
    "blocks of bad names": many(f"{HEAD}network:\n", "  B-#: [conv: 8]\n"),
    "inverted residuals": many(NETWORK, "    - inverted_residual: {out_channels: 8, squeeze_excite: 4}\n"),
    "gates": many(NETWORK, "    - squeeze_excite\n"),
    "projections": many(NETWORK, "    - residual: {layers: [conv: 8], shortcut: projection}\n"),
    "misaligned paths": many(
        NETWORK, "    - branches: {paths: {a: [conv: {out_channels: 8, kernel_size: 2}], b: []}}\n"
    ),
    "repeat, to the limit": fixed(f"{NETWORK}    - repeat: {{times: {MAX_LAYERS}, layers: [norm: batch]}}\n"),
    "repeat of convolutions": fixed(f"{NETWORK}    - repeat: {{times: {MAX_LAYERS // 3}, layers: [conv: 8]}}\n"),
    "repeat of lone convolutions": fixed(
        f"{HEAD}defaults: {{norm: none, activation: none}}\n"
        f"network: {{C1: [repeat: {{times: {MAX_LAYERS}, layers: [conv: 8]}}]}}\n"
    ),
    "repeat of repeat, beyond the limit": fixed(
        f"{NETWORK}    - repeat: {{times: 100000, layers: [repeat: {{times: 100000, layers: [gap]}}]}}\n"
    ),
    "repeat of gates": fixed(f"{NETWORK}    - repeat: {{times: {MAX_LAYERS // 6}, layers: [squeeze_excite]}}\n"),
    "repeat deep inside": fixed(
        NETWORK
        + "    - "
        + "".join(f"branches: {{merge: add, paths: {{{'a' * 60}{level}: [], {'b' * 60}: [" for level in range(22))
        + "repeat: {times: 3000, layers: [norm: batch]}"
        + "]}}" * 22
        + "\n"
    ),
    "repeat of a pyramid": fixed(
        NETWORK
        + f"    - repeat: {{times: {MAX_LAYERS // 92}, layers: [{'residual: {shortcut: projection, layers: [' * 22}"
        + f"conv: 8{']}' * 22}]}}\n"
    ),
    "repeat of long names": fixed(
        f"{NETWORK}    - repeat: {{times: {MAX_LAYERS // 3}, layers: [conv: {{out_channels: 8, name: {'a' * 60}}}]}}\n"
    ),
    "repeat of wide identities": fixed(
        f"{NETWORK}    - repeat: {{times: 9, layers: [branches: {{paths: {{{NAMES}}}}}, pointwise: 1]}}\n"
    ),
    "repeat of a cascade": fixed(
        f"{NETWORK}    - repeat: {{times: {MAX_LAYERS // 44}, layers: [{'residual: [' * 20}conv: 3{']' * 20}]}}\n"
    ),
    "residuals in residuals": nested(NETWORK, "residual: [", "conv: 8", "]", 40),
    "residuals with projections in each other": nested(
        NETWORK, "residual: {shortcut: projection, layers: [", "conv: 8", "]}", 23
    ),
    "repeats in repeats": nested(NETWORK, "repeat: {times: 1, layers: [", "conv: 8", "]}", 23),
    "branches in branches": nested(NETWORK, "branches: {merge: add, paths: {a: [], b: [", "norm: batch", "]}}", 22),
    "repeat in repeat, each doubling": fixed(
        NETWORK + "    - " + "repeat: {times: 2, layers: [" * 13 + "norm: batch" + "]}" * 13 + "\n"
    ),
}

RULES: dict[str, Write] = {
    "repeat of dilated convolutions": fixed(
        f"{BARE}network: {{C1: [repeat: {{times: {MAX_LAYERS}, layers: [dilated: 8]}}]}}\n"
    ),
    "repeat of dilations in branches": fixed(
        f"{BARE}network: {{C1: [repeat: {{times: {MAX_LAYERS // 5}, layers: [branches: {{merge: add, paths: {{"
        f"a: [dilated: 8], b: [dilated: {{out_channels: 8, dilation: 3}}], c: [conv: 8]}}}}]}}]}}\n"
    ),
    "rows of other dilations": counted(BARE_ROWS, "    - dilated: {out_channels: 3, dilation: [2, 1#]}\n", "", 9000),
    "rows of long kernels": counted(BARE_ROWS, "    - conv: {out_channels: 3, kernel_size: [1, 1#1]}\n", "", 9000),
    "rows of kernels": counted(BARE_ROWS, "    - conv: {out_channels: 3, kernel_size: [63, 63]}\n", "", 9000),
    "a kernel of a billion taps": fixed(f"{NETWORK}    - conv: {{out_channels: 3, kernel_size: [1, 1000000001]}}\n"),
    "paths of dilated strides": counted(
        f"{BARE_ROWS.replace('32, 32', '64, 9000')}    - branches: {{paths: {{",
        "a#: [dilated: {out_channels: 1, stride: 2, kernel_size: [3, 2#1]}], ",
        "z: [strided: 1]}}\n",
        4900,
    ),
    "paths of strides that skip, on a wide map": counted(
        f"{BARE_ROWS.replace('32, 32', '1, 65000')}    - branches: {{paths: {{",
        "a#: [conv: {out_channels: 1, kernel_size: 1, stride: [1, 1#]}, gap], ",
        "z: [strided: 1, gap]}}\n",
        3000,
    ),
    "paths of other dilations": counted(
        f"{BARE_ROWS}    - branches: {{paths: {{",
        "a#: [dilated: {out_channels: 3, dilation: [2, 1#]}], ",
        "z: []}}\n",
        4900,
    ),
    "a chain of dropouts": counted(f"{HEAD}network: {{C1: [conv: 8, ", "dropout: 0.1, ", "norm: batch]}\n", 9900),
    "repeat of dropouts before convolutions": fixed(
        f"{BARE}network: {{C1: [repeat: {{times: 99, layers: ["
        "repeat: {times: 99, layers: [dropout: 0.1]}, conv: 8]}]}\n"
    ),
    "repeat of grouped convolutions": fixed(
        f"{BARE}network: {{C1: [conv: 64, repeat: {{times: {MAX_LAYERS - 1}, "
        "layers: [conv: {out_channels: 64, groups: 32}]}]}\n"
    ),
    "repeat of wide dilations in residuals": fixed(
        f"{BARE_ROWS.replace('32, 32', '4000, 4000')}    - pointwise: 8\n"
        f"    - repeat: {{times: {MAX_LAYERS // 3}, layers: [residual: [dilated: {{out_channels: 8, dilation: 2}}]]}}\n"
    ),
    "areas that grow": fixed(
        f"{BARE}network: {{C1: [repeat: {{times: 5, layers: [branches: {{merge: add, paths: {{"
        "a: [dilated: {out_channels: 3, kernel_size: [1, 5]}], "
        "b: [dilated: {out_channels: 3, kernel_size: [5, 1]}]}}]}, "
        f"repeat: {{times: {MAX_LAYERS * 4 // 5}, layers: [conv: 3]}}]}}\n"
    ),
    "ignores behind rows": fixed(BARE_ROWS + "    - conv: 8 # advconv: ignore[AC301] a\n" * 9000),
    "ignores behind rows that skip": fixed(
        BARE_ROWS + "    - pointwise: {out_channels: 8, stride: 2} # advconv: ignore[AC301] a\n" * 9000
    ),
    "ignores in lines of their own": long(
        f"{NETWORK}    - conv: 8\n", "    # advconv: ignore[AC301] a\n", "    - conv: 8\n"
    ),
    "ignores without a code": long(f"{NETWORK}    - conv: 8\n", "    # advconv: ignore\n", "    - conv: 8\n"),
    "an ignore of many codes": (
        lambda size: f"{NETWORK}    - conv: 8 # advconv: ignore[{'AC301,' * ((size - 99) // 6)}AC302] a\n"
    ),
    "ignores in many texts": long(f"{NETWORK}    - conv: 8\naugment: [", '" # advconv: ignore[AC301] a", ', "D4]\n"),
    "rows that each have a finding": counted(f"{HEAD}network: {{C1: [", "avgpool: 1, ", "conv: 8]}\n", 9900),
    "pairs of flips": many(f"{ONE_ROW}augment: [", "HorizontalFlip, VerticalFlip, ", "D4]\n"),
    "misaligned paths of even kernels": fixed(
        f"{BARE}network: {{C1: [repeat: {{times: {MAX_LAYERS // 6}, layers: ["
        "residual: [conv: {out_channels: 3, kernel_size: 2}], conv: {out_channels: 3, kernel_size: 2}]}]}\n"
    ),
    "rows of misaligned paths": counted(
        BARE_ROWS,
        "    - residual: [conv: {out_channels: 3, kernel_size: 2}]\n    - conv: {out_channels: 3, kernel_size: 2}\n",
        "",
        1600,
    ),
}

PATHS: dict[str, Write] = {
    f"{merge} of paths that are {what}": many(
        f"{NETWORK}    - branches: {{merge: {merge}, paths: {{", path, "z: []}}\n"
    )
    for merge in ("concat", "add", "multiply")
    for what, path in {
        "empty": "a#: [], ",
        "rows": "a#: [conv: 3], ",
        "gates": "a#: [gap], ",
        "too small": "a#: [conv: {out_channels: 3, kernel_size: 99, padding: valid}], ",
        "of other shapes": "a#: [strided: 3], ",
    }.items()
} | {
    "branches that each fail": many(
        NETWORK, "    - branches: {paths: {a: [maxpool: 99], b: [maxpool: 99], c: [maxpool: 99]}}\n"
    ),
    "paths behind many rows": many(
        f"{NETWORK}    - repeat: {{times: 2000, layers: [conv: 8]}}\n    - branches:\n        paths:\n",
        "          a#: [maxpool: 99]\n",
    ),
    "paths of bad names": many(f"{NETWORK}    - branches: {{paths: {{", "1#: [], ", "z: []}}\n"),
}

KEYS: dict[str, Write] = {
    "unknown sections": many(ONE_ROW, "sektion#: 1\n"),
    "unknown sections beside missing ones": many("", "netwrk#: 1\n"),
    "unknown defaults": many(f"{ONE_ROW}defaults:\n", "  aktivation#: relu\n"),
    "unknown hyperparameters": many(f"{ONE_ROW}train:\n", "  epoches#: 1\n"),
    "unknown constraints": many(f"{ONE_ROW}constraints:\n", "  param#: 1\n"),
    "unknown fields of one row": many(f"{NETWORK}    - conv:\n", "        kernel#: 1\n"),
    "unknown keys of one norm": many(f"{ONE_ROW}defaults:\n  norm:\n    batch:\n", "      ebs#: 1\n"),
    "unknown keys of one dropout": many(f"{ONE_ROW}defaults:\n  dropout:\n", "    q#: 1\n"),
    "unknown uses": many(f"{ONE_ROW}constraints:\n  uses:\n", '    dwsepp#: ">= 1"\n'),
    "uses with unknown fields": many(f"{ONE_ROW}constraints:\n  uses:\n    conv:\n", "      kernel#: 1\n"),
    "unknown forbids": many(f"{ONE_ROW}constraints: {{forbids: [", "m#, ", "gap]}\n"),
    "one forbids over and over": many(f"{ONE_ROW}constraints: {{forbids: [", "conv, ", "gap]}\n"),
    "forbids of a large network": many(
        f"{HEAD}network: {{C1: [repeat: {{times: 2000, layers: [conv: 8]}}]}}\nconstraints: {{forbids: [",
        "conv, ",
        "gap]}\n",
    ),
    "limits that cannot be read": many(f"{ONE_ROW}constraints: {{uses: {{", "conv: 1#, ", "gap: 2}}\n"),
    "duplicate keys": many("", "a: 1\n"),
    "duplicate keys of one mapping": many("a: {", "a, ", "a}\n"),
    "emptied sections": many("constraints:\ntrain:\ndefaults:\n", "params#: 1\n"),
    "keys with signs": many("", "epochs = #: 1\n"),
    "keys that are comments": many("", "// #: 1\n"),
}

AUGMENT: dict[str, Write] = {
    "transforms": many(f"{ONE_ROW}augment: [", "D4, ", "D4]\n"),
    "unknown transforms": many(f"{ONE_ROW}augment: [", "a, ", "D4]\n"),
    "unknown transforms of many names": many(f"{ONE_ROW}augment:\n", "  - HorizontalFlipp#\n"),
    "transforms with arguments": many(f"{ONE_ROW}augment:\n", "  - CoarseDropout: {max_holes: 1, max_height: 8}\n"),
    "transforms with unknown arguments": many(f"{ONE_ROW}augment:\n", "  - Rotate: {limits#: 1}\n"),
    "unknown arguments of one transform": many(f"{ONE_ROW}augment:\n  - Rotate:\n", "      limits#: 1\n"),
    "a composition of many": many(
        f"{ONE_ROW}augment:\n  - OneOf:\n      transforms:\n", "        - Rotate: {p: 0.1}\n"
    ),
    "compositions in compositions": many(
        f"{ONE_ROW}augment:\n",
        "  - " + "OneOf: {transforms: [" * 24 + "Rotate" + "]}" * 24 + "\n",
    ),
    "compositions that fail inside": many(
        f"{ONE_ROW}augment:\n", "  - " + "OneOf: {transforms: [" * 24 + "Rotat#" + "]}" * 24 + "\n"
    ),
    "one argument of many numbers": many(f"{ONE_ROW}augment: [Rotate: {{limit: [", "1, ", "1]}]\n"),
}

YAML: dict[str, Write] = {
    "anchors": many("", "a#: &a# 1\n"),
    "anchors and aliases": many("base: &b 1\n", "a#: *b\n"),
    "aliases of a long text": aliased(f"{ONE_ROW}augment:\n- &a ", "a", "\n- *a"),
    "aliases of long digits": aliased(f"{ONE_ROW}augment:\n- &a '", "1", "\n- *a", "'"),
    "aliases of rows": many(f"{NETWORK}    - &a conv: 8\n", "    - *a\n"),
    "aliases of rows that fail": many(f"{NETWORK}    - &a conv: none\n", "    - *a\n"),
    "aliases of a long list": aliased("a: &a [", "1, ", "- *a\n", "1]\nb:\n"),
    "merges": many("base: &b {a: 1, b: 2}\n", "a#: {<<: *b}\n"),
    "merges of a long mapping": aliased("a: &a {", "k#: 1, ", "b#: {<<: *a}\n", "z: 1}\n"),
    "merges of many": aliased("a: &a {b: {c: ", "[1], ", "<<: *a, ", "}}\nd: {"),
    "merges that disagree": many("a: &a {k: 1}\nb: &b {k: 2}\n", "c#: {<<: [*a, *b]}\n"),
    "merges of equal long values": (
        lambda size: (
            f"{many('a: &a {k: [', '1, ', '1]}')(size // 3)}\n{many('b: &b {k: [', '1, ', '1]}')(size // 3)}\n"
            f"{many('c: {<<: [', '*a, *b, ', '*a]}')(size // 3)}\n"
        )
    ),
    "tags": many("a: [", "!t 1, ", "1]\n"),
    "a long tag": long("a: !", "t", " 1\n"),
    "a long anchor": long("a: *", "t", "\n"),
    "directives": many("", "%TAG !a#! tag:a\n", "---\na: 1\n"),
    "documents": many("", "---\na: 1\n"),
    "comments": many("", "# a comment\n", ONE_ROW),
    "empty lines": long("", "\n", ONE_ROW),
    "a list of numbers": many("[", "0,", "0]\n"),
    "a list of numbers under input": many(f"{HEAD}input: [", "0,", "0]\n"),
    "lists of nothing": many("[", "[],", "[]]\n"),
    "dashes": many("", "-\n"),
    "keys": many("", "k#:\n"),
    "long numbers": many("[", f"{'9' * 99},", "1]\n"),
    "a long number": long("advconv: ", "9", "\n"),
    "a long name": long("name: ", "a", "\n"),
    "a long key": long("", "k", ": 1\n"),
    "a long block name and many rows": (
        lambda size: many(f"{long(f'{HEAD}network:', '  ', '')(40)}\n  {'b' * (size // 2)}:\n", "    - conv: 8\n")(size)
    ),
    "a long quoted text": long('name: "', "a b\n  ", '"\n'),
    "a long quoted text of escapes": long('name: "', "\\n", '"\n'),
    "a long literal text": long("name: |\n", "  a\n"),
    "a long folded text": long("name: >\n", "  a\n\n"),
    "a long plain text": long("name: a\n", "  a\n"),
    "spaces": long("a: ", " ", "b\n"),
    "nested lists": long("", "[", ""),
    "nested dashes": long("", "- ", "\n"),
    "nested mappings": many("", "{a: ", "\n"),
    "complex keys": long("", "? ", "\n"),
}

NOT_YAML: dict[str, Write] = {
    "a list that is never closed": many("a: [", "0, "),
    "lists, the last never closed": many("a: [", "[], "),
    "a list that is never closed, over lines": many("a: [\n", " 0,\n"),
    "a mapping that is never closed": many("a: {", "a#: 1, "),
    "a quote that is never closed": long('a: "', "a "),
    "a quote that is closed far below": long('a: "', "a\n ", '" b: c\n'),
    "many quotes, then none": many("a: [", "'a', ", "'b' c: ]\n"),
    "two commas far behind": many("a: [", "0, ", ", 0]\n"),
    "a missing comma far behind": many("a: {", "b: 1, ", "c: 1 d: 1}\n"),
    "a long word before a colon": long("a: {b: ", "a", ", c: 1 d : 1}\n"),
    "a tab far below": many("", "k#: 1\n", "\t- a\n"),
    "a tab below empty lines": long("a:\n", "\n", "\t- a\n"),
    "wrong indentation far below": many("a:\n", "  k#: 1\n", " b: 1\n"),
    "wrong indentation below rows": many("a:\n", "  - k#\n", " b: 1\n"),
    "wrong indentation below comments": long("a:\n  - b\n", "# c\n", "  c: 1\n"),
    "a key among rows": many("a:\n", "  - b\n", "  c: 1\n"),
    "a row among keys": many("a:\n", "  b#: 1\n", "  - c\n"),
    "a row far to the right": long("network:\n", " ", "- a\n  b\n- c: d: e\n"),
    "second colons": many("", "a: b: c\n"),
    "a second colon far to the right": many("a: ", "b.", "c: d\n"),
    "a line of many colons": many("a", ": b"),
    "brackets that close nothing": long("a: 1\n", "]"),
    "a word without a colon": many("", "k#: 1\n", "word\nk: 1\n"),
    "an end that is unreadable": many("", "k#: 1\n", "\x00\n"),
    "other brackets": many("a: [", "0, ", "0)\nb: 1\n"),
}

REPAIRED: dict[str, Write] = {
    "limits without quotes": many("", "k#: > 5\n"),
    "limits without quotes in one line": many("a: {", "k#: > 5, ", "b: 1}\n"),
    "limits behind a long word": (lambda size: f"a: {{{'k' * (size - 20)}: > 5}}\n"),
    "limits that differ": many("", "k#: != 5\n"),
    "lists in parentheses": many("", "k#: (1, 2)\n"),
    "lists in braces": many("a: [", "{1, 2}, ", "0]\n"),
    "a long list in parentheses": many("a: (", "1, ", "1)\n"),
    "words in braces": many("a: {", "k, ", "k}\n"),
    "words in parentheses": many("a: (", "k, ", "k)\n"),
    "parentheses that are never closed": many("a: ", "(1, "),
    "braces that are never closed": many("a: ", "{1, "),
    "quotes, doubled": many("a: 'b", " ''c"),
    "no-break spaces": long("a: ", "\u00a0", "b\n"),
    "curly quotes": many("", "k#: \u201ca\u201d\n"),
    "curly quotes before spaces": many("a: ", "b\u201d \u00e9 "),
    "curly quotes and many spaces": (lambda size: "a: " + f"b\u201d{' ' * 900}" * (size // 910) + "\n"),
    "dashes of a text": many("\u2013 a\n", "\u2013 b\n"),
    "full-width digits": long("a: ", "\uff11", "\n"),
    "full-width colons": many("", "k#\uff1a 1\n"),
    "names that are not ASCII": many(f"{HEAD}network:\n", "  \u00e9#: [conv: 8]\n"),
    "wide characters": long("name: ", "\u4e00", "\n"),
    "combining characters": long("name: ", "e\u0301", "\n"),
    "emoji in keys": many("", "\U0001f600#: 1\n"),
    "line breaks of Unicode": long("a: b\n", "\u2028", "c: 1\n"),
    "control characters": long('a: "', "\x7f", '"\n'),
}

LINES: dict[str, Write] = {
    "mistakes in one long line": many(f"{HEAD}network: {{C1: [", "conv: none, ", "gap]}\n"),
    "mistakes at the end of a long line": many(f"{HEAD}network: {{C1: [", "conv: 8, ", "konv: 8]}\n"),
    "mistakes before a long comment": many("input: no  #", " a"),
    "mistakes in a line of tabs": long("{advconv: 2,", "\t", "}\n"),
    "spaces between mistakes": many("{", f"k#: 1,{' ' * 900}", "}\n"),
    "aliases that fail at one place": many(f"{HEAD}network: {{C1: [&a {{conv: none}}", ", *a", "]}\n"),
}

FILES: dict[str, Write] = ROWS | RULES | PATHS | KEYS | AUGMENT | YAML | NOT_YAML | REPAIRED | LINES
"""Every file by a description of what it repeats."""
