"""The JSON Schema of what users write, short forms too, for editors and other tools."""

import json
import keyword
from collections.abc import Iterable
from typing import Any

from pydantic.fields import FieldInfo

from advconv.analysis.features import FEATURES, NARROWED_BY
from advconv.blocks import BLOCKS
from advconv.blocks.base import Block, Fields, Style
from advconv.blocks.composite import times
from advconv.blocks.units import groups
from advconv.constraints import Constraints
from advconv.constraints.use import Use, feature
from advconv.geometry import INT64_MAX
from advconv.language.augment import KNOWN, keys
from advconv.language.recipe import (
    LARGEST,
    MOST_EPOCHS,
    Train,
    above_zero,
    at_least_zero,
    epochs,
    from_zero,
    seed,
    share,
)
from advconv.language.spec import ArchSpec, picture, title, version
from advconv.language.transforms import COMPOSITIONS
from advconv.layers.pointwise import FUNCTIONS
from advconv.values.forms import (
    MOST_OF_A_WINDOW,
    Form,
    activation,
    bias,
    dropout,
    flag,
    name,
    norm,
    padding,
    positive,
    positive_pair,
)
from advconv.values.limits import BYTE_UNITS, BYTES, COUNT, COUNT_UNITS, PERCENT, accuracy
from advconv.values.names import MODULE_ATTRIBUTES, NAME, TAKEN, TITLE

Schema = dict[str, Any]

WHOLE: Schema = {"type": "integer", "minimum": 1, "maximum": INT64_MAX}
FROM_ZERO: Schema = {"type": "integer", "minimum": 0, "maximum": INT64_MAX}
WINDOW: Schema = {"maximum": MOST_OF_A_WINDOW}
ABOVE_ZERO: Schema = {"type": "number", "exclusiveMinimum": 0}


def either(*schemas: Schema) -> Schema:
    bare = {word for schema in schemas for word in schema.get("enum", ())}
    return {"anyOf": [_unoffered(schema, bare) for schema in schemas]}


def _unoffered(schema: Schema, bare: set[str]) -> Schema:
    """A mapping without the keys that may stand bare among its properties; they are patterns.

    An editor offers properties, and would complete `gap` to `gap:`.
    """
    hidden = {f"^{key}$": part for key, part in schema.get("properties", {}).items() if key in bare}
    if not hidden:
        return schema
    offered = {key: part for key, part in schema["properties"].items() if key not in bare}
    return schema | {"properties": offered, "patternProperties": hidden}


def words(*values: str) -> Schema:
    return {"enum": list(values)}


ARGUMENTS: dict[str, str] = {
    "batch": "torch.nn.BatchNorm2d with arguments of its own.",
    "eps": "What is added to the variance.",
    "group": "torch.nn.GroupNorm with so many groups.",
    "kind": "Whether single elements or whole channels fall out.",
    "layer": "One group over all channels and positions, with arguments of its own.",
    "max": "At most.",
    "min": "At least.",
    "momentum": "The share of the newest batch in the running statistics.",
    "num_groups": "How many groups of channels.",
    "p": "The share that falls out.",
    **{word: f"{what.module} with this {what.argument}." for word, what in FUNCTIONS.items() if what.argument},
}
"""What the keys mean that stand inside a field's value."""


