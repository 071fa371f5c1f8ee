"""The names of the formats of output, for the command line, which imports no report for them."""

from pathlib import PurePath

TABLE_FORMATS = ("text", "markdown", "csv", "json")

CHECK_FORMATS = TEXT, JSON, GITHUB, SARIF = ("text", "json", "github", "sarif")

REPORT_FORMATS = HTML, MARKDOWN, NOTEBOOK = ("html", "markdown", "notebook")

SUFFIXES = {HTML: (".html", ".htm"), MARKDOWN: (".md",), NOTEBOOK: (".ipynb",)}
"""Of the files that a report is written to; a path without a suffix is taken as it is."""


def suffix_problem(format: str, output: str) -> str:
    """Why a report is not written to a file of this name; empty if it can be."""
    suffix = PurePath(output).suffix.lower()
    if not suffix or suffix in SUFFIXES[format]:
        return ""
    other = next((other for other, suffixes in SUFFIXES.items() if suffix in suffixes), "")
    help = f"--format {other} writes {suffix} files" if other else f"name a file that ends in {SUFFIXES[format][0]}"
    return f"{output}: a report in {format} is not written to a {suffix} file; {help}"
