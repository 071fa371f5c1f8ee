"""How a value is written, as JSON Schema and in words; the few patterns that the schemas of values are made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from advconv.geometry import INT64_MAX

Schema = dict[str, Any]
"""A JSON Schema, which may hold what is `Written` in the place of a schema of its own."""


class Written:
    """How a value is written. `name`: its definition in the schema of a file, for what occurs in more than one place.

    `text` is for people: what the schema lets through, as messages and `advconv explain` put it. A large schema, which
    a check has no need of, is a function.
    """

    def __init__(self, schema: Schema | Callable[[], Schema], text: str, name: str = "") -> None:
        self._schema, self.text, self.name = schema, text, name

    @property
    def schema(self) -> Schema:
        return self._schema() if callable(self._schema) else self._schema

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it takes, alone or among other forms."""
        forms = self.schema.get("anyOf", [self.schema])
        return tuple(word for form in forms if isinstance(form, dict) for word in form.get("enum", ()))


class Absent(NamedTuple):
    """What a field is where a file leaves it out, where its default does not say so: `its kernel_size`."""

    text: str


def whole(minimum: int, maximum: int = INT64_MAX) -> Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def enum(*values: str) -> Schema:
    return {"enum": list(values)}


def either(*forms: "Schema | Written") -> Schema:
    bare = {word for form in forms if isinstance(form, dict) for word in form.get("enum", ())}
    return {"anyOf": [_unoffered(form, bare) if isinstance(form, dict) else form for form in forms]}


def _unoffered(schema: Schema, bare: set[str]) -> Schema:
    """A mapping without the keys that may stand bare among its properties; they are patterns.

    An editor offers properties, and would complete `gap` to `gap:`.
    """
    hidden = {f"^{key}$": part for key, part in schema.get("properties", {}).items() if key in bare}
    if not hidden:
        return schema
    offered = {key: part for key, part in schema["properties"].items() if key not in bare}
    return schema | {"properties": offered, "patternProperties": hidden}


def mapping(properties: Mapping[str, "Schema | Written"], required: Sequence[str] = (), **more: Any) -> Schema:
    """A mapping that has these keys alone."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), "additionalProperties": False} | needed | more


def one_of(properties: Mapping[str, "Schema | Written"]) -> Schema:
    """A mapping of one of these keys."""
    return mapping(properties, minProperties=1, maxProperties=1)


def list_of(item: "Schema | Written", *lengths: int) -> Schema:
    """A list of one of these lengths."""
    lists: list[Schema] = [{"type": "array", "items": item, "minItems": n, "maxItems": n} for n in lengths]
    return either(*lists) if len(lists) > 1 else lists[0]
