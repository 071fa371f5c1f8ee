"""`advconv watch`: a process that checks a file at each change, and the server of its page."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from socket import create_connection
from threading import Thread

import pytest

from advconv.check import check
from advconv.report.page.document import notice, page
from advconv.system.page_server import ADDRESS, MAX_READERS, PageServer, ServerError
from advconv.system.watch import changes
from advconv.text.source import Source
from tests.processes import ROOT, wait_until
from tests.training import command

TEXT = "advconv: 1\nname: w\ninput: [3, 32, 32]\nnetwork:\n  C1: [conv: 16, conv: WIDTH]\n"


def network(width: int) -> str:
    return TEXT.replace("WIDTH", str(width))


def params(width: int) -> str:
    """A batch norm has two parameters a channel."""
    return f"{27 * 16 + 32 + 9 * 16 * width + 2 * width:,} params"


class Watch:
    """`advconv watch` in a process of its own, with its output in files."""

    def __init__(self, directory: Path, *words: str) -> None:
        self.paths = [directory / name for name in ("out", "err")]
        out, err = (open(path, "wb") for path in self.paths)  # noqa: SIM115
        command = [sys.executable, "-m", "advconv", "watch", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=directory, stdout=out, stderr=err, env=environment)
        out.close()
        err.close()

    @property
    def out(self) -> str:
        return self.paths[0].read_text()

    @property
    def err(self) -> str:
        return self.paths[1].read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until its output has this so many times, which must happen before it ends."""
        wait_until(lambda: (self.out + self.err).count(text) >= times or self.process.poll() is not None)
        assert self.process.poll() is None, self.err

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def watching(directory: Path, *words: str) -> Iterator[Watch]:
    watch = Watch(directory, *words)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait()


def replace(path: Path, text: str) -> None:
    """As editors save: another file takes the place of the old one."""
    path.with_suffix(".swp").write_text(text)
    path.with_suffix(".swp").replace(path)


@pytest.mark.slow
def test_each_save_is_checked_however_the_editor_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(network(16))
    with watching(tmp_path, "w.yaml") as watch:
        watch.wait_for(params(16))
        file.write_text(network(24))
        watch.wait_for(params(24))
        replace(file, network(32))
        watch.wait_for(params(32))
        file.write_text(network(24))
        os.utime(file, (0, 0))
        watch.wait_for(params(24), times=2)
        file.write_text(network(0))
        watch.wait_for("error[AC114]")
        # The report of a file goes out before the line below it.
        watch.wait_for("watching w.yaml; end with Ctrl-C\n", times=5)

        assert watch.interrupt() == 130
        assert watch.err == "advconv: interrupted\n"
    assert watch.out.count("watching w.yaml; end with Ctrl-C\n") == 5


@pytest.mark.slow
def test_a_file_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    with watching(tmp_path, "w.yaml") as watch:
        watch.wait_for("advconv: w.yaml: No such file or directory")
        file.write_text(network(16))
        watch.wait_for(params(16))
        file.unlink()
        watch.wait_for("No such file or directory", times=2)
        file.mkdir()
        watch.wait_for("advconv: w.yaml is not a regular file")
        file.rmdir()
        watch.wait_for("No such file or directory", times=3)
        file.write_text(network(24))
        watch.wait_for(params(24))

        assert watch.interrupt() == 130
        assert "Traceback" not in watch.err


@pytest.mark.slow
def test_several_files_and_their_settings_are_watched(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(network(16) + "  O: [pointwise: 8, pointwise: 8]\n")
    with watching(tmp_path, "a.yaml", "b.yaml") as watch:
        watch.wait_for("2 files; end with Ctrl-C")
        before = watch.out.count("warning[")
        (tmp_path / "pyproject.toml").write_text('[tool.advconv]\nignore = ["AC"]\n')
        watch.wait_for("2 files; end with Ctrl-C", times=2)
        assert watch.out.count("warning[") == before
        (tmp_path / "pyproject.toml").write_text('[tool.advconv]\nignore = ["XY"]\n')
        watch.wait_for("pyproject.toml: [tool.advconv]")


@pytest.mark.slow
def test_on_a_terminal_each_report_stands_at_the_top(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(network(16))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "advconv", "watch", "w.yaml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )  # fmt: skip
    os.close(theirs)
    seen = bytearray()

    def read() -> None:
        while True:
            try:
                seen.extend(os.read(ours, 4096))
            except OSError:
                return

    Thread(target=read, daemon=True).start()
    try:
        wait_until(lambda: b"end with Ctrl-C" in seen)
        file.write_text(network(24))
        wait_until(lambda: params(24).encode() in seen and seen.count(b"end with Ctrl-C") == 2)
        os.write(ours, b"\x03")

        assert process.wait(60) == 130
        wait_until(lambda: b"advconv: interrupted" in seen)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert seen.count(b"\x1b[H\x1b[2J\x1b[3J") == 2
    assert b"Traceback" not in seen


def test_a_change_while_the_caller_reads_is_found_next(tmp_path: Path) -> None:
    file = tmp_path / "f"
    steps = changes([str(file), "a\0b"])
    next(steps)
    file.write_text("a")
    next(steps)
    file.write_text("ab")
    next(steps)
    file.unlink()
    next(steps)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-"], "standard input cannot be watched; name a file"),
        (["."], ". is a directory; watch takes files"),
        (["/dev/null"], "/dev/null is not a regular file; watch takes files"),
        (["a.yaml", "b.yaml", "--page"], "--page shows one file, not 2"),
        (["a.yaml", "--port", "0"], "--port goes with --page"),
    ],
)
def test_what_cannot_be_watched_has_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("watch", *words) == 2
    assert capsys.readouterr().err == f"advconv: {line}\n"