def mapping(properties: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    """A mapping that has these keys alone."""
    needed = {"required": list(required)} if required else {}
    told = {
        key: {"description": ARGUMENTS[key]} | part if key in ARGUMENTS else part for key, part in properties.items()
    }
    return {"type": "object", "properties": told, "additionalProperties": False} | needed | more


def row_of(item: Schema, *lengths: int) -> Schema:
    """A list of one of these lengths."""
    return either(*({"type": "array", "items": item, "minItems": n, "maxItems": n} for n in lengths))


def limit_schema(units: Iterable[str]) -> Schema:
    """A comparison with one of these units, or a range."""
    amount = rf"[0-9][0-9_]*(\.[0-9]+)?\s*({'|'.join(units)})"
    end = either({"type": "string", "pattern": rf"^\s*{amount}\s*$"}, {"type": "number", "minimum": 0})
    comparison: Schema = {"type": "string", "pattern": rf"^\s*(<=|>=|==|<|>)\s*{amount}\s*$"}
    return either(comparison, mapping({"min": end, "max": end}, minProperties=1))


NAMES: Schema = {
    "type": "string",
    "pattern": f"^(?!_){NAME.pattern}$",
    "not": {"enum": sorted({*keyword.kwlist, *TAKEN, *MODULE_ATTRIBUTES})},
}
COUNTS = limit_schema(COUNT_UNITS)


def use_name(feature: str) -> str:
    """The definition for a feature and the others that are narrowed by the same fields."""
    return "use_" + next(word for word in FEATURES if NARROWED_BY[word] == NARROWED_BY[feature])


# What each form of a field takes, by the function that reads it.
FORMS: dict[Any, Schema] = {
    positive: WHOLE,
    times: WHOLE | {"maximum": 100_000},
    positive_pair: either(WHOLE | WINDOW, row_of(WHOLE | WINDOW, 2)),
    padding: either(words("same", "valid"), FROM_ZERO | WINDOW, row_of(FROM_ZERO | WINDOW, 1, 2, 4)),
    flag: {"type": "boolean"},
    bias: either(words("auto"), {"type": "boolean"}),
    groups: either(words("depthwise"), WHOLE),
    name: NAMES,
    norm: either(
        words("batch", "layer", "none"),
        mapping({"batch": mapping({"eps": ABOVE_ZERO, "momentum": ABOVE_ZERO})}, ("batch",)),
        mapping({"layer": mapping({"eps": ABOVE_ZERO})}, ("layer",)),
        mapping(
            {"group": either(WHOLE, mapping({"num_groups": WHOLE, "eps": ABOVE_ZERO}, ("num_groups",)))}, ("group",)
        ),
    ),
    activation: either(
        words(*FUNCTIONS, "none"),
        mapping(
            {word: {"type": "number"} for word in FUNCTIONS if FUNCTIONS[word].argument},
            minProperties=1,
            maxProperties=1,
        ),
    ),
    dropout: either(
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        mapping(
            {"p": {"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "kind": words("element", "channel")}, ("p",)
        ),
    ),
    version: {"const": 1},
    title: {"type": "string", "pattern": f"^{TITLE.pattern}$"},
    picture: row_of(WHOLE, 3),
    feature: words(*FEATURES),
    from_zero: FROM_ZERO,
    above_zero: ABOVE_ZERO | {"maximum": LARGEST},
    at_least_zero: {"type": "number", "minimum": 0, "maximum": LARGEST},
    epochs: WHOLE | {"maximum": MOST_EPOCHS},
    share: {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
    seed: {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**32},
    COUNT.read: COUNTS,
    BYTES.read: limit_schema(BYTE_UNITS),
    accuracy: limit_schema(PERCENT),
}

ROWS: Schema = {"$ref": "#/$defs/rows"}
SOME_ROWS: Schema = {"$ref": "#/$defs/some_rows"}

# Fields that are no single value, by model and name.
SHAPES: dict[str, Schema] = {
    "residual.layers": SOME_ROWS,
    "residual.shortcut": either(words("auto", "identity", "projection", "pad"), ROWS),
    "repeat.layers": SOME_ROWS,
    "branches.paths": {
        "type": "object",
        "propertyNames": FORMS[name],
        "additionalProperties": ROWS,
        "minProperties": 2,
    },
    "network": {"type": "object", "propertyNames": FORMS[name], "additionalProperties": SOME_ROWS, "minProperties": 1},
    "defaults": {"$ref": "#/$defs/defaults"},
    "constraints": {"$ref": "#/$defs/constraints"},
    "uses": mapping(
        {
            word: {"$ref": f"#/$defs/{use_name(word)}", "description": f"How often {word} must occur."}
            for word in FEATURES
        }
    ),
    "forbids": {"type": "array", "items": FORMS[feature], "uniqueItems": True},
    "augment": {"type": "array", "items": {"$ref": "#/$defs/transform"}},
    "train": {"$ref": "#/$defs/train"},
}

DESCRIPTIONS: dict[str, str] = {
    "accuracy": 'A promise that training is held to, such as ">= 85%".',
    "activation": "The activation; in defaults and units behind the convolution, or where `order` puts it.",
    "advconv": "The version of the language.",
    "augment": "What albumentations does to the training pictures.",
    "batch_size": "Pictures in a step, of all processes together.",
    "between": "What stands between the depthwise and the pointwise convolution.",
    "bias": "Whether there is a bias; auto has none where the unit has a norm.",
    "ceil_mode": "Whether a last window may hang over the end of the map.",
    "classes": "How many classes the network must put out.",
    "clip": "The largest norm of the gradient; 0 leaves it as it is.",
    "constraints": "What the network promises.",
    "count": "How often the feature must occur.",
    "count_include_pad": "Whether padded zeros count in the mean.",
    "data": "The pictures to train on.",
    "defaults": "How convolutional units are made where they do not say otherwise.",
    "dilation": "Distance between taps, in positions; a number or [height, width].",
    "dropout": "The share that falls out after each unit; {p, kind: channel} for whole channels.",
    "ema": "How much of the averaged weights each step keeps; 0 for the newest weights.",
    "epochs": "How often the pictures are gone through.",
    "expansion": "How many times the channels are widened; 1 leaves the expansion out.",
    "forbids": "Features that must not occur.",
    "gate": "The activation that gives the weights of the channels.",
    "groups": "Groups of channels that do not mix; depthwise for one a channel.",
    "in_channels": "Channels that go in.",
    "input": "The picture, [channels, height, width].",
    "kernel_size": "Taps of the window; a number or [height, width].",
    "label_smoothing": "The share of the target that goes to all classes alike.",
    "layers": "Rows, one behind the other.",
    "lr": "The highest learning rate; 0.3 for sgd and 0.003 for adamw unless it says otherwise.",
    "macs": "Multiply-accumulates for one picture; bias and norm not counted.",
    "memory": "Peak bytes at inference, each output freed after its last reader, float32, one picture.",
    "memory_eager": "Peak bytes of the built module in torch's eager mode, without gradients, float32, one picture.",
    "merge": "How the paths meet.",
    "mixup": "Alpha of the beta distribution that pairs of pictures are mixed by; 0 mixes none.",
    "momentum": "Momentum of sgd, the first beta of adamw.",
    "multiplier": "Filters for each input channel.",
    "name": "A name for the module, unique where it stands.",
    "network": "Named blocks of rows, in order.",
    "norm": "The norm of a unit.",
    "order": "The order of a unit's stages.",
    "optimizer": "sgd, with Nesterov momentum, or adamw.",
    "out_channels": "Channels that come out.",
    "out_features": "Features that come out; the number of classes unless it says otherwise.",
    "padding": "same, valid, positions on each side, [height, width] or [top, bottom, left, right].",
    "params": "How many parameters there are.",
    "paths": "Parallel paths by name, each a list of rows; an empty one is the identity.",
    "precision": "auto takes bfloat16 where the device has it.",
    "receptive_field": "Pixels that the last map before the first global pooling sees, on each axis; gates left out.",
    "reduction": "How many times fewer channels the gate squeezes to.",
    "rf_min": "The receptive field along the narrowest path.",
    "schedule": "How the learning rate goes: onecycle, cosine, step or constant.",
    "seed": "Of the weights, the order of the pictures, and all that is drawn.",
    "share": "The share that falls out, or {p, kind}.",
    "shortcut": "auto, identity, projection, pad, or rows.",
    "squeeze_excite": "Puts a gate with this reduction before the projection.",
    "stride": "Positions from one window to the next; a number or [height, width].",
    "times": "How many times over.",
    "train": "How to train.",
    "training_memory": "Bytes that autograd keeps for the backward pass, float32, one picture.",
    "uses": "Features with how often they must occur.",
    "val_split": "Training pictures that are held out for validation.",
    "weight_decay": "Decay of the weights, not of norms and biases.",
    "weights": "Bytes of the parameters in float32.",
}


TITLE_OF_SCHEMA = "advconv architecture"


def schema_text() -> str:
    """As a file."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> Schema:
    """The schema of an architecture file, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": TITLE_OF_SCHEMA,
        "$defs": {
            "rows": {"type": "array", "items": {"$ref": "#/$defs/row"}},
            "some_rows": {"type": "array", "items": {"$ref": "#/$defs/row"}, "minItems": 1},
            "row": row(),
            **{block.kind: block_fields(block) for block in BLOCKS},
            "defaults": fields_schema(Style, ""),
            "constraints": fields_schema(Constraints, ""),
            "train": fields_schema(Train, ""),
            "transform": transform_schema(),
            **{use_name(word): use_schema(word) for word in FEATURES},
        },
    } | fields_schema(ArchSpec, "")


def use_schema(feature: str) -> Schema:
    """A limit on the count, or one with the fields that a feature has."""
    narrowed = fields_schema(Use, "")
    known = {key: part for key, part in narrowed["properties"].items() if key in ("count", *NARROWED_BY[feature])}
    return either(COUNTS, narrowed | {"properties": known})


def transform_schema() -> Schema:
    """A bare word, or a mapping whose one key names the transform."""
    calls = {name: arguments_schema(name) for name in KNOWN}
    return either(words(*(name for name in KNOWN if name not in COMPOSITIONS)), one_of(calls))


def one_of(parts: dict[str, Schema]) -> Schema:
    return mapping(parts, minProperties=1, maxProperties=1)


def arguments_schema(name: str) -> Schema:
    """The arguments of a transform; their values are for albumentations to judge."""
    told: dict[str, Schema] = {key: {"description": f"As {name} of albumentations takes it."} for key in keys(name)}
    if name in COMPOSITIONS:
        told["transforms"] |= {"type": "array", "items": {"$ref": "#/$defs/transform"}, "minItems": 1}
    needed = ("transforms",) if name in COMPOSITIONS else ()
    forms = [mapping(told, needed), *([] if needed else [{"type": "null"}])]
    return either(*forms) | {"description": f"albumentations.{name}"}


def row() -> Schema:
    """A bare word, or a mapping whose one key names the block."""
    alone = [block for block in BLOCKS if not required(block)]
    bare = words(*(block.kind for block in alone)) | {"enumDescriptions": [summary(block) for block in alone]}
    kinds = {block.kind: row_value(block) for block in BLOCKS}
    return either(bare, one_of(kinds))


def row_value(block: type[Block]) -> Schema:
    """What stands behind a block's word: its fields, its short form, nothing."""
    forms: list[Schema] = [{"$ref": f"#/$defs/{block.kind}"}]
    if block.short:
        short = field_schema(block.model_fields[block.short], f"{block.kind}.{block.short}")
        forms.append(as_row(short) if block.short_is_mapping else short)
    forms += [] if required(block) else [{"type": "null"}]
    return either(*forms) | {"description": summary(block)}


def as_row(short: Schema) -> Schema:
    """A short form that may be a mapping: as a row it may have a name beside, and is not none."""
    forms = []
    for form in short["anyOf"]:
        named = (
            {"properties": form["properties"] | {"name": NAMES | {"description": DESCRIPTIONS["name"]}}}
            if "properties" in form
            else {}
        )
        most = {"maxProperties": form["maxProperties"] + 1} if "maxProperties" in form else {}
        some = {"enum": [word for word in form["enum"] if word != "none"]} if "enum" in form else {}
        forms.append(form | named | most | some)
    return either(*forms)


def block_fields(block: type[Block]) -> Schema:
    return fields_schema(block, f"{block.kind}.") | {"description": summary(block)}


def summary(block: type[Block]) -> str:
    """The first sentence of what a block says of itself."""
    return (block.__doc__ or "").strip().split("\n")[0]


def required(model: type[Fields]) -> tuple[str, ...]:
    return tuple(key for key, field in model.model_fields.items() if field.is_required())


def fields_schema(model: type[Fields], prefix: str) -> Schema:
    properties = {
        key: field_schema(field, f"{prefix}{key}") | {"description": DESCRIPTIONS[key]}
        for key, field in model.model_fields.items()
    }
    return mapping(properties, required(model))


def field_schema(field: FieldInfo, place: str) -> Schema:
    if place in SHAPES:
        return SHAPES[place]
    (form,) = (mark for mark in field.metadata if isinstance(mark, Form))
    return words(*form.words) if form.words else FORMS[form.read]
