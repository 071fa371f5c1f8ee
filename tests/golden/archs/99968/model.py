"""99968: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    99,968 parameters, 31,536,384 MACs, receptive field 31.
    """

    def __init__(self) -> None:
        super().__init__()
        # conv1 -> 64x32x32, receptive field 5
        self.conv1 = nn.Sequential(
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
        )
        # trans1 -> 32x32x32, receptive field 5
        self.trans1 = nn.Sequential(
            named(
                conv=nn.Conv2d(64, 32, kernel_size=1, bias=False),
            ),
        )
        # conv2 -> 32x26x26, receptive field 11
        self.conv2 = nn.Sequential(
            named(
                depthwise=nn.Conv2d(32, 32, kernel_size=3, groups=32, bias=False),
                pointwise=nn.Conv2d(32, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(32, 32, kernel_size=3, groups=32, bias=False),
                pointwise=nn.Conv2d(32, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(32, 32, kernel_size=3, groups=32, bias=False),
                pointwise=nn.Conv2d(32, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
        )
        # trans2 -> 16x22x22, receptive field 15
        self.trans2 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 16, kernel_size=3, dilation=2),
                act=nn.ReLU(),
            ),
        )
        # conv3 -> 64x16x16, receptive field 21
        self.conv3 = nn.Sequential(
            named(
                depthwise=nn.Conv2d(16, 16, kernel_size=3, groups=16, bias=False),
                pointwise=nn.Conv2d(16, 32, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(32, 32, kernel_size=3, groups=32, bias=False),
                pointwise=nn.Conv2d(32, 64, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.1),
            ),
            named(
                depthwise=nn.Conv2d(64, 64, kernel_size=3, groups=64, bias=False),
                pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(64),
                dropout=nn.Dropout(0.1),
            ),
        )
        # trans3 -> 16x7x7, receptive field 23
        self.trans3 = nn.Sequential(
            named(
                conv=nn.Conv2d(64, 64, kernel_size=3, stride=2),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(64, 16, kernel_size=1, bias=False),
            ),
        )
        # conv4 -> 64x3x3, receptive field 31
        self.conv4 = nn.Sequential(
            named(
                conv=nn.Conv2d(16, 32, kernel_size=3, bias=False),
                act=nn.ReLU(),
                norm=nn.BatchNorm2d(32),
                dropout=nn.Dropout(0.1),
            ),
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, bias=False),
            ),
        )
        # avgpool2d -> 64x1x1
        self.avgpool2d = nn.Sequential(
            nn.AvgPool2d(kernel_size=3),
        )
        # conv5 -> 10x1x1
        self.conv5 = nn.Sequential(
            named(
                conv=nn.Conv2d(64, 10, kernel_size=1, bias=False),
            ),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.trans1(x)
        x = self.conv2(x)
        x = self.trans2(x)
        x = self.conv3(x)
        x = self.trans3(x)
        x = self.conv4(x)
        x = self.avgpool2d(x)
        x = self.conv5(x)
        return torch.flatten(x, 1)
