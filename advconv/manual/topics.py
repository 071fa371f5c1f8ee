"""The topics of `advconv explain` in groups, and their pages."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from advconv.blocks import BLOCKS_BY_KIND
from advconv.constraints import CONSTRAINTS
from advconv.language.json_schema import summary
from advconv.manual.blocks import block_page
from advconv.manual.fields import constraint_page, field_page, field_titles
from advconv.manual.rules import page as rule_page
from advconv.rules import RULES
from advconv.system.shipped import shipped
from advconv.values.forms import did_you_mean
from advconv.values.synonyms import our_word

CONSTRAINTS_BY_NAME = {constraint.name: constraint for constraint in CONSTRAINTS}

FAMILIES = {
    "AC1": "Codes of text, keys and values",
    "AC2": "Codes of layers and shapes",
    "AC3": "Codes of warnings about the architecture",
    "AC4": "Codes of constraints",
    "AC5": "Codes of data and augmentation",
}


class TopicGroup(NamedTuple):
    """Topics of one kind, each with a title, and the function that returns the pages of one."""

    heading: str
    titles: Mapping[str, str]
    pages: Callable[[str], list[str]]


class DocSection(NamedTuple):
    """A section of a shipped document."""

    document: str
    heading: str


CONVENTIONS, LANGUAGE = "docs/conventions.md", "docs/language.md"

ANALYSES = {
    "receptive_field": DocSection(CONVENTIONS, "Receptive field"),
    "parameters": DocSection(CONVENTIONS, "Parameters, MACs, weights"),
    "memory": DocSection(CONVENTIONS, "Memory"),
    "layers": DocSection(CONVENTIONS, "Layers"),
    "rf_table": DocSection(CONVENTIONS, "The receptive-field table"),
    "features": DocSection(LANGUAGE, "Features"),
}

LANGUAGE_SECTIONS = {
    "tour": DocSection(LANGUAGE, "A tour"),
    "sections": DocSection(LANGUAGE, "Sections"),
    "rows": DocSection(LANGUAGE, "Rows"),
    "defaults": DocSection(LANGUAGE, "Defaults, and the fields of every convolutional unit"),
    "constraints": DocSection(LANGUAGE, "Constraints"),
    "training": DocSection(LANGUAGE, "Training"),
    "editor": DocSection(LANGUAGE, "In an editor"),
    "yaml": DocSection(LANGUAGE, "YAML"),
}


def topic_groups() -> list[TopicGroup]:
    """All topics, in the order of the list."""
    return [
        TopicGroup(
            "Blocks",
            {kind: summary(block) for kind, block in BLOCKS_BY_KIND.items()},
            lambda kind: [block_page(BLOCKS_BY_KIND[kind])],
        ),
        TopicGroup(
            "Constraints",
            {constraint.name: constraint.description for constraint in CONSTRAINTS},
            _constraint,
        ),
        TopicGroup("Analyses", _headings(ANALYSES), lambda name: [section(ANALYSES[name])]),
        TopicGroup("Fields", field_titles(), lambda name: [field_page(name)]),
        TopicGroup("The language", _headings(LANGUAGE_SECTIONS), lambda name: [section(LANGUAGE_SECTIONS[name])]),
        *(TopicGroup(heading, _codes(family), lambda code: [rule_page(code)]) for family, heading in FAMILIES.items()),
    ]


def _constraint(name: str) -> list[str]:
    """The constraint, and the section that defines its measure."""
    constraint = CONSTRAINTS_BY_NAME[name]
    return [constraint_page(constraint), section((ANALYSES | LANGUAGE_SECTIONS)[constraint.topic])]


def _headings(sections: Mapping[str, DocSection]) -> dict[str, str]:
    return {name: section.heading for name, section in sections.items()}


def _codes(family: str) -> dict[str, str]:
    return {rule.code: rule.title for rule in RULES if rule.code.startswith(family)}


def section(wanted: DocSection) -> str:
    """A section of a shipped document, from its heading to the next."""
    text = shipped(wanted.document).read_text(encoding="utf-8")
    _, _, rest = text.partition(f"\n## {wanted.heading}\n")
    body, _, _ = rest.partition("\n## ")
    return f"## {wanted.heading}\n{body.rstrip()}"


def pages(topic: str) -> list[str]:
    """The pages of a topic in Markdown, from every group that has it; empty for an unknown topic."""
    word = topic.strip().lower().replace("-", "_").replace(" ", "_")
    found = (
        page for group in topic_groups() for name in group.titles if name.lower() == word for page in group.pages(name)
    )
    return list(dict.fromkeys(found))


def titles() -> dict[str, str]:
    """The title of each topic."""
    return {name: title for group in reversed(topic_groups()) for name, title in group.titles.items()}


CATEGORIES = ("constraint", "block", "field", "train", "section", "feature")
"""The categories of synonyms to search for words of other tools, in order."""


def suggestion(topic: str) -> str:
    """The topic that was probably meant."""
    known = list(titles())
    word = next((found for category in CATEGORIES if (found := our_word(category, topic, known))), "")
    return (f"did you mean {word}?" if word else did_you_mean(topic, known)) or "`advconv explain` lists them all"


def index() -> str:
    """The topics by group, in Markdown."""
    parts = ["# Topics", "`advconv explain TOPIC` prints the pages of a topic."]
    for group in topic_groups():
        lines = "\n".join(f"- `{name}`: {title}" for name, title in group.titles.items())
        parts += [f"## {group.heading}", lines]
    return "\n\n".join(parts)
