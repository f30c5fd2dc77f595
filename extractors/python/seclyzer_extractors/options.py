"""The settings there are, in one table: key, what is allowed, default, variable, flag."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import allowed, schema


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
    Option(
        "influx_socket", allowed.socket_path, "", "INFLUX_SOCKET",
        "--influx-socket", "PATH",
    ),
    Option("influx_org", allowed.name, "seclyzer", "INFLUX_ORG"),
    Option("influx_bucket", allowed.name, "behavioral_data", "INFLUX_BUCKET"),
    Option("influx_token", allowed.token, "", "INFLUX_TOKEN", secret=True),
    Option("influx_ca_file", allowed.text, "", "INFLUX_CA_FILE"),
    Option("influx_timeout_seconds", allowed.seconds, 10, "SECLYZER_INFLUX_TIMEOUT_SECONDS"),
    Option("influx_retry_seconds", allowed.seconds, 60, "SECLYZER_INFLUX_RETRY_SECONDS"),
    Option("spool_bytes", allowed.spool_bytes, 67_108_864, "SECLYZER_SPOOL_BYTES"),
    Option("stream_bytes", allowed.whole(1_048_576, 1_073_741_824), 25_165_824, "SECLYZER_STREAM_BYTES"),
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
        "idle_timeout_ms", allowed.whole(0, 3_600_000), 2000, "SECLYZER_IDLE_TIMEOUT_MS",
        "--idle-timeout", "MS",
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
