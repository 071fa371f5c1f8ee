"""c1c2c3c4-fast: a convolutional network, written by advconv emit."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def named(**modules: nn.Module) -> nn.Sequential:
    """nn.Sequential with named children."""
    return nn.Sequential(OrderedDict(modules))


class Residual(nn.Module):
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
    """Input (batch, 3, 32, 32), output (batch, 10).

    147,562 parameters, 11,382,720 MACs, receptive field 79.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 32x16x16, receptive field 3
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.ReLU(),
            ),
        )
        # C2 -> 64x8x8, receptive field 15
        self.C2 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(32),
                        act=nn.ReLU(),
                    ),
                    named(
                        conv=nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(32),
                    ),
                ),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1, bias=False),
                norm=nn.BatchNorm2d(64),
                act=nn.ReLU(),
            ),
        )
        # C3 -> 96x4x4, receptive field 47
        self.C3 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(
                            64, 64, kernel_size=3, padding=2, dilation=2, bias=False
                        ),
                        norm=nn.BatchNorm2d(64),
                        act=nn.ReLU(),
                    ),
                    named(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                act=nn.ReLU(),
            ),
            named(
                conv=nn.Conv2d(
                    64, 96, kernel_size=3, stride=2, padding=1, groups=4, bias=False
                ),
                norm=nn.BatchNorm2d(96),
                act=nn.ReLU(),
            ),
        )
        # C4 -> 96x4x4, receptive field 79
        self.C4 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        depthwise=nn.Conv2d(
                            96, 96, kernel_size=3, padding=1, groups=96, bias=False
                        ),
                        pointwise=nn.Conv2d(96, 96, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(96),
                        act=nn.ReLU(),
                    ),
                    named(
                        depthwise=nn.Conv2d(
                            96, 96, kernel_size=3, padding=1, groups=96, bias=False
                        ),
                        pointwise=nn.Conv2d(96, 96, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(96),
                    ),
                ),
                act=nn.ReLU(),
            ),
        )
        # O -> 10
        self.O = Head(
            nn.AdaptiveAvgPool2d(1),
            nn.Linear(96, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        out: Tensor = self.O(x)
        return out
