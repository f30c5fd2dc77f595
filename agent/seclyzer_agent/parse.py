"""Parsers of single configuration values: each returns it or raises ValueError saying what is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from .address import authority
from .store_address import parse_influx_url

UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@\\-]{1,240}\.(service|socket|target|timer|mount)")
LONGEST_SOCKET_PATH = 107  # what the kernel takes, without the zero at its end
SHORT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def text(pattern: str, allowed: str) -> Callable[[Any], str]:
    """A string that matches the whole pattern."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"must be {allowed}")
        return value

    return parse


def choice(*allowed: str) -> Callable[[Any], str]:
    """One of a few words."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return str(value)

    return parse


def number(low: float, high: float, *, whole: bool = False) -> Callable[[Any], float]:
    """A number from low to high, also written as text (from the environment)."""
    kind = "a whole number" if whole else "a number"

    def parse(value: Any) -> float:
        try:
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                raise ValueError
            result = float(value)
            if not low <= result <= high or (whole and result != int(result)):
                raise ValueError
        except ValueError:
            raise ValueError(f"must be {kind} from {low:g} to {high:g}") from None
        return result

    return parse


def flag(value: Any) -> bool:
    """A boolean, also as the text true/yes/1 or false/no/0."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("must be true or false")


def mapping_of(value: Any, what: str) -> dict[str, Any]:
    """A mapping with text keys."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"must be a mapping of {what}")
    return value


def some_of(*allowed: str, empty: bool = False) -> Callable[[Any], tuple[str, ...]]:
    """A list of some of these words, or the same as text with commas; the result in the order given here."""

    def parse(value: Any) -> tuple[str, ...]:
        names = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(names, list) or not (names or empty) or any(name not in allowed for name in names):
            raise ValueError(f"must be a list of {', '.join(allowed)}, {'any or none' if empty else 'at least one'}")
        return tuple(word for word in allowed if word in names)

    return parse


def unit_names(value: Any) -> dict[str, str]:
    """Short names to systemd units."""
    units = mapping_of(value, "short names to systemd units")
    for name, unit in units.items():
        if not SHORT_NAME.fullmatch(name) or not isinstance(unit, str) or not UNIT_NAME.fullmatch(unit):
            raise ValueError("must map short lower-case names to units, such as mouse: seclyzer-mouse.service")
    if len(units) > 50:
        raise ValueError("must name at most 50 units")
    return units


def absolute_path(value: Any) -> str:
    """A path from the root."""
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError("must be a path that begins with /")
    return value


def optional_path(value: Any) -> str:
    """A path from the root, or empty."""
    return "" if value == "" else absolute_path(value)


def socket_path(value: Any) -> str:
    """A unix socket's path from the root, or empty."""
    path = optional_path(value)
    if len(path.encode()) > LONGEST_SOCKET_PATH:
        raise ValueError(f"must be a unix socket's path of at most {LONGEST_SOCKET_PATH} bytes, or empty")
    return path


def listen_address(value: Any) -> tuple[str, int]:
    """`ADDRESS:PORT` of the loopback, as (address, port)."""
    example = "such as 127.0.0.1:9484 or [::1]:9484"
    where = authority(value) if isinstance(value, str) else None
    if where is None or where.port is None:
        raise ValueError(f"must be an address and a port, {example}")
    try:
        address = ipaddress.ip_address("127.0.0.1" if where.host.lower() == "localhost" else where.host)
    except ValueError:
        raise ValueError(f"must be an address and a port, {example}") from None
    if not where.loopback:
        raise ValueError(
            f"the agent listens on the loopback only, {example}: here it has no TLS; "
            "web_listen is for who comes from elsewhere, or ssh -L 9484:127.0.0.1:9484"
        )
    return str(address), where.port


def web_address(value: Any) -> str:
    """`ADDRESS:PORT` of any address of this host, as `listening.name` writes it; or empty."""
    if value == "":
        return ""
    where = authority(value) if isinstance(value, str) else None
    try:
        address = ipaddress.ip_address(where.host if where is not None and where.port is not None else "")
    except ValueError:
        raise ValueError("must be an address and a port, such as 192.0.2.7:9485 or 0.0.0.0:9485, or empty") from None
    assert where is not None
    return f"[{address}]:{where.port}" if address.version == 6 else f"{address}:{where.port}"


def redis_url(value: Any) -> str:
    """`unix:///PATH` or `redis://HOST[:PORT]`."""
    text_ = value if isinstance(value, str) else ""
    path = re.fullmatch(r"unix://(/[!-~]*)", text_)
    server = re.fullmatch(r"redis://([^/]*)/?", text_)
    good = path is not None and not re.search(r"[?#@%]", path[1])
    if not good and (server is None or authority(server[1]) is None):
        raise ValueError("must be unix:///PATH or redis://HOST:PORT, without user or password")
    return text_


def influx_url(value: Any) -> str:
    """`https://` with a host, perhaps a port and a path; or `http://` with the loopback. Without a slash at its end."""
    try:
        found = parse_influx_url(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be https://HOST:PORT, or http://127.0.0.1:PORT, without user or password") from None
    if not found.private:
        raise ValueError(
            "must be https:// unless it names the loopback (127.x.x.x, [::1], localhost): "
            "what goes over http can be read and changed on the way"
        )
    return found.url
