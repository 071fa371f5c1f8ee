"""The JSON Schema of architecture files for editors and other tools, short forms included; derived from the fields."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from advconv.blocks import BLOCKS
from advconv.blocks.base import Block
from advconv.blocks.schemas import fields_schema, required, written
from advconv.language.spec import ArchSpec
from advconv.values.schemas import Schema, ValueSchema, either, enum, one_of

TITLE_OF_SCHEMA = "advconv architecture"


def schema_text() -> str:
    """The schema as the text of a file."""
    return f"{dump_json(schema())}\n"


WIDTH = 120


def dump_json(part: Any, depth: int = 0, before: int = 0) -> str:
    """JSON with an indent of 2. A value is on one line if it fits after a key of `before` characters."""
    line = json.dumps(part)
    if not part or not isinstance(part, dict | list) or 2 * depth + before + len(line) < WIDTH:
        return line
    items = part.items() if isinstance(part, dict) else (("", value) for value in part)
    keys = [(f"{json.dumps(key)}: " if isinstance(part, dict) else "", value) for key, value in items]
    inside = ",\n".join(f"{'  ' * (depth + 1)}{key}{dump_json(value, depth + 1, len(key))}" for key, value in keys)
    opening, closing = "{}" if isinstance(part, dict) else "[]"
    return f"{opening}\n{inside}\n{'  ' * depth}{closing}"


def schema() -> Schema:
    """The schema of an architecture file, draft 2020-12."""
    definitions: dict[str, Schema] = {"row": {}}
    definitions["row"] = expanded(row(), definitions)
    for block in BLOCKS:
        _define(block.kind, row_value(block), definitions)
    root: Schema = expanded(fields_schema(ArchSpec), definitions)
    _share_properties(definitions)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLE_OF_SCHEMA}
    return head | {"$defs": definitions} | root


def _define(name: str, value: Schema, definitions: dict[str, Schema]) -> None:
    """Adds a definition; for one that exists under another name, a reference to it with its own description."""
    found, description = expanded(value, definitions), {"description": value["description"]}
    same = (key for key, other in definitions.items() if other | description == found)
    key = next(same, "")
    definitions[name] = {"$ref": f"#/$defs/{key}"} | description if key else found


SHARED_FROM = 4
"""How many mappings have a property that is defined once."""


def _share_properties(definitions: dict[str, Schema]) -> None:
    """Defines a property once that many mappings have with the same description, such as the name of a row."""
    mappings = list(_properties([*definitions.values()]))
    # The arguments of transforms have no schema but `true`.
    mappings = [part for part in mappings if all(isinstance(value, dict) for value in part.values())]
    found = Counter((key, json.dumps(value)) for part in mappings for key, value in part.items())
    for part in mappings:
        for key, value in part.items():
            name = f"field_{key}"
            is_same = definitions.get(name, value) == value
            if found[key, json.dumps(value)] >= SHARED_FROM and "description" in value and is_same:
                definitions[name] = value
                part[key] = {"$ref": f"#/$defs/{name}"}


def _properties(part: Any) -> Iterator[dict[str, Any]]:
    """The properties of each mapping inside of a schema."""
    if isinstance(part, dict) and "properties" in part:
        yield part["properties"]
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _properties(value)


def expanded(part: Any, definitions: dict[str, Schema]) -> Any:
    """A schema of plain JSON. A `ValueSchema` with a name becomes a reference to a definition, which is added."""
    if isinstance(part, ValueSchema):
        if not part.name:
            return expanded(part.schema, definitions)
        if part.name not in definitions:
            definitions[part.name] = {}
            definitions[part.name] = expanded(part.schema, definitions)
        return {"$ref": f"#/$defs/{part.name}"}
    if isinstance(part, dict):
        inner = {key: expanded(value, definitions) for key, value in part.items()}
        # The value of `$ref` has been expanded to a schema.
        refers = inner.pop("$ref") if isinstance(inner.get("$ref"), dict) else {}
        return refers | inner
    return [expanded(value, definitions) for value in part] if isinstance(part, list) else part


def row() -> Schema:
    """A bare word, or a mapping whose one key names the block."""
    alone = [block for block in BLOCKS if not required(block)]
    bare = enum(*(block.kind for block in alone)) | {"enumDescriptions": [summary(block) for block in alone]}
    return either(bare, one_of({block.kind: {"$ref": f"#/$defs/{block.kind}"} for block in BLOCKS}))


def row_value(block: type[Block]) -> Schema:
    """The value of a block's key: its fields, its short form, or null."""
    forms: list[Schema | ValueSchema] = [fields_schema(block)]
    if block.short:
        short = written(block.short, block.model_fields[block.short])
        forms.append(row_form(short) if block.short_is_mapping else short)
    forms += [] if required(block) else [{"type": "null"}]
    return either(*forms) | {"description": summary(block)}


def row_form(short: ValueSchema) -> Schema:
    """A short form that may be a mapping: in a row it may also have a name, and cannot be none."""
    forms = []
    for form in short.schema["anyOf"]:
        named = {"properties": form["properties"] | fields_schema(Block)["properties"]} if "properties" in form else {}
        one = ONE_BESIDE_THE_NAME if "maxProperties" in form else {}
        some = {"enum": [word for word in form["enum"] if word != "none"]} if "enum" in form else {}
        forms.append(form | named | one | some)
    return either(*forms)


ONE_BESIDE_THE_NAME: Schema = {
    "maxProperties": 2,
    "if": {"required": ["name"]},
    "then": {"minProperties": 2},
    "else": {"maxProperties": 1},
}


def summary(block: type[Block]) -> str:
    """The first line of a block's docstring."""
    return (block.__doc__ or "").strip().split("\n")[0]
