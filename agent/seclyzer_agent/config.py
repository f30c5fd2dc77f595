"""The configuration: environment beats file beats defaults; what is not understood is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from .parse import (
    absolute_path,
    choice,
    flag,
    influx_url,
    listen_address,
    mapping_of,
    number,
    optional_path,
    redis_url,
    socket_path,
    some_of,
    text,
    unit_names,
)
from .runner import Pace

SHORTEST_PASSWORD = 16
ENVIRONMENT_PREFIX = "SECLYZER_AGENT_"
EXTRACTORS = ("keystroke", "mouse", "app")
PACES = {
    "units": Pace(10, 5, rise=1, fall=2),
    "memory": Pace(10, 2, rise=2, fall=2),
    "deployment": Pace(5, 2, rise=1, fall=1),
    "integrity": Pace(60, 60, rise=1, fall=1),
    "redis": Pace(5, 2, rise=2, fall=2),
    "legacy_clients": Pace(15, 2, rise=1, fall=1),
    "keystroke": Pace(5, 2, rise=1, fall=3),
    "mouse": Pace(5, 2, rise=1, fall=3),
    "app": Pace(5, 2, rise=1, fall=3),
    "influxdb": Pace(10, 5, rise=2, fall=2),
    "points": Pace(30, 2, rise=1, fall=1),
}
UNITS = {
    "edge": {
        "keystroke": "seclyzer-keystroke.service",
        "mouse": "seclyzer-mouse.service",
        "app": "seclyzer-app.service",
        "redis": "redis-server.service",
    },
    "store": {"influxdb": "influxdb.service", "gateway": "influxdb-gateway.service"},
}
AGENT_UNIT = {"agent": "seclyzer-agent.service"}


class ConfigError(Exception):
    """The configuration is wrong; the message is one line that says what, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force; the README tells what each key means.

    `units` and `checks` hold every name that applies.
    """

    listen: tuple[str, int]
    unix_listen: str
    reader_password_file: str
    roles: tuple[str, ...]
    redis_url: str
    redis_username: str
    redis_password_file: str
    influx_url: str
    influx_socket: str
    influx_ca_file: str
    points_verdict: str
    deployment_dir: str
    unit_dir: str
    units: Mapping[str, str]
    extractors: tuple[str, ...]
    spool_bytes: float
    redis_legacy_clients: bool
    host: str
    memory_warn_percent: float
    memory_fail_percent: float
    lag_warn_seconds: float
    lag_fail_seconds: float
    slow_milliseconds: float
    stall_seconds: float
    recent_seconds: float
    checks: Mapping[str, Pace]
    log_level: str

    @property
    def edge(self) -> bool:
        """Whether people work at this host."""
        return "edge" in self.roles

    @property
    def store(self) -> bool:
        """Whether InfluxDB runs here."""
        return "store" in self.roles


def _checks(value: Any) -> dict[str, Pace]:
    """Overrides of PACES, by check and by part."""
    paces = dict(PACES)
    for name, parts in mapping_of(value, "checks").items():
        if name not in paces:
            raise ValueError(f"must name checks: {', '.join(PACES)}; {name!r} is none")
        merged: dict[str, Any] = asdict(paces[name])
        for part, given in mapping_of(parts, f"parts of {name}").items():
            if part in ("interval_seconds", "deadline_seconds"):
                merged[part.removesuffix("_seconds")] = number(0.05, 3600)(given)
            elif part in ("rise", "fall"):
                merged[part] = int(number(1, 100, whole=True)(given))
            else:
                raise ValueError(f"may give {name} interval_seconds, deadline_seconds, rise and fall, not {part!r}")
        paces[name] = Pace(**merged)
    return paces


# Key → (parser, default). A parser returns the value or raises ValueError with what is allowed.
KEYS: dict[str, tuple[Any, Any]] = {
    "listen": (listen_address, "127.0.0.1:9484"),
    "unix_listen": (socket_path, ""),
    "reader_password_file": (optional_path, ""),
    "roles": (some_of("edge", "store"), ["edge"]),
    "redis_url": (redis_url, "unix:///run/redis/redis-server.sock"),
    "redis_username": (text(r"[A-Za-z0-9._-]{0,64}", "an ACL user's name, or empty"), "agent"),
    "redis_password_file": (optional_path, ""),
    "influx_url": (influx_url, "http://127.0.0.1:8086"),
    "influx_socket": (socket_path, ""),
    "influx_ca_file": (optional_path, ""),
    "points_verdict": (optional_path, ""),
    "deployment_dir": (absolute_path, "/opt/seclyzer/current"),
    "unit_dir": (absolute_path, "/etc/systemd/system"),
    "units": (unit_names, None),
    "extractors": (some_of(*EXTRACTORS, empty=True), None),
    "spool_bytes": (number(0, 2**40, whole=True), 64 * 2**20),
    "redis_legacy_clients": (flag, False),
    "host": (text(r"[^\x00-\x1f\x7f]{1,253}", "a name of at most 253 characters"), None),
    "memory_warn_percent": (number(1, 100), 80),
    "memory_fail_percent": (number(1, 100), 95),
    "lag_warn_seconds": (number(1, 3600), 30),
    "lag_fail_seconds": (number(1, 3600), 90),
    "slow_milliseconds": (number(1, 60000), 500),
    "stall_seconds": (number(10, 3600), 45),
    "recent_seconds": (number(1, 86400), 300),
    "checks": (_checks, {}),
    "log_level": (choice("debug", "info", "warning", "error"), "info"),
}

# The keys that take lists or mappings; every other one is text, whatever it begins with: `[::1]:9484` is an address.
AS_YAML = frozenset({"roles", "units", "extractors", "checks"})


def load(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it and check everything. Raises ConfigError."""
    given: dict[str, tuple[Any, str]] = {}
    if file is not None:
        given.update({key: (value, str(file)) for key, value in _read(file).items()})
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            key = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            given[key] = (_from_environment(key, value, variable), variable)
    values: dict[str, Any] = {}
    for key, (parse, default) in KEYS.items():
        value, origin = given.pop(key, (default, "default"))
        if value is None:
            value = default
        try:
            values[key] = None if value is None else parse(value)
        except ValueError as error:
            raise ConfigError(f"{key} is {_shown(key, value)} ({origin}), but {error}") from None
    for key, (_, origin) in given.items():
        hint = "; secrets come from files only: redis_password_file" if re.search("pass|secret|token", key) else ""
        raise ConfigError(f"{key[:60]!r} ({origin}) is not a key of the agent{hint}; its keys: {', '.join(KEYS)}")
    return _complete(values)


