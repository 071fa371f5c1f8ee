"""671690: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    671,690 parameters, 33,884,160 MACs, receptive field 36.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 64x16x16, receptive field 6
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 32, kernel_size=3, padding=1),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.15),
            ),
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, padding=1),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.15),
            ),
            nn.MaxPool2d(kernel_size=2),
        )
        # C2 -> 128x8x8, receptive field 12
        self.C2 = nn.Sequential(
            named(
                conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, groups=64),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.15),
            ),
            named(
                conv=nn.Conv2d(64, 128, kernel_size=1),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(128),
            ),
            nn.MaxPool2d(kernel_size=2),
        )
        # C3 -> 256x4x4, receptive field 36
        self.C3 = nn.Sequential(
            named(
                conv=nn.Conv2d(128, 128, kernel_size=3, padding=1, groups=128),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(128),
                dropout=nn.Dropout(0.15),
            ),
            named(
                conv=nn.Conv2d(128, 256, kernel_size=1),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(256),
                dropout=nn.Dropout(0.15),
            ),
            named(
                conv=nn.Conv2d(256, 256, kernel_size=3, dilation=2),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(256),
                dropout=nn.Dropout(0.15),
            ),
        )
        # C4 -> 10x1x1
        self.C4 = nn.Sequential(
            named(
                conv=nn.Conv2d(256, 64, kernel_size=1),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(64, 10, kernel_size=1),
                act=nn.ReLU(),
            ),
            nn.AvgPool2d(kernel_size=4),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        return torch.flatten(x, 1)
