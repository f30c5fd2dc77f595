"""The settings there are, from the shared `settings.json`: key, what is allowed, default, variable, flag, help."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import schema
from . import values


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the file. `default` may differ by kind of extractor, then it is one for each."""

    key: str
    check: Callable[[object], Any]  # what YAML, a variable or a flag holds to the value; ValueError(what is allowed)
    default: Any
    env: str
    flag: str
    metavar: str  # empty for a flag without a value
    secret: bool
    help: str

    def default_of(self, kind: str) -> Any:
        return self.default[kind] if isinstance(self.default, dict) else self.default

    def origin(self, source: str) -> str:
        """Where in a source it was found, in words."""
        if source == "flag":
            return f"flag {self.flag}"
        return f"environment {self.env}" if source == "environment" else source


def _check(entry: dict[str, Any]) -> Callable[[object], Any]:
    """The check of the entry's type; KeyError for a type that is not known."""
    low, high = entry.get("min", 0), entry.get("max", 0)
    return {
        "text": values.text,
        "name": values.name,
        "token": values.token,
        "whole": values.whole(low, high),
        "size_or_zero": values.size_or_zero(low, high),
        "seconds": values.seconds,
        "flag": values.flag,
        "choice": values.one_of(*entry.get("choices", ())),
        "redis_url": values.redis_url,
        "influx_url": values.influx_url,
        "socket_path": values.socket_path,
    }[entry["type"]]


def _default(entry: dict[str, Any]) -> Any:
    if "default" in entry:
        return entry["default"]
    if entry["default_of"] == "hostname":
        return socket.gethostname() or "localhost"
    _, _, field = entry["default_of"].partition(".")  # of kinds.json or features.json
    return {kind.name: getattr(kind, field) or "" for kind in schema.kinds()}


SETTINGS = tuple(
    Setting(
        key=entry["key"],
        check=_check(entry),
        default=_default(entry),
        env=entry["env"],
        flag=entry.get("flag", ""),
        metavar=entry.get("metavar", ""),
        secret=entry.get("secret", False),
        help=entry["help"],
    )
    for entry in schema.document("settings")["settings"]
)
