"""The configuration: flags beat environment beats file beats defaults. One table says what there is.

Whatever is wrong ends in a `ConfigError`: one line with the key, the value and what is allowed (exit 78).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..window import Timing
from . import values
from .address import MASK, PRIVATE_FORMS, RedisAddress, masked, parse_influx_url
from .layers import ConfigError as ConfigError
from .layers import from_credentials, from_environment, read_file, with_secret_files
from .settings import SETTINGS as SETTINGS
from .settings import Setting as Setting

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force for one extractor. Field by field the keys of the file, `timing` beside them."""

    redis_url: str
    redis_host: str
    redis_port: int
    redis_username: str
    redis_password: str
    influx_url: str
    influx_socket: str
    influx_org: str
    influx_bucket: str
    influx_token: str
    influx_ca_file: str
    influx_timeout_seconds: float
    influx_retry_seconds: float
    spool_bytes: int
    stream_bytes: int
    window_seconds: float
    update_interval: float
    lateness_ms: int
    idle_timeout_ms: int
    min_events: int
    buffer_events: int
    dev_mode: bool
    user_id: str
    device_id: str
    host: str
    log_level: str
    log_format: str
    state_dir: str

    @property
    def timing(self) -> Timing:
        interval, window = _us(self.update_interval), _us(self.window_seconds)
        return Timing(interval, window, self.lateness_ms * 1000, self.idle_timeout_ms * 1000)

    @property
    def redis(self) -> RedisAddress:
        if not self.redis_url:
            return RedisAddress(
                "", self.redis_host, self.redis_port, False, 0, self.redis_username, self.redis_password
            )
        return values.redis_address(self.redis_url, self.redis_username, self.redis_password)


def _us(seconds: float) -> int:
    return round(seconds * 1000) * 1000


_BY_KEY = {setting.key: setting for setting in SETTINGS}


def settings(kind: str, **values: Any) -> Settings:
    """The defaults of `kind` with these values in their place; ConfigError when they do not fit."""
    return _settings(kind, [("argument", values)])


def load(kind: str, flags: Mapping[str, Any], environment: Mapping[str, str], config_file: str | None) -> Settings:
    """What is in force. `flags` holds the keys whose flag was used; ConfigError for anything unusable."""
    variables = from_environment(environment)
    sources = []
    if config_file is not None:
        sources.append(("file", with_secret_files(read_file(config_file), variables)))
    sources.append(("environment", variables))
    sources.append(("flag", dict(flags)))
    named = {key for _, layer in sources for key in layer}
    sources.insert(0, ("credentials", from_credentials(environment, named)))
    return _settings(kind, sources)


def _settings(kind: str, sources: list[tuple[str, dict[str, Any]]]) -> Settings:
    """The defaults, each source over the one before. What is replaced need not be right, but its key must be known."""
    found: dict[str, tuple[str, Any]] = {}
    for source, layer in sources:
        for key, value in layer.items():
            if key not in _BY_KEY:
                raise ConfigError(f"unknown key {_quoted(key)} in the configuration file; --help lists the keys")
            found[key] = source, value
    in_force = {setting.key: setting.default_of(kind) for setting in SETTINGS}
    in_force |= {key: _checked(kind, _BY_KEY[key], *where) for key, where in found.items()}
    made = Settings(**in_force)
    if made.influx_token and not parse_influx_url(made.influx_url).private:
        raise _refused(_BY_KEY["influx_url"], *found["influx_url"], PRIVATE_FORMS)
    if made.update_interval > made.window_seconds:
        raise ConfigError(
            f"update_interval is {made.update_interval}: allowed is at most window_seconds ({made.window_seconds})"
        )
    return made


def _checked(kind: str, setting: Setting, source: str, value: object) -> Any:
    key = setting.key
    if key == "device_id" and kind == "app" and value == "":
        return ""  # only the points of applications have no such tag
    try:
        return setting.check(value)
    except ValueError as wrong:
        raise _refused(setting, source, value, wrong) from None


def _refused(setting: Setting, source: str, value: object, allowed: object) -> ConfigError:
    # An address that is not understood may hold a password anywhere.
    hidden = setting.secret or (setting.key.endswith("_url") and ("@" in str(value) or "?" in str(value)))
    shown = _quoted(MASK if hidden else str(value))
    return ConfigError(f"{setting.key} is {shown} ({setting.origin(source)}): allowed is {allowed}")


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def check_files(settings: Settings) -> None:
    """ConfigError when a file or directory that is named is not there; for what goes on to use them."""
    if settings.influx_ca_file and not os.access(settings.influx_ca_file, os.R_OK):
        raise ConfigError(f"influx_ca_file is {_quoted(settings.influx_ca_file)}: allowed is a file that can be read")
    if settings.state_dir and not os.path.isdir(settings.state_dir):
        raise ConfigError(f"state_dir is {_quoted(settings.state_dir)}: allowed is a directory that exists")


def as_yaml(settings: Settings) -> str:
    """What is in force as YAML, secrets masked."""
    import json

    lines = []
    for setting in SETTINGS:
        value = getattr(settings, setting.key)
        if setting.key in ("redis_username", "redis_password"):  # the URL may name them
            value = getattr(settings.redis, setting.key.removeprefix("redis_"))
        if setting.secret and value:
            value = MASK
        if setting.key == "redis_url":
            value = masked(value)
        lines.append(f"{setting.key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
