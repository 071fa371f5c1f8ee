"""Random clean networks with one planted fault for each rule, and the same networks with the fault mended.

A planted row has the name `planted`. A function of `PLANTED` draws the rows of a fault; `whole` puts them among others.
"""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

Rows = list[Any]
Data = dict[str, Any]

NAME = {"name": "planted"}


class Fault(NamedTuple):
    """Rows with a fault, and without it.

    `side`: the size of the map that they need; 0 is any. `keeps_size`: they can stand in a residual or a branch.
    `is_first`, `is_last`: nothing stands before them, or nothing but the head after them. `has_head`: the rows at the
    end belong to them. `sections`: other sections of the file, and those of the mended one.
    """

    rows: Rows
    mended: Rows
    side: int = 0
    keeps_size: bool = True
    is_first: bool = False
    is_last: bool = False
    has_head: bool = False
    sections: Data = {}
    mended_sections: Data = {}


class Place(NamedTuple):
    """What a fault is drawn for: channels of its map, and the classes of the network."""

    random: Random
    channels: int
    classes: int

    @property
    def width(self) -> int:
        return 8 * self.random.randint(3, 8)


def conv(out_channels: int, **fields: Any) -> Data:
    return {"conv": {"out_channels": out_channels, **fields}}


def pointwise(out_channels: int, **fields: Any) -> Data:
    return {"pointwise": {"out_channels": out_channels, **fields}}


def skipped(at: Place) -> Fault:
    return at.random.choice([
        Fault([pointwise(at.width, stride=2, **NAME)], [conv(at.width, stride=2)], keeps_size=False),
        Fault([conv(at.width, stride=2, dilation=2, **NAME)], [conv(at.width, stride=2)], keeps_size=False),
        Fault([conv(at.width, kernel_size=3, stride=4, padding=1, **NAME)], [conv(at.width)], keeps_size=False),
        Fault([{"maxpool": {"kernel_size": 2, "stride": 3, **NAME}}], [{"maxpool": 2}], keeps_size=False),
        Fault([{"avgpool": {"kernel_size": 1, "stride": 2, **NAME}}], [{"avgpool": 2}], keeps_size=False),
    ])  # fmt: skip


def dropped_edge(at: Place) -> Fault:
    kind, odd = at.random.choice(["maxpool", "avgpool"]), conv(at.width, kernel_size=4, padding="valid")
    pool = {"kernel_size": 2}
    return Fault([odd, {kind: pool | NAME}], [odd, {kind: pool | {"ceil_mode": True}}], keeps_size=False)


def unread_edge(at: Place) -> Fault:
    fields = {"kernel_size": at.random.choice([3, 5]), "stride": 2}
    return Fault([conv(at.width, **fields, padding="valid", **NAME)], [conv(at.width, **fields)], keeps_size=False)


