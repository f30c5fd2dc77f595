"""Certificates that have expired or soon will, in sentences with the date and what to do.

Whether a certificate is trusted is for `tls` to judge; this looks at dates only.
"""

from __future__ import annotations

import base64
import binascii
import time
from calendar import timegm

from . import tls

DAYS = 30
"""From so many days before its end on a certificate is reported."""

DAY = 86400
AGAIN = "run playbooks/rotate.yml -e rotate=certificates"
OF_STORE = f"issue a new one (roles/influxdb/README.md shows how), put it and its key in their place, then {AGAIN}"
OF_CA = f"name a new CA beside it in that file, {AGAIN}, and follow docs/rotation.md until the old one can go"
OUTSIDE = "its owner has to issue a new one"


def ending(pem: bytes, what: str, advice: str, days: int, now: float | None = None) -> list[str]:
    """A sentence for each certificate of a file (`what`) that has expired, or will within so many days."""
    ends = [end for end in map(_end, tls.BLOCK.findall(pem)) if end is not None]
    return [
        _sentence(what, number, len(ends), end, advice, days, time.time() if now is None else now)
        for number, end in enumerate(ends, 1)
        if _left(end, now) < days
    ]


def ending_der(der: bytes, what: str, advice: str, days: int) -> list[str]:
    """The same of one certificate, as a server shows it."""
    block = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(der) + b"\n-----END CERTIFICATE-----"
    return ending(block, what, advice, days)


def all_expired(pem: bytes) -> bool:
    """Whether a file holds certificates and not one that is still valid."""
    ends = [end for end in map(_end, tls.BLOCK.findall(pem)) if end is not None]
    return bool(ends) and all(_left(end, None) < 0 for end in ends)


def _end(block: bytes) -> float | None:
    """When a certificate expires (Unix time); None for what is none."""
    try:
        found = tls.read(base64.b64decode(b"".join(block.split()), validate=True))
        return float(timegm(time.strptime(found.not_after, "%Y%m%d%H%M%S")))
    except (ValueError, binascii.Error):
        return None


def _left(end: float, now: float | None) -> float:
    """Days until then; negative once it is past."""
    return (end - (time.time() if now is None else now)) / DAY


def _sentence(what: str, number: int, count: int, end: float, advice: str, days: int, now: float) -> str:
    date, left = time.strftime("%Y-%m-%d", time.gmtime(end)), (end - now) / DAY
    which = f"{what}, certificate {number} of {count}" if count > 1 else what
    if left < 0:
        return f"{which} expired on {date}: {advice}"
    return f"{which} expires on {date}, in {int(left)} days: {advice}"
