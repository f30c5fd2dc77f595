"""The configuration: environment beats file beats defaults; what is not understood is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from . import kinds, registry
from .errors import ConfigError as ConfigError
from .model import Pace
from .parse import (
    absolute_path,
    choice,
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
    web_address,
)
from .settings import Settings as Settings
from .spec import Setting

ENVIRONMENT_PREFIX = "SECLYZER_AGENT_"
UNITS = {
    "edge": {**kinds.UNITS, "redis": "redis-server.service"},
    "store": {"influxdb": "influxdb.service", "gateway": "influxdb-gateway.service"},
}
"""The units of each role, unless `units` names others."""
AGENT_UNIT = {"agent": "seclyzer-agent.service"}


def _checks(value: Any) -> dict[str, Pace]:
    """The paces of all checks, with what is configured for some of them, by check and by part."""
    paces = registry.paces()
    for name, parts in mapping_of(value, "checks").items():
        if name not in paces:
            raise ValueError(f"must name checks: {', '.join(paces)}; {name!r} is none")
        merged: dict[str, Any] = asdict(paces[name])
        for part, configured in mapping_of(parts, f"parts of {name}").items():
            if part in ("interval_seconds", "deadline_seconds"):
                merged[part.removesuffix("_seconds")] = number(0.05, 3600)(configured)
            elif part in ("rise", "fall"):
                merged[part] = int(number(1, 100, whole=True)(configured))
            else:
                raise ValueError(f"may give {name} interval_seconds, deadline_seconds, rise and fall, not {part!r}")
        paces[name] = Pace(**merged)
    return paces


SHARED = (
    Setting(
        "listen",
        listen_address,
        "127.0.0.1:9484",
        "address and port; loopback only (`127.x.x.x`, `[::1]`, `localhost`). Not used when systemd hands the agent "
        "sockets (`seclyzer-agent.socket`), of which those of TCP have to be on the loopback, too",
    ),
    Setting(
        "unix_listen",
        socket_path,
        "",
        "path of a unix socket, made for the agent's user and group (0660); who connects there reads the full figures. "
        "Not used when systemd hands the agent sockets",
    ),
    Setting(
        "reader_password_file",
        optional_path,
        "",
        "file with the readers' password, 16 characters or more; empty: `$CREDENTIALS_DIRECTORY/reader_password`, and "
        "without that there is none",
    ),
    Setting(
        "web_listen",
        web_address,
        "",
        "address and port for who comes from elsewhere, `192.0.2.7:9485` or `0.0.0.0:9485`: by TLS, and only whom "
        "`web.yml` lets in; empty: none. Of the sockets that systemd hands over it is the one with this address",
    ),
    Setting(
        "web_config_file",
        optional_path,
        "",
        "a `web.yml`, read again when it or a file that it names has changed; empty: `$CREDENTIALS_DIRECTORY/web.yml`",
    ),
    Setting(
        "roles",
        some_of("edge", "store"),
        ["edge"],
        "`edge`, `store` or both: decides which checks run",
        shown="`[edge]`",
    ),
    Setting(
        "redis_url",
        redis_url,
        "unix:///run/redis/redis-server.sock",
        "`unix:///PATH` or `redis://HOST:PORT`; no user or password in it",
    ),
    Setting(
        "redis_username",
        text(r"[A-Za-z0-9._-]{0,64}", "an ACL user's name, or empty"),
        "agent",
        "ACL user; empty: no authentication at all",
    ),
    Setting(
        "redis_password_file",
        optional_path,
        "",
        "file with its password; empty: `$CREDENTIALS_DIRECTORY/redis_password` (systemd's "
        "`LoadCredential=redis_password:…`)",
    ),
    Setting(
        "influx_url",
        influx_url,
        "http://127.0.0.1:8086",
        "`https://`, or `http://` to the loopback (`127.x.x.x`, `[::1]`, `localhost`); no user or password in it",
    ),
    Setting(
        "influx_socket",
        socket_path,
        "",
        "unix socket through which `influx_url` is reached, its name still being that of the certificate; empty: by "
        "name",
    ),
    Setting(
        "influx_ca_file",
        optional_path,
        "",
        "CA that signed the store's certificate, for `https://`; empty: the system's",
    ),
    Setting(
        "metrics_file",
        optional_path,
        "",
        "file, ending in `.prom`, that every 30 s gets what anybody may read of the metrics, for node_exporter's "
        "textfile collector; empty: none",
    ),
    Setting("deployment_dir", absolute_path, "/opt/seclyzer/current", "where `manifest.json` of the deployment stands"),
    Setting("units", unit_names, None, "short name → systemd unit", shown="by role, below"),
    Setting(
        "extractors",
        some_of(*kinds.KINDS, empty=True),
        None,
        "whose checks run; one without a unit has its heartbeat compared with the deployment only",
        shown=f"those of {', '.join(f'`{kind}`' for kind in kinds.KINDS)} that `units` names",
    ),
    Setting(
        "host",
        text(r"[^\x00-\x1f\x7f]{1,253}", "a name of at most 253 characters"),
        None,
        "shown in reports",
        shown="the host's name",
    ),
    Setting(
        "memory_warn_percent",
        number(1, 100),
        80,
        "of a unit's limit, and of Redis' `maxmemory` and `maxclients`: from here on `warn`",
        at_most="memory_fail_percent",
    ),
    Setting("memory_fail_percent", number(1, 100), 95, "and from here on `fail`"),
    Setting("slow_milliseconds", number(1, 60000), 500, "Redis or InfluxDB slower than this is `warn`"),
    Setting(
        "recent_seconds",
        number(1, 86400),
        300,
        "for how long a restart, a loss or an error counts as recent (`warn`; data lost on this host: `fail`)",
    ),
    Setting(
        "checks",
        _checks,
        {},
        "per check: `{NAME: {interval_seconds, deadline_seconds, rise, fall}}`, each optional",
        shown="below",
    ),
    Setting(
        "log_level",
        choice("debug", "info", "warning", "error"),
        "info",
        "`debug`, `info`, `warning`, `error`",
    ),
)
"""The settings that are no single check's."""

