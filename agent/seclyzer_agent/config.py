"""The configuration: environment beats file beats defaults; what is not understood is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import kinds, registry
from .errors import ConfigError as ConfigError
from .places import REDIS_UNIT
from .settings import Settings as Settings
from .shared_settings import SHARED

ENVIRONMENT_PREFIX = "SECLYZER_AGENT_"
UNITS = {
    "edge": {**kinds.UNITS, "redis": REDIS_UNIT},
    "store": {"influxdb": "influxdb.service", "gateway": "influxdb-gateway.service"},
}
"""The units of each role, unless `units` names others."""
AGENT_UNIT = {"agent": "seclyzer-agent.service"}


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
