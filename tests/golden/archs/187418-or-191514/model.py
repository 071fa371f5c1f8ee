"""187418-or-191514: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    262,096 parameters, 77,579,552 MACs, receptive field 31.
    """

    def __init__(self) -> None:
        super().__init__()
        # Block1 -> 32x28x28, receptive field 7
        self.Block1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False),
            ),
            named(
                conv=nn.Conv2d(16, 32, kernel_size=3, bias=False),
            ),
            named(
                conv=nn.Conv2d(32, 32, kernel_size=3, bias=False),
            ),
        )
        # Block2 -> 32x11x11, receptive field 15
        self.Block2 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 128, kernel_size=3, dilation=2, bias=False),
            ),
            named(
                conv=nn.Conv2d(128, 64, kernel_size=3, bias=False),
            ),
            named(
                conv=nn.Conv2d(64, 32, kernel_size=3, stride=2, padding=1, bias=False),
            ),
        )
        # Block3 -> 32x7x7, receptive field 23
        self.Block3 = nn.Sequential(
            named(
                depthwise=nn.Conv2d(32, 128, kernel_size=3, groups=32, bias=False),
                pointwise=nn.Conv2d(128, 256, kernel_size=1, bias=False),
            ),
            named(
                conv=nn.Conv2d(256, 32, kernel_size=3, bias=False),
            ),
        )
        # Block4 -> 10x3x3, receptive field 31
        self.Block4 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 32, kernel_size=3, bias=False),
            ),
            named(
                conv=nn.Conv2d(32, 16, kernel_size=1, bias=False),
            ),
            named(
                conv=nn.Conv2d(16, 10, kernel_size=3, bias=False),
            ),
        )
        # gap -> 10x1x1
        self.gap = nn.Sequential(
            nn.AvgPool2d(kernel_size=3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.Block1(x)
        x = self.Block2(x)
        x = self.Block3(x)
        x = self.Block4(x)
        x = self.gap(x)
        return torch.flatten(x, 1)
