"""Wrong keys, words and values; found by the models of the language."""

from advconv.graph import MAX_LAYERS, MAX_NAMES
from advconv.rules.record import ERROR, Rule
from advconv.text.finding import MAX_FINDINGS

RULES = (
    Rule(
        code="AC111",
        severity=ERROR,
        title="unknown key",
        what="A key is not valid at this place.",
        why=("It is misspelt, or belongs elsewhere. Ignoring it would build a different network than intended."),
        fails="- conv: {out_channels: 32, kernal_size: 5}",
        passes="- conv: {out_channels: 32, kernel_size: 5}",
    ),
    Rule(
        code="AC112",
        severity=ERROR,
        title="missing key",
        what="A required key is missing.",
        why="Any default for it would be a guess.",
        fails="- conv: {kernel_size: 5}",
        passes="- conv: {out_channels: 32, kernel_size: 5}",
    ),
    Rule(
        code="AC113",
        severity=ERROR,
        title="unknown block or feature",
        what="A row names a block, or a constraint a feature, that does not exist.",
        why="The words of the language are listed in docs/blocks.md and docs/language.md.",
        fails="- cov: 32",
        passes="- conv: 32",
    ),
    Rule(
        code="AC114",
        severity=ERROR,
        title="value of the wrong form",
        what=("A value has the wrong form: text for a number, a number out of range, a list of the wrong length."),
        why="The message has the valid forms.",
        fails="- conv: {out_channels: 32, kernel_size: 0}",
        passes="- conv: {out_channels: 32, kernel_size: [1, 3]}",
    ),
    Rule(
        code="AC115",
        severity=ERROR,
        title="invalid name",
        what="A name of a block, row or path is not valid in Python, or hides an attribute of torch modules.",
        why="Names become attributes of the module: one called `train` would break `module.train()`.",
        fails="network: {train: [conv: 32]}",
        passes="network: {stem: [conv: 32]}",
    ),
    Rule(
        code="AC116",
        severity=ERROR,
        title="duplicate name",
        what="Two rows of one list have the same name, or `forbids` has a feature twice.",
        why="The second module would replace the first.",
        fails="- conv: {out_channels: 8, name: a}\n- conv: {out_channels: 8, name: a}",
        passes="- conv: {out_channels: 8, name: a}\n- conv: {out_channels: 8, name: b}",
    ),
    Rule(
        code="AC117",
        severity=ERROR,
        title="row is not one block",
        what="A row is not one block: it has several keys or none, or is not a mapping.",
        why="Fields of a block belong inside its braces, not beside its word.",
        fails="- {conv: 32, kernel_size: 5}",
        passes="- conv: {out_channels: 32, kernel_size: 5}",
    ),
    Rule(
        code="AC118",
        severity=ERROR,
        title="unsupported language version",
        what="The file is written in another version of the language.",
        why="The same words may have another meaning in a later version.",
        fails="advconv: 1.5\nname: example\ninput: [3, 32, 32]\nnetwork: {C1: [gap]}\n# advconv: 1 is meant",
        passes="- gap",
    ),
    Rule(
        code="AC119",
        severity=ERROR,
        title="too many layers",
        what=(
            f"The network has more than {MAX_LAYERS:,} layers (a merge of n paths counts as n - 1), or the names of "
            f"its layers have more than {MAX_NAMES:,} characters in total."
        ),
        why="Such a network cannot be trained; most often a `repeat` inside a `repeat` has multiplied.",
        fails="- repeat: {times: 60000, layers: [conv: 8]}",
        passes="- repeat: {times: 60, layers: [conv: 8]}",
    ),
    Rule(
        code="AC120",
        severity=ERROR,
        title="limit that cannot be parsed",
        what="A limit is not a valid comparison.",
        why=(
            "It needs an operator, so that nobody has to guess whether 200k is a minimum or a maximum, and quotes "
            "if the operator is > or >=, since YAML reads > as the start of a folded scalar."
        ),
        fails="network: {C1: [gap]}\nconstraints: {params: 200k}",
        passes='network: {C1: [gap]}\nconstraints: {params: "< 200k"}',
    ),
    Rule(
        code="AC121",
        severity=ERROR,
        title="more findings than are listed",
        what=f"There are more than {MAX_FINDINGS:,} findings; the rest is not listed.",
        why="They mostly have one cause. Fix the listed ones first.",
        fails="\n".join(["network: {C1: [gap]}", *(f"x{number}: 1" for number in range(MAX_FINDINGS + 2))]),
        passes="- gap",
    ),
)