def test_a_port_in_use_has_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with PageServer(0) as server:
        assert command("watch", "none.yaml", "--page", "--port", str(server.port)) == 2
    line = f"advconv: port {server.port}: it is in use; choose another one with --port N\n"
    assert capsys.readouterr().err == line

    assert command("watch", "none.yaml", "--page", "--port", "65536") == 2
    assert capsys.readouterr().err.endswith("65,536 is too large; use at most 65,535\n")


def shown_page(version: str) -> str:
    return page(check(Source("w.yaml", network(16))), version=version)


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(0) as started:
        started.show(shown_page)
        yield started


def answer(server: PageServer, path: str = "/", method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection(ADDRESS, server.port, timeout=60)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def test_the_server_has_the_page_and_nothing_else(server: PageServer) -> None:
    found = answer(server)

    assert (found.status, found.read().decode()) == (200, shown_page(server.version))
    assert found.headers["Content-Type"] == "text/html; charset=utf-8"
    assert found.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert found.headers["Server"] == "advconv"
    assert [answer(server, path).status for path in ("/w.yaml", "/../", "/?", "/etc/passwd")] == [404] * 4
    assert [answer(server, method=method).status for method in ("POST", "PUT", "DELETE", "OPTIONS")] == [501] * 4


@pytest.mark.parametrize("path", ["/", "/changes"])
def test_a_name_of_another_site_is_refused(path: str, server: PageServer) -> None:
    """DNS rebinding: a name that its owner lets point to this machine."""
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1", f"127.0.0.1:{server.port + 1}", ""):
        assert answer(server, path, Host=host).status == 403
    assert answer(server, Host=f"LocalHost:{server.port}").status == 200

    with create_connection((ADDRESS, server.port), timeout=60) as raw:
        raw.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.0 403 ")


def test_readers_are_told_of_each_version(server: PageServer) -> None:
    stream = answer(server, "/changes")

    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.readline() == f"data: {server.version}\n".encode()
    before = server.version
    server.show(shown_page)
    assert server.version != before
    assert [stream.readline() for _ in range(2)] == [b"\n", f"data: {server.version}\n".encode()]


def test_another_server_has_other_versions() -> None:
    with PageServer(0) as one, PageServer(0) as other:
        assert one.version != other.version


def test_readers_that_go_away_leave_room_for_others(server: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advconv.system.page_server.HEARTBEAT", 0.01)
    streams = [answer(server, "/changes") for _ in range(MAX_READERS)]
    assert answer(server, "/changes").status == 503
    for stream in streams:
        stream.close()

    wait_until(lambda: answer(server, "/changes").status == 200)


def test_a_reader_that_comes_first_waits_for_the_page() -> None:
    with PageServer(0) as server:
        found: list[bytes] = []
        reader = Thread(target=lambda: found.append(answer(server).read()))
        reader.start()
        server.show(lambda version: "there")
        reader.join(60)
    assert found == [b"there"]


def test_a_port_that_is_not_ours_is_an_error() -> None:
    with PageServer(0) as server, pytest.raises(ServerError, match="it is in use"):
        PageServer(server.port)


def test_only_a_served_page_may_ask_for_changes() -> None:
    checked = check(Source("w.yaml", network(16)))
    alone, served, missing = page(checked), page(checked, version="v1"), notice("w.yaml", "It is gone.", "v1")

    for text in (served, missing):
        assert "connect-src &#x27;self&#x27;" in text
        assert '<meta name="advconv-version" content="v1">' in text
        assert "new EventSource" in text
    assert "connect-src" not in alone
    assert "EventSource" not in alone
    assert "default-src &#x27;none&#x27;" in missing
