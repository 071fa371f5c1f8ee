"""under-100k: a convolutional network, written by advconv emit."""

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


class InvertedResidual(nn.Module):
    def __init__(
        self,
        expand: nn.Module,
        depthwise: nn.Module,
        project: nn.Module,
    ) -> None:
        super().__init__()
        self.expand = expand
        self.depthwise = depthwise
        self.project = project

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        y = self.depthwise(y)
        y = self.project(y)
        return torch.add(x, y)


class Head(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        x = self[0](x)
        x = torch.flatten(x, 1)
        out: Tensor = self[1](x)
        return out


class Net(nn.Module):
    """Input (batch, 3, 32, 32), output (batch, 10).

    99,834 parameters, 15,123,392 MACs, receptive field 73.
    """

    def __init__(self) -> None:
        super().__init__()
        # C1 -> 16x32x32, receptive field 3
        self.C1 = nn.Sequential(
            named(
                conv=nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(16),
                act=nn.SiLU(),
            ),
        )
        # C2 -> 48x16x16, receptive field 21
        self.C2 = nn.Sequential(
            named(
                conv=nn.Conv2d(16, 48, kernel_size=3, stride=2, padding=1, bias=False),
                norm=nn.BatchNorm2d(48),
                act=nn.SiLU(),
            ),
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(
                            48, 48, kernel_size=3, padding=1, groups=2, bias=False
                        ),
                        norm=nn.BatchNorm2d(48),
                        act=nn.SiLU(),
                    ),
                    named(
                        conv=nn.Conv2d(
                            48, 48, kernel_size=3, padding=1, groups=2, bias=False
                        ),
                        norm=nn.BatchNorm2d(48),
                    ),
                ),
                act=nn.SiLU(),
            ),
            nn.Sequential(
                nn.Sequential(
                    InvertedResidual(
                        expand=named(
                            conv=nn.Conv2d(48, 96, kernel_size=1, bias=False),
                            norm=nn.BatchNorm2d(96),
                            act=nn.SiLU(),
                        ),
                        depthwise=named(
                            conv=nn.Conv2d(
                                96, 96, kernel_size=3, padding=1, groups=96, bias=False
                            ),
                            norm=nn.BatchNorm2d(96),
                            act=nn.SiLU(),
                        ),
                        project=named(
                            conv=nn.Conv2d(96, 48, kernel_size=1, bias=False),
                            norm=nn.BatchNorm2d(48),
                        ),
                    ),
                ),
                nn.Sequential(
                    InvertedResidual(
                        expand=named(
                            conv=nn.Conv2d(48, 96, kernel_size=1, bias=False),
                            norm=nn.BatchNorm2d(96),
                            act=nn.SiLU(),
                        ),
                        depthwise=named(
                            conv=nn.Conv2d(
                                96, 96, kernel_size=3, padding=1, groups=96, bias=False
                            ),
                            norm=nn.BatchNorm2d(96),
                            act=nn.SiLU(),
                        ),
                        project=named(
                            conv=nn.Conv2d(96, 48, kernel_size=1, bias=False),
                            norm=nn.BatchNorm2d(48),
                        ),
                    ),
                ),
            ),
        )
        # C3 -> 64x8x8, receptive field 65
        self.C3 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    48, 64, kernel_size=3, stride=2, padding=1, groups=4, bias=False
                ),
                norm=nn.BatchNorm2d(64),
                act=nn.SiLU(),
            ),
            Residual(
                layers=nn.Sequential(
                    named(
                        conv=nn.Conv2d(
                            64,
                            64,
                            kernel_size=3,
                            padding=2,
                            dilation=2,
                            groups=4,
                            bias=False,
                        ),
                        norm=nn.BatchNorm2d(64),
                        act=nn.SiLU(),
                    ),
                    named(
                        conv=nn.Conv2d(
                            64, 64, kernel_size=3, padding=1, groups=4, bias=False
                        ),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                act=nn.SiLU(),
            ),
            Residual(
                layers=nn.Sequential(
                    named(
                        depthwise=nn.Conv2d(
                            64, 64, kernel_size=3, padding=1, groups=64, bias=False
                        ),
                        pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                        act=nn.SiLU(),
                    ),
                    named(
                        depthwise=nn.Conv2d(
                            64, 64, kernel_size=3, padding=1, groups=64, bias=False
                        ),
                        pointwise=nn.Conv2d(64, 64, kernel_size=1, bias=False),
                        norm=nn.BatchNorm2d(64),
                    ),
                ),
                act=nn.SiLU(),
            ),
        )
        # C4 -> 96x4x4, receptive field 73
        self.C4 = nn.Sequential(
            named(
                conv=nn.Conv2d(
                    64, 96, kernel_size=3, stride=2, padding=1, groups=4, bias=False
                ),
                norm=nn.BatchNorm2d(96),
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
