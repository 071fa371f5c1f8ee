"""The schema of a model, from the forms and descriptions of its fields."""

from typing import Any, get_args

from pydantic.fields import FieldInfo

from advconv.blocks.base import Fields
from advconv.values.schemas import Schema, ValueSchema, mapping


def required(model: type[Fields]) -> list[str]:
    return [key for key, field in model.model_fields.items() if field.is_required()]


def fields_schema(model: type[Fields]) -> Schema:
    """A mapping of the fields of a model."""
    properties = {key: field_schema(key, field) for key, field in model.model_fields.items()}
    return mapping(properties, required(model))


def field_schema(key: str, field: FieldInfo) -> Schema:
    value = written(key, field)
    return {"$ref": value, "description": f"{description(field)} It takes {value.text}."}


def written(key: str, field: FieldInfo) -> ValueSchema:
    """The schema of a field's value: its outermost mark, which is the last, or the model of a section."""
    found = [mark for mark in field.metadata if isinstance(mark, ValueSchema)]
    if found:
        return found[-1]
    # Of a section that may be left out, the model stands first.
    model: Any = next(iter(get_args(field.annotation)), field.annotation)
    return ValueSchema(fields_schema(model), "a mapping", key)


def description(field: FieldInfo) -> str:
    return field.description or ""
