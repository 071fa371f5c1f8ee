"""99850: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Head(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        x = self[0](x)
        x = torch.flatten(x, 1)
        out: Tensor = self[1](x)
        return out


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    99,850 parameters, 27,682,112 MACs, receptive field 69.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 32x16x16, receptive field 5
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 32, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(64, 32, kernel_size=1, stride=2),
                act=nn.ReLU(),
            ),
        )
        # C2 -> 32x9x9, receptive field 13
        self.C2 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(64, 32, kernel_size=3, padding=1, groups=32, bias=False),
            ),
            named(
                conv=nn.Conv2d(32, 32, kernel_size=1, padding=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout2d(0.1),
            ),
            named(
                conv=nn.Conv2d(32, 32, kernel_size=1, stride=2),
                act=nn.ReLU(),
            ),
        )
        # C3 -> 32x4x4, receptive field 37
        self.C3 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    32, 64, kernel_size=3, padding=1, dilation=2, bias=False
                ),
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
            named(
                conv=nn.Conv2d(32, 32, kernel_size=1, stride=2),
                act=nn.ReLU(),
            ),
        )
        # C4 -> 32x4x4, receptive field 69
        self.C4 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
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
        # O -> 10
        self.O = Head(
            nn.AdaptiveAvgPool2d(1),
            nn.Linear(32, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        out: Tensor = self.O(x)
        return out
