"""The pages of fields and of constraints, generated from their models and the forms of their values."""

from typing import NamedTuple

from advconv.blocks import BLOCKS
from advconv.blocks.base import Fields, Style
from advconv.blocks.schemas import description, written
from advconv.constraints import CONSTRAINTS, Constraints
from advconv.constraints.record import Constraint
from advconv.constraints.use import Use
from advconv.language.json_schema import summary
from advconv.language.recipe import Distill, Train
from advconv.language.spec import ArchSpec
from advconv.manual.blocks import default_text, fields_table, markdown_table, short_form
from advconv.manual.rules import codes_table


class FieldOwner(NamedTuple):
    """A mapping of the language and its model."""

    title: str
    model: type[Fields]


FIELD_OWNERS = (
    FieldOwner("the file", ArchSpec),
    FieldOwner("`defaults`", Style),
    *(FieldOwner(f"`{block.kind}`", block) for block in BLOCKS),
    FieldOwner("`train`", Train),
    FieldOwner("`distill`", Distill),
    FieldOwner("a feature of `uses`", Use),
)
"""The mappings that have fields, except `constraints`."""


def field_titles() -> dict[str, str]:
    """The description of each field in its first owner."""
    fields = [(key, field) for owner in reversed(FIELD_OWNERS) for key, field in owner.model.model_fields.items()]
    return {key: description(field) for key, field in fields}


def field_page(key: str) -> str:
    """The owners of a field, with its meaning, values and default in each."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for owner in FIELD_OWNERS:
        if field := owner.model.model_fields.get(key):
            facts = description(field), written(key, field).text, default_text(field)
            rows.setdefault(facts, []).append(owner.title)
    table = markdown_table(
        ("in", "", "takes", "default"), [(", ".join(where), *facts) for facts, where in rows.items()]
    )
    return f"## Field `{key}`\n\n{table}"


SECTION_TABLES: dict[str, type[Fields]] = {
    "sections": ArchSpec,
    "defaults": Style,
    "train": Train,
    "distill": Distill,
}
"""The mappings whose tables of fields are part of docs/language.md."""


def language_tables() -> dict[str, str]:
    """The generated parts of docs/language.md, by the word in the comments around each."""
    rows = [(f"[`{block.kind}`](blocks.md#{block.kind})", summary(block), short_form(block)) for block in BLOCKS]
    blocks = markdown_table(("block", "", ""), rows)
    sections = {name: fields_table(model) for name, model in SECTION_TABLES.items()}
    return {"blocks": blocks, "codes": codes_table(), "constraints": _constraints_table()} | sections


def _constraints_table() -> str:
    rows = ((f"`{each.name}`", each.description, each.unit, f"`{each.example}`") for each in CONSTRAINTS)
    return markdown_table(("constraint", "", "in", "such as"), rows)


def constraint_page(constraint: Constraint) -> str:
    """The measure with its unit, the forms of a limit, and an example."""
    info = Constraints.model_fields[constraint.name]
    facts = f"Measured in {constraint.unit}. Takes {written(constraint.name, info).text}."
    code = f"```yaml\nconstraints: {{{constraint.name}: {constraint.example}}}\n```"
    return "\n\n".join([f"## Constraint `{constraint.name}`", constraint.description, facts, code])
