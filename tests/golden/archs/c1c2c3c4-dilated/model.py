"""c1c2c3c4-dilated: a convolutional network, written by advconv emit."""

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

    184,282 parameters, 65,803,200 MACs, receptive field 47.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 32x28x28, receptive field 7
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(16),
                act=nn.SiLU(),
            ),
            named(
                conv=nn.Conv2d(16, 32, kernel_size=3, dilation=2, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.SiLU(),
            ),
        )
        # C2 -> 64x20x20, receptive field 17
        self.C2 = nn.Sequential(
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(64),
                act=nn.SiLU(),
            ),
            named(
                conv=nn.Conv2d(64, 64, kernel_size=3, dilation=4, bias=False),
                norm=nn.BatchNorm2d(64),
                act=nn.SiLU(),
            ),
        )
        # C3 -> 96x8x8, receptive field 41
        self.C3 = nn.Sequential(
            nn.Sequential(
                nn.Sequential(
                    Residual(
                        layers=nn.Sequential(
                            named(
                                conv=nn.Conv2d(
                                    64,
                                    64,
                                    kernel_size=3,
                                    padding=2,
                                    dilation=2,
                                    groups=2,
                                    bias=False,
                                ),
                                norm=nn.BatchNorm2d(64),
                                act=nn.SiLU(),
                            ),
                            named(
                                conv=nn.Conv2d(
                                    64,
                                    64,
                                    kernel_size=3,
                                    padding=1,
                                    groups=2,
                                    bias=False,
                                ),
                                norm=nn.BatchNorm2d(64),
                            ),
                        ),
                        act=nn.SiLU(),
                    ),
                ),
                nn.Sequential(
                    Residual(
                        layers=nn.Sequential(
                            named(
                                conv=nn.Conv2d(
                                    64,
                                    64,
                                    kernel_size=3,
                                    padding=2,
                                    dilation=2,
                                    groups=2,
                                    bias=False,
                                ),
                                norm=nn.BatchNorm2d(64),
                                act=nn.SiLU(),
                            ),
                            named(
                                conv=nn.Conv2d(
                                    64,
                                    64,
                                    kernel_size=3,
                                    padding=1,
                                    groups=2,
                                    bias=False,
                                ),
                                norm=nn.BatchNorm2d(64),
                            ),
                        ),
                        act=nn.SiLU(),
                    ),
                ),
            ),
            named(
                conv=nn.Conv2d(64, 96, kernel_size=3, dilation=6, groups=2, bias=False),
                norm=nn.BatchNorm2d(96),
                act=nn.SiLU(),
            ),
        )
        # C4 -> 96x8x8, receptive field 47
        self.C4 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        depthwise=nn.Conv2d(
                            96, 96, kernel_size=3, padding=1, groups=96, bias=False
                        ),
                        pointwise=nn.Conv2d(96, 96, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(96),
                        act=nn.SiLU(),
                    ),
                    named(
                        depthwise=nn.Conv2d(
                            96,
                            96,
                            kernel_size=3,
                            padding=2,
                            dilation=2,
                            groups=96,
                            bias=False,
                        ),
                        pointwise=nn.Conv2d(96, 96, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(96),
                    ),
                ),
                act=nn.SiLU(),
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
