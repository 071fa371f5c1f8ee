"""torchinfo's own table of the built module."""

from advconv.analysis.measure import Measures
from advconv.graph import Graph

LEVELS = 12
"""The depth of the table. The time of torchinfo doubles with each level of nested modules: at 12 it is 10 ms."""


def torchinfo(measures: Measures) -> str:
    """The table for a batch of one, on the CPU, with every layer. Its multiply-adds count bias and norm too."""
    from torchinfo import summary

    from advconv.backends.torch_module import build

    shape = measures.graph.input
    columns = ("kernel_size", "output_size", "num_params", "mult_adds")
    size = (1, shape.channels, shape.height, shape.width)
    module = build(flattened(measures.graph))
    return str(summary(module, size, depth=LEVELS, col_names=columns, device="cpu", verbose=0))


def flattened(graph: Graph) -> Graph:
    """The same layers in the same order; those nested deeper than LEVELS are moved up to the module at that level."""

    def name(index: int, steps: list[str]) -> str:
        # No row can have a name with a hyphen.
        return ".".join(steps if len(steps) <= LEVELS else [*steps[: LEVELS - 1], f"{steps[-1]}-{index}"])

    nodes = graph.nodes
    return Graph(tuple(node._replace(name=name(i, node.name.split("."))) for i, node in enumerate(nodes)))
