"""The validated sections of an architecture file."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError

from advconv.blocks import BLOCKS_BY_KIND, SomeRows
from advconv.blocks.base import Block, Fields, Style
from advconv.blocks.rows import SOME_ROWS
from advconv.constraints import Constraints
from advconv.constraints.use import Use
from advconv.geometry import Shape
from advconv.language.augment import ASSIGNMENT, PIPELINE, TRANSFORM, Transform
from advconv.language.form_help import NO_EXAMPLE
from advconv.language.recipe import Data, Distill, Train
from advconv.language.validation_errors import findings_of
from advconv.text.document import Document
from advconv.text.finding import Finding, Path
from advconv.values.forms import COUNT, Form, MaybeCount, Name, in_yaml, is_int, named, refuse, single
from advconv.values.names import TITLE, TITLE_TEXT
from advconv.values.schemas import DefaultText, ValueSchema, list_of

NETWORK = ValueSchema(named(SOME_ROWS, 1), "a mapping of names to lists of rows")

if TYPE_CHECKING:
    Network = dict[str, tuple[Block, ...]]
else:
    Network = Annotated[dict[Name, SomeRows], BeforeValidator(lambda value: some_blocks(value)), NETWORK]


def version(value: Any) -> int:
    if value != 1 or not is_int(value):
        refuse(f"this version of advconv reads language version 1, not {in_yaml(value)}", "write `advconv: 1`", "AC118")
    return 1


VERSION = Form(version, {"const": 1}, "1")


def title(value: Any) -> str:
    if not isinstance(value, str):
        help = "write it in quotes" if isinstance(value, int | float) else "write a word"
        refuse(f"the name must be text, not {in_yaml(value)}", help, code="AC115")
    if not TITLE.fullmatch(value):
        refuse(f"{value[:40]!r} cannot name a file", f"use {TITLE_FORM.text}", code="AC115")
    return value


TITLE_FORM = Form(title, {"type": "string", "pattern": f"^{TITLE.pattern}$"}, TITLE_TEXT)


def some_blocks(value: Any) -> Any:
    if value == {}:
        refuse("the network has no blocks", "write a name and rows, such as `C1: [conv: 32]`")
    if isinstance(value, list):
        refuse("the network is a mapping of blocks by name, this is a list", _blocks_help(value))
    return value


def _blocks_help(rows: list[Any]) -> str:
    """Blocks with dashes before their names, or rows without a block around them."""
    pairs = [single(row) for row in rows]
    if pairs and all(pair and isinstance(pair[1], list) and pair[0] not in BLOCKS_BY_KIND for pair in pairs):
        return "write the names of the blocks without dashes: `network: {C1: [...], C2: [...]}`"
    return "write the rows under the name of a block: `network: {C1: [...]}`"


def image_shape(value: Any) -> Shape:
    if isinstance(value, Shape):
        return value
    if not isinstance(value, list) or len(value) != 3 or not all(is_int(part) and part >= 1 for part in value):
        refuse(f"input is {IMAGE_SHAPE.text}, not {in_yaml(value)}", "write `input: [3, 32, 32]`")
    return Shape(*value)


IMAGE_SHAPE = Form(image_shape, list_of(COUNT, 3), "[channels, height, width]")


class ArchSpec(Fields):
    """An architecture file. Defaults are constructed unvalidated, so that no validator has to be built for them."""

    advconv: Annotated[int, VERSION, Field(description="Version of the language.")]
    name: Annotated[
        str,
        TITLE_FORM,
        Field(
            description="Name of the network and of its files; in quotes if it is a number.",
            examples=["my-network"],
        ),
    ]
    input: Annotated[Shape, IMAGE_SHAPE, Field(description="Shape of the input image.", examples=["[3, 32, 32]"])]
    classes: Annotated[
        MaybeCount,
        Field(description="Number of classes: the size of the output; a map of classes x 1 x 1 is flattened."),
        DefaultText("not checked"),
    ] = None
    defaults: Annotated[Style, Field(description="Fields of convolutional units that do not set their own.")] = (
        Style.model_construct()
    )
    network: Annotated[
        Network, Field(description="Named blocks in order, each a list of rows.", examples=["{C1: [conv: 32]}"])
    ]
    constraints: Annotated[
        Constraints, Field(description="Limits on measured values, and what training must reach.")
    ] = Constraints.model_construct()
    data: Data = "cifar10"
    augment: Annotated[
        tuple[Annotated[Transform, TRANSFORM], ...],
        PIPELINE,
        Field(description="Augmentation of the training images, by transforms of albumentations."),
        DefaultText(", ".join(f"`{transform.name}`" for transform in ASSIGNMENT)),
    ] = ASSIGNMENT
    train: Annotated[Train, Field(description="How the network is trained.")] = Train.model_construct()


def parse(document: Document) -> tuple[ArchSpec | None, list[Finding]]:
    """The spec in a document, or all findings of its validation."""
    try:
        return ArchSpec.model_validate(document.root.data), []
    except ValidationError as problem:
        return None, findings_of(document, problem, keys_at)


def keys_at(path: Path) -> dict[str, str]:
    """The valid keys for the last step of a path, each with an example of its value."""
    fields = _model_at(path).model_fields
    return {key: str((field.examples or [NO_EXAMPLE])[0]) for key, field in fields.items()}


def _model_at(path: Path) -> type[Fields]:
    if len(path) == 1:
        return ArchSpec
    if path[0] == "network":
        return BLOCKS_BY_KIND[str(path[-2])]
    sections: dict[str, type[Fields]] = {
        "defaults": Style,
        "train": Train if len(path) == 2 else Distill,
        "constraints": Constraints if len(path) == 2 else Use,
    }
    return sections[str(path[0])]


class ValidPart(NamedTuple):
    """The valid part of a spec. Unless it `is_whole`, the end of the network is unknown."""

    spec: ArchSpec
    is_whole: bool = True


def parse_part(document: Document) -> ValidPart | None:
    """The valid part of an invalid spec: the rows before the first wrong one, and the valid constraints.

    So that one run reports the mistakes in those too. None if the input or the defaults are wrong, on which all rows
    depend.
    """
    data = document.root.data
    if not isinstance(data, dict) or not isinstance(data.get("network"), dict):
        return None
    needed = {key: data[key] for key in ("input", "classes", "defaults", "network", "constraints") if key in data}
    needed |= {"advconv": 1, "name": "part"}
    # If classes is missing, an unknown key may be a misspelling of it.
    is_guess = "classes" not in data and not set(data) <= set(ArchSpec.model_fields)
    needed |= {"classes": 1} if is_guess else {}
    try:
        return ValidPart(ArchSpec.model_validate(needed), is_whole=not is_guess)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_input=False)
        places = [(*error["loc"], *_path_inside(error)) for error in errors]
    if any(place[0] not in ("network", "constraints", "classes") for place in places):
        return None
    return _without(needed, places, is_guess)


def _path_inside(error: Any) -> Path:
    """The path from a refused value to its wrong part."""
    finding = error.get("ctx", {}).get("finding")
    return finding.path if finding else ()


def _without(needed: dict[str, Any], places: list[Path], is_guess: bool) -> ValidPart | None:
    """The data without the rows and constraints that contain wrong places."""
    wrong_rows = [place[1:] for place in places if place[0] == "network"]
    wrong_limits = [place[1:] for place in places if place[0] == "constraints"]
    if () in wrong_rows:
        return None
    network = _sound_rows(needed["network"], wrong_rows)
    constraints = _sound_limits(needed.get("constraints"), wrong_limits)
    no_classes = ("classes",) in places
    sound = needed | {"network": network, "constraints": constraints}
    # A bare `linear` needs some number of classes, whichever is meant.
    sound |= {"classes": 1} if no_classes else {}
    is_whole = not wrong_rows and not no_classes and not is_guess
    return ValidPart(ArchSpec.model_validate(sound), is_whole) if network else None


def _sound_rows(network: dict[str, Any], places: list[Path]) -> dict[str, Any]:
    """The blocks and rows before the first that contains a wrong place."""
    first_wrong: dict[str, int] = {}
    for name, *rest in places:
        row = rest[0] if rest and isinstance(rest[0], int) else 0
        first_wrong[str(name)] = min(row, first_wrong.get(str(name), row))
    sound = {}
    for name, rows in network.items():
        end = first_wrong.get(name)
        if end is None or end > 0:
            sound[name] = rows[:end]
        if end is not None:
            break
    return sound


def _sound_limits(constraints: Any, places: list[Path]) -> dict[str, Any]:
    if not isinstance(constraints, dict):
        return {}
    wrong = {place[0] for place in places}
    sound = {key: value for key, value in constraints.items() if key not in wrong}
    if "uses" in wrong and isinstance(constraints["uses"], dict):
        wrong_uses = {place[1] for place in places if place[0] == "uses" and len(place) > 1}
        sound["uses"] = {key: value for key, value in constraints["uses"].items() if key not in wrong_uses}
    return sound
