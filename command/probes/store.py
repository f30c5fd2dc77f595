"""The store as this host reaches it: whether it answers, what its certificate says, and whether a write is taken.

On an edge that only writes to it, a store that is away is a warning as long as the spools keep every point, as it is
for the agent.

The write is one of nothing, with the token that the extractors have: it proves the right to write and stores nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from plugins.module_utils import by_socket, credentials, store_way
from plugins.module_utils.layout import Refused
from plugins.module_utils.store_way import SECONDS, TOKEN, Way, write
from seclyzer_agent import spool
from seclyzer_agent.checks import certificate, points
from seclyzer_agent.model import Entry, Status

from ..host import Host
from . import extractors
from .seen import Seen

VERDICT = Path("/var/lib/influxdb-watch/verdict.json")
DAYS = 30.0
"""A certificate that is good for fewer is a warning."""
FAULTS = {
    401: ("store-token", "InfluxDB does not know this host's token (401)"),
    403: ("store-token", "this host's token may not write there (403)"),
    404: ("store-bucket", "there is no such organisation or bucket (404)"),
    408: ("store-away", ""),
    429: ("store-away", ""),
    500: ("store-full", ""),
}
"""By status: the finding, and words in the place of what the store answers."""
SPARED = ("store-away", "store-untrusted", "store-full")
"""What the spools stand in for; a token or a bucket has to be mended."""


def way(host: Host) -> Way | None:
    """By the running deployment; None where it names no store, or this user may not know."""
    settings = ""
    with contextlib.suppress(OSError):
        settings = (host.layout.current / "config" / "keystroke.yaml").read_text()
    return store_way.way(host.probes, settings)


def look(host: Host) -> Iterator[Seen]:
    """Entries of the checks `influxdb`, `certificate` and `points`, for root."""
    if host.is_store:
        yield from _points()
    found = way(host)
    if found is None or not host.is_root:
        return
    yield from _certificate(found)
    for seen in _answers(host, found):
        yield _spared(host, seen) if seen.entry.finding in SPARED else seen


def _spared(host: Host, seen: Seen) -> Seen:
    """What is wrong with the store, with what becomes of the points."""
    if host.is_store or not host.is_edge:
        return seen
    good, words = spool.kept(extractors.spools(host))
    output = f"{seen.entry.output}; {words}" if words else seen.entry.output
    status = Status.WARN if good else seen.entry.status
    return replace(seen, entry=replace(seen.entry, status=status, output=output))


def _answers(host: Host, found: Way) -> Iterator[Seen]:
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
        answer = write(found, token, b"")
    except (OSError, Refused, http.client.HTTPException) as fault:
        yield Seen("influxdb", _entry(f"a write to the store was not answered: {_plain(fault)}", "store-away"), how)
        return
    if answer.status == 204:
        words = f"the store takes writes into {found.org}/{found.bucket}"
        yield Seen("influxdb", _entry(words, status=Status.PASS), how)
        return
    finding, words = FAULTS.get(answer.status, ("store-away" if answer.status > 500 else "store-wrong", ""))
    words = words or f"it answers {answer.status}" + (f", {answer.message}" if answer.message else "")
    yield Seen("influxdb", _entry(f"a write into {found.org}/{found.bucket} is refused: {words}", finding), how)


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
