"""HTTP/1.1 as the agent speaks it: GET and HEAD, answered whole. `httptools` reads requests, this writes answers.

A request with a body is answered without it, and its connection ends: nothing of a body is ever taken for a request.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httptools

MOST_HEADERS = 64
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""Every status that is answered, in words."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_FIELDS = 32
"""Of a query."""


class Malformed(Exception):
    """What came is no request that is answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body. `headers` holds each name, in small letters, with its values in their order.

    `last`: its connection ends with the answer.
    """

    method: str
    target: str
    headers: Mapping[str, tuple[str, ...]]
    last: bool

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return self.target.partition("?")[2]

    def fields(self) -> dict[str, list[str]]:
        """The query's names and values; none when there are too many."""
        try:
            return parse_qs(self.query, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
        except ValueError:
            return {}

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, by its name in small letters."""
        return self.headers.get(name, ())


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. `headers` are those beside Content-Type, Content-Length, Date and Connection."""

    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def words(status: int, text: str, **headers: str) -> Response:
        """An answer of one line for a person; an underscore of a header's name stands for a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(status, f"{text}\n".encode(), headers=named)


class Requests:
    """Reads requests from bytes, as they come. `take` gives those that are whole."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._target, self._headers = b"", list[tuple[bytes, bytes]]()
        self._found: list[Request] = []
        self._ended = False

    def take(self, data: bytes) -> list[Request]:
        """The requests that these bytes complete; after one that is the last there are none. Raises Malformed."""
        if self._ended:
            return []
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ended = True  # another protocol would follow, which is not spoken here
        except httptools.HttpParserError:
            if not self._ended:
                raise Malformed from None
        found, self._found = self._found, []
        return found

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target, self._headers = b"", []

    def on_url(self, part: bytes) -> None:
        """Part of its target."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        if len(self._headers) >= MOST_HEADERS:
            raise Malformed
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """All of it is there but for a body."""
        if self._ended:
            return
        headers: dict[str, tuple[str, ...]] = {}
        for name, value in self._headers:
            key = _text(name).lower()
            headers[key] = (*headers.get(key, ()), _text(value))
        lengths = headers.get("content-length", ())
        body = "transfer-encoding" in headers or any(length.strip() != "0" for length in lengths)
        last = body or self._parser.should_upgrade() or not self._parser.should_keep_alive()
        self._ended = last
        self._found.append(Request(_text(self._parser.get_method()), _text(self._target), headers, last))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def date(now: float) -> str:
    """A time (Unix s) as HTTP has it; `email.utils`, which knows that as well, is a quarter of a MiB."""
    t = time.gmtime(now)
    day, month = DAYS[t.tm_wday], MONTHS[t.tm_mon - 1]
    return f"{day}, {t.tm_mday:02} {month} {t.tm_year:04} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"


def written(response: Response, request: Request, now: float) -> bytes:
    """The bytes of an answer to a request; `now` in Unix s."""
    lines = [
        f"HTTP/1.1 {response.status} {REASONS[response.status]}",
        f"Content-Type: {response.kind}",
        f"Content-Length: {len(response.body)}",
        f"Date: {date(now)}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    if request.last:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    return head if request.method == "HEAD" else head + response.body
