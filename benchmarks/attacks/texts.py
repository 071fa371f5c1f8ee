"""Mutated architecture files: a check ends in diagnostics inside of the text, soon; what passes is emitted."""

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
"""Of CPU time, for a check."""

ODD = (
    "0 1 -1 2 100 99999999999999999999 1e400 -0.0 3.5 .nan .inf ~ null true no on 012 0x1F 1:30 [] {} [1,2] [[[]]] "
    "& *a &a << !!int ? | > % @ ` ' \" : - # --- ... {a:1} >1 <=3 ==2 '>5' 1_000 10k 5GiB 50% é ≥4 \u2028 \x85 \ue000 "
    "\ufeff \t nn.Conv2d() (3,3) same valid none identity depthwise mean"
).split(" ")


@cache
def networks() -> tuple[str, ...]:
    """The shipped files and the starters."""
    shipped = [path.read_text(encoding="utf-8") for path in sorted(Path("archs").rglob("*.yaml"))]
    return (*shipped, *(starter(template, "t") for template in TEMPLATES))


@cache
def examples() -> tuple[str, ...]:
    """Those of the documents, many of which show what is wrong; rows have a network put around them."""
    documents = [path.read_text(encoding="utf-8") for path in (Path("README.md"), *sorted(Path("docs").glob("*.md")))]
    found = [text for page in documents for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)]
    return tuple(_whole(text) if text.startswith("- ") else text for text in found)


def _whole(rows: str) -> str:
    head = "advconv: 1\nname: t\ninput: [16, 32, 32]\nclasses: 10\nnetwork:\n  C1:\n"
    return f"{head}{indent(rows, '    ')}  O: [gap, linear]\n"


@cache
def words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All keys and all values that these have."""
    text = "\n".join([*networks(), *examples()])
    keys, values = re.findall(r"([A-Za-z_]\w*):", text), re.findall(r"[:\-,] +([^\s,{}\[\]#]+)", text)
    return tuple(sorted(set(keys))), (*sorted(set(values)), *ODD)


def of_bytes(text: str, chance: random.Random) -> str | bytes:
    data = bytearray(text.encode("utf-8", "surrogateescape"))
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randrange(4)] = bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
    return bytes(data)


def of_lines(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    line = lines[at] if chance.random() < 0.5 else lines.pop(at)
    if chance.random() < 0.7:
        lines.insert(to, line)
    return "".join(lines)


def of_tokens(text: str, chance: random.Random) -> str:
    return _replaced(text, r"\w+|[^\w\s]", chance.choice([*words()[0], *words()[1]]), chance)


def of_keys(text: str, chance: random.Random) -> str:
    return _replaced(text, r"[A-Za-z_]\w*(?=:)", chance.choice(words()[0]), chance)


def of_values(text: str, chance: random.Random) -> str:
    return _replaced(text, r"(?<=: )[^\s,{}\[\]#]+|(?<=- )[^\s,{}\[\]#:]+", chance.choice(words()[1]), chance)


def of_indentation(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    start = chance.randrange(len(lines))
    start_of_line = chance.choice([" " * chance.randrange(9), "\t", "- "])
    for at in range(start, min(len(lines), start + chance.randrange(1, 5))):
        lines[at] = start_of_line + lines[at].lstrip(" ")
    return "".join(lines)


def of_splices(text: str, chance: random.Random) -> str:
    other = chance.choice(networks()).splitlines(keepends=True)
    lines = text.splitlines(keepends=True)
    return "".join(lines[: chance.randrange(len(lines) + 1)] + other[chance.randrange(len(other) + 1) :])


def _replaced(text: str, pattern: str, new: str, chance: random.Random) -> str:
    places = list(re.finditer(pattern, text))
    if not places:
        return new
    start, end = chance.choice(places).span()
    return text[:start] + new + text[end:]


MUTATIONS: tuple[Callable[[str, random.Random], str | bytes], ...] = (
    of_bytes, of_lines, of_tokens, of_keys, of_values, of_indentation, of_splices,
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """Up to four mutations of a text, one after another."""
    text: str | bytes = chance.choice(networks() if chance.random() < 0.7 else examples())
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        text = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
        text = chance.choice(MUTATIONS)(text, chance)
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def is_inside(span: Span, text: str) -> bool:
    """Whether a place is one of the text; it may stand right behind its end."""
    return 0 <= span.start < span.end <= len(text) + 1


def hold(checked: Checked, seconds: float) -> str:
    """How a check ended. Raises BrokenPromise."""
    if seconds > SECONDS:
        raise BrokenPromise(f"the check took {seconds:.1f} s of CPU time")
    for found in checked.diagnostics:
        if not is_inside(found.span, found.source.text):
            raise BrokenPromise(f"{found.code} stands at {found.span}, outside of the text")
    if not (report(checked) and json_report([checked])):
        raise BrokenPromise("the report is empty")
    if checked.measures is None or checked.spec is None:
        return "refused" if checked.diagnostics else _raise("nothing was said of a file without measures")
    compile(emit(checked.measures, checked.spec.name), "emitted", "exec")
    return "emitted"


def _raise(what: str) -> str:
    raise BrokenPromise(what)


def trial(chance: random.Random, shared: Path) -> str:
    data = mutated(chance)
    began = time.process_time()
    checked = check_bytes("mutated.yaml", data)
    return hold(checked, time.process_time() - began)


def prepare(shared: Path) -> None:
    """Nothing is shared."""


ATTACK = Attack("mutated files", trial, prepare, chunk=50)
