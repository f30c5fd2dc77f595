"""One InfluxDB 2, written to by HTTP: one keep-alive connection, gzip, a deadline for each answer."""

import http.client
import json
import time
import zlib
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from . import schema
from .config import Settings

GZIP_FROM = 1024  # bytes; below, compressing costs more than it saves
MAX_ANSWER = 65536
LONGEST_RETRY_AFTER_S = 3600.0
UNREACHABLE = (OSError, http.client.HTTPException, UnicodeError)  # the last for what is no host name


class InfluxAway(Exception):
    """InfluxDB gave no answer. The message says why."""


class Answer(NamedTuple):
    """What InfluxDB said; `retry_after` in seconds."""

    status: int
    message: str
    retry_after: float


class InfluxDB:
    """Not for several threads at once."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.influx_url)
        self._host = url.hostname or ""
        self._port = url.port
        self._tls = url.scheme == "https"
        self._ca_file = settings.influx_ca_file or None
        where = f"org={quote(settings.influx_org, safe='')}&bucket={quote(settings.influx_bucket, safe='')}"
        self._path = f"{url.path}/api/v2/write?{where}&precision=us"
        self._headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "User-Agent": f"seclyzer-extractors/{schema.version()}",
        }
        if settings.influx_token:
            self._headers["Authorization"] = f"Token {settings.influx_token}"
        self._connection: http.client.HTTPConnection | None = None

    def write(self, lines: bytes, timeout_s: float) -> Answer:
        """Sends lines of line protocol; InfluxAway when no answer comes in time."""
        headers = dict(self._headers)
        if len(lines) >= GZIP_FROM:
            compress = zlib.compressobj(level=1, wbits=31)  # 31: gzip's own header and trailer
            lines = compress.compress(lines) + compress.flush()
            headers["Content-Encoding"] = "gzip"
        reused = self._connection is not None
        try:
            return self._ask(lines, headers, timeout_s)
        except (ConnectionError, http.client.BadStatusLine) as error:
            self.close()
            if not reused:
                raise InfluxAway(_reason(error)) from None
        except UNREACHABLE as error:
            self.close()
            raise InfluxAway(_reason(error)) from None
        # It closed a connection that had been idle: the same again on a new one does no harm.
        try:
            return self._ask(lines, headers, timeout_s)
        except UNREACHABLE as error:
            self.close()
            raise InfluxAway(_reason(error)) from None

    def _ask(self, body: bytes, headers: dict[str, str], timeout_s: float) -> Answer:
        deadline = time.monotonic() + timeout_s
        connection = self._connection = self._connection or self._connect(timeout_s)
        if connection.sock is None:
            connection.timeout = timeout_s
            connection.connect()
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        connection.request("POST", self._path, body, headers)
        connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
        response = connection.getresponse()
        said = response.read(MAX_ANSWER)
        if not response.isclosed():
            self.close()
        return Answer(response.status, _message(said), _retry_after(response.getheader("Retry-After")))

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if not self._tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        import ssl

        context = ssl.create_default_context(cafile=self._ca_file)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=context)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _message(said: bytes) -> str:
    """The message in InfluxDB's JSON; of anything else (a proxy's page) the beginning."""
    text = said.decode("utf-8", "replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return text[:100].strip()


def _retry_after(value: str | None) -> float:
    """Seconds, from a number of them or a date; 0.0 when there is none."""
    if value is None:
        return 0.0
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_S)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
