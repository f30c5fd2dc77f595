"""Options under the names they had before: the table, and their values under the new ones.

Old names are accepted for one release, with a warning; the entries go with the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Renamed:
    """What an option is called now, the type of the old one, and how its value becomes the new one's."""

    name: str
    kind: str
    value: Callable[[Any], Any]


def _mebibytes(value: Any) -> str:
    return f"{value}M"


def _percent(value: Any) -> str:
    return f"{value}%"


def _same(value: Any) -> Any:
    return value


RENAMED: dict[str, Renamed] = {
    "redis_maxmemory_mb": Renamed("redis_data_memory_max", "int", _mebibytes),
    "redis_memory_max_mb": Renamed("redis_memory_max", "int", _mebibytes),
    "redis_output_buffer_mb": Renamed("redis_output_buffer_memory_max", "int", _mebibytes),
    "redis_cpu_percent": Renamed("redis_cpu_quota", "int", _percent),
    "influxdb_memory_max_mb": Renamed("influxdb_memory_max", "int", _mebibytes),
    "influxdb_rotate_tokens": Renamed("influxdb_rotate", "bool", _same),
    "influxdb_gateway_memory_max_mb": Renamed("influxdb_gateway_memory_max", "int", _mebibytes),
    "influxdb_gateway_series_memory_mb": Renamed("influxdb_gateway_series_memory_max", "int", _mebibytes),
    "seclyzer_release_back": Renamed("seclyzer_release_return", "str", _same),
}


def options() -> dict[str, dict[str, Any]]:
    """The old names as options, so that they are known and their types are checked."""
    return {old: {"type": new.kind} for old, new in RENAMED.items()}


def conflicts(names: Mapping[str, Any]) -> list[str]:
    """A sentence for every option that is set by both of its names."""
    return [
        f"{old} is the old name of {new.name}, and both are set; leave {old} out"
        for old, new in RENAMED.items()
        if old in names and new.name in names
    ]


def converted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their new names, from values by their old ones."""
    return {new.name: new.value(values[old]) for old, new in RENAMED.items() if old in values}


def warnings(names: Mapping[str, Any]) -> list[str]:
    """A sentence for every old name that is set."""
    return [
        f"{old} is called {new.name} now; the next release does not accept {old}"
        for old, new in RENAMED.items()
        if old in names
    ]
