"""The settings in force, as every part of the agent reads them; `config` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .model import Pace
from .places import REDIS_UNIT, Places


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force; the README describes each key.

    `units` and `checks` hold every name that applies; `own` the settings that single checks bring along, by key.
    """

    listen: tuple[str, int]
    unix_listen: str
    reader_password_file: str
    web_listen: str
    web_config_file: str
    roles: tuple[str, ...]
    redis_url: str
    redis_username: str
    redis_password_file: str
    influx_url: str
    influx_socket: str
    influx_ca_file: str
    metrics_file: str
    deployment_dir: str
    units: Mapping[str, str]
    extractors: tuple[str, ...]
    host: str
    memory_warn_percent: float
    memory_fail_percent: float
    slow_milliseconds: float
    recent_seconds: float
    checks: Mapping[str, Pace]
    log_level: str
    own: Mapping[str, Any]

    @property
    def places(self) -> Places:
        """Where the parts are."""
        return Places(self.units.get("redis", REDIS_UNIT), self.redis_url, self.influx_url)

    @property
    def edge(self) -> bool:
        """Whether people work at this host."""
        return "edge" in self.roles

    @property
    def store(self) -> bool:
        """Whether InfluxDB runs here."""
        return "store" in self.roles
