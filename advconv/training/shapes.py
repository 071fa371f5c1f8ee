"""A data set that is drawn at run time: ten kinds of shapes in noise."""

from collections.abc import Callable
from math import cos, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8 (height, width, channels)."""
Colour = tuple[float, ...]
Point = tuple[float, float]
Draw = Callable[[Image, Point, float, Colour], None]


def polygon(corners: list[Point]) -> Draw:
    """Draws a polygon; the corners are relative to its centre, in units of the radius."""

    def draw(image: Image, centre: Point, radius: float, colour: Colour) -> None:
        points = [[round(centre[0] + x * radius), round(centre[1] + y * radius)] for x, y in corners]
        cv2.fillPoly(image, [np.array(points, dtype=np.int32)], colour)

    return draw


def regular(corners: int, inner: float = 1.0) -> list[Point]:
    """The corners of a regular polygon, every second one at `inner` radii from the centre."""
    angles = [2 * pi * i / corners - pi / 2 for i in range(corners)]
    radii = [1.0 if i % 2 == 0 else inner for i in range(corners)]
    return [(radius * cos(angle), radius * sin(angle)) for angle, radius in zip(angles, radii, strict=True)]


def disc(image: Image, centre: Point, radius: float, colour: Colour) -> None:
    cv2.circle(image, (round(centre[0]), round(centre[1])), round(radius), colour, -1)


def ring(image: Image, centre: Point, radius: float, colour: Colour) -> None:
    cv2.circle(image, (round(centre[0]), round(centre[1])), round(radius), colour, max(1, round(radius / 3)))


CROSS = [
    (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3),
    (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3),
]  # fmt: skip

SHAPES: dict[str, Draw] = {
    "disc": disc,
    "ring": ring,
    "square": polygon([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]),
    "diamond": polygon(regular(4)),
    "triangle": polygon(regular(3)),
    "arrow": polygon([(-1, -1), (1, 0), (-1, 1), (-0.4, 0)]),
    "cross": polygon([(x, y) for x, y in CROSS]),
    "star": polygon(regular(10, 0.45)),
    "bar": polygon([(-1, -0.3), (1, -0.3), (1, 0.3), (-1, 0.3)]),
    "pillar": polygon([(-0.3, -1), (0.3, -1), (0.3, 1), (-0.3, 1)]),
}
"""The classes, in order."""


def draw_shapes(count: int, size: tuple[int, int, int], seed: int) -> tuple[Image, NDArray[np.int64]]:
    """Images, uint8 (count, height, width, channels), and their classes (count).

    `size` is (height, width, channels).
    """
    random = np.random.default_rng(seed)
    height, width, channels = size
    shapes = list(SHAPES.values())
    labels = random.integers(len(shapes), size=count)
    images = np.empty((count, height, width, channels), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:] = np.clip(random.normal(110, 30, image.shape), 0, 255)
        radius = random.uniform(0.2, 0.35) * min(height, width)
        centre = (random.uniform(radius, width - radius), random.uniform(radius, height - radius))
        colour = random.integers(2, size=channels) * 170 + random.integers(60, size=channels)
        canvas = np.full((height, width), 255, np.uint8)
        shapes[label](canvas, centre, radius, (0.0,))
        image[canvas == 0] = (0.3 * image[canvas == 0] + 0.7 * colour).astype(np.uint8)
    return images, labels
