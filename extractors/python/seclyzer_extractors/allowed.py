"""What the value of a setting may be, one function for each sort.

Each takes what YAML, a variable or a flag gave and returns the value, or raises ValueError(what is allowed).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis listens: a unix socket's path, or host and port. No user or password is an empty one."""

    path: str
    host: str
    port: int
    tls: bool
    database: int
    username: str
    password: str
    ca_file: str = ""  # whom to trust with TLS; empty is the system's

    def __str__(self) -> str:
        return f"unix://{self.path}" if self.path else f"redis{'s' * self.tls}://{self.host}:{self.port}"


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


def whole(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"a whole number from {low} to {high}")

    return check


def spool_bytes(value: object) -> int:
    low, high = 1_048_576, 1_099_511_627_776
    try:
        size = whole(0, high)(value)
    except ValueError:
        size = 1
    if size == 0 or size >= low:
        return size
    raise ValueError(f"0 (no spool), or a whole number from {low} to {high}")


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


def influx_url(value: object) -> str:
    allowed = "http://host[:port] or https://host[:port], without user, password and token"
    try:
        url = urlsplit(text(value))
        plain = re.fullmatch(r"[!-~]+", text(value)) and not (url.query or url.fragment)
        usable = url.scheme in ("http", "https") and url.hostname and plain
        if not usable or url.username or url.password or url.port == 0:
            raise ValueError
    except ValueError:
        raise ValueError(allowed) from None
    return url.geturl().rstrip("/")


def redis_address(url_text: str, username: str, password: str) -> RedisAddress:
    """The address in a URL; what it does not say of user and password is taken from the other two."""
    allowed = (
        "redis://[user:password@]host[:port][/database], rediss://… (TLS; ?ssl_ca_certs=FILE) "
        "or unix://[user:password@]/path[?db=database]"
    )
    try:
        url = urlsplit(url_text)
        username = unquote(url.username) if url.username else username
        password = unquote(url.password) if url.password else password
        if url.scheme == "unix":
            if url.hostname or not url.path.startswith("/"):
                raise ValueError
            database = _database(_option(url.query, "db") or "0")
            return RedisAddress(unquote(url.path), "", 0, False, database, username, password)
        if url.scheme not in ("redis", "rediss") or not url.hostname or url.port == 0:
            raise ValueError
        database = _database(url.path.strip("/") or "0")
        tls = url.scheme == "rediss"
        ca_file = _option(url.query, "ssl_ca_certs" if tls else "")
        return RedisAddress("", url.hostname, url.port or 6379, tls, database, username, password, ca_file)
    except ValueError:
        raise ValueError(allowed) from None


def _option(query: str, known: str) -> str:
    """The value of the one option that is known; empty when there is none."""
    name, _, value = query.partition("=")
    if query and name != known:
        raise ValueError
    return unquote(value)


def _database(digits: str) -> int:
    if re.fullmatch(r"[0-9]{1,5}", digits):
        return int(digits)
    raise ValueError
