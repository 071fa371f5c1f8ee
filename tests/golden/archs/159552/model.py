"""159552: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    159,552 parameters, 109,910,016 MACs, receptive field 101.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 32x32x32, receptive field 9
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 128, kernel_size=5, padding=2, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(128),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(128, 64, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(64, 32, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
        )
        # C2 -> 32x16x16, receptive field 21
        self.C2 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    32, 32, kernel_size=3, stride=2, padding=2, dilation=2, bias=False
                ),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(
                    32, 64, kernel_size=3, padding=1, groups=32, bias=False
                ),
                pointwise=nn.Conv2d(64, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(
                    32, 64, kernel_size=3, padding=1, groups=32, bias=False
                ),
                pointwise=nn.Conv2d(64, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
        )
        # C3 -> 32x8x8, receptive field 53
        self.C3 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    32, 32, kernel_size=3, stride=2, padding=2, dilation=2, bias=False
                ),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(
                    32, 32, kernel_size=3, padding=2, dilation=2, bias=False
                ),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
        )
        # C4 -> 10x4x4, receptive field 101
        self.C4 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    32, 32, kernel_size=3, stride=2, padding=2, dilation=2, bias=False
                ),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(
                    32, 64, kernel_size=3, padding=1, groups=32, bias=False
                ),
                pointwise=nn.Conv2d(64, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(32, 10, kernel_size=3, padding=1, bias=False),
            ),
        )
        # gap -> 10x1x1
        self.gap = nn.Sequential(
            nn.AvgPool2d(kernel_size=3),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        x = self.gap(x)
        return torch.flatten(x, 1)
