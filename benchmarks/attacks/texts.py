"""Mutated architecture files: a check ends in time, with diagnostics inside the text; valid networks are emitted."""

import random
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import indent

from advconv.backends.torch_source import emit
from advconv.check import Checked, check_bytes
from advconv.language.starters import TEMPLATES, starter
from advconv.report.data import json_report
from advconv.report.text import report
from advconv.text.source import Span
from benchmarks.attacks.trials import Attack, BrokenPromise

SECONDS = 2.0
"""The maximum CPU time of a check."""

ODD = (
    "0 1 -1 2 100 99999999999999999999 1e400 -0.0 3.5 .nan .inf ~ null true no on 012 0x1F 1:30 [] {} [1,2] [[[]]] "
    "& *a &a << !!int ? | > % @ ` ' \" : - # --- ... {a:1} >1 <=3 ==2 '>5' 1_000 10k 5GiB 50% é ≥4 \u2028 \x85 \ue000 "
    "\ufeff \t nn.Conv2d() (3,3) same valid none identity depthwise mean"
).split(" ")


@cache
def networks() -> tuple[str, ...]:
    """The shipped files and the starters, without those of archs/zoo, which came after the counts in docs/results."""
    paths = [path for path in sorted(Path("archs").rglob("*.yaml")) if path.parent.name != "zoo"]
    shipped = [path.read_text(encoding="utf-8") for path in paths]
    return (*shipped, *(starter(template, "t") for template in TEMPLATES))


@cache
def examples() -> tuple[str, ...]:
    """The YAML examples of the documents, many of them wrong on purpose; rows are completed to a network."""
    documents = [path.read_text(encoding="utf-8") for path in (Path("README.md"), *sorted(Path("docs").glob("*.md")))]
    found = [text for page in documents for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)]
    return tuple(_as_file(text) if text.startswith("- ") else text for text in found)


def _as_file(rows: str) -> str:
    head = "advconv: 1\nname: t\ninput: [16, 32, 32]\nclasses: 10\nnetwork:\n  C1:\n"
    return f"{head}{indent(rows, '    ')}  O: [gap, linear]\n"


@cache
def words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All keys and all values of these texts."""
    text = "\n".join([*networks(), *examples()])
    keys, values = re.findall(r"([A-Za-z_]\w*):", text), re.findall(r"[:\-,] +([^\s,{}\[\]#]+)", text)
    return tuple(sorted(set(keys))), (*sorted(set(values)), *ODD)


def of_bytes(text: str, rng: random.Random) -> str | bytes:
    data = bytearray(text.encode("utf-8", "surrogateescape"))
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randrange(4)] = bytes(rng.randrange(256) for _ in range(rng.randrange(4)))
    return bytes(data)


def of_lines(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    line = lines[at] if rng.random() < 0.5 else lines.pop(at)
    if rng.random() < 0.7:
        lines.insert(to, line)
    return "".join(lines)


def of_tokens(text: str, rng: random.Random) -> str:
    return _replaced(text, r"\w+|[^\w\s]", rng.choice([*words()[0], *words()[1]]), rng)


def of_keys(text: str, rng: random.Random) -> str:
    return _replaced(text, r"[A-Za-z_]\w*(?=:)", rng.choice(words()[0]), rng)


def of_values(text: str, rng: random.Random) -> str:
    return _replaced(text, r"(?<=: )[^\s,{}\[\]#]+|(?<=- )[^\s,{}\[\]#:]+", rng.choice(words()[1]), rng)


def of_indentation(text: str, rng: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    start = rng.randrange(len(lines))
    start_of_line = rng.choice([" " * rng.randrange(9), "\t", "- "])
    for at in range(start, min(len(lines), start + rng.randrange(1, 5))):
        lines[at] = start_of_line + lines[at].lstrip(" ")
    return "".join(lines)


def of_splices(text: str, rng: random.Random) -> str:
    other = rng.choice(networks()).splitlines(keepends=True)
    lines = text.splitlines(keepends=True)
    return "".join(lines[: rng.randrange(len(lines) + 1)] + other[rng.randrange(len(other) + 1) :])


def _replaced(text: str, pattern: str, new: str, rng: random.Random) -> str:
    places = list(re.finditer(pattern, text))
    if not places:
        return new
    start, end = rng.choice(places).span()
    return text[:start] + new + text[end:]


MUTATIONS: tuple[Callable[[str, random.Random], str | bytes], ...] = (
    of_bytes, of_lines, of_tokens, of_keys, of_values, of_indentation, of_splices,
)  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """Applies up to four mutations to a text."""
    text: str | bytes = rng.choice(networks() if rng.random() < 0.7 else examples())
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        text = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
        text = rng.choice(MUTATIONS)(text, rng)
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def is_inside(span: Span, text: str) -> bool:
    """Whether a span is inside the text; it may start right after its end."""
    return 0 <= span.start < span.end <= len(text) + 1


def check_outcome(checked: Checked, seconds: float) -> str:
    """The outcome of a check. Raises BrokenPromise."""
    if seconds > SECONDS:
        raise BrokenPromise(f"the check took {seconds:.1f} s of CPU time")
    for found in checked.diagnostics:
        if not is_inside(found.span, found.source.text):
            raise BrokenPromise(f"{found.code} is at {found.span}, outside the text")
    if not (report(checked) and json_report([checked])):
        raise BrokenPromise("the report is empty")
    if checked.measures is None or checked.spec is None:
        if not checked.diagnostics:
            raise BrokenPromise("a file without measures has no diagnostics")
        return "refused"
    compile(emit(checked.measures, checked.spec.name), "emitted", "exec")
    return "emitted"


def trial(rng: random.Random, shared: Path) -> str:
    data = mutated(rng)
    started = time.process_time()
    checked = check_bytes("mutated.yaml", data)
    return check_outcome(checked, time.process_time() - started)


def prepare(shared: Path) -> None:
    """Trials share nothing."""


ATTACK = Attack("mutated files", trial, prepare, chunk=50)