def partial_mean(at: Place) -> Fault:
    side = 8 * at.random.randint(2, 4)
    size = at.random.randint(side // 2 + 1, side - 1)
    pool = {"avgpool": {"kernel_size": [size, at.random.randint(size, side)], **NAME}}
    return Fault([pool], ["gap"], side, keeps_size=False, is_last=True)


def padded_point(at: Place) -> Fault:
    row, padding = pointwise(at.width), at.random.choice([1, 2, [1, 0], [0, 2, 1, 1]])
    return Fault([pointwise(at.width, padding=padding, **NAME)], [row], keeps_size=False)


def misfit_dilation(at: Place) -> Fault:
    dilation = at.random.choice([2, 3, [1, 2], [3, 1]])
    fields = {"out_channels": at.width, "dilation": dilation}
    return Fault([{"dilated": fields | {"padding": 1} | NAME}], [{"dilated": fields}], keeps_size=False)


def much_padding(at: Place) -> Fault:
    side = at.random.choice([7, 9, 11, 13])
    return Fault([conv(at.width, kernel_size=side, **NAME)], [conv(at.width)], side)


def padding_alone(at: Place) -> Fault:
    fields: Data = at.random.choice([{"padding": 3}, {"padding": [4, 3]}, {"kernel_size": [1, 3], "padding": 1}])
    return Fault([conv(at.width, **fields, **NAME)], [conv(at.width)], keeps_size=False)


def kernel_over_map(at: Place) -> Fault:
    side = at.random.choice([4, 6, 8, 10])
    size = at.random.choice([side + 1, [side + 1, 3], [1, side + 1]])
    return Fault([conv(at.width, kernel_size=size, **NAME)], [conv(at.width, kernel_size=3)], side)


def even_kernel(at: Place) -> Fault:
    size = at.random.choice([2, 4, [2, 3], [3, 4]])
    return Fault([conv(at.width, kernel_size=size, **NAME)], [conv(at.width)], keeps_size=False)


def gaps(at: Place) -> Fault:
    dilation = at.random.choice([6, 7, [5, 6], [1, 8]])
    wide = [conv(at.width, dilation=dilation, **NAME)]
    return Fault(wide, [conv(at.width, dilation=at.random.choice([2, 3]))], 40, is_last=True)


def dilated_point(at: Place) -> Fault:
    row = {"dilated": {"out_channels": at.width, "kernel_size": 1, "dilation": at.random.choice([2, 3]), **NAME}}
    return Fault([row], [{"dilated": at.width}])


def beyond_image(at: Place) -> Fault:
    stages = [{"strided": at.width} for _ in range(3)]
    rows = [*stages, conv(at.width), conv(at.width, **NAME)]
    return Fault(rows, [*rows[:-1], pointwise(at.width)], at.random.choice([24, 32]), keeps_size=False, is_last=True)


def early_stride(at: Place) -> Fault:
    stem: Rows = at.random.choice([
        [conv(at.width, kernel_size=7, stride=4, **NAME)],
        [{"strided": at.width}, {"maxpool": {"kernel_size": 2, **NAME}}],
        [{"maxpool": 2}, {"strided": {"out_channels": at.width, **NAME}}],
    ])  # fmt: skip
    return Fault(stem, [conv(at.width)], 8 * at.random.randint(2, 8), keeps_size=False, is_first=True)


def almost_depthwise(at: Place) -> Fault:
    channels = 8 * at.random.randint(2, 6)
    groups, several = channels // 2, {"kernel_size": at.random.choice([3, 5])}
    rows = [pointwise(channels), conv(channels, groups=groups, **several, **NAME)]
    return Fault(rows, [rows[0], conv(channels, groups="depthwise", **several)])


def unmixed(at: Place) -> Fault:
    channels, groups = 16 * at.random.randint(1, 3), at.random.choice([2, 4])
    first, second = conv(channels, groups=groups, **NAME), conv(channels, groups=groups)
    return Fault([pointwise(channels), first, second], [pointwise(channels), second, pointwise(channels)], is_last=True)


def odd_channels(at: Place) -> Fault:
    channels = 8 * at.random.randint(2, 8) + at.random.randint(1, 7)
    return Fault([conv(channels, **NAME)], [conv(channels // 8 * 8)])


def bottleneck(at: Place) -> Fault:
    narrow = at.random.randint(2, min(at.classes - 1, at.channels - 1))
    rows = [conv(narrow, kernel_size=at.random.choice([1, 3]), **NAME)]
    return Fault(rows, [conv(8 * -(-at.classes // 8))], is_last=True)


def heavy_row(at: Place) -> Fault:
    rows = [pointwise(16), conv(16), conv(16)]
    return Fault([*rows, conv(256, kernel_size=5, **NAME)], [*rows, conv(24)], is_first=True, is_last=True)


def two_points(at: Place) -> Fault:
    wide = 2 * at.channels
    rows = [pointwise(wide, activation="none"), pointwise(wide, **NAME)]
    return Fault(rows, [pointwise(wide), pointwise(wide)])


def linear_pair(at: Place) -> Fault:
    wide, sizes = 2 * at.channels, at.random.choice([(3, 3), (1, 3), (3, 1), ([1, 3], 3)])
    first, second = (conv(wide, kernel_size=size) for size in sizes)
    between: Rows = at.random.choice(
        [[], [{"dropout": 0.1}], [{"avgpool": {"kernel_size": 3, "stride": 1, "padding": 1}}]]
    )
    linear = conv(wide, kernel_size=sizes[0], activation="none")
    if between and "dropout" in between[0]:
        linear["conv"]["norm"] = "none"
    planted = conv(wide, kernel_size=sizes[1], **NAME)
    return Fault([linear, *between, planted], [first, second])


def two_activations(at: Place) -> Fault:
    name = at.random.choice(["relu", "silu", "tanh", "gelu"])
    row = {"activation": {"activation": name, **NAME}}
    return Fault([conv(at.width), row], [conv(at.width, activation="none"), row])


def logits(*rows: Any) -> Callable[[Place], Fault]:
    def fault(at: Place) -> Fault:
        return Fault(["gap", "linear", at.random.choice(rows)], ["gap", "linear"], has_head=True, keeps_size=False)

    return fault


def norm_of_logits(at: Place) -> Fault:
    style = {"activation": "none", "kernel_size": at.random.choice([1, 3])}
    rows = [conv(at.classes, **style, **NAME), "gap"]
    return Fault(rows, [conv(at.classes, norm="none", **style), "gap"], has_head=True, keeps_size=False)


def bias_in_vain(at: Place) -> Fault:
    several = {"kernel_size": at.random.choice([1, 3])}
    bare = {"norm": "none", "activation": "none"}
    return at.random.choice([
        Fault([conv(at.width, bias=True, **several, **NAME)], [conv(at.width, bias=False, **several)]),
        Fault(
            [conv(at.width, **bare, **several, **NAME), {"norm": "batch"}, {"activation": "relu"}],
            [conv(at.width, bias=False, **bare, **several), {"norm": "batch"}, {"activation": "relu"}],
        ),
    ])  # fmt: skip


def norm_of_one(at: Place) -> Fault:
    wide = 8 * at.random.randint(3, 8)
    head = [pointwise(wide, norm=norm) for norm in ("none", "layer")]
    rows = ["gap", pointwise(wide, **NAME), "linear"]
    return Fault(rows, ["gap", at.random.choice(head), "linear"], has_head=True, keeps_size=False)


def dropped_before_norm(at: Place) -> Fault:
    dropout = {"dropout": {"p": 0.1, "kind": at.random.choice(["channel", "element"])}}
    norm = {"norm": {"norm": "batch"}}
    return Fault([conv(at.width), dropout, {"norm": norm["norm"] | NAME}], [conv(at.width), norm, dropout])


def activated_sum(at: Place) -> Fault:
    rows = [conv(at.width) for _ in range(at.random.randint(1, 2))]
    last = at.random.choice([conv(at.width), conv(at.width, activation="sigmoid"), conv(at.width, dropout=0.1)])
    main = [*rows, conv(at.width, activation="none")]
    return Fault([{"residual": {"layers": [*rows, last], **NAME}}], [{"residual": {"layers": main}}])


def two_norms(at: Place) -> Fault:
    norm = {"norm": {"norm": at.random.choice(["batch", "layer"]), **NAME}}
    relu = {"activation": "relu"}
    return Fault([conv(at.width, activation="none"), norm, relu], [conv(at.width), norm, relu])


def vain_pooling(at: Place) -> Fault:
    return Fault([conv(at.width), {at.random.choice(["maxpool", "avgpool"]): {"kernel_size": 1, **NAME}}], [])


def merged_twice(at: Place) -> Fault:
    merge, paths = at.random.choice(["add", "concat"]), at.random.choice([["a", "b"], ["a", "b", "c"]])
    others = {"z": [pointwise(at.channels)]} if at.random.random() < 0.5 else {}
    empty: Data = {"a": []} | others | {name: [] for name in paths}
    full: Data = {"a": []} | {f"p{name}": [conv(at.channels)] for name in paths}
    return Fault(
        [{"branches": {"merge": merge, "paths": empty, **NAME}}], [{"branches": {"merge": merge, "paths": full}}]
    )


def channels_last(at: Place) -> Fault:
    side = 8 * at.random.randint(1, 8)
    sections = {"input": [side, side * at.random.choice([1, 2]), at.random.choice([1, 3, 4])]}
    return Fault([], [], sections=sections)


def recipe(faulty: Callable[[Random], Data], mended: Callable[[Random], Data]) -> Callable[[Place], Fault]:
    return lambda at: Fault([], [], sections=faulty(at.random), mended_sections=mended(at.random))


def hole(random: Random, least: int, most: int) -> Data:
    pixels = [random.randint(1, least), random.randint(least, most)]
    return {"augment": [{"CoarseDropout": {random.choice(["hole_height_range", "hole_width_range"]): pixels}}]}


def transforms(random: Random, *names: Any) -> Data:
    """The transforms in their order, with others between them."""
    rows = list(names)
    for _ in range(random.randint(0, 2)):
        rows.insert(random.randint(0, len(rows)), random.choice(["Rotate", "GaussianBlur"]))
    return {"augment": rows}


FLIPS = ["HorizontalFlip", "VerticalFlip", "Transpose", "InvertImg"]


def undone(random: Random) -> Data:
    flip = random.choice(FLIPS)
    equalized: list[Any] = ["RandomBrightnessContrast", {"Equalize": {"p": 1}}]
    return transforms(random, *([flip, flip] if random.random() < 0.5 else equalized))


PLANTED: dict[str, Callable[[Place], Fault]] = {
    "AC301": skipped,
    "AC302": channels_last,
    "AC303": dropped_edge,
    "AC304": unread_edge,
    "AC305": partial_mean,
    "AC306": padded_point,
    "AC307": misfit_dilation,
    "AC308": much_padding,
    "AC309": padding_alone,
    "AC310": kernel_over_map,
    "AC311": even_kernel,
    "AC312": gaps,
    "AC313": dilated_point,
    "AC314": beyond_image,
    "AC315": early_stride,
    "AC316": almost_depthwise,
    "AC317": unmixed,
    "AC318": odd_channels,
    "AC319": bottleneck,
    "AC320": heavy_row,
    "AC321": two_points,
    "AC322": linear_pair,
    "AC323": two_activations,
    "AC324": logits(*({"activation": {"activation": name, **NAME}} for name in ("relu", "sigmoid", "tanh"))),
    "AC325": norm_of_logits,
    "AC326": logits({"dropout": {"p": 0.1, **NAME}}, {"dropout": {"p": 0.3, **NAME}}),
    "AC327": bias_in_vain,
    "AC328": norm_of_one,
    "AC329": dropped_before_norm,
    "AC330": activated_sum,
    "AC331": two_norms,
    "AC332": vain_pooling,
    "AC333": merged_twice,
    "AC341": recipe(
        lambda random: {"defaults": {"norm": "none"}, "train": {"weight_decay": random.choice([1e-4, 0.01])}},
        lambda random: {"train": {"weight_decay": random.choice([1e-4, 0.01])}},
    ),
    "AC342": recipe(
        lambda random: {"train": {"batch_size": 1, "epochs": random.randint(1, 9)}},
        lambda random: {"train": {"batch_size": random.randint(2, 999)}},
    ),
    "AC343": recipe(
        lambda random: {"classes": 2, "train": {"mixup": random.random() + 0.1}},
        lambda random: {"classes": 2, "train": {"mixup": random.random() + 0.1, "label_smoothing": 0}},
    ),
    "AC344": recipe(lambda random: hole(random, 64, 99), lambda random: hole(random, 4, 12)),
    "AC345": recipe(undone, lambda random: transforms(random, *random.sample(FLIPS, 2))),
}


def whole(code: str, seed: int) -> tuple[Data, Data]:
    """A network with the fault of a rule, and the mended one."""
    random = Random(f"{code} {seed}")
    classes = random.randint(5, 20)
    at = Place(random, 8 * random.randint(3, 6), classes)
    fault = PLANTED[code](at)
    # More convolutions before it would close the gaps of AC312.
    keeping = [conv(at.width) for _ in range(0 if fault.is_last else random.randint(0, 2))]
    before = [] if fault.is_first else [conv(at.width), *keeping, pointwise(at.channels)]
    after = [] if fault.is_last or fault.has_head else [conv(at.width) for _ in range(random.randint(1, 3))]
    head = [] if fault.has_head else ["gap", "linear"]
    side = [fault.side or 8 * random.randint(2, 6) for _ in range(2)]
    side = [fault.side or each for each in side]
    wrap = nesting(random, fault, at.channels)

    def data(rows: Rows, sections: Data) -> Data:
        network = {"C1": [*before, *wrap(rows)], "C2": after, "O": head}
        own = {"advconv": 1, "name": "faulty", "input": [3, *side], "classes": classes}
        return own | {"network": {name: rows for name, rows in network.items() if rows}} | sections

    return data(fault.rows, fault.sections), data(fault.mended, fault.mended_sections)


def nesting(random: Random, fault: Fault, channels: int) -> Callable[[Rows], Rows]:
    """How the rows stand in the network: as they are, or inside another row."""
    plain = fault.has_head or fault.is_first or fault.is_last or not fault.rows
    choices: list[Callable[[Rows], Rows]] = [lambda rows: rows]
    if not plain:
        choices.append(lambda rows: [{"repeat": {"times": 1, "layers": rows}}] if rows else [])
    if not plain and fault.keeps_size and not fault.side:
        end = pointwise(channels, activation="none")
        between = pointwise(channels)
        choices.append(lambda rows: [{"residual": {"layers": [*rows, {"pointwise": 8}, end]}}])
        choices.append(lambda rows: [{"branches": {"paths": {"near": [between], "far": [*rows, between]}}}])
    return random.choice(choices)
