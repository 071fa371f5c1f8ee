"""The hand-written alternative to advconv: c1c2c3c4 as a torch module, and torchinfo's table of it."""

from torch import Tensor, nn
from torchinfo import summary


def unit(i: int, o: int, stride: int = 1, dilation: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(i, o, 3, stride, dilation, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(o), *([nn.SiLU()] if act else []))


def separable(i: int, o: int, act: bool = True) -> nn.Sequential:
    depthwise, pointwise = nn.Conv2d(i, i, 3, 1, 1, groups=i, bias=False), nn.Conv2d(i, o, 1, bias=False)
    return nn.Sequential(depthwise, pointwise, nn.BatchNorm2d(o), *([nn.SiLU()] if act else []))


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.act(self.layers(x) + x)
        return y


def net() -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(unit(3, 16), unit(16, 64, stride=2)),
        nn.Sequential(Residual(unit(64, 64), unit(64, 64, act=False)), unit(64, 64, stride=2)),
        Residual(unit(64, 64, dilation=2, groups=2), unit(64, 64, groups=2, act=False)),
        unit(64, 96, stride=2, groups=4),
        Residual(separable(96, 96), separable(96, 96, act=False)),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10)),
    )


if __name__ == "__main__":
    print(summary(net(), (1, 3, 32, 32), verbose=0))
