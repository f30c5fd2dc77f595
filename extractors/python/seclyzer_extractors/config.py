"""The configuration: flags beat environment beats file beats defaults. One table says what there is.

Whatever is wrong ends in a `ConfigError`: one line with the key, the value and what is allowed (exit 78).
"""

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import allowed, schema
from .address import MASK, RedisAddress, masked
from .window import Timing

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


class ConfigError(Exception):
    """The configuration cannot be used; the message is one clear line, whatever it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(re.sub(r"[\x00-\x1f\x7f]", "_", message))


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force for one extractor. Field by field the keys of the file, `timing` beside them."""

    redis_url: str
    redis_host: str
    redis_port: int
    redis_username: str
    redis_password: str
    influx_url: str
    influx_org: str
    influx_bucket: str
    influx_token: str
    influx_ca_file: str
    influx_timeout_seconds: float
    influx_retry_seconds: float
    spool_bytes: int
    window_seconds: float
    update_interval: float
    lateness_ms: int
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
        return Timing(_us(self.update_interval), _us(self.window_seconds), self.lateness_ms * 1000)

    @property
    def redis(self) -> RedisAddress:
        if not self.redis_url:
            return RedisAddress(
                "", self.redis_host, self.redis_port, False, 0, self.redis_username, self.redis_password
            )
        return allowed.redis_address(self.redis_url, self.redis_username, self.redis_password)


def _us(seconds: float) -> int:
    return round(seconds * 1000) * 1000


@dataclass(frozen=True, slots=True)
class Option:
    """One key of the file. `default` may differ by kind of extractor."""

    key: str
    check: Callable[[object], Any]
    default: Any
    env: str
    flag: str = ""
    metavar: str = ""
    secret: bool = False

    def default_of(self, kind: str) -> Any:
        return self.default[kind] if isinstance(self.default, dict) else self.default

    def origin(self, source: str) -> str:
        """Where in a source it was given, in words."""
        if source == "flag":
            return f"flag {self.flag or '--dev-mode'}"
        return f"environment {self.env}" if source == "environment" else source


_DEVICE_IDS = {kind: schema.kind(kind).device_id or "" for kind in ("keystroke", "mouse", "app")}

OPTIONS = (
    Option(
        "redis_url", allowed.redis_url, "", "REDIS_URL",
        "--redis-url", "URL",
    ),
    Option("redis_host", allowed.name, "127.0.0.1", "REDIS_HOST"),
    Option("redis_port", allowed.whole(1, 65535), 6379, "REDIS_PORT"),
    Option("redis_username", allowed.text, "", "REDIS_USERNAME"),
    Option("redis_password", allowed.text, "", "REDIS_PASSWORD", secret=True),
    Option(
        "influx_url", allowed.influx_url, "http://127.0.0.1:8086", "INFLUX_URL",
        "--influx-url", "URL",
    ),
    Option("influx_org", allowed.name, "seclyzer", "INFLUX_ORG"),
    Option("influx_bucket", allowed.name, "behavioral_data", "INFLUX_BUCKET"),
    Option("influx_token", allowed.token, "", "INFLUX_TOKEN", secret=True),
    Option("influx_ca_file", allowed.text, "", "INFLUX_CA_FILE"),
    Option("influx_timeout_seconds", allowed.seconds, 10, "SECLYZER_INFLUX_TIMEOUT_SECONDS"),
    Option("influx_retry_seconds", allowed.seconds, 60, "SECLYZER_INFLUX_RETRY_SECONDS"),
    Option("spool_bytes", allowed.spool_bytes, 67_108_864, "SECLYZER_SPOOL_BYTES"),
    Option(
        "window_seconds", allowed.seconds, 30, "WINDOW_SECONDS",
        "--window", "S",
    ),
    Option(
        "update_interval", allowed.seconds, 5, "UPDATE_INTERVAL",
        "--interval", "S",
    ),
    Option(
        "lateness_ms", allowed.whole(0, 3_600_000), 250, "SECLYZER_LATENESS_MS",
        "--lateness", "MS",
    ),
    Option(
        "min_events", allowed.whole(1, 1_000_000), {"keystroke": 10, "mouse": 50, "app": 1},
        "SECLYZER_MIN_EVENTS", "--min-events", "N",
    ),
    Option(
        "buffer_events", allowed.whole(1, 10_000_000), {"keystroke": 10_000, "mouse": 50_000, "app": 10_000},
        "SECLYZER_BUFFER_EVENTS", "--buffer-events", "N",
    ),
    Option("dev_mode", allowed.flag, False, "SECLYZER_DEV_MODE"),
    Option("user_id", allowed.name, "default", "SECLYZER_USER_ID", "--user-id", "ID"),
    Option(
        "device_id", allowed.name, _DEVICE_IDS, "SECLYZER_DEVICE_ID",
        "--device-id", "ID",
    ),
    Option(
        "host", allowed.name, socket.gethostname() or "localhost", "SECLYZER_HOST",
        "--host", "NAME",
    ),
    Option(
        "log_level", allowed.one_of("debug", "info", "warning", "error"), "info", "SECLYZER_LOG_LEVEL",
        "--log-level", "LEVEL",
    ),
    Option(
        "log_format", allowed.one_of("logfmt", "json"), "logfmt", "SECLYZER_LOG_FORMAT",
        "--log-format", "FORMAT",
    ),
    Option(
        "state_dir", allowed.text, "", "SECLYZER_STATE_DIR",
        "--state-dir", "DIR",
    ),
)  # fmt: skip

