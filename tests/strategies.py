"""Random networks over every block. All channels are multiples of 4, so that groups divide."""

import os
from itertools import chain
from typing import Any

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from advconv.blocks import BLOCKS
from advconv.layers.pointwise import FUNCTIONS

Rows = list[Any]

# CI draws 100 networks for each law; ADVCONV_EXAMPLES asks for more, and for others each time.
LAW = settings(
    max_examples=int(os.environ.get("ADVCONV_EXAMPLES", settings().max_examples)),
    deadline=None,
    derandomize="ADVCONV_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)

CHANNELS = st.sampled_from([4, 8, 12])
KERNELS = st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 5), st.integers(1, 5)).map(list))
STRIDES = st.one_of(st.just(1), st.integers(1, 3), st.tuples(st.integers(1, 2), st.integers(1, 3)).map(list))
DILATIONS = st.one_of(st.just(1), st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 2)).map(list))
SIDES = st.integers(0, 3)
PADDINGS = st.one_of(
    st.just("same"),
    st.just("same"),
    st.just("valid"),
    SIDES,
    st.tuples(SIDES, SIDES).map(list),
    st.tuples(SIDES, SIDES, SIDES, SIDES).map(list),
)
POOL_PADDINGS = st.one_of(
    st.sampled_from([0, "same"]), st.tuples(*[st.integers(0, 1)] * 4).map(list), st.tuples(SIDES, SIDES).map(list)
)
NORMS = st.sampled_from(["batch", "layer", "none", {"group": 2}, {"batch": {"eps": 0.001}}])
ACTIVATIONS = st.sampled_from(["none", {"leaky_relu": 0.1}, {"elu": 0.5}, *FUNCTIONS])
ORDERS = st.sampled_from(["conv-norm-act", "conv-act-norm", "norm-act-conv"])
DROPOUTS = st.sampled_from([0, 0.1, {"p": 0.2, "kind": "channel"}])
BIASES = st.sampled_from(["auto", True, False])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def unit_fields(strides: st.SearchStrategy[Any], paddings: st.SearchStrategy[Any]) -> dict[str, Any]:
    style = {"norm": NORMS, "activation": ACTIVATIONS, "order": ORDERS, "dropout": DROPOUTS, "bias": BIASES}
    return style | {"stride": strides, "padding": paddings, "dilation": DILATIONS}


def block(kind: str, needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=optional).map(lambda fields: {kind: fields})


def plain_rows(
    strides: st.SearchStrategy[Any] = STRIDES, paddings: st.SearchStrategy[Any] = PADDINGS
) -> st.SearchStrategy[Any]:
    """One row of any kind that holds no rows."""
    unit, out, kernel = unit_fields(strides, paddings), {"out_channels": CHANNELS}, {"kernel_size": KERNELS}
    shifted = {key: unit[key] for key in ("norm", "activation", "order", "dropout", "bias", "stride", "padding")}
    pool = {"padding": POOL_PADDINGS, "ceil_mode": st.booleans(), "stride": strides}
    return st.one_of(
        block("conv", out, unit | kernel | {"groups": st.sampled_from([1, 2, 4])}),
        block("strided", out, shifted | kernel),
        block("dilated", out, unit | kernel),
        block("dwsep", out, unit | kernel | {"multiplier": st.integers(1, 2), "between": BETWEENS}),
        block("pointwise", out, unit),
        block("depthwise", {}, unit | kernel | {"multiplier": st.integers(1, 2)}),
        block("inverted_residual", out, unit | kernel | {"expansion": st.integers(1, 2), "squeeze_excite": REDUCTIONS}),
        block("squeeze_excite", {}, {"reduction": REDUCTIONS, "bias": BIASES}),
        block("maxpool", {"kernel_size": st.integers(1, 4)}, pool),
        block("avgpool", {"kernel_size": st.integers(1, 4)}, pool),
        st.sampled_from(
            [
                {"norm": "batch"},
                {"norm": {"group": 4}},
                {"activation": {"elu": 0.5}},
                {"dropout": {"p": 0.3, "kind": "channel"}},
            ]
        ),
    )


BETWEENS = st.sampled_from(["none", "norm", "act", "norm-act", "act-norm"])
REDUCTIONS = st.integers(1, 4)
ONE, SAME = st.just(1), st.just("same")
KEEPING = block("conv", {"out_channels": st.just(8)}, {"kernel_size": KERNELS, "dilation": DILATIONS, "norm": NORMS})


def paths() -> st.SearchStrategy[Rows]:
    """Rows that keep height and width and end in 8 channels."""
    return st.tuples(st.lists(plain_rows(ONE, SAME), max_size=1), KEEPING).map(lambda pair: [*pair[0], pair[1]])


DRAWN = frozenset(
    "conv strided dilated dwsep pointwise depthwise inverted_residual squeeze_excite maxpool avgpool norm activation "
    "dropout residual branches repeat gap linear flatten".split()
)
"""The blocks whose fields are drawn here. Of others there are the rows of their own examples."""

EXAMPLES = [yaml.safe_load(block.example)[-1] for block in BLOCKS if block.kind not in DRAWN]


