"""The layer table, in the columns of advconv and of torchsummary."""

from advconv.analysis.cost import MACS_CONVENTION
from advconv.analysis.measure import Measures
from advconv.graph import Graph, Node
from advconv.layers.base import FLOAT_BYTES
from advconv.report.table import Table
from advconv.values.quantities import bytes_text, count_text

COLUMNS = ("Row", "Layer", "Type", "Output Shape", "Params", f"MACs ({MACS_CONVENTION})")


def summary(measures: Measures, name: str) -> Table:
    """A row for each layer, functions included, and the totals."""
    nodes = measures.graph.nodes
    rows = [
        (node.origin.label, node.name, node.layer.kind, str(node.shape), cost.params, cost.macs)
        for node, cost in zip(nodes, measures.costs, strict=True)
    ]
    totals = {
        "params": measures.total.params,
        "macs": measures.total.macs,
        "weights_bytes": measures.weights,
        "memory_bytes": measures.memory.inference,
        "memory_eager_bytes": measures.memory.eager,
        "training_memory_bytes": measures.memory.training,
    }
    closing = (
        f"params {count_text(measures.total.params)}, weights {bytes_text(measures.weights)}",
        f"MACs {count_text(measures.total.macs)} ({MACS_CONVENTION}; one image)",
        f"memory {bytes_text(measures.memory.inference)} for inference, "
        f"{bytes_text(measures.memory.eager)} in torch's eager mode, "
        f"{bytes_text(measures.memory.training)} saved for training (float32, one image)",
    )
    return Table(f"{name}, for a {measures.graph.input} image", COLUMNS, tuple(rows), closing, totals)


def modules(graph: Graph) -> list[tuple[int, Node]]:
    """The layers that are modules in torch, with their index; functions (add, cat, pad, flatten) are not."""
    return [
        (index, node)
        for index, node in enumerate(graph.nodes)
        if node.inputs and node.layer.torch(graph.input_shapes(node)).is_module
    ]


RULE, DOUBLE = "-" * 64, "=" * 64
MEBIBYTE = 1024**2


def torchsummary(measures: Measures) -> str:
    """The table that the torchsummary package prints: leaf modules, sizes in MiB, each output counted twice."""
    found = modules(measures.graph)
    lines = [RULE, f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}", DOUBLE]
    for number, (index, node) in enumerate(found, start=1):
        channels, size = node.shape.channels, node.shape.size
        name, shape = f"{node.layer.kind}-{number}", str([-1, channels, *([] if node.shape.flat else size)])
        lines.append(f"{name:>20}  {shape:>25} {measures.costs[index].params:>15,}")
    total = measures.total.params
    passes = 2 * sum(node.shape.elements for _, node in found)
    image, passed, weights = (
        count * FLOAT_BYTES / MEBIBYTE for count in (measures.graph.input.elements, passes, total)
    )
    lines += [DOUBLE, f"Total params: {total:,}", f"Trainable params: {total:,}", "Non-trainable params: 0", RULE]
    lines += [f"Input size (MB): {image:.2f}", f"Forward/backward pass size (MB): {passed:.2f}"]
    lines += [f"Params size (MB): {weights:.2f}", f"Estimated Total Size (MB): {image + passed + weights:.2f}", RULE]
    return "\n".join(lines)