_BY_KEY = {option.key: option for option in OPTIONS}


def settings(kind: str, **values: Any) -> Settings:
    """The defaults of `kind` with these values in their place; ConfigError when they do not fit."""
    return _settings(kind, [("argument", values)])


def load(kind: str, flags: Mapping[str, Any], environment: Mapping[str, str], config_file: str | None) -> Settings:
    """What is in force. `flags` holds the keys whose flag was given; ConfigError for anything unusable."""
    from_environment = _from_environment(environment)
    sources = []
    if config_file is not None:
        sources.append(("file", _with_secret_files(_read_file(config_file), from_environment)))
    sources.append(("environment", from_environment))
    sources.append(("flag", dict(flags)))
    named = {key for _, values in sources for key in values}
    sources.insert(0, ("credentials", _from_credentials(environment, named)))
    return _settings(kind, sources)


def _settings(kind: str, sources: list[tuple[str, dict[str, Any]]]) -> Settings:
    """The defaults, each source over the one before. What is replaced need not be right, but its key must be known."""
    given: dict[str, tuple[str, Any]] = {}
    for source, values in sources:
        for key, value in values.items():
            if key not in _BY_KEY:
                raise ConfigError(f"unknown key {_quoted(key)} in the configuration file; --help lists the keys")
            given[key] = source, value
    made = Settings(
        **{
            option.key: _checked(kind, option, *given[option.key]) if option.key in given else option.default_of(kind)
            for option in OPTIONS
        }
    )
    if made.update_interval > made.window_seconds:
        raise ConfigError(
            f"update_interval is {made.update_interval}: allowed is at most window_seconds ({made.window_seconds})"
        )
    return made


def _checked(kind: str, option: Option, source: str, value: object) -> Any:
    key = option.key
    if key == "device_id" and kind == "app" and value == "":
        return ""  # only the points of applications have no such tag
    try:
        return option.check(value)
    except ValueError as wrong:
        # An address that is not understood may hold a password anywhere.
        hidden = option.secret or (key.endswith("_url") and ("@" in str(value) or "?" in str(value)))
        shown = _quoted(MASK if hidden else str(value))
        raise ConfigError(f"{key} is {shown} ({option.origin(source)}): allowed is {wrong}") from None


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _read_file(path: str) -> dict[str, Any]:
    """The keys and texts of the file, a flat YAML mapping; a key without a value is left out."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            document = yaml.compose(file, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration file {path}: {_reason(error)}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # the last two: \U… and [[[[…
        raise _no_flat_yaml(getattr(error, "problem_mark", None)) from None
    values: dict[str, Any] = {}
    if document is None:
        return values
    if not isinstance(document, yaml.MappingNode):
        raise _no_flat_yaml(document.start_mark)
    for key, value in document.value:
        for node in (key, value):
            if not isinstance(node, yaml.ScalarNode) or _has_surrogates(node.value):
                raise _no_flat_yaml(node.start_mark)
        if key.value in values:
            raise ConfigError(f"the configuration file is no flat YAML: {key.value} is given twice")
        if value.tag != "tag:yaml.org,2002:null":
            values[key.value] = value.value
    return values


def _has_surrogates(text: str) -> bool:
    """Only an escape can make them, and nothing can be done with such a text."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_flat_yaml(mark: Any) -> ConfigError:
    line = mark.line + 1 if mark else 1
    return ConfigError(f"the configuration file is no flat YAML: only `key: value` lines are known (line {line})")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The variables that are set; an empty one is the same as none."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        given = {option.key: option.env} | ({f"{option.key}_file": f"{option.env}_FILE"} if option.secret else {})
        for key, variable in given.items():
            if environment.get(variable):
                values[key] = _utf8(variable, environment[variable])
    if environment.get("STATE_DIRECTORY"):
        values["state_dir"] = environment["STATE_DIRECTORY"].split(":")[0]
    return _with_secret_files(values, {})


def _utf8(name: str, text: str) -> str:
    """The same text; ConfigError when it came from bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{name} is not UTF-8") from None
    return text


def _with_secret_files(values: dict[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, `*_file` keys replaced by what their files hold; a secret beats its file. Empty is none.

    A file whose secret a stronger source has is not read.
    """
    for option in OPTIONS:
        if not option.secret:
            continue
        path = values.pop(f"{option.key}_file", None)
        if not values.get(option.key):
            values.pop(option.key, None)
            if path and option.key not in stronger:
                values[option.key] = _read_secret(f"{option.key}_file", path)
    return values


def _from_credentials(environment: Mapping[str, str], named: set[str]) -> dict[str, Any]:
    """The secrets that systemd hands over and nothing else names."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    values = {}
    for option in OPTIONS:
        path = os.path.join(directory or "", option.key)
        if directory and option.secret and option.key not in named and os.path.exists(path):
            values[option.key] = _read_secret("CREDENTIALS_DIRECTORY", path)
    return values


def _read_secret(said: str, path: object) -> str:
    try:
        with open(str(path), encoding="utf-8") as file:
            return file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}, which {said} names: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"


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
    for option in OPTIONS:
        value = getattr(settings, option.key)
        if option.key in ("redis_username", "redis_password"):  # the URL may name them
            value = getattr(settings.redis, option.key.removeprefix("redis_"))
        if option.secret and value:
            value = MASK
        if option.key == "redis_url":
            value = masked(value)
        lines.append(f"{option.key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
