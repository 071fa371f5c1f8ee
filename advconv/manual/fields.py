"""The pages of fields and of constraints, derived from the models that have them and the schemas of their forms."""

from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from advconv.blocks import BLOCKS
from advconv.blocks.base import Fields, Style
from advconv.constraints import Constraints
from advconv.constraints.record import Constraint
from advconv.constraints.use import Use
from advconv.language.augment import ASSIGNMENT
from advconv.language.json_schema import DESCRIPTIONS, Schema, field_schema
from advconv.language.recipe import LEARNING_RATES, Train
from advconv.language.spec import ArchSpec, title
from advconv.manual.blocks import default_text
from advconv.values.forms import MOST_OF_A_WINDOW, Form, either, name
from advconv.values.limits import BYTE_UNITS, BYTES, COUNT, COUNT_UNITS, PERCENT, accuracy


class Place(NamedTuple):
    """A mapping of the language; `prefix` leads to its fields in the schema."""

    shown: str
    model: type[Fields]
    prefix: str = ""


PLACES = (
    Place("the file", ArchSpec),
    Place("`defaults`", Style),
    *(Place(f"`{block.kind}`", block, f"{block.kind}.") for block in BLOCKS),
    Place("`train`", Train),
    Place("a feature of `uses`", Use),
)
"""Where fields stand, those of `constraints` aside."""

FIELDS = tuple(dict.fromkeys(field for place in PLACES for field in place.model.model_fields))


def field_page(field: str) -> str:
    """Where a field stands, what it takes there, and what it is where the file does not give it."""
    rows: dict[tuple[str, str], list[str]] = {}
    for place in PLACES:
        if field in place.model.model_fields:
            info = place.model.model_fields[field]
            rows.setdefault((takes(info, place.prefix + field), _default(place, field, info)), []).append(place.shown)
    table = [f"| {', '.join(places)} | {forms} | {default} |" for (forms, default), places in rows.items()]
    head = ["| in | takes | default |", "|---|---|---|"]
    return "\n\n".join([f"## Field `{field}`", DESCRIPTIONS[field], "\n".join([*head, *table])])


def _default(place: Place, field: str, info: FieldInfo) -> str:
    if info.is_required():
        return "needed"
    if place.model is Use and info.default is None:
        return "any"
    if isinstance(info.default, Fields):
        return "that of each field"
    special = SECTION_DEFAULTS.get(field) if place.model in (ArchSpec, Style, Train) else None
    return special or default_text(field, info.default)


SECTION_DEFAULTS = {
    "augment": ", ".join(f"`{transform.name}`" for transform in ASSIGNMENT),
    "classes": "not checked",
    "dropout": "0",
    "lr": ", ".join(f"{rate:g} for `{optimizer}`" for optimizer, rate in LEARNING_RATES.items()),
    "norm": "batch",
}
"""In the sections of a file, where the value is none or has no short form."""


def constraint_page(constraint: Constraint) -> str:
    """What is measured, in which unit, how a limit is written, and an example."""
    info = Constraints.model_fields[constraint.name]
    facts = f"Measured in {constraint.unit}. Takes {takes(info, constraint.name)}."
    code = f"```yaml\nconstraints: {{{constraint.name}: {constraint.example}}}\n```"
    return "\n\n".join([f"## Constraint `{constraint.name}`", constraint.description, facts, code])


LIMIT = '`"< 5"`, `"<= 5"`, `"> 5"`, `">= 5"`, `"== 5"` or `{min: 1, max: 5}`'


def _limit(units: dict[str, int]) -> str:
    return f"a limit, {LIMIT}, with {', '.join(f'`{unit}`' for unit in units if unit)} as units"


TEXTS: dict[Any, str] = {
    name: "an ASCII identifier that is no Python keyword and no attribute of a torch module",
    title: "letters, digits, `-`, `_` and `.`",
    COUNT.read: _limit(COUNT_UNITS),
    BYTES.read: _limit(BYTE_UNITS),
    accuracy: _limit(PERCENT),
}
"""The forms that are patterns in the schema."""

REFERENCES = {
    "rows": "a list of rows",
    "some_rows": "a list of at least one row",
    "transform": "a transform of albumentations",
    "use": "a limit, or a mapping with `count` and the fields that narrow it",
    "defaults": "a mapping",
    "constraints": "a mapping",
    "train": "a mapping",
}


def takes(info: FieldInfo, place: str) -> str:
    """The forms of a field's value."""
    forms = [mark.read for mark in info.metadata if isinstance(mark, Form)]
    return next((TEXTS[form] for form in forms if form in TEXTS), "") or in_words(field_schema(info, place))


def in_words(schema: Schema) -> str:
    """What a schema lets through, for people."""
    if "$ref" in schema:
        return REFERENCES[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _one_of(schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    return IN_WORDS[schema["type"]](schema)


def _one_of(forms: list[Schema]) -> str:
    """Lists that differ in their length alone are one form."""
    if all("maxItems" in form for form in forms):
        lengths = either([str(form["maxItems"]) for form in forms])
        return f"a list of {lengths}, each {in_words(forms[0]['items'])}"
    return "; ".join(dict.fromkeys(map(in_words, forms)))


def _number(schema: Schema) -> str:
    # What a machine's integers hold bounds every number, and says nothing of one.
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = [f"of at least {low}"] if low is not None else []
    bounds += [f"above {schema['exclusiveMinimum']}"] if "exclusiveMinimum" in schema else []
    bounds += [f"of at most {high:,}"] if high is not None and high < MOST_OF_A_WINDOW else []
    bounds += [f"below {schema['exclusiveMaximum']:,}"] if "exclusiveMaximum" in schema else []
    return f"{'a whole number' if schema['type'] == 'integer' else 'a number'} {' and '.join(bounds)}".rstrip()


def _list(schema: Schema) -> str:
    return f"a list, each {in_words(schema['items'])}"


def _mapping(schema: Schema) -> str:
    if schema.get("additionalProperties"):
        return f"a mapping of names, each to {in_words(schema['additionalProperties'])}"
    keys = [*schema.get("properties", {}), *(key.strip("^$") for key in schema.get("patternProperties", {}))]
    return f"a mapping with {', '.join(f'`{key}`' for key in keys)}"


IN_WORDS = {
    "integer": _number,
    "number": _number,
    "boolean": lambda schema: "`true`, `false`",
    "array": _list,
    "object": _mapping,
}
