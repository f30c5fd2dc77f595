"""What the InfluxDB modules share: InfluxDB 2's HTTP interface, with the standard library only."""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from . import credentials, direct, files, safe_url, tls
from .layout import Refused

CALL_SECONDS = 10.0
PAUSE_SECONDS = 0.2
HOST_HEADER = "X-SecLyzer-Host"
STREAMS = ("text/csv", "application/octet-stream", "text/plain")
"""The types of what InfluxDB streams."""

Arguments = dict[str, dict[str, Any]]

PLACE: Arguments = {
    "url": {"type": "str", "required": True},
    "org": {"type": "str", "default": "seclyzer"},
    "bucket": {"type": "str", "default": "behavioral_data"},
    "ca_path": {"type": "path", "default": "/etc/seclyzer/influx-ca.crt"},
}
CA: Arguments = {
    "ca_content": {"type": "str", "default": ""},
    "ca_remote": {"type": "str", "default": ""},
}
OPERATOR: Arguments = {
    "operator_token_file": {
        "type": "path",
        "default": "/etc/seclyzer/credentials/influx-operator-token",
        "no_log": False,
    },
}
"""Options that the modules share; plugins/doc_fragments/influxdb.py tells what they mean."""


GATEWAYS = {"read": "seclyzer read", "write": "seclyzer gateway write"}
"""How the gateway's token for each action is described in InfluxDB."""


class Away(Exception):
    """InfluxDB could not be reached; the text says why."""


class Withheld(Away):
    """In check mode no token leaves the host, so there is no answer."""


class UnknownToken(Refused):
    """InfluxDB does not know the token."""


@dataclass(frozen=True)
class Answer:
    """An HTTP status, the JSON that came with it (None when there was none), and the host that a gateway names."""

    status: int
    body: Any
    host: str = ""