def _complete(values: dict[str, Any]) -> Settings:
    """Fill in what depends on other keys, and refuse contradictions."""
    if values["units"] is None:
        units: dict[str, str] = {}
        for role in values["roles"]:
            units |= UNITS[role]
        values["units"] = units | AGENT_UNIT
    if values["extractors"] is None:
        values["extractors"] = tuple(kind for kind in EXTRACTORS if kind in values["units"])
    if values["host"] is None:
        values["host"] = socket.gethostname()
    for low, high in (
        ("memory_warn_percent", "memory_fail_percent"),
        ("lag_warn_seconds", "lag_fail_seconds"),
    ):
        if values[low] > values[high]:
            raise ConfigError(f"{low} is {values[low]:g}, but must not be above {high}, {values[high]:g}")
    return Settings(**values)


def _read(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{file} is not YAML{where}: {getattr(error, 'problem', None) or 'unreadable'}") from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigError(f"{file} must hold a YAML mapping of keys to values")
    return document


def _from_environment(key: str, value: str, variable: str) -> Any:
    """Text as it stands; of the keys that take lists and mappings, what is written as one."""
    if key not in AS_YAML or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"{variable} begins like a YAML list or mapping, but is none") from None


def _shown(key: str, value: Any) -> str:
    """A bad value for the message: short, one line, and never one that may hold a password."""
    return "not usable" if key.endswith("_url") else ascii(value)[:80]


def secret(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Redis' password from its file or systemd's credential; None without a user. Raises ConfigError."""
    if not settings.redis_username or not settings.edge:
        return None
    place = settings.redis_password_file
    if not place and "CREDENTIALS_DIRECTORY" in environment:
        place = str(Path(environment["CREDENTIALS_DIRECTORY"]) / "redis_password")
    if not place:
        raise ConfigError(
            f"redis_username is {settings.redis_username!r}, but there is no password: "
            "set redis_password_file, or the systemd credential redis_password, or an empty redis_username"
        )
    password = _read_password("Redis' password", place)
    if not password:
        raise ConfigError(f"Redis' password in {place} is empty")
    return password


def reader_password(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """The password for the full figures, from its file or systemd's credential; None without. Raises ConfigError."""
    place = settings.reader_password_file
    if not place and "CREDENTIALS_DIRECTORY" in environment:
        credential = Path(environment["CREDENTIALS_DIRECTORY"]) / "reader_password"
        place = str(credential) if credential.exists() else ""
    if not place:
        return None
    password = _read_password("the readers' password", place)
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigError(f"the readers' password in {place} has fewer than {SHORTEST_PASSWORD} characters")
    return password


def _read_password(whose: str, place: str) -> str:
    try:
        return Path(place).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{whose} cannot be read from {place}: {_why(error)}") from None


def _why(error: Exception) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "not UTF-8"


def printed(settings: Settings) -> str:
    """What is in force, as YAML that `--config` takes again. It holds no secret, only their files' names."""
    document: dict[str, Any] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name == "listen":
            value = f"[{value[0]}]:{value[1]}" if ":" in value[0] else f"{value[0]}:{value[1]}"
        elif field.name == "checks":
            value = {
                name: {
                    "interval_seconds": p.interval,
                    "deadline_seconds": p.deadline,
                    "rise": p.rise,
                    "fall": p.fall,
                }
                for name, p in value.items()
            }
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Mapping):
            value = dict(value)
        document[field.name] = value
    text_: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return text_
