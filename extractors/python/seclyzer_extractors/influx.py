"""One InfluxDB 2, written to by HTTP: one keep-alive connection, gzip, a deadline for each whole answer."""

import http.client
import json
import re
import time
import zlib
from typing import NamedTuple
from urllib.parse import quote

from . import schema, waits
from .config import Settings
from .config.address import influx_where, parse_influx_url
from .dependency import reason_of
from .http import Wire, dial, dial_unix, left

GZIP_FROM = 1024  # bytes; below, compressing costs more than it saves
MAX_ANSWER = 65536
LONGEST_RETRY_AFTER_S = 3600.0
CONNECT_S = waits.seconds("influx_connect")
NO_HTTP = "does not speak HTTP"
UNREACHABLE = (OSError, http.client.HTTPException, UnicodeError)  # the last for what is no host name


class InfluxAway(Exception):
    """InfluxDB gave no answer. The message says where and why."""


class Answer(NamedTuple):
    """An HTTP answer; `retry_after` in seconds, `own`: its body is JSON of InfluxDB's shape."""

    status: int
    message: str
    retry_after: float
    own: bool = False

    @property
    def settles(self) -> bool:
        """Whether InfluxDB has taken the points. A proxy's page is also a success, and the points would be nowhere."""
        return self.status == 204 or (self.status in (200, 206) and self.own)

    @property
    def foreign(self) -> bool:
        """Whether InfluxDB 2 never answers a write so: something else listens at the address."""
        return 200 <= self.status < 400 and not self.settles

    @property
    def dropped(self) -> int:
        """How many points of a partial write were refused."""
        found = re.search(r"dropped=([0-9]{1,9})", self.message)
        return int(found[1]) if found else int(self.status == 422)


class InfluxDB:
    """Not for several threads at once."""

    def __init__(self, settings: Settings) -> None:
        address = parse_influx_url(settings.influx_url)
        self._host, self._port, self._tls = address.host, address.port, address.tls
        self._socket = settings.influx_socket
        self.where = influx_where(settings.influx_url, settings.influx_socket)
        self._ca_file = settings.influx_ca_file
        where = f"org={quote(settings.influx_org, safe='')}&bucket={quote(settings.influx_bucket, safe='')}"
        self._path = f"{address.prefix}/api/v2/write?{where}&precision=us"
        self._headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "User-Agent": f"seclyzer-extractors/{schema.version()}",
        }
        if settings.influx_token:
            self._headers["Authorization"] = f"Token {settings.influx_token}"
        self._wire: Wire | None = None  # kept from one request to the next

    def write(self, lines: bytes, timeout_s: float) -> Answer:
        """Sends lines of line protocol; InfluxAway when no whole answer comes in time."""
        deadline = time.monotonic() + timeout_s
        headers = dict(self._headers)
        if len(lines) >= GZIP_FROM:
            compress = zlib.compressobj(level=1, wbits=31)  # 31: gzip's own header and trailer
            lines = compress.compress(lines) + compress.flush()
            headers["Content-Encoding"] = "gzip"
        if self._wire is not None and not self._wire.is_quiet():
            self.close()
        reused = self._wire is not None
        try:
            return self._ask(lines, headers, deadline)
        except (ConnectionError, http.client.BadStatusLine) as error:
            self.close()
            if not reused:
                raise self._away(error) from None
        except UNREACHABLE as error:
            self.close()
            raise self._away(error) from None
        # It closed a connection that had been idle: the same again on a new one does no harm.
        try:
            return self._ask(lines, headers, deadline)
        except UNREACHABLE as error:
            self.close()
            raise self._away(error) from None

    def _away(self, error: Exception) -> InfluxAway:
        return InfluxAway(f"{self.where}: {reason_of(error, http.client.HTTPException, NO_HTTP)}")

    def _ask(self, body: bytes, headers: dict[str, str], deadline: float) -> Answer:
        wire = self._wire = self._wire or self._connect(deadline)
        wire.deadline, wire.in_head = deadline, True
        # It keeps nothing from one request to the next, and connects to nothing by itself.
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = wire
        connection.response_class = _Response
        try:
            connection.request("POST", self._path, body, headers)
        except ConnectionError:  # what it does not read to the end it may have answered nevertheless
            response = _answer_or_none(connection)
            if response is None:
                raise
        else:
            response = connection.getresponse()
        wire.in_head = False
        try:
            answer_body = response.read(MAX_ANSWER)
        except UNREACHABLE:  # the status is all that counts
            answer_body = b""
        if not response.isclosed() or response.will_close:
            self.close()
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        message, own = _message(answer_body)
        own = own and kind == "application/json"
        return Answer(response.status, message, _retry_after(response.getheader("Retry-After")), own)

    def _connect(self, deadline: float) -> Wire:
        by = min(deadline, time.monotonic() + CONNECT_S)
        plain = dial_unix(self._socket, by) if self._socket else dial(self._host, self._port, by)
        if not self._tls:
            return Wire(plain, deadline)
        import ssl

        from . import tls

        try:
            context = tls.context(self._ca_file)
            plain.settimeout(left(by))
            return Wire(context.wrap_socket(plain, server_hostname=self._host), deadline)
        except ssl.SSLEOFError:
            plain.close()
            raise ConnectionResetError from None
        except (ssl.SSLError, ValueError) as error:
            plain.close()
            raise InfluxAway(f"{self.where}: {tls.words(error, self._host)}") from None
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class _Response(http.client.HTTPResponse):
    """Passes over every 1xx, as over `100 Continue`: the answer comes after it."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, http.client.CONTINUE if 100 <= status < 200 else status, reason


def _answer_or_none(connection: http.client.HTTPConnection) -> http.client.HTTPResponse | None:
    try:
        return connection.getresponse()
    except UNREACHABLE:
        return None


def _message(answer_body: bytes) -> tuple[str, bool]:
    """The message in InfluxDB's JSON, and True; of anything else (a proxy's page) the beginning."""
    text = answer_body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
        message, code = document["message"], document.get("code")
    except (ValueError, KeyError, TypeError, RecursionError):
        return text[:100].strip(), False
    return str(message), isinstance(message, str) and isinstance(code, str)


def _retry_after(value: str | None) -> float:
    """Seconds, from a number of them or a date; 0.0 when there is none."""
    if value is None:
        return 0.0
    digits = value.strip(" \t")  # `strip()` alone also takes off what `float` refuses, as \x1f
    if digits.isdecimal():
        seconds = float(digits)
    else:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_S)
