"""What `augment_on: device` can apply."""

from typing import Any

from advconv.language.augment import Transform
from advconv.text.finding import Finding
from advconv.text.words import join_words
from advconv.values.forms import in_yaml

DEVICE_TRANSFORMS: dict[str, dict[str, Any]] = {
    "HorizontalFlip": {},
    "ShiftScaleRotate": {"interpolation": 1, "border_mode": 0},
    "CoarseDropout": {},
}
"""The transforms of `augment_on: device`, and the one value of arguments that it supports."""


def device_findings(augment: tuple[Transform, ...]) -> list[Finding]:
    """What `augment_on: device` cannot apply."""
    found = []
    for index, (name, given) in enumerate(augment):
        if name not in DEVICE_TRANSFORMS:
            help = f"use {join_words((*DEVICE_TRANSFORMS,))}, or `augment_on: workers`"
            message = f"{name} cannot be applied on the device"
            found.append(Finding("AC504", ("augment", index, name), message, help, at_key=True))
            continue
        for key, value in given.items():
            if form := _not_on_device(name, key, value):
                message = f"{key}: {in_yaml(value)} of {name} cannot be applied on the device"
                help = f"write {form}, or `augment_on: workers`"
                found.append(Finding("AC504", ("augment", index, name, key), message, help))
    return found


def _not_on_device(name: str, key: str, value: Any) -> str:
    """The form of an argument that the device can apply, if it cannot apply this value."""
    if key == "fill" and isinstance(value, str) and value != "mean":
        return "`fill: mean`, or a number"
    supported = DEVICE_TRANSFORMS[name].get(key, value)
    return "" if value == supported else f"`{key}: {supported}`"
