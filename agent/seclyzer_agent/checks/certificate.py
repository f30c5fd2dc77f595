"""How long are the store's certificate and the CA that vouches for it good? Read from the connection itself.

A connection that was made before goes on past the end of a certificate: only a new one shows it, too late.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..model import Entry, Pace, Reading, Status
from ..parse import number
from ..spec import Context, Metric, Sample, Setting, Spec
from ..store_address import InfluxAddress, parse_influx_url
from ..store_connection import connected
from ..tls import BLOCK, read

DAY = 86400.0
FAIL_DAYS = 3.0
HANDSHAKE = 5.0  # s


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Until when each is good, Unix s; None while it is not known."""

    server: float | None
    authority: float | None


def ends_at(der: bytes) -> float:
    """Until when a certificate is good, in Unix s. ValueError for what is none."""
    until = read(der).not_after
    return datetime.fromisoformat(f"{until[:8]}T{until[8:]}Z").timestamp()  # `strptime` would bring 0.2 MiB


def authority_ends_at(ca: bytes) -> float | None:
    """Until when some authority of a CA file is good; None when it holds none that can be read."""
    ends = []
    for block in BLOCK.findall(ca):
        try:
            ends.append(
                ends_at(
                    ssl.PEM_cert_to_DER_cert(f"-----BEGIN CERTIFICATE-----{block.decode()}-----END CERTIFICATE-----")
                )
            )
        except ValueError:
            continue
    return max(ends, default=None)


def judge(measurement: str, what: str, until: float | None, now: float, warn_days: float) -> Entry:
    """One certificate; times in Unix s."""
    component = "certificate"
    if until is None:
        words = f"until when {what} is good is not known: nothing showed it yet"
        return Entry(measurement, component, "system", Status.PASS, words, figures=False)
    days, date = (until - now) / DAY, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(until))
    value = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
    if days < 0:
        return Entry(measurement, component, "system", Status.FAIL, f"{what} expired on {date}", value, figures=False)
    status = Status.falling(days, warn_days, FAIL_DAYS)
    words = f"{what} is good until {date}" + (f", for {days:.0f} days more: renew it" if status else "")
    return Entry(measurement, component, "system", status, words, value, figures=False)


class CertificateCheck:
    """The check `certificate`. Its facts: CertificateFacts."""

    name = "certificate"
    after = ()
    primary = Entry("server", "certificate", "system", Status.FAIL, "")

    def __init__(self, address: InfluxAddress, socket: str, ca_file: str, warn_days: float) -> None:
        self._address, self._socket, self._ca_file, self._warn_days = address, socket, ca_file, warn_days
        self._server: float | None = None

    async def read(self) -> Reading:
        """A handshake that trusts anybody, since an expired certificate is to be seen as well.

        One that fails changes nothing: the check `influxdb` reports a store that is away.
        """
        with contextlib.suppress(OSError, EOFError, ValueError):
            async with asyncio.timeout(HANDSHAKE):
                self._server = ends_at(await self._presented())
        now = time.time()
        entries = [judge("server", f"the certificate of {self._address.host}", self._server, now, self._warn_days)]
        authority = None
        if self._ca_file:
            try:
                authority = authority_ends_at(Path(self._ca_file).read_bytes())
            except OSError:
                authority = None
            entries.append(judge("authority", f"the CA of {self._ca_file}", authority, now, self._warn_days))
        return Reading(tuple(entries), CertificateFacts(self._server, authority))

    async def _presented(self) -> bytes:
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        _, writer = await connected(self._address, self._socket, trusting)
        try:
            return bytes(writer.get_extra_info("ssl_object").getpeercert(True) or b"")
        finally:
            writer.close()


def _ends(_: str, facts: CertificateFacts) -> Iterator[Sample]:
    for name, until in (("server", facts.server), ("authority", facts.authority)):
        if until is not None:
            yield (name,), until


def _make(context: Context) -> list[CertificateCheck]:
    settings = context.settings
    address = parse_influx_url(settings.influx_url)
    if not address.tls:
        return []
    days = settings.own["certificate_warn_days"]
    return [CertificateCheck(address, settings.influx_socket, settings.influx_ca_file, days)]


SPEC = Spec(
    names=("certificate",),
    order=85,
    help="the store's certificate and its CA",
    pace=Pace(300, 10, rise=1, fall=1),
    measurements={
        "server": "until when the certificate that the store shows is good: less than `certificate_warn_days`: `warn`, "
        "less than 3 days, or expired: `fail`",
        "authority": "the same of the CA in `influx_ca_file`, of several of the one that is good longest",
    },
    settings=(
        Setting(
            "certificate_warn_days",
            number(1, 3650),
            30,
            "a certificate that is good for fewer days than this is `warn`",
        ),
    ),
    uses=("influx_url", "influx_socket", "influx_ca_file"),
    metrics=(
        Metric(
            "seclyzer_certificate_expiry_timestamp_seconds",
            "gauge",
            "Unix time until which a certificate is good: the store's, and its CA's",
            _ends,
            labels=("certificate",),
            state=True,
        ),
    ),
    state_facts=True,
    make=_make,
)