@dataclass(frozen=True)
class Bucket:
    """A bucket, by the ids of itself and of its organisation. `seconds` is how long it keeps its points, 0 for ever."""

    id: str
    org_id: str
    seconds: int

    def permission(self, action: str) -> dict[str, Any]:
        """The right to `read` or `write` this bucket's points."""
        return {"action": action, "resource": {"type": "buckets", "id": self.id, "orgID": self.org_id}}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like others: urllib would send the token on to wherever it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class InfluxDB:
    """One InfluxDB, at a URL such as `https://store:8086`. Without a CA's text the CAs of the host are trusted.

    A `dry` one sends no token to another host than this one. Raises Refused for a URL that no token may go to.
    `seconds` is how long it may be silent.
    """

    url: str
    ca: str = ""
    dry: bool = False
    seconds: float = CALL_SECONDS
    _opener: urllib.request.OpenerDirector = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if fault := safe_url.fault(self.url):
            raise Refused(f"the URL of InfluxDB {fault}")
        self.url = safe_url.normal(self.url)
        self._opener = direct.opener(self._context() if self.url.startswith("https:") else None, _NoRedirects())

    def call(self, method: str, path: str, token: str = "", body: Any = None, **query: str) -> Answer:
        """Send one request. Raises Away when there is no answer, Refused when the server is a stranger."""
        address = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        try:
            with self._open(method, address, token, body) as response:
                return Answer(response.status, json_of(response.read()), response.headers.get(HOST_HEADER, ""))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json_of(error.read()))
        except OSError as error:
            raise Away(str(error)) from error

    def certificate(self) -> bytes:
        """The server's certificate (DER), of a connection by which nothing is sent; empty without one."""
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme != "https" or parts.hostname is None:
            return b""
        try:
            plain = socket.create_connection((parts.hostname, parts.port or 443), self.seconds)
            with plain, self._context().wrap_socket(plain, server_hostname=parts.hostname) as connection:
                return connection.getpeercert(True) or b""
        except OSError:
            return b""

    def stream(self, method: str, path: str, token: str, body: Any) -> IO[bytes]:
        """The body of an answer, to be read bit by bit. Raises Away, or Refused with InfluxDB's message."""
        try:
            answer: IO[bytes] = self._open(method, self.url + path, token, body)
        except urllib.error.HTTPError as error:
            output = json_of(error.read())
            message = output.get("message", "") if isinstance(output, dict) else ""
            where = path.partition("?")[0]
            if error.code < 400:
                raise Refused(self.foreign(method, where, error.code)) from error
            raise Refused(f"InfluxDB at {self.url} refuses {method} {where} ({error.code}): {message}") from error
        if answer.status != 200 or answer.headers.get_content_type() not in STREAMS:  # type: ignore[attr-defined]
            raise Refused(self.foreign(method, path.partition("?")[0], answer.status))  # type: ignore[attr-defined]
        return answer

    def _open(self, method: str, address: str, token: str, body: Any) -> Any:
        """Send one request. Raises HTTPError for what is no success, Away, Refused."""
        if token and self.dry and not safe_url.is_loopback(self.url):
            raise Withheld("in check mode no token leaves this host")
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data, method=method)
        if token:
            request.add_header("Authorization", f"Token {token}")
        if data is not None and data is not body:
            request.add_header("Content-Type", "application/json")
        try:
            return self._opener.open(request, timeout=self.seconds)
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                host = urllib.parse.urlsplit(self.url).hostname or ""
                raise Refused(f"{self.url} is not trusted: {tls.words(error.reason, host)}") from error
            raise Away(str(error.reason)) from error
        except OSError as error:
            raise Away(str(error)) from error

    def wait(self, seconds: float) -> None:
        """Wait until it is ready for queries and writes. Raises Away with the last reason when the time is over."""
        until = time.monotonic() + seconds
        while True:
            try:
                answer = self.call("GET", "/health")
                reason = f"it answers {answer.status}"
                if answer.status == 200 and is_health(answer.body):
                    return
                if answer.status < 400:
                    reason = self.foreign("GET", "/health", answer.status)
            except Away as error:
                reason = str(error)
            if time.monotonic() >= until:
                raise Away(reason)
            time.sleep(PAUSE_SECONDS)

    def bucket(self, token: str, org: str, name: str) -> Bucket | None:
        """A bucket that this token may see, by name; None when there is none. Raises UnknownToken."""
        answer = self.call("GET", "/api/v2/buckets", token, org=org, name=name)
        if answer.status == 401:
            raise UnknownToken(f"InfluxDB at {self.url} does not know the token")
        if answer.status < 400 and (answer.status != 200 or not isinstance(answer.body, dict)):
            raise Refused(self.foreign("GET", "/api/v2/buckets", answer.status))
        found = answer.body["buckets"] if answer.status == 200 else []
        if not found:
            return None
        seconds = sum(rule["everySeconds"] for rule in found[0]["retentionRules"] if rule["type"] == "expire")
        return Bucket(found[0]["id"], found[0]["orgID"], seconds)

    def accepts_writes(self, token: str, org: str, bucket: str) -> int:
        """The status of writing nothing: 204 is good, 401 an unknown token, 403 no permission, 404 no such bucket."""
        return self.writes_nothing(token, org, bucket).status

    def writes_nothing(self, token: str, org: str, bucket: str) -> Answer:
        """The answer to writing nothing; by way of the gateway it says for which host the token is."""
        answer = self.call("POST", "/api/v2/write", token, b"", org=org, bucket=bucket, precision="us")
        if answer.status < 400 and answer.status != 204:
            raise Refused(self.foreign("POST", "/api/v2/write", answer.status))
        return answer

    def make_token(self, operator: str, org_id: str, description: str, permissions: list[Any]) -> tuple[str, str]:
        """Make a token; returns it and its id. It can be read this one time only."""
        wish = {"orgID": org_id, "description": description, "permissions": permissions}
        made = self.must("POST", "/api/v2/authorizations", operator, wish)
        return made["token"], made["id"]

    def forget_tokens(self, operator: str, description: str, keep: str) -> int:
        """Delete the tokens of this description but the one with the id `keep`; returns how many there were."""
        stale = [one["id"] for one in self.tokens(operator) if one["description"] == description and one["id"] != keep]
        for found in stale:
            self.must("DELETE", f"/api/v2/authorizations/{found}", operator)
        return len(stale)

    def tokens(self, operator: str) -> list[Any]:
        """What InfluxDB tells of all its tokens; never the tokens themselves."""
        found: list[Any] = self.must("GET", "/api/v2/authorizations", operator)["authorizations"]
        return found

    def must(self, method: str, path: str, token: str = "", body: Any = None, **query: str) -> Any:
        """Send a request that has to succeed; returns its JSON. Raises Refused with InfluxDB's message."""
        answer = self.call(method, path, token, body, **query)
        if answer.status < 400 and answer.status != 204 and (answer.status >= 300 or not isinstance(answer.body, dict)):
            raise Refused(self.foreign(method, path, answer.status))
        if answer.status >= 300:
            message = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
            raise Refused(f"InfluxDB at {self.url} refuses {method} {path} ({answer.status}): {message}")
        return answer.body

    def foreign(self, method: str, path: str, status: int) -> str:
        """The message about an answer that InfluxDB 2 never gives, such as that of a proxy."""
        return f"{self.url} answers {method} {path} with {status} as no InfluxDB 2 does: check influxdb_url"

    def _context(self) -> ssl.SSLContext:
        try:
            return tls.context_of(self.ca.encode("utf-8", "surrogateescape") or None)
        except ValueError as error:
            raise Refused(
                f"the CA for {self.url} cannot be read: {error} (influxdb_ca_file, influxdb_ca_remote)"
            ) from error


def read_ca(content: str, remote: str) -> str:
    """The CA to trust, given as a text or as a file of the host; empty when neither is given.

    Its PEM blocks are all that is kept, whatever stands around them; what has none is judged where it is used.
    """
    data = content.encode("utf-8", "surrogateescape")
    if not content and remote:
        try:
            data = Path(remote).read_bytes()
        except OSError as error:
            raise Refused(f"influxdb_ca_remote names {remote}, which the host cannot read: {error.strerror}") from error
        if not data:
            raise Refused(f"influxdb_ca_remote names {remote}: it holds no certificate")
    blocks = [found[0].decode("ascii", "replace").split("\n") for found in tls.BLOCK.finditer(data)]
    blocks = blocks or [data.decode("utf-8", "replace").rstrip("\n").split("\n")] if data else []
    return "".join(f"{line.strip()}\n" for lines in blocks for line in lines)


def keep_ca(path: Path, ca: str, *, dry: bool) -> bool:
    """Put the CA, when there is one, where all on this host who reach InfluxDB look for it; True when it was not so."""
    if not ca:
        return False
    if not dry and not path.parent.exists():
        files.make_folder(path.parent)
    return credentials.keep(path, ca, 0o644, dry=dry)


def is_health(body: Any) -> bool:
    """Whether this is InfluxDB's report of its health, and not a page of another server."""
    return isinstance(body, dict) and isinstance(body.get("status"), str) and body.get("name", "influxdb") == "influxdb"


def json_of(data: bytes) -> Any:
    """What JSON holds; None for what is none."""
    try:
        return json.loads(data)
    except ValueError:
        return None
