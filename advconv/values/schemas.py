"""The schema of a value, as JSON Schema and in words, and the patterns that schemas are built from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from advconv.geometry import INT64_MAX

Schema = dict[str, Any]
"""A JSON Schema, which may contain a `ValueSchema` in place of a nested schema."""


class ValueSchema:
    """The schema of a value. `name`: its definition in the schema of a file, if it occurs in more than one place.

    `text` describes what the schema accepts, for messages and `advconv explain`. A large schema, which a check does not
    need, is a function.
    """

    def __init__(self, schema: Schema | Callable[[], Schema], text: str, name: str = "") -> None:
        self._schema, self.text, self.name = schema, text, name

    @property
    def schema(self) -> Schema:
        return self._schema() if callable(self._schema) else self._schema

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it accepts, alone or among other forms."""
        forms = self.schema.get("anyOf", [self.schema])
        return tuple(word for form in forms if isinstance(form, dict) for word in form.get("enum", ()))


class DefaultText(NamedTuple):
    """Describes a default that the field's default value does not show: `its kernel_size`."""

    text: str


def whole(minimum: int, maximum: int = INT64_MAX) -> Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def enum(*values: str) -> Schema:
    return {"enum": list(values)}


def either(*forms: "Schema | ValueSchema") -> Schema:
    bare = {word for form in forms if isinstance(form, dict) for word in form.get("enum", ())}
    return {"anyOf": [_unoffered(form, bare) if isinstance(form, dict) else form for form in forms]}


def _unoffered(schema: Schema, bare: set[str]) -> Schema:
    """A mapping in which keys that are also bare words are patterns and not properties.

    Editors offer properties, and would complete `gap` to `gap:`.
    """
    hidden = {f"^{key}$": part for key, part in schema.get("properties", {}).items() if key in bare}
    if not hidden:
        return schema
    offered = {key: part for key, part in schema["properties"].items() if key not in bare}
    return schema | {"properties": offered, "patternProperties": hidden}


def mapping(properties: Mapping[str, "Schema | ValueSchema"], required: Sequence[str] = (), **more: Any) -> Schema:
    """A mapping with only these keys."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False} | needed | more


def one_of(properties: Mapping[str, "Schema | ValueSchema"]) -> Schema:
    """A mapping with exactly one of these keys."""
    return mapping(properties, minProperties=1, maxProperties=1)


def list_of(item: "Schema | ValueSchema", *lengths: int) -> Schema:
    """A list of one of these lengths."""
    lists: list[Schema] = [{"type": "array", "items": item, "minItems": n, "maxItems": n} for n in lengths]
    return either(*lists) if len(lists) > 1 else lists[0]
