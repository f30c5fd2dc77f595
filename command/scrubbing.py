"""What must not leave this host in a support bundle: secrets, what people type, the names of their applications.

Secrets and names that the host holds are replaced by exact value; anything that looks like a secret is as well, so
that a former password or another program's token in a log goes, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from plugins.module_utils.resp import Redis, RedisAway, RedisError

SECRETS = ("/etc/seclyzer/credentials", "/etc/seclyzer/gateway", "/etc/seclyzer/redis")
"""Folders in which each word of a file may be a secret."""
APP_STATE = Path("/var/lib/seclyzer/app/app-state.json")
LIKE_A_SECRET = re.compile(r"(?<![\w-])(?:[0-9a-fA-F]{32,}|[A-Za-z0-9+/_-]{40,}={0,2})(?![\w-])")
ASSIGNED = re.compile(r"(?i)(password|passwd|token|secret|authorization|api[_-]?key)(\"?\s*[:=]\s*\"?)([^\s\",;}]+)")
IN_URL = re.compile(r"(\w+://)[^/\s:@]*:[^/\s@]+@")
PERSON = re.compile(r"(?m)^(\s*(?:user_id|device_id)\s*:\s*)\S.*$")
MASK = "[removed]"
SHORTEST = 8
"""Characters of a word that may be a secret: shorter ones would take ordinary words away."""


class Scrubber:
    """Takes away what it was given, and what looks like a secret."""

    def __init__(self, secrets: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        words = sorted({word for word in secrets if len(word) >= SHORTEST}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, words))) if words else None
        named = sorted({name for name in names if name}, key=len, reverse=True)
        inside = "|".join(re.escape(name) for name in named)
        self._names = re.compile(rf"(?<![\w-])(?:{inside})(?![\w-])") if named else None

    def text(self, text: str) -> str:
        """A text without them."""
        for found in (self._secrets, self._names):
            text = found.sub(MASK, text) if found else text
        text = IN_URL.sub(rf"\1{MASK}@", text)
        text = ASSIGNED.sub(rf"\1\2{MASK}", text)
        text = PERSON.sub(rf"\1{MASK}", text)
        return LIKE_A_SECRET.sub(MASK, text)


def of_host(redis_socket: str, admin: str) -> Scrubber:
    """What this host holds; `admin` is the password of Redis' user, empty where there is none."""
    return Scrubber(_secrets(), {*_saved_names(), *_names_in_redis(redis_socket, admin)})


def _secrets() -> Iterator[str]:
    for folder in SECRETS:
        for path in sorted(Path(folder).glob("*")):
            with suppress(OSError):
                if path.is_file():
                    yield from re.split(r"[\s\"',:#>]+", path.read_text(errors="replace"))


def _saved_names() -> set[str]:
    try:
        return set(names_in(json.loads(APP_STATE.read_text())))
    except (OSError, ValueError):
        return set()


def _names_in_redis(path: str, admin: str) -> set[str]:
    found: set[str] = set()
    with suppress(RedisAway, RedisError, ValueError), Redis(path, "admin", admin, timeout=2.0) as redis:
        for key in ("seclyzer:app:state", "seclyzer:app:patterns"):
            text = redis.call("GET", key)
            found |= set(names_in(json.loads(text))) if isinstance(text, str) else set()
        for text in redis.texts("LRANGE", "seclyzer:features:app", "0", "-1"):
            found |= {str(value) for key, value in json.loads(text).items() if key in ("from_app", "to_app")}
    return found


def names_in(value: Any) -> Iterator[str]:
    """The names of applications in a saved state or in patterns: every text and key that is no field of theirs."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key not in FIELDS and not key.isdecimal():
                yield key
            yield from names_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from names_in(one)
    elif isinstance(value, str) and not re.fullmatch(r"[0-9TZ:.\-]*", value) and value not in FIELDS:
        yield value


FIELDS = frozenset(
    {
        *("schema", "implementation", "version", "timestamp", "ts", "type", "app_patterns", "last_id", "current"),
        *("app", "since", "dev_mode", "pending", "apps", "gains", "unique_apps", "total_transitions", "unstored"),
        *("transition_matrix", "time_preferences", "usage_stats", "most_used", "avg_durations", "python", "rust"),
        *("from", "to", "name", "count", "counts", "hours", "durations", "first", "last", "out", "total"),
    }
)
"""Words of the form of state and patterns themselves."""
