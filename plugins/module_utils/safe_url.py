"""Where a secret may go by HTTP: anywhere by TLS, and without it to this host only. No name is resolved here."""

from __future__ import annotations

import re

OCTET = r"(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
LOOPBACK = re.compile(rf"127\.{OCTET}\.{OCTET}\.{OCTET}|\[::1\]|localhost", re.ASCII | re.IGNORECASE)
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?:/[A-Za-z0-9._~/-]*)?"
)
"""What is taken at all, so that nothing that reads the address again can take another part of it for the host."""

FORMS = "https://HOST:PORT, or http:// to the loopback (127.x.x.x, [::1], localhost)"


def is_loopback(url: str) -> bool:
    """Whether it leads to this host, whatever a resolver says."""
    found = _read(url)
    return found is not None and LOOPBACK.fullmatch(found["host"]) is not None


def fault(url: str) -> str:
    """Why a secret must not go to this URL, and what is allowed, as the end of a sentence; empty when it may."""
    shown = "not usable" if "@" in url else repr(url)  # before an @ may stand a password
    found = _read(url)
    if found is None:
        return f"is {shown}; it has to be {FORMS}, without user and password"
    if found["scheme"] == "http" and not is_loopback(url):
        return f"is {shown}: over http a token can be read on the way; it has to be {FORMS}"
    return ""


def _read(url: str) -> re.Match[str] | None:
    found = URL.fullmatch(url)
    return None if found is None or not 1 <= int(found["port"] or 1) <= 65535 else found
