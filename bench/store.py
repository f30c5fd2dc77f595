"""Where points go: an address that takes them. On a host, a sink of our own that answers 204 and forgets."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORGANISATION = "seclyzer"


@dataclass(frozen=True)
class Store:
    """How an extractor is configured for it; `about` describes it in words."""

    url: str
    token: str
    about: str
    ca_file: str = ""

    def environment(self) -> dict[str, str]:
        """The extractors' variables."""
        found = {"INFLUX_URL": self.url, "INFLUX_TOKEN": self.token, "INFLUX_BUCKET": "bench"}
        return found | ({"INFLUX_CA_FILE": self.ca_file} if self.ca_file else {})


class Sink:
    """An HTTP server on the loopback that takes every write and keeps nothing."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Discard)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.store = Store(url, "none", "a sink of the bench's own on the loopback, which forgets (no TLS)")

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


class _Discard(BaseHTTPRequestHandler):
    """204 for everything, on connections that stay open."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Reads what is sent, so that the next request begins where this one ends."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is configured."""
