"""teacher: a convolutional network, written by advconv emit."""

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

    1,941,546 parameters, 114,133,504 MACs, receptive field 80.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 64x16x16, receptive field 6
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 32, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(32),
                act=nn.SiLU(),
            ),
            named(
                conv=nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(64),
                act=nn.SiLU(),
            ),
            nn.MaxPool2d(kernel_size=2),
        )
        # C2 -> 128x8x8, receptive field 20
        self.C2 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                        act=nn.SiLU(),
                    ),
                    named(
                        conv=nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                act=nn.SiLU(),
            ),
            named(
                conv=nn.Conv2d(64, 128, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(128),
                act=nn.SiLU(),
            ),
            nn.MaxPool2d(kernel_size=2),
        )
        # C3 -> 256x4x4, receptive field 48
        self.C3 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(128, 128, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(128),
                        act=nn.SiLU(),
                    ),
                    named(
                        conv=nn.Conv2d(128, 128, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(128),
                    ),
                ),
                act=nn.SiLU(),
            ),
            named(
                conv=nn.Conv2d(128, 256, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(256),
                act=nn.SiLU(),
            ),
            nn.MaxPool2d(kernel_size=2),
        )
        # C4 -> 256x4x4, receptive field 80
        self.C4 = nn.Sequential(
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(256, 256, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(256),
                        act=nn.SiLU(),
                    ),
                    named(
                        conv=nn.Conv2d(256, 256, kernel_size=3, padding=1, bias=False),
                        norm=nn.BatchNorm2d(256),
                    ),
                ),
                act=nn.SiLU(),
            ),
        )
        # O -> 10
        self.O = Head(
            nn.AdaptiveAvgPool2d(1),
            nn.Linear(256, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.C1(x)
        x = self.C2(x)
        x = self.C3(x)
        x = self.C4(x)
        out: Tensor = self.O(x)
        return out
