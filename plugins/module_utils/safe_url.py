"""Where a secret may go by HTTP: anywhere by TLS, and without it to this host only. No name is resolved here."""

from __future__ import annotations

from .store_address import InfluxAddress, parse_influx_url

FORMS = "https://HOST:PORT, or http:// to the loopback (127.x.x.x, [::1], localhost)"


def is_loopback(url: str) -> bool:
    """Whether it leads to this host, whatever a resolver says."""
    found = _read(url)
    return found is not None and found.loopback


def normal(url: str) -> str:
    """The address in the one form that is passed on, without a slash at its end. Only for one without a fault."""
    return parse_influx_url(url).url


def fault(url: str) -> str:
    """Why a secret must not go to this URL, and what is allowed, as the end of a sentence; empty when it may."""
    shown = "not usable" if "@" in url else repr(url)  # before an @ may stand a password
    found = _read(url)
    if found is None:
        return f"is {shown}; it has to be {FORMS}, without user and password"
    if not found.private:
        return f"is {shown}: over http a token can be read on the way; it has to be {FORMS}"
    return ""


def _read(url: str) -> InfluxAddress | None:
    try:
        return parse_influx_url(url)
    except ValueError:
        return None
