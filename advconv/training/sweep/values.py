"""The values of an option of a sweep, `--set train.lr=0.1,0.2`, which are the items of a YAML list in brackets."""

from advconv.language.overrides import MAX_VALUE, SettingError
from advconv.text.reader import read
from advconv.text.source import Source
from advconv.training.saved import without_control_characters
from advconv.training.sweep.plan import Axis

MAX_WRITTEN = 10 * MAX_VALUE
"""Characters of all values of an option."""


def parse_axis(text: str) -> Axis:
    """The field and the values of an option. Raises SettingError.

    >>> parse_axis("augment=[],[HorizontalFlip, Blur]").values
    ['[]', '[HorizontalFlip, Blur]']
    """
    path, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not path:
        raise SettingError(f"{text[:80]!r} is not PATH=VALUE,VALUE, as in train.lr=0.1,0.2")
    if len(written) > MAX_WRITTEN:
        raise SettingError(f"the values of {path[:80]} have {len(written):,} characters, the limit is {MAX_WRITTEN:,}")
    try:
        axis = Axis(without_control_characters(path), _items(path, without_control_characters(written)))
    except ValueError as problem:
        raise SettingError(f"--set {text[:80]!r}: {problem}") from problem
    for value in axis.values:
        axis.setting(value)
    return axis


def _items(path: str, written: str) -> list[str]:
    """The text of each item. Raises ValueError."""
    text = f"[{written}]"
    # What is wrong with a single value is reported when that is read alone.
    document, findings = read(Source("--set", text))
    is_list = document is not None and isinstance(document.root.data, list) and document.root.span.end == len(text)
    if document is None or not is_list:
        reason = findings[0].message if findings else "they are not one list"
        raise ValueError(f"the values cannot be separated ({reason}); put brackets or quotes around each")
    children = document.root.children.values()
    if not children:
        raise ValueError(f"{path} has no value")
    return [text[child.span.start : max(child.span.end, child.end)] for child in children]
