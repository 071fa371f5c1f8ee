"""What is taken out of packages: modules in JavaScript and in Python, and licences."""

import json
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO

from advconv.report.playground.download import BuildError
from advconv.report.playground.parts import Part

SPECIFIER = re.compile(r"""^((?:import|export)\b[^'"]*?from\s*)(['"])([^'"]+)\2""", re.MULTILINE)
"""The address of a module in a static import, at the start of a line as bundlers write it."""

LICENCE = re.compile(r"(?:^|/)(?:licen[cs]e|copying|notice)[^/]*$", re.IGNORECASE)

UNUSED = re.compile(r"pydantic/(v1/|mypy\.py)|annotated_types/test_cases\.py|_yaml/|yaml/.*\.so$|.*\.(pyi|typed)$")
"""Files of wheels that advconv does not import; libyaml is compiled for another machine."""


def unpacked(part: Part, data: bytes) -> dict[str, bytes]:
    """The files of a package by path; in a package of npm without the first directory."""
    if part.is_wheel:
        with zipfile.ZipFile(BytesIO(data)) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/")}
    found = {}
    with tarfile.open(fileobj=BytesIO(data)) as package:
        for member in package.getmembers():
            if file := package.extractfile(member):
                found[member.name.partition("/")[2]] = file.read()
    return found


def modules(packages: Mapping[Part, Mapping[str, bytes]]) -> dict[str, bytes]:
    """The modules of the editor as files beside each other, which import each other by their file names."""
    files = {part.name: f"{part.name.removeprefix('@').replace('/', '-')}.js" for part in packages}

    def address(match: re.Match[str]) -> str:
        if match[3] not in files:
            raise BuildError(f"a module of the editor imports {match[3]}, which is not among its packages")
        return f'{match[1]}"./{files[match[3]]}"'

    found = {}
    for part, package in packages.items():
        entry = json.loads(package["package.json"])["exports"]["import"].removeprefix("./")
        found[files[part.name]] = SPECIFIER.sub(address, package[entry].decode()).encode()
    return found


def python_files(wheel: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a wheel that are imported."""
    return {name: data for name, data in wheel.items() if not (".dist-info/" in name or UNUSED.match(name))}


def licences(packages: Mapping[Part, Mapping[str, bytes]]) -> str:
    """The licences of all packages, as each brings them, else by name."""
    named = {f"{part.name} {part.version}": "\n".join(_licences(files)) for part, files in packages.items()}
    return "\n".join(f"{name}\n\n{text}\n" for name, text in named.items())


def _licences(files: Mapping[str, bytes]) -> Iterator[str]:
    texts = [data.decode("utf-8", "replace") for name, data in files.items() if LICENCE.search(name)]
    if texts:
        yield from texts
    else:
        yield f"License: {json.loads(files['package.json'])['license']}"


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip without times, so that the same files give the same bytes."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()
