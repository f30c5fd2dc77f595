"""What the InfluxDB modules share: InfluxDB 2's HTTP interface, with the standard library only."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from . import credentials, direct, files, safe_url
from .layout import Refused

CALL_SECONDS = 10.0
PAUSE_SECONDS = 0.2
HOST_HEADER = "X-SecLyzer-Host"

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
        self._opener = direct.opener(self._context() if self.url.startswith("https:") else None, _NoRedirects())

    def call(self, method: str, path: str, token: str = "", body: Any = None, **query: str) -> Answer:
        """Send one request. Raises Away when there is no answer, Refused when the server is a stranger."""
        address = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        try:
            with self._open(method, address, token, body) as response:
                return Answer(response.status, _json(response.read()), response.headers.get(HOST_HEADER, ""))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()))
        except OSError as error:
            raise Away(str(error)) from error

    def stream(self, method: str, path: str, token: str, body: Any) -> IO[bytes]:
        """The body of an answer, to be read bit by bit. Raises Away, or Refused with what InfluxDB said."""
        try:
            answer: IO[bytes] = self._open(method, self.url + path, token, body)
        except urllib.error.HTTPError as error:
            said = _json(error.read())
            told = said.get("message", "") if isinstance(said, dict) else ""
            where = path.partition("?")[0]
            raise Refused(f"InfluxDB at {self.url} refuses {method} {where} ({error.code}): {told}") from error
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
                raise Refused(f"the certificate of {self.url} is not trusted: {error.reason.verify_message}") from error
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
            except Away as error:
                answer, reason = Answer(0, None), str(error)
            if answer.status == 200:
                return
            if time.monotonic() >= until:
                raise Away(reason)
            time.sleep(PAUSE_SECONDS)

    def bucket(self, token: str, org: str, name: str) -> Bucket | None:
        """A bucket that this token may see, by name; None when there is none. Raises UnknownToken."""
        answer = self.call("GET", "/api/v2/buckets", token, org=org, name=name)
        if answer.status == 401:
            raise UnknownToken(f"InfluxDB at {self.url} does not know the token")
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
        return self.call("POST", "/api/v2/write", token, b"", org=org, bucket=bucket, precision="us")

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
        """Send a request that has to succeed; returns its JSON. Raises Refused with what InfluxDB said."""
        answer = self.call(method, path, token, body, **query)
        if answer.status >= 300:
            told = answer.body.get("message", "") if isinstance(answer.body, dict) else ""
            raise Refused(f"InfluxDB at {self.url} refuses {method} {path} ({answer.status}): {told}")
        return answer.body

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cadata=self.ca or None)
        except (ssl.SSLError, ValueError) as error:
            raise Refused(f"the CA for {self.url} cannot be read: {error}") from error


def read_ca(content: str, remote: str) -> str:
    """The text of the CA to trust, given as a text or as a file of the host; empty when neither is given."""
    text = content or (files.read(Path(remote)) if remote else "")
    if text is None:
        raise Refused(f"influxdb_ca_remote names {remote}, and the host has no such file")
    return text.rstrip("\n") + "\n" if text else ""


def keep_ca(path: Path, ca: str, *, dry: bool) -> bool:
    """Put the CA, when there is one, where all on this host who reach InfluxDB look for it; True when it was not so."""
    if not ca:
        return False
    if not dry and not path.parent.exists():
        files.make_folder(path.parent)
    return credentials.keep(path, ca, 0o644, dry=dry)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
