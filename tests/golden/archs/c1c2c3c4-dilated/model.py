"""c1c2c3c4-dilated: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """Modules one behind the other, each with a name."""
    return nn.Sequential(OrderedDict(modules))


class Residual(nn.Module):
    def __init__(self, layers: nn.Module, shortcut: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        x = self.shortcut(x)
        x = torch.add(y, x)
        out: Tensor = self.act(x)
        return out


class Residual2(nn.Module):
    def __init__(self, layers: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        x = torch.add(y, x)
        out: Tensor = self.act(x)
        return out


class Head(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        x = self[0](x)
        x = torch.flatten(x, 1)
        out: Tensor = self[1](x)
        return out


class Net(nn.Module):
    """Takes (batch, 3, 32, 32), gives (batch, 10).

    124,842 parameters, 74,964,736 MACs, receptive field 45.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1: to 32x30x30, receptive field 5
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 32, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(32, 32, kernel_size=3, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.ReLU(),
            ),
        )
        # C2: to 32x24x24, receptive field 13
        self.C2 = nn.Sequential(
            named(
                depthwise=nn.Conv2d(
                    32, 32, kernel_size=3, padding=1, groups=32, bias=False
                ),
                pointwise=nn.Conv2d(32, 64, kernel_size=1, bias=False),
                norm=nn.BatchNorm2d(64),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(64, 32, kernel_size=3, dilation=3, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.ReLU(),
            ),
        )
        # C3: to 64x24x24, receptive field 37
        self.C3 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        depthwise=nn.Conv2d(
                            32,
                            32,
                            kernel_size=3,
                            padding=2,
                            dilation=2,
                            groups=32,
                            bias=False,
                        ),
                        pointwise=nn.Conv2d(32, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                        act=nn.ReLU(),
                    ),
                    named(
                        depthwise=nn.Conv2d(
                            64,
                            64,
                            kernel_size=3,
                            padding=4,
                            dilation=4,
                            groups=64,
                            bias=False,
                        ),
                        pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                shortcut=named(
                    conv=nn.Conv2d(32, 64, kernel_size=1, bias=False),
                    norm=nn.BatchNorm2d(64),
                ),
                act=nn.ReLU(),
            ),
            Residual2(
                layers=nn.Sequential(
                    named(
                        depthwise=nn.Conv2d(
                            64,
                            64,
                            kernel_size=3,
                            padding=4,
                            dilation=4,
                            groups=64,
                            bias=False,
                        ),
                        pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                        act=nn.ReLU(),
                    ),
                    named(
                        depthwise=nn.Conv2d(
                            64,
                            64,
                            kernel_size=3,
                            padding=2,
                            dilation=2,
                            groups=64,
                            bias=False,
                        ),
                        pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                act=nn.ReLU(),
            ),
        )
        # C4: to 64x24x24, receptive field 45
        self.C4 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    64, 64, kernel_size=3, padding=2, dilation=2, bias=False
                ),
                norm=nn.BatchNorm2d(64),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(
                    64, 64, kernel_size=3, padding=2, dilation=2, bias=False
                ),
                norm=nn.BatchNorm2d(64),
                act=nn.ReLU(),
            ),
        )
        # O: to 10
        self.O = Head(
            nn.AdaptiveAvgPool2d(1),
            nn.Linear(64, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        out: Tensor = self.O(x)
        return out
