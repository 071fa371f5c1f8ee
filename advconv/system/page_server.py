"""A server of one page on this machine, which tells its readers when the page has changed."""

import errno
import os
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from types import TracebackType
from typing import Any, Self

from advconv.system.files import reason

ADDRESS = "127.0.0.1"
"""Other machines cannot connect."""

PAGE, CHANGES = "/", "/changes"

HEARTBEAT = 10.0
"""Seconds between two signs of life to a reader; writing one shows whether it is still there."""

MAX_READERS = 50
"""Open connections that wait for changes, each with a thread."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ServerError(Exception):
    """The server cannot start; the text has the port and the reason."""


class PageServer:
    """Serves what `show` was last given, while the context lasts. Port 0 is any free one. Raises ServerError."""

    def __init__(self, port: int) -> None:
        self.changed = Condition()
        # Another server on the same port has other versions, so that its readers load the page anew.
        self.start, self.count, self.page = os.urandom(8).hex(), 0, b""
        try:
            self.server = _Server((ADDRESS, port), self)
        except OSError as problem:
            what = "it is in use" if problem.errno == errno.EADDRINUSE else reason(problem)
            raise ServerError(f"port {port}: {what}; choose another one with --port N") from None
        self.port = int(self.server.server_address[1])
        # Browsers leave the default port of HTTP out.
        end = "" if self.port == 80 else f":{self.port}"
        self.hosts = {f"{name}{end}" for name in (ADDRESS, "localhost")}

    def __enter__(self) -> Self:
        Thread(target=self.server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, place: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}/"

    @property
    def version(self) -> str:
        return f"{self.start}-{self.count}"

    def show(self, page: Callable[[str], str]) -> None:
        """Replaces the page by that of a new version, and tells its readers."""
        with self.changed:
            self.count += 1
            self.page = page(self.version).encode("utf-8", "backslashreplace")
            self.changed.notify_all()

    def page_now(self) -> bytes:
        """The page, as soon as there is one."""
        with self.changed:
            self.changed.wait_for(lambda: self.page)
            return self.page

    def version_after(self, version: str) -> str:
        """The version as soon as it is another one, or after a heartbeat the same."""
        with self.changed:
            self.changed.wait_for(lambda: self.version != version, HEARTBEAT)
            return self.version


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], page_server: PageServer) -> None:
        self.page_server, self.readers = page_server, 0
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A reader that has gone away is no error.
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        if self.headers.get("Host", "").lower() not in self.server.page_server.hosts:
            # A name of another site that leads to this machine (DNS rebinding) would let that site read the page.
            self._refuse(HTTPStatus.FORBIDDEN)
        elif self.path == PAGE:
            self._send(self.server.page_server.page_now())
        elif self.path == CHANGES:
            self._stream()
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _send(self, content: bytes) -> None:
        self._start(HTTPStatus.OK, "text/html; charset=utf-8", len(content))
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus) -> None:
        content = f"{status.value} {status.phrase}\n".encode()
        self._start(status, "text/plain; charset=utf-8", len(content))
        self.wfile.write(content)

    def _start(self, status: HTTPStatus, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self) -> None:
        """The version, and each later one, as server-sent events, until the reader goes away."""
        server = self.server
        if server.readers >= MAX_READERS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        server.readers += 1
        try:
            self._start(HTTPStatus.OK, "text/event-stream")
            version = ""
            while True:
                before, version = version, server.page_server.version_after(version)
                self.wfile.write(f"data: {version}\n\n".encode() if version != before else b":\n\n")
        finally:
            server.readers -= 1

    def version_string(self) -> str:
        return "advconv"

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the terminal, which has the report."""
