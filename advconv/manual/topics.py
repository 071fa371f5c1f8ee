"""What `advconv explain` knows: topics by subject, and their pages."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from advconv.blocks import KINDS
from advconv.constraints import CONSTRAINTS
from advconv.language.json_schema import DESCRIPTIONS, summary
from advconv.manual.blocks import block_page
from advconv.manual.fields import FIELDS, constraint_page, field_page
from advconv.manual.rules import page as rule_page
from advconv.rules import RULES
from advconv.system.shipped import shipped
from advconv.values.forms import similar
from advconv.values.synonyms import meant

PROMISES = {constraint.name: constraint for constraint in CONSTRAINTS}

FAMILIES = {
    "AC1": "Codes of text, keys and values",
    "AC2": "Codes of layers and shapes",
    "AC3": "Codes of warnings about the architecture",
    "AC4": "Codes of constraints",
    "AC5": "Codes of data and augmentation",
}


class Subject(NamedTuple):
    """Topics of one kind with a line about each, and what prints the pages of one."""

    heading: str
    titles: Mapping[str, str]
    pages: Callable[[str], list[str]]


class Section(NamedTuple):
    """A section of a document that is shipped."""

    document: str
    heading: str


CONVENTIONS, LANGUAGE = "docs/conventions.md", "docs/language.md"

ANALYSES = {
    "receptive_field": Section(CONVENTIONS, "Receptive field"),
    "parameters": Section(CONVENTIONS, "Parameters, MACs, weights"),
    "memory": Section(CONVENTIONS, "Memory"),
    "layers": Section(CONVENTIONS, "Layers"),
    "rf_table": Section(CONVENTIONS, "The receptive-field table"),
    "features": Section(LANGUAGE, "Features"),
}

PARTS = {
    "tour": Section(LANGUAGE, "A tour"),
    "sections": Section(LANGUAGE, "Sections"),
    "rows": Section(LANGUAGE, "Rows"),
    "defaults": Section(LANGUAGE, "Defaults, and the fields of every convolutional unit"),
    "constraints": Section(LANGUAGE, "Constraints"),
    "training": Section(LANGUAGE, "Training"),
    "editor": Section(LANGUAGE, "In an editor"),
    "yaml": Section(LANGUAGE, "YAML"),
}


def subjects() -> list[Subject]:
    """All that can be explained, in the order of the list."""
    return [
        Subject(
            "Blocks", {kind: summary(block) for kind, block in KINDS.items()}, lambda kind: [block_page(KINDS[kind])]
        ),
        Subject("Constraints", {name: constraint.description for name, constraint in PROMISES.items()}, _constraint),
        Subject("Analyses", _headings(ANALYSES), lambda name: [section(ANALYSES[name])]),
        Subject("Fields", {name: DESCRIPTIONS[name] for name in FIELDS}, lambda name: [field_page(name)]),
        Subject("The language", _headings(PARTS), lambda name: [section(PARTS[name])]),
        *(Subject(heading, _codes(family), lambda code: [rule_page(code)]) for family, heading in FAMILIES.items()),
    ]


def _constraint(name: str) -> list[str]:
    """The constraint, and what defines its number."""
    constraint = PROMISES[name]
    return [constraint_page(constraint), section((ANALYSES | PARTS)[constraint.topic])]


def _headings(sections: Mapping[str, Section]) -> dict[str, str]:
    return {name: section.heading for name, section in sections.items()}


def _codes(family: str) -> dict[str, str]:
    return {rule.code: rule.title for rule in RULES if rule.code.startswith(family)}


def section(wanted: Section) -> str:
    """A section of a shipped document, from its heading to the next."""
    text = shipped(wanted.document).read_text(encoding="utf-8")
    _, _, behind = text.partition(f"\n## {wanted.heading}\n")
    body, _, _ = behind.partition("\n## ")
    return f"## {wanted.heading}\n{body.rstrip()}"


def pages(topic: str) -> list[str]:
    """The pages of a topic in Markdown, of each subject that has it; none where there is no such topic."""
    word = topic.strip().lower().replace("-", "_").replace(" ", "_")
    found = (
        page
        for subject in subjects()
        for name in subject.titles
        if name.lower() == word
        for page in subject.pages(name)
    )
    return list(dict.fromkeys(found))


def titles() -> dict[str, str]:
    """Each topic with a line about it."""
    return {name: title for subject in reversed(subjects()) for name, title in subject.titles.items()}


PLACES = ("constraint", "block", "field", "train", "section", "feature")
"""Where the words of other tools are looked for, in this order."""


def near(topic: str) -> str:
    """Which topic may have been meant."""
    known = list(titles())
    word = next((found for place in PLACES if (found := meant(place, topic, known))), "")
    return (f"did you mean {word}?" if word else similar(topic, known)) or "`advconv explain` lists them all"


def index() -> str:
    """The topics by subject, in Markdown."""
    parts = ["# Topics", "`advconv explain TOPIC` prints what there is about one."]
    for subject in subjects():
        lines = "\n".join(f"- `{name}`: {title}" for name, title in subject.titles.items())
        parts += [f"## {subject.heading}", lines]
    return "\n\n".join(parts)
