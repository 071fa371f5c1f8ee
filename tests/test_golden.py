"""Golden files: one that differs fails with a diff, one that is missing says how it is written."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

DIFFERS = """
from pathlib import Path
from tests.golden import expect

def test_report(tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("alike\\nas it was\\n", encoding="utf-8")
    expect(tmp_path / "report.txt", "alike\\nas it is", update=False)
"""


def test_a_golden_file_that_differs_is_shown_with_a_diff(pytester: pytest.Pytester) -> None:
    root = Path(__file__).parents[1]
    pytester.makeconftest((root / "tests" / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(DIFFERS)
    pytester.makeini(f"[pytest]\npythonpath = {root}")
    found = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-vv")

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["E *- as it was", "E *+ as it is"])


def test_a_golden_file_is_written_where_that_is_asked_for(tmp_path: Path) -> None:
    from tests.golden import expect

    path = tmp_path / "golden" / "report.txt"
    with pytest.raises(pytest.fail.Exception, match="`pytest --update` writes it"):
        expect(path, "text", update=False)
    expect(path, "text", update=True)

    assert path.read_text(encoding="utf-8") == "text\n"
    expect(path, "text", update=False)
