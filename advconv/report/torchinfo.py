"""torchinfo's own table of the built module."""

from advconv.analysis.measure import Measures


def torchinfo(measures: Measures) -> str:
    """The table for a batch of one, on the CPU. Its multiply-adds count bias and norm too; ours do not.

    torchinfo's time doubles with each level of modules inside modules; beyond some twenty levels it takes minutes.
    """
    from torchinfo import summary

    from advconv.backends.torch_module import build

    shape = measures.graph.input
    columns = ("kernel_size", "output_size", "num_params", "mult_adds")
    size = (1, shape.channels, shape.height, shape.width)
    return str(summary(build(measures.graph), size, col_names=columns, device="cpu", verbose=0))
