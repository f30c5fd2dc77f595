"""Addresses of Redis and InfluxDB, taken apart by hand: both implementations take and refuse the same ones."""

import re
from dataclasses import dataclass

from ..store_address import parse_influx_url as parse_influx_url

MASK = "********"
PRIVATE_FORMS = (
    "https://host[:port], or http:// to the loopback (127.x.x.x, [::1], localhost): "
    "over http influx_token can be read on the way"
)


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
        return f"unix://{self.path}" if self.path else endpoint(self.host, self.port, self.tls)


def endpoint(host: str, port: int, tls: bool) -> str:
    """Where a server listens, for people to read."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}{' (TLS)' if tls else ''}"


def parse_redis_url(url: str, username: str, password: str) -> RedisAddress:
    """What it does not say of user and password is taken from the other two. ValueError for what is none."""
    scheme, rest = _split(url, "://")
    rest, _, query = rest.partition("?")
    credentials, _, rest = rest.rpartition("@")
    named_user, _, named_password = credentials.partition(":")
    username, password = _decoded(named_user) or username, _decoded(named_password) or password
    option, equals, value = query.partition("=")
    ca_file = database = ""
    if (scheme, option, equals) == ("rediss", "ssl_ca_certs", "="):
        ca_file = _decoded(value)
    elif (scheme, option, equals) == ("unix", "db", "="):
        database = value
    elif query:
        raise ValueError("an option that is not known")
    if scheme == "unix" and rest.startswith("/"):
        return RedisAddress(_decoded(rest), "", 0, False, _database(database), username, password)
    if scheme not in ("redis", "rediss"):
        raise ValueError("a scheme that is not known")
    authority, _, database = rest.partition("/")
    host, port = _authority(authority, 6379)
    return RedisAddress("", host, port, scheme == "rediss", _database(database), username, password, ca_file)


def influx_where(url: str, socket: str) -> str:
    """Where InfluxDB is reached, for people to read."""
    address = parse_influx_url(url)
    where = endpoint(address.host, address.port, address.tls)
    return f"{where} by {socket}" if socket else where


def masked(url: str) -> str:
    """The URL without the password it may hold."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    username, _, password = credentials.partition(":")
    return f"{scheme}{separator}{username}:{MASK}@{host}" if separator and at and password else url


def _split(text: str, separator: str) -> tuple[str, str]:
    before, found, after = text.partition(separator)
    if not found:
        raise ValueError(f"no {separator}")
    return before, after


def _authority(authority: str, default_port: int) -> tuple[str, int]:
    """`host`, `host:port`, `[v6]` or `[v6]:port`."""
    found = re.fullmatch(r"\[([^]]+)\](?::(.*))?|([^:[][^:]*)(?::(.*))?", authority, re.DOTALL)
    if not found:
        raise ValueError("no host")
    port = found[2] if found[1] else found[4]
    if port is None:
        return found[1] or found[3], default_port
    if not re.fullmatch(r"0*[1-9][0-9]{0,4}", port) or int(port) > 65535:
        raise ValueError("no port")
    return found[1] or found[3], int(port)


def _database(digits: str) -> int:
    if not re.fullmatch(r"[0-9]{0,5}", digits):
        raise ValueError("no number of a database")
    return int(digits or 0)


def _decoded(text: str) -> str:
    """`%40` becomes `@`."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("a % without two digits")
    data = re.sub(rb"%(..)", lambda found: bytes([int(found[1], 16)]), text.encode())
    return data.decode()