def rows() -> st.SearchStrategy[Rows]:
    inner = st.lists(plain_rows(paddings=SAME), min_size=1, max_size=2)
    residual = block("residual", {"layers": inner}, {"shortcut": st.sampled_from(["auto", "projection"])})
    padded = paths().map(lambda path: [{"pointwise": 4}, {"residual": {"layers": path, "shortcut": "pad"}}])
    halved = st.just([{"pointwise": 4}, {"residual": {"layers": [{"strided": 8}], "shortcut": "pad"}}])
    gate = st.just(["gap", {"pointwise": {"out_channels": 8, "norm": "none"}}, {"activation": "sigmoid"}])
    gated = st.fixed_dictionaries({"a": paths(), "gate": gate}).map(
        lambda inner: {"branches": {"merge": "multiply", "paths": inner}}
    )
    rows_beside = paths().map(lambda path: {"residual": {"layers": path, "shortcut": [{"pointwise": 8}]}})
    skipped = paths().map(lambda path: {"branches": {"paths": {"a": path, "b": []}}})
    merges = {"merge": st.sampled_from(["add", "concat", "multiply"])}
    branches = block("branches", {"paths": st.fixed_dictionaries({"a": paths(), "b": paths()})}, merges)
    repeat = block("repeat", {"times": st.integers(1, 2), "layers": inner}, {})
    others = [st.sampled_from(EXAMPLES)] if EXAMPLES else []
    single = st.one_of(plain_rows(), residual, branches, repeat, gated, rows_beside, skipped, *others).map(
        lambda row: [row]
    )
    return st.lists(st.one_of(single, single, single, padded, halved), min_size=1, max_size=4).map(
        lambda groups: list(chain(*groups))
    )


HEADS = st.sampled_from([[], ["gap"], ["gap", {"linear": 10}], ["flatten", {"linear": 7}], [{"pointwise": 8}, "gap"]])


SPACES = st.sampled_from(["", " ", "\t "])
LEAST = st.sampled_from(["0", "44", "1 k", "1_500", 7])
MOST = st.sampled_from(["200k", "1.5 M", "2_000_000", 10**7])


@st.composite
def limits(draw: st.DrawFn, least: st.SearchStrategy[Any] = LEAST, most: st.SearchStrategy[Any] = MOST) -> Any:
    """A comparison, or a range with its ends in any order."""
    if draw(st.booleans()):
        sign, space = draw(st.sampled_from(["<", "<=", ">", ">=", "=="])), draw(SPACES)
        return f"{space}{sign}{space}{draw(st.one_of(least, most))}{space}"
    ends = draw(st.permutations([("min", draw(least)), ("max", draw(most))]))
    return dict(ends[: draw(st.integers(1, 2))])


CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "params": limits(),
        "memory": limits(st.sampled_from(["1 KiB", "3kB"]), st.sampled_from(["1 MiB", "0.5GB"])),
        "receptive_field": limits(),
        "accuracy": limits(st.sampled_from(["10%", "85 %"]), st.sampled_from(["99.5%", "100 %"])),
    },
)


@st.composite
def archs(draw: st.DrawFn) -> dict[str, Any]:
    """An architecture of a few rows on an odd-sized image."""
    size = [4, draw(st.integers(9, 24)), draw(st.integers(9, 24))]
    defaults = draw(some(norm=NORMS, activation=ACTIVATIONS, order=ORDERS, dropout=DROPOUTS, bias=BIASES))
    network = {"C1": draw(rows()), "head": draw(HEADS)}
    return {"advconv": 1, "name": "random", "input": size, "defaults": defaults, "network": network}


LINEAR = {"norm": "none", "activation": "none", "bias": False}
"""The style of networks whose gradients have no zeros but those of their windows."""


def linear_rows() -> st.SearchStrategy[Rows]:
    """Convolutions, averages and merges that pass a gradient wherever a window reads; maps of one size merge."""
    sizes = {"kernel_size": KERNELS, "dilation": DILATIONS}
    strided = {"stride": st.one_of(st.just(1), st.tuples(st.integers(1, 2), st.integers(1, 2)).map(list))}
    conv = block("conv", {"out_channels": st.just(4)}, sizes | strided)
    keeping = st.lists(block("conv", {"out_channels": st.just(4)}, sizes), max_size=2)
    path = st.tuples(keeping, st.just({"pointwise": 4})).map(lambda pair: [*pair[0], pair[1]])
    branches = block("branches", {"paths": st.fixed_dictionaries({"a": path, "b": path})}, {"merge": MERGES})
    others = st.one_of(
        block("dwsep", {"out_channels": st.just(4)}, sizes | strided),
        block("avgpool", {"kernel_size": st.integers(1, 3), "stride": st.integers(1, 2)}, {}),
        branches,
        block("residual", {"layers": path}, {}),
    )
    return st.lists(st.one_of(conv, conv, others), min_size=1, max_size=4)


MERGES = st.sampled_from(["add", "concat"])


def reading_rows() -> st.SearchStrategy[Rows]:
    """One to three rows with windows of any kind, for several readers of one map."""
    unit = {"kernel_size": KERNELS, "dilation": DILATIONS, "stride": STRIDES | st.integers(1, 5), "padding": PADDINGS}
    pool = {"stride": STRIDES, "ceil_mode": st.booleans(), "padding": POOL_PADDINGS}
    conv = block("conv", {"out_channels": st.just(4)}, unit)
    row = st.one_of(conv, conv, block("avgpool", {"kernel_size": st.integers(1, 4)}, pool))
    return st.lists(row, min_size=1, max_size=3)


def grouped_rows() -> st.SearchStrategy[Rows]:
    """Convolutions of 24 channels in groups, most of them without anything that mixes all."""
    groups = st.sampled_from([2, 3, 4, 6, 8, 12, "depthwise", 2, 3, 4, 1])
    conv = block("conv", {"out_channels": st.just(24), "groups": groups}, {"kernel_size": st.sampled_from([1, 3])})
    return st.lists(st.one_of(conv, conv, conv, st.just({"depthwise": {"multiplier": 1}})), min_size=1, max_size=4)
