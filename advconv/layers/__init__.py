"""The layers that graphs are made of: one kind, one class."""

from advconv.layers.conv import Conv2d, DepthwiseConv2d
from advconv.layers.dense import Flatten, Input, Linear, Pad, PadChannels
from advconv.layers.merge import Add, Concat, Multiply
from advconv.layers.pointwise import Activation, BatchNorm2d, Dropout, GroupNorm
from advconv.layers.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d, Subsample

KINDS = (
    Input,
    Conv2d,
    DepthwiseConv2d,
    BatchNorm2d,
    GroupNorm,
    Activation,
    Dropout,
    MaxPool2d,
    AvgPool2d,
    AdaptiveAvgPool2d,
    Subsample,
    Pad,
    PadChannels,
    Flatten,
    Linear,
    Add,
    Multiply,
    Concat,
)
