"""What the value of a setting may be, one function for each sort.

Each takes what YAML, a variable or a flag holds and returns the value, or raises ValueError(what is allowed).
"""

import re
from collections.abc import Callable

from .address import RedisAddress, parse_influx_url, parse_redis_url

LONGEST_SOCKET_PATH = 107  # what the kernel takes, without the zero at its end


def text(value: object) -> str:
    if isinstance(value, str) and "\x00" not in value:
        return value
    raise ValueError("text")


def name(value: object) -> str:
    if isinstance(value, str) and 1 <= len(value) <= 256 and "\x00" not in value:
        return value
    raise ValueError("1 to 256 characters")


def token(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"[!-~]*", value):
        return value
    raise ValueError("a token: printable ASCII without spaces")


def socket_path(value: object) -> str:
    fits = isinstance(value, str) and "\x00" not in value and len(value.encode()) <= LONGEST_SOCKET_PATH
    if isinstance(value, str) and fits and value[:1] in ("", "/"):
        return value
    raise ValueError(f"a unix socket's path from /, of at most {LONGEST_SOCKET_PATH} bytes, or empty")


def whole(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"a whole number from {low} to {high}")

    return check


def size_or_zero(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        try:
            size = whole(0, high)(value)
        except ValueError:
            size = 1
        if size == 0 or size >= low:
            return size
        raise ValueError(f"0 (no spool), or a whole number from {low} to {high}")

    return check


def seconds(value: object) -> float:
    allowed = "seconds in whole milliseconds, from 0.001 to 86400"
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        value = float(value)
    if type(value) is not float and type(value) is not int:
        raise ValueError(allowed)
    if not 0.001 <= value <= 86400 or abs(value * 1000 - round(value * 1000)) > 1e-6:
        raise ValueError(allowed)
    return int(value) if value == int(value) else value


def flag(value: object) -> bool:
    text = str(value).lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError("true or false (also yes, no, on, off, 1, 0)")


def one_of(*words: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value.lower() in words:
            return value.lower()
        raise ValueError(f"one of {', '.join(words)}")

    return check


def redis_url(value: object) -> str:
    url = text(value)
    if url:
        redis_address(url, "", "")
    return url


def redis_address(url: str, username: str, password: str) -> RedisAddress:
    """The address in a URL; a user or password that is not in it is taken from the other two."""
    try:
        return parse_redis_url(url, username, password)
    except ValueError:
        raise ValueError(
            "redis://[user:password@]host[:port][/database], rediss://… (TLS; ?ssl_ca_certs=FILE) "
            "or unix://[user:password@]/path[?db=database]"
        ) from None


def influx_url(value: object) -> str:
    url = text(value)
    try:
        return parse_influx_url(url).url
    except ValueError:
        raise ValueError("http://host[:port] or https://host[:port], without user, password and token") from None
