"""Random texts of architectures that break a constraint, in every form that a row can be written in."""

from hypothesis import strategies as st

from advconv.check import check
from advconv.text.source import Source

COMMENTS = st.sampled_from(["", "", "   # a comment", '  # it\'s "quoted": {x, [y]'])
WIDTHS = st.sampled_from([8, 16, 24])


@st.composite
def lines_of_row(draw: st.DrawFn, depth: int, anchors: list[str]) -> list[str]:
    """The lines of a row, without indentation."""
    kinds = ["short", "braces", "lines", "depthwise", "quoted", "pool"]
    kinds += ["residual", "residual in lines", "repeat", "branches"] if depth < 2 else []
    kinds += ["alias"] if anchors else []
    kind = draw(st.sampled_from(kinds))
    width, comment = draw(WIDTHS), draw(COMMENTS)
    if kind == "alias":
        return [f"- *{draw(st.sampled_from(anchors))}{comment}"]
    if kind == "short":
        return [f"- {draw(st.sampled_from(['conv', 'strided', 'dwsep', 'pointwise']))}: {width}{comment}"]
    if kind == "braces":
        return [
            f"- conv: {{ out_channels: {width},kernel_size: [3, 3] , dilation: {draw(st.integers(1, 2))} }}{comment}"
        ]
    if kind == "lines":
        head = draw(st.sampled_from(["- conv:", "- dilated:"]))
        return [f"{head}{comment}", "    # inside", f"    out_channels: {width}{comment}", "", "    kernel_size: 3"]
    if kind == "depthwise":
        return [f"- {draw(st.sampled_from(['depthwise', 'depthwise: {}', 'depthwise: {multiplier: 1}']))}{comment}"]
    if kind == "quoted":
        return [f'- "conv": {{"out_channels": {width}}}{comment}']
    if kind == "pool":
        return [f"- maxpool: {{kernel_size: 3, stride: 1, padding: 1}}{comment}"]
    if kind == "residual":
        name = f"a{len(anchors)}"
        is_anchor = draw(st.booleans())
        row = f"residual: [conv: {width}, conv: {{out_channels: {width}, activation: none}}]"
        if not is_anchor:
            return [f"- {row}{comment}"]
        anchors.append(name)
        return [f"- &{name}", f"  {row}{comment}"]
    first = draw(lines_of_row(depth + 1, anchors))
    second = draw(lines_of_row(depth + 1, anchors))
    inside = [f"    {line}" if line else "" for line in [*first, *second]]
    if kind == "repeat":
        return [f"- repeat:{comment}", "    times: 2", "    layers:", *(f"  {line}" if line else "" for line in inside)]
    if kind == "branches":
        paths = [f"        a: [conv: {width}]", f"        b: [pointwise: {width}, conv: {width}]"]
        return [f"- branches:{comment}", "    paths:", *paths]
    return [f"- residual:{comment}", *inside]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """An architecture without errors; its last line begins the constraints."""
    anchors: list[str] = []
    count = draw(st.integers(1, 3))
    rows = [line for _ in range(count) for line in draw(lines_of_row(0, anchors))]
    indentation = draw(st.sampled_from(["    ", "  "]))
    blocks = ["  C1:   # first", *(f"{indentation}{line}" if line else "" for line in rows)]
    flow = draw(st.sampled_from([[], ["  C2: [conv: 8, strided: {out_channels: 16}]"], ["  C2: [ dwsep: 8 ]  # flow"]]))
    head = ["# a file", "advconv: 1", "name: t", "input: [3, 32, 32]", "classes: 10", "network:"]
    end = [f"  O: {draw(st.sampled_from(['[gap, linear]', '[maxpool: 8, flatten, linear]']))}", "", "constraints:"]
    return "\n".join([*head, *blocks, *flow, *end])


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """The bytes of a file that breaks one or two constraints and has no other error; empty if none was drawn."""
    text = draw(texts())
    measures = check(Source("t", text.removesuffix("constraints:"))).measures
    size = measures.receptive_field.size if measures else None
    if measures is None or size is None:
        return b""
    field, params = size[0], measures.total.params
    limits = {
        "receptive_field": [f"> {field}", f"> {field + 7}", f">= {2 * field}", f"< {field}"],
        "params": [f"< {params}", f"< {params * 3 // 4}", f"> {params}"],
        "macs": [f"< {measures.total.macs}"],
        "uses": ["{strided: '>= 1', dilated: '>= 1'}"],
    }
    names = draw(st.lists(st.sampled_from(sorted(limits)), min_size=1, max_size=2, unique=True))
    chosen = [(name, draw(st.sampled_from(limits[name]))) for name in names]
    written = [f"  {name}: {limit if name == 'uses' else repr(limit)}   # kept?" for name, limit in chosen]
    whole = "\n".join([text, *written]) + draw(st.sampled_from(["\n", "", "\n# the end\n"]))
    data = whole.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"]))).encode()
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + data
