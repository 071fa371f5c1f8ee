"""`advconv playground`: writes the site."""

import argparse
from pathlib import Path

from advconv.report.playground.download import BuildError, default_cache
from advconv.report.playground.site import site
from advconv.system.console import OK, USAGE, print_error, print_text
from advconv.system.files import FileError
from advconv.system.trees import tree_problem, write_tree
from advconv.values.quantities import bytes_text

MARKER = "advconv-playground.json"
"""The file of a site that lists the others."""


def run_playground(options: argparse.Namespace) -> int:
    path = Path(options.output)
    # Before anything is downloaded.
    if problem := tree_problem(path, MARKER):
        print_error(problem)
        return USAGE
    try:
        files = site(Path(options.cache) if options.cache else default_cache())
        write_tree(path, files, MARKER)
    except (BuildError, FileError) as error:
        print_error(str(error))
        return USAGE
    size = f"{len(files) + 1} files, {bytes_text(sum(map(len, files.values())))}"
    print_text(f"wrote {options.output}: {size}; next: python -m http.server -d {options.output}")
    return OK
