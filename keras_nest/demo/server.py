"""The page and its answers over HTTP, on the loopback address alone."""

from __future__ import annotations

import errno
import json
import re
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from keras_nest.demo.page import html
from keras_nest.demo.session import Session
from keras_nest.errors import NestError

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
# Nothing but what the page itself holds, and answers of this server.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAMPLE = re.compile(r"/sample/([0-9]{1,9})")
_PREDICT = re.compile(r"/predict/([0-9]{1,9})/([0-9]{1,2})")


class DemoServer(ThreadingHTTPServer):
    """Serves one session until `shutdown`.

    Threads, as a browser opens connections ahead that would block the others.

    Args:
        session: The model and its samples.
        port: 0 takes a free one.

    Attributes:
        url: Where the page is.

    Raises:
        NestError: If the port is taken, or not allowed.
    """

    daemon_threads = True

    def __init__(self, session: Session, port: int = 0):
        self.session = session
        self.page = html(session).encode()
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise NestError(
                f"Expected a free port to listen on. Received: {port}, which "
                f"{'something else uses' if taken else f'failed: {error.strerror}'}",
                hint="Name another one (--port 8765), or let the system pick one: "
                "--port 0.",
            ) from error
        port = self.server_port
        self.hosts = {f"{name}:{port}" for name in _NAMES}
        if port == 80:  # browsers leave it away
            self.hosts |= set(_NAMES)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    """GET of the page, of a sample and of a prediction; all else is refused.

    Paths are matched, never looked up: no request reaches the file system.
    """

    server: DemoServer
    server_version, sys_version = "keras-nest", ""
    timeout = 30  # seconds that a connection may stay silent

    def do_GET(self) -> None:
        # A page from elsewhere may have its own name lead here (DNS rebinding).
        if self.headers.get("Host") not in self.server.hosts:
            self._refuse(
                HTTPStatus.MISDIRECTED_REQUEST, "Expected a request to " + HOST
            )
            return
        session = self.server.session
        if self.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
            return
        try:
            if found := _SAMPLE.fullmatch(self.path):
                self._answer(session.sample(int(found[1])))
            elif found := _PREDICT.fullmatch(self.path):
                self._answer(session.predict(int(found[1]), int(found[2])))
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "Expected a path of this page")
        except NestError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: stderr is TFLM's while it runs."""

    def _answer(self, facts: dict[str, Any]) -> None:
        self._send(HTTPStatus.OK, "application/json", json.dumps(facts).encode())

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        content = json.dumps({"message": message}).encode()
        self._send(status, "application/json", content)

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)
