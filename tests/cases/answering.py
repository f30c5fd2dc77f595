"""A server on the loopback that answers every request as a case of answers.json says."""

import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

STORED: dict[str, Any] = {"status": 204, "means": "stored"}


class Answering:
    """`case` may be replaced at any time; `asked` counts requests, `lines` what came with those that were stored."""

    def __init__(self, case: dict[str, Any], tls: ssl.SSLContext | None = None) -> None:
        self.case = case
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer()

            def answer(self) -> None:
                outer.asked += 1
                case = outer.case
                body = case.get("body", "").encode()
                self.send_response(case["status"])
                if "type" in case:
                    self.send_header("Content-Type", case["type"])
                if case["status"] not in (204, 304):
                    self.send_header("Content-Length", str(len(body)))
                if case["status"] // 100 == 3:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            # Whoever shakes hands and is not trusted must not hold up the next one.
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> "Answering":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
