"""The pages of fields and of constraints, derived from the models that have them and the forms of their values."""

from typing import NamedTuple

from advconv.blocks import BLOCKS
from advconv.blocks.base import Fields, Style
from advconv.language.json_schema import description, summary, written
from advconv.language.recipe import Train
from advconv.language.spec import ArchSpec, Constraints, Use
from advconv.manual.blocks import default_text, fields_table, markdown_table, short_form


class Place(NamedTuple):
    """A mapping of the language."""

    title: str
    model: type[Fields]


PLACES = (
    Place("the file", ArchSpec),
    Place("`defaults`", Style),
    *(Place(f"`{block.kind}`", block) for block in BLOCKS),
    Place("`train`", Train),
    Place("a feature of `uses`", Use),
)
"""Where fields stand, those of `constraints` aside."""


def field_titles() -> dict[str, str]:
    """Each field with what it means where it first stands."""
    fields = [(key, field) for place in reversed(PLACES) for key, field in place.model.model_fields.items()]
    return {key: description(key, field) for key, field in fields}


def field_page(key: str) -> str:
    """Where a field stands, what it means and takes there, and what it is where the file does not give it."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for place in PLACES:
        if field := place.model.model_fields.get(key):
            facts = description(key, field), written(key, field).text, default_text(field)
            rows.setdefault(facts, []).append(place.title)
    table = markdown_table(
        ("in", "", "takes", "default"), [(", ".join(where), *facts) for facts, where in rows.items()]
    )
    return f"## Field `{key}`\n\n{table}"


SECTION_TABLES: dict[str, type[Fields]] = {"sections": ArchSpec, "defaults": Style, "train": Train}
"""The mappings whose table of fields is part of docs/language.md."""


def language_tables() -> dict[str, str]:
    """The parts of docs/language.md that are generated, by the word in the comments around each."""
    rows = [(f"[`{block.kind}`](blocks.md#{block.kind})", summary(block), short_form(block)) for block in BLOCKS]
    blocks = markdown_table(("block", "", ""), rows)
    return {"blocks": blocks} | {name: fields_table(model) for name, model in SECTION_TABLES.items()}


class Measured(NamedTuple):
    """What a constraint is measured in, an example of its value, and the topic that defines the number."""

    unit: str
    example: str
    defined_in: str


CONSTRAINTS = {
    "receptive_field": Measured("pixels of the input, on each axis", '"> 44"', "receptive_field"),
    "rf_min": Measured("pixels of the input, on each axis", '"> 2"', "receptive_field"),
    "params": Measured("parameters", '"< 200k"', "parameters"),
    "macs": Measured("multiply-accumulates", "{min: 1k, max: 100M}", "parameters"),
    "weights": Measured("bytes", '"< 1MB"', "parameters"),
    "memory": Measured("bytes", '"< 2MB"', "memory"),
    "memory_eager": Measured("bytes", '"< 2MB"', "memory"),
    "training_memory": Measured("bytes", '"< 16MiB"', "memory"),
    "uses": Measured("occurrences", '{dilated: ">= 1", strided: {kernel_size: 3, count: "== 1"}}', "features"),
    "forbids": Measured("occurrences", "[maxpool, avgpool]", "features"),
    "accuracy": Measured("percent of the test images", '">= 85%"', "training"),
}


def constraint_page(constraint: str) -> str:
    """What is measured, in which unit, how a limit is written, and an example."""
    measured = CONSTRAINTS[constraint]
    info = Constraints.model_fields[constraint]
    facts = f"Measured in {measured.unit}. Takes {written(constraint, info).text}."
    code = f"```yaml\nconstraints: {{{constraint}: {measured.example}}}\n```"
    return "\n\n".join([f"## Constraint `{constraint}`", description(constraint, info), facts, code])
