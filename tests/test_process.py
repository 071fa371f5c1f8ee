"""How the process ends when the world outside fails it: one line, the documented exit code, never a traceback."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from advconv.system.console import MAX_MESSAGE
from tests.training import command

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
ARCH = str(ROOT / "archs/c1c2c3c4.yaml")
ADVCONV = [sys.executable, "-m", "advconv"]
OPENING = "cannot open shared object file: No such file or directory"


def started(
    program: list[str], path: Path | None = None, cwd: Path | None = None, setup: Callable[[], object] = int
) -> subprocess.CompletedProcess[str]:
    """A process of its own that looks for modules in `path` first."""

    def first() -> None:
        # Whatever runs the tests may ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        setup()

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(part) for part in (path, ROOT) if part)}
    environment.pop("PYTHONUNBUFFERED", None)
    return subprocess.run(
        program,
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        preexec_fn=first,
        close_fds=False,
        check=False,
    )


def in_end(body: str) -> list[str]:
    """A program whose command is a function of these lines."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    imports = "from advconv.system.interrupts import catch_interrupts\nfrom advconv.system.process import end"
    start = f"{imports}\ncatch_interrupts()\n"
    return [sys.executable, "-c", f"{start}def run():\n{lines}    return 0\nend(run)"]


@pytest.mark.parametrize(
    ("library", "body", "said"),
    [
        ("torch", f"raise OSError('libgomp.so.1: {OPENING}')", "install the system library libgomp.so.1"),
        ("torch", "def load():\n    raise ImportError('no CPU')\nload()", "install torch again"),
        ("yaml", "raise ImportError('broken')", "install yaml again"),
        ("yaml", "raise SystemError('initialization failed')", "install yaml again"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_named_in_a_line(tmp_path: Path, library: str, body: str, said: str) -> None:
    (tmp_path / f"{library}.py").write_text(body, encoding="utf-8")
    found = started([*ADVCONV, "verify", ARCH], tmp_path)

    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith(f"advconv: {library} cannot be loaded: ")
    assert found.stderr.endswith(f"; {said}\n")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("library", ["cv2", "albumentations", "matplotlib"])
def test_so_it_is_where_training_begins(tmp_path: Path, library: str) -> None:
    (tmp_path / f"{library}.py").write_text(f"raise ImportError('libGL.so.1: {OPENING}')", encoding="utf-8")
    found = started([*ADVCONV, "train", ARCH], tmp_path, tmp_path)

    said = f"{library} cannot be loaded: libGL.so.1: {OPENING}; install the system library libGL.so.1"
    assert (found.returncode, found.stderr) == (2, f"advconv: {said}\n")


def test_a_prediction_does_not_import_the_library_that_augments(tmp_path: Path) -> None:
    (tmp_path / "albumentations.py").write_text("raise ImportError('imported')", encoding="utf-8")
    Image.new("RGB", (32, 32)).save(tmp_path / "black.png")
    found = started([*ADVCONV, "predict", ARCH, "black.png"], tmp_path, tmp_path)

    assert (found.returncode, found.stderr) == (0, "")


def test_what_a_library_makes_of_its_own_failure_is_cut_to_the_cause(tmp_path: Path) -> None:
    """As numpy does, with a page of advice."""
    body = f"try:\n    raise OSError('libblas.so: {OPENING}')\nexcept OSError as problem:\n"
    (tmp_path / "onnxruntime.py").write_text(f"{body}    raise ImportError('\\n\\nREAD THIS\\n') from problem")
    found = started(in_end("import onnxruntime"), tmp_path)

    said = f"onnxruntime cannot be loaded: libblas.so: {OPENING}; install the system library libblas.so"
    assert (found.returncode, found.stderr) == (2, f"advconv: {said}\n")


def test_a_mistake_of_our_own_is_no_library_that_cannot_be_loaded() -> None:
    for body in ("from advconv.system.console import nothing", "import advconv.nothing", "[][0]"):
        found = started(in_end(body))
        assert found.returncode == 1
        assert "Traceback" in found.stderr


INTERRUPTING = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(20)\n"


@pytest.mark.parametrize(("library", "name"), [("yaml", "check"), ("tabulate", "rf-table"), ("torch", "verify")])
def test_ctrl_c_during_an_import_is_a_line_whatever_the_library_makes_of_it(
    tmp_path: Path, library: str, name: str
) -> None:
    lines = "".join(f"    {line}\n" for line in INTERRUPTING.splitlines())
    swallowing = f"try:\n{lines}except BaseException:\n    raise ImportError('half of it')\n"
    (tmp_path / f"{library}.py").write_text(swallowing, encoding="utf-8")
    found = started([*ADVCONV, name, ARCH], tmp_path)

    assert (found.returncode, found.stdout, found.stderr) == (130, "", "advconv: interrupted\n")


def test_ctrl_c_elsewhere_is_the_same_line_after_what_has_to_be_cleaned_up(tmp_path: Path) -> None:
    found = started(
        in_end(f"try:\n    exec({INTERRUPTING!r})\nfinally:\n    open('cleaned', 'w').close()"), None, tmp_path
    )

    assert (found.returncode, found.stderr) == (130, "advconv: interrupted\n")
    assert (tmp_path / "cleaned").exists()


def test_ctrl_c_while_the_interpreter_ends_is_no_traceback() -> None:
    found = started(in_end(f"import atexit\natexit.register(exec, {INTERRUPTING!r}, {{}})"))

    assert (found.returncode, found.stderr) == (-signal.SIGINT, "")


def test_ctrl_c_is_caught_before_anything_that_takes_time_is_imported() -> None:
    """Python itself and the handler: what is imported before it can be interrupted with a traceback."""
    program = "import sys; before = set(sys.modules); import advconv.__main__; print(*set(sys.modules) - before)"
    found = started([sys.executable, "-S", "-c", f"import enum, os, signal, types; {program}"])

    assert sorted(found.stdout.split()) == [
        "advconv",
        "advconv.__main__",
        "advconv.system",
        "advconv.system.interrupts",
    ]


@pytest.mark.parametrize(("name", "megabytes"), [("check", 24), ("check", 30), ("verify", 600), ("verify", 1500)])
def test_too_little_memory_is_a_line(name: str, megabytes: int) -> None:
    limits = megabytes << 20, megabytes << 20
    found = started([*ADVCONV, name, ARCH], setup=lambda: resource.setrlimit(resource.RLIMIT_AS, limits))

    # How little is too little for a check depends on how Python was built.
    assert found.returncode in ((0, 2) if name == "check" else (2,))
    assert found.stderr.count("\n") == (found.returncode == 2)
    assert ("out of memory" in found.stderr) == (found.returncode == 2)


@pytest.mark.parametrize(
    "problem",
    [
        "MemoryError()",
        "OSError(12, 'Cannot allocate memory')",
        'RuntimeError("can\'t start new thread")',
        "RuntimeError('DefaultCPUAllocator: not enough memory: you tried to allocate memory')",
    ],
)
def test_each_way_to_run_out_of_memory_is_the_same_line(problem: str) -> None:
    found = started(in_end(f"raise {problem}"))

    line = "out of memory; raise the limit (ulimit -v, container) or reduce the input"
    assert (found.returncode, found.stderr) == (2, f"advconv: {line}\n")


@pytest.mark.parametrize(
    ("words", "redirection", "code", "said"),
    [
        ("--help", ">/dev/full", 2, "advconv: the output cannot be written: No space left on device\n"),
        ("--version", ">/dev/full", 2, "advconv: the output cannot be written: No space left on device\n"),
        ("check nowhere.yaml", "2>/dev/full", 2, ""),
        ("check --nothing", "2>/dev/full", 2, ""),
        ("train --help", ">/dev/full", 2, "advconv: the output cannot be written: No space left on device\n"),
        ("check nowhere.yaml", ">&- 2>&- <&-", 2, ""),
        ("--version", ">&- 2>&- <&-", 2, ""),
        ("--version", ">&-", 2, "advconv: the output cannot be written: Bad file descriptor\n"),
        ("emit archs/c1c2c3c4.yaml", ">&-", 2, "advconv: the output cannot be written: Bad file descriptor\n"),
        ("check archs/c1c2c3c4.yaml", ">&-", 2, "advconv: the output cannot be written: Bad file descriptor\n"),
        ("emit archs/c1c2c3c4.yaml -o /dev/null", ">&-", 0, ""),
    ],
)
def test_streams_that_are_full_or_closed_leave_a_line_at_most_and_the_exit_code(
    words: str, redirection: str, code: int, said: str
) -> None:
    found = started(["sh", "-c", f"{sys.executable} -m advconv {words} {redirection}"], cwd=ROOT)

    assert (found.returncode, found.stderr) == (code, said)


def test_help_that_cannot_be_written_is_a_line_without_a_buffer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    found = started(["sh", "-c", f"{sys.executable} -m advconv --help >/dev/full"], cwd=ROOT)

    line = "advconv: the output cannot be written: No space left on device\n"
    assert (found.returncode, found.stderr) == (2, line)


def test_a_reader_of_help_that_leaves_early_ends_it_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    found = started(["sh", "-c", f"exec {sys.executable} -m advconv --help >&3"], setup=lambda: os.dup2(write, 3))
    os.close(write)

    assert (found.returncode, found.stderr) == (141, "")


def test_no_file_gets_the_number_of_a_stream_that_the_caller_has_closed(tmp_path: Path) -> None:
    """Else what a C library prints would end up in a checkpoint."""
    program = in_end("import os\nwith open('file', 'wb'):\n    os.write(1, b'printed')\n    os.write(2, b'printed')")
    started(program, None, tmp_path, lambda: os.closerange(0, 3))

    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize(
    "words", [["verify", ARCH], ["summary", ARCH, "--torchinfo"], ["train", ARCH], ["evaluate", "r"], ["erf", ARCH]]
)
def test_a_current_directory_that_has_been_deleted_is_a_line_where_torch_cannot_do_without(
    tmp_path: Path, words: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    found = started([*ADVCONV, *words], None, gone, gone.rmdir)

    assert (found.returncode, found.stderr) == (2, "advconv: the current directory has been deleted\n")


def test_a_check_does_without_a_current_directory(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    assert started([*ADVCONV, "check", ARCH], None, gone, gone.rmdir).returncode == 0


@pytest.mark.parametrize("words", [["new", "x"], ["emit", ARCH, "-o", "x.py"]])
def test_a_current_directory_that_cannot_be_written_is_a_line(words: list[str]) -> None:
    """Even root makes no files in /proc."""
    found = started([*ADVCONV, *words], cwd=Path("/proc"))

    assert found.returncode == 2
    assert found.stderr.startswith("advconv: x.")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("home", ["/dev/null/nobody", None])
def test_a_home_that_cannot_be_written_costs_no_line(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib, which training imports, warns that it has no place for its cache."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("HOME")
    if home:
        monkeypatch.setenv("HOME", home)
    found = started([*ADVCONV, "train", "nowhere.yaml"])

    assert found.returncode == 2
    assert found.stderr == "advconv: nowhere.yaml: No such file or directory\n"


def test_the_plainest_locale_shows_what_it_cannot_spell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "ä.yaml").write_bytes(Path(ARCH).read_bytes())
    found = started([*ADVCONV, "check", "ä.yaml", "ö\udcff.yaml"], None, tmp_path)

    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "c1c2c3c4: ok" in found.stdout


@pytest.mark.parametrize("odd", ["a\0b", "\udcff", "\x1b[31m", "x" * 100_000])
def test_odd_arguments_are_refused_in_a_line_that_a_terminal_can_show(
    odd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [
        ["check", odd],
        ["check", ARCH, "--format", odd],
        ["check", ARCH, f"--input={odd}"],
        ["explain", odd],
        ["train", odd],
        ["train", "--resume", odd],
        ["train", ARCH, "--name", odd],
        ["train", ARCH, "--lr", odd],
        ["train", ARCH, "--data", "folder", "--data-dir", odd],
        ["train", ARCH, "--data", "shapes", "--device", odd],
        ["train", ARCH, "--set", odd],
        ["train", ARCH, "--set", f"{odd}=1"],
        ["evaluate", odd],
        ["erf", odd],
        ["erf", ARCH, "-o", odd],
        ["predict", odd, odd],
        ["export", odd, "-o", f"{odd}.onnx"],
        ["export", "run", "-o", odd],
        [odd],
    ]
    for words in given:
        assert command(*words) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("advconv")
        assert len(line) < MAX_MESSAGE + 100
        assert line.isprintable() or "\udcff" in line