KEYS = {setting.key: setting for setting in (*SHARED, *registry.settings())}
"""Every setting, by its key."""

AS_YAML = frozenset({"roles", "units", "extractors", "checks"})
"""The keys that take lists or mappings; any other is text, whatever it begins with: `[::1]:9484` is an address."""


def load(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it and check everything. Raises ConfigError."""
    configured: dict[str, tuple[Any, str]] = {}
    if file is not None:
        configured.update({key: (value, str(file)) for key, value in _read(file).items()})
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX):
            key = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            configured[key] = (_from_environment(key, value, variable), variable)
    values: dict[str, Any] = {}
    for key, setting in KEYS.items():
        value, origin = configured.pop(key, (setting.default, "default"))
        if value is None:
            value = setting.default
        try:
            values[key] = None if value is None else setting.parse(value)
        except ValueError as error:
            raise ConfigError(f"{key} is {_shown(key, value)} ({origin}), but {error}") from None
    for key, (_, origin) in configured.items():
        if registry.broken():
            break  # it may be a setting of the check whose module could not be loaded
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
        values["extractors"] = tuple(kind for kind in kinds.KINDS if kind in values["units"])
    if values["host"] is None:
        values["host"] = socket.gethostname()
    for low, setting in KEYS.items():
        if (high := setting.at_most) and values[low] > values[high]:
            raise ConfigError(f"{low} is {values[low]:g}, but must not be above {high}, {values[high]:g}")
    shared = {setting.key for setting in SHARED}
    own = {key: values.pop(key) for key in list(values) if key not in shared}
    return Settings(**values, own=own)


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


def printed(settings: Settings) -> str:
    """What is in force, as YAML that `--config` takes again. It holds no secret, only their files' names."""
    document: dict[str, Any] = {}
    for key in KEYS:
        value = settings.own[key] if key in settings.own else getattr(settings, key)
        if key == "listen":
            value = f"[{value[0]}]:{value[1]}" if ":" in value[0] else f"{value[0]}:{value[1]}"
        elif key == "checks":
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
        document[key] = value
    text_: str = yaml.safe_dump(document, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return text_
