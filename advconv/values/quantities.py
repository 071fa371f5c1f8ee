"""Numbers as people read them."""

BYTES = "bytes"
PERCENT = "%"
MICROSECONDS = "us"


def count_text(value: int) -> str:
    """`191234 -> 191,234`"""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """`1 class`, `2 classes`, `1,000 values`"""
    ending = "" if value == 1 else "es" if noun.endswith("s") else "s"
    return f"{value:,} {noun}{ending}"


def bytes_text(value: int) -> str:
    """Decimal units, as disks and data sheets count: `1,048,576 B -> 1.049 MB`."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if value >= size:
            return f"{value / size:,.3f} {unit}"
    return f"{value} B"


def amount_text(value: float, unit: str) -> str:
    """A whole number with its unit, a fraction as it is: `amount_text(2000, "bytes") -> 2.000 kB`."""
    if unit == PERCENT:
        return f"{value:g}%"
    if unit == MICROSECONDS:
        return f"{value / 1000:,.3f} ms"
    if value != int(value):
        return f"{value:,g}"
    return bytes_text(int(value)) if unit == BYTES else count_text(int(value))


def rounded(value: float) -> float:
    """Six significant digits, which a float32 always has: `0.8123456835746765 -> 0.812346`."""
    return float(f"{value:.6g}")
