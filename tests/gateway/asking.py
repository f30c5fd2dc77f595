"""Requests to the gateway, as bytes and as HTTP, and what came back."""

import http.client
import json
import re
import socket
from dataclasses import dataclass
from typing import Any

BUCKET = "behavioral_data"
WRITE = f"/api/v2/write?org=seclyzer&bucket={BUCKET}&precision=us"
QUERY = "/api/v2/query?org=seclyzer"
SECONDS = 20.0
QUIET = 4.0


@dataclass(frozen=True)
class Answer:
    """An answer; `body` is its JSON, None when it is none."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def body(self) -> Any:
        """The JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


def ask(port: int, method: str, path: str, body: bytes = b"", token: str | None = None, **headers: str) -> Answer:
    """One request on a connection of its own. Underscores in the names of headers are hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        named["Authorization"] = f"Token {token}"
    try:
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode(errors="replace"), dict(answer.headers))
    finally:
        connection.close()


def raw(port: int, sent: bytes) -> bytes:
    """All that comes back for these bytes, until the gateway closes or is quiet for a while."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as plain:
        plain.sendall(sent)
        plain.settimeout(QUIET)
        came = b""
        try:
            while data := plain.recv(65536):
                came += data
        except OSError:
            pass
        return came


def statuses(came: bytes) -> list[int]:
    """The statuses of the answers in what came back."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", came)]


def line(host: str = "edge1", measurement: str = "keystroke_features", at: int = 1_700_000_000_000_000) -> bytes:
    """A line as an extractor writes it, but for most of its fields."""
    tags = f"user_id=default,device_id=keyboard_0,host={host}"
    return f'{measurement},{tags} dwell_mean=81.5,dev_mode=0.0,implementation="rust",schema=2i {at}'.encode()
