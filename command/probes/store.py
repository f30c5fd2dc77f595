"""The store as this host reaches it: whether it answers, what its certificate says, and whether a write is taken.

The write is one of nothing, with the token that the extractors have: it proves the right to write and stores nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as Socket

from plugins.module_utils import by_socket, credentials, tls
from plugins.module_utils.layout import Refused
from seclyzer_agent.checks import certificate, points
from seclyzer_agent.model import Entry, Status

from ..host import Host
from .seen import Seen

TOKEN = Path("/etc/seclyzer/credentials/influx-write-token")
VERDICT = Path("/var/lib/influxdb-watch/verdict.json")
SECONDS = 5.0
DAYS = 30.0
"""A certificate that is good for fewer is a warning."""
DEFAULTS = {"influx_org": "seclyzer", "influx_bucket": "behavioral_data"}
FAULTS = {
    401: ("store-token", "InfluxDB does not know this host's token (401)"),
    403: ("store-token", "this host's token may not write there (403)"),
    404: ("store-bucket", "there is no such organisation or bucket (404)"),
}


@dataclass(frozen=True)
class Way:
    """How the store is reached: its URL, the socket that leads there, the file of the CA, and where points go."""

    url: str
    socket: str
    ca: str
    org: str = DEFAULTS["influx_org"]
    bucket: str = DEFAULTS["influx_bucket"]

    @property
    def name(self) -> str:
        """The store's name, which its certificate has to show."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    @property
    def is_tls(self) -> bool:
        """Whether it is reached by TLS."""
        return self.url.startswith("https:")

    def connect(self, trusting: bool = False) -> Socket:
        """A connection, in TLS where the URL says so; `trusting` takes any certificate. Raises OSError."""
        plain = Socket(AF_UNIX, SOCK_STREAM)
        plain.settimeout(SECONDS)
        try:
            plain.connect(self.socket)
            if not self.is_tls:
                return plain
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if trusting else tls.context(self.ca)
            if trusting:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context.wrap_socket(plain, server_hostname=self.name)
        except BaseException:
            plain.close()
            raise


def way(host: Host) -> Way | None:
    """By the running deployment; None where it names no store, or this user may not know."""
    probes = host.probes
    if not probes.get("influx_url") or not probes.get("influx_socket"):
        return None
    place = dict(DEFAULTS)
    with contextlib.suppress(OSError):
        for line in (host.layout.current / "config" / "keystroke.yaml").read_text().splitlines():
            if found := re.match(r"(influx_org|influx_bucket): (\S.*)", line):
                place[found[1]] = str(json.loads(found[2])) if found[2].startswith('"') else found[2]
    where = str(probes["influx_url"]).rstrip("/"), str(probes["influx_socket"]), str(probes.get("influx_ca_file") or "")
    return Way(*where, place["influx_org"], place["influx_bucket"])


def look(host: Host) -> Iterator[Seen]:
    """Entries of the checks `influxdb`, `certificate` and `points`, for root."""
    if host.is_store:
        yield from _points()
    found = way(host)
    if found is None or not host.is_root:
        return
    yield from _certificate(found)
    how = f"GET {found.url}/health by {found.socket}"
    try:
        other = "influx_other" in host.probes
        status = by_socket.status_of(f"{found.url}/health", found.socket, found.ca or None, SECONDS, other)
    except (OSError, ValueError, http.client.HTTPException) as fault:
        untrusted = "certificate" in str(fault)
        words = f"the store {'is not trusted' if untrusted else 'cannot be reached'} at {found.url}: {_plain(fault)}"
        yield Seen("influxdb", _entry(words, "store-untrusted" if untrusted else "store-away"), how)
        return
    if status != 200:
        yield Seen("influxdb", _entry(f"InfluxDB answers GET /health with {status}", "store-away"), how)
        return
    if host.is_edge:
        yield from _write(found)


def _write(found: Way) -> Iterator[Seen]:
    how = f"POST {found.url}/api/v2/write of nothing, with the token in {TOKEN}"
    try:
        token = credentials.read_secret(TOKEN)
        if token is None:
            yield Seen("influxdb", _entry(f"{TOKEN} is missing or holds no token", "store-token"), how)
            return
        status = write(found, token, b"")
    except (OSError, Refused, http.client.HTTPException) as fault:
        yield Seen("influxdb", _entry(f"a write to the store was not answered: {_plain(fault)}", "store-away"), how)
        return
    if status == 204:
        words = f"the store takes writes into {found.org}/{found.bucket}"
        yield Seen("influxdb", _entry(words, status=Status.PASS), how)
    else:
        finding, words = FAULTS.get(status, ("store-full" if status >= 500 else "store-wrong", f"it answers {status}"))
        yield Seen("influxdb", _entry(f"a write into {found.org}/{found.bucket} is refused: {words}", finding), how)


def write(found: Way, token: str, lines: bytes) -> int:
    """Writes line protocol (times in µs); the status. Raises OSError, http.client.HTTPException."""
    query = urllib.parse.urlencode({"org": found.org, "bucket": found.bucket, "precision": "us"})
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(found.url).netloc, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.sock = found.connect()
        connection.request("POST", f"/api/v2/write?{query}", lines, {"Authorization": f"Token {token}"})
        return connection.getresponse().status


def _certificate(found: Way) -> Iterator[Seen]:
    """Of a handshake that trusts anybody: an expired certificate is to be seen as well."""
    if not found.is_tls:
        return
    how = f"the certificate that {found.url} shows, by {found.socket}"
    now = time.time()
    with contextlib.suppress(OSError, ValueError), contextlib.closing(found.connect(trusting=True)) as link:
        assert isinstance(link, ssl.SSLSocket)
        until = certificate.ends_at(link.getpeercert(True) or b"")
        entry = certificate.judge("server", f"the certificate of {found.name}", until, now, DAYS)
        yield Seen("certificate", entry, how)
    with contextlib.suppress(OSError):
        until_ca = certificate.authority_ends_at(Path(found.ca).read_bytes()) if found.ca else None
        if until_ca is not None:
            entry = certificate.judge("authority", f"the CA of {found.ca}", until_ca, now, DAYS)
            yield Seen("certificate", entry, f"openssl x509 -enddate -noout -in {found.ca}")


def _points() -> Iterator[Seen]:
    try:
        entry = points.judge(json.loads(VERDICT.read_text()), datetime.now().timestamp())
    except PermissionError:
        return
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as fault:
        entry = Entry("missing", "influxdb", "datastore", Status.FAIL, f"{VERDICT} is no verdict: {fault}")
    yield Seen("points", entry, f"sudo cat {VERDICT}")


def _entry(words: str, finding: str = "", status: Status = Status.FAIL) -> Entry:
    return Entry("responseTime", "influxdb", "datastore", status, words, finding=finding)


def _plain(fault: BaseException) -> str:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return fault.verify_message
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
