"""Redis by its socket: whether it answers, how full it is, and whom it refuses, which its log of refusals names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from plugins.module_utils import credentials
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Refused
from plugins.module_utils.resp import Redis, RedisAway, RedisError
from seclyzer_agent.history import CALM
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.sizes import mebibytes

from ..host import Host
from .seen import Seen

FOLDER = Path("/etc/seclyzer/credentials")
AGENT, ADMIN = "agent", "admin"
FULL = (80.0, 95.0)
"""Percent of maxmemory and maxclients: from here on `warn`, `fail`."""
TRIED = ("collector", *KINDS, "agent", "consumer", "admin")
"""Whom the agent tries."""
FEW = 3
"""Refusals by which users may differ that the agent tries by turns."""


def password(user: str) -> str:
    """The password of a user of Redis, as the role wrote it. Raises Refused."""
    secret = credentials.read_secret(FOLDER / f"redis-{user}")
    if secret is None:
        raise Refused(f"{FOLDER}/redis-{user} is missing or holds no password")
    return secret


def look(host: Host) -> Iterator[Seen]:
    """Entries of the check `redis`, for root, who has its passwords."""
    if not host.is_edge or not host.is_root:
        return
    how = f"PING by {host.redis_socket} as the user {AGENT}"
    try:
        with Redis(host.redis_socket, AGENT, password(AGENT), timeout=2.0) as redis:
            redis.call("PING")
    except RedisAway as fault:
        yield Seen("redis", _entry("responseTime", f"Redis cannot be reached: {_plain(fault)}"), how)
        return
    except (RedisError, Refused) as fault:
        words = f"Redis does not let the user {AGENT} in: {fault}"
        yield Seen("redis", _entry("responseTime", words, finding="agent-password"), how)
    yield from _figures(host)


def _figures(host: Host) -> Iterator[Seen]:
    """What only the user `admin` may see."""
    try:
        with Redis(host.redis_socket, ADMIN, password(ADMIN), timeout=2.0) as redis:
            info = _info(str(redis.call("INFO")))
            refused = [dict(_pairs(one)) for one in _rows(redis.call("ACL", "LOG", "50"))]
    except (RedisAway, RedisError, Refused) as fault:
        words = f"Redis does not let the user {ADMIN} in: {fault}"
        yield Seen("redis", _entry("responseTime", words, Status.WARN, "agent-password"), f"INFO as {ADMIN}")
        return
    yield Seen("redis", judge_memory(info), "INFO memory")
    yield Seen("redis", judge_connections(info), "INFO clients")
    yield Seen("redis", judge_persistence(info), "INFO persistence, INFO replication")
    yield Seen("redis", judge_refusals(refused), f"ACL LOG as {ADMIN}")


def judge_memory(info: Mapping[str, str]) -> Entry:
    """How near Redis is to `maxmemory`, where it refuses events and features."""
    used, limit = (int(info.get(name) or 0) for name in ("used_memory", "maxmemory"))
    percent = 100 * used / limit if limit else 0.0
    words = f"Redis uses {mebibytes(used)} of {mebibytes(limit)} ({percent:.0f} %)"
    words += "; at the limit it takes no events and no features" if percent >= FULL[0] else ""
    return _entry("memory", words, _grade(percent))


def judge_connections(info: Mapping[str, str]) -> Entry:
    """How near Redis is to `maxclients`, where it turns producers away."""
    now, limit = (int(info.get(name) or 0) for name in ("connected_clients", "maxclients"))
    percent = 100 * now / limit if limit else 0.0
    return _entry("connections", f"Redis has {now} of {limit} connections ({percent:.0f} %)", _grade(percent))


def judge_persistence(info: Mapping[str, str]) -> Entry:
    """Whether anything goes to a disk or to another server: it would be what people type."""
    ways = {"aof_enabled": "appends every write to a file", "connected_slaves": "sends everything to a replica"}
    found = [words for name, words in ways.items() if info.get(name, "0") != "0"]
    words = "Redis " + (" and ".join(found) or "keeps everything in memory only")
    return _entry("persistence", words, Status.FAIL if found else Status.PASS)


def judge_refusals(rows: list[dict[str, str]]) -> Entry:
    """Who was refused lately, by Redis' log, which adds what is alike to one entry for as long as it goes on.

    The agent tries each user as often as any other with a password that is not theirs: that share is taken off.
    """
    lately = [row for row in rows if float(row.get("age-seconds") or 0) <= CALM]
    tried = {row.get("username", "?"): 0 for row in lately if row.get("reason") == "auth"}
    for row in lately:
        if row.get("reason") == "auth":
            tried[row.get("username", "?")] += int(row.get("count") or 1)
    share = min(tried.values()) if len(tried) >= len(TRIED) and set(TRIED) <= {*tried} else 0
    found = [
        f"the user {user} {count - share} times (password)" for user, count in tried.items() if count > share + FEW
    ]
    found += [
        f"the user {row.get('username', '?')} {row.get('count') or 1} times ({row.get('object', '?')})"
        for row in lately
        if row.get("reason") != "auth"
    ]
    words = f"Redis refused {', '.join(found)}" if found else "Redis refused no one lately"
    return _entry("refusals", words, Status.WARN if found else Status.PASS)


def _grade(percent: float) -> Status:
    return Status.FAIL if percent >= FULL[1] else Status.WARN if percent >= FULL[0] else Status.PASS


def _entry(measurement: str, words: str, status: Status = Status.FAIL, finding: str = "") -> Entry:
    return Entry(measurement, "redis", "datastore", status, words, finding=finding)


def _info(text: str) -> dict[str, str]:
    return dict(line.partition(":")[::2] for line in text.splitlines() if ":" in line)


def _rows(reply: object) -> list[list[object]]:
    return [row for row in reply if isinstance(row, list)] if isinstance(reply, list) else []


def _pairs(row: list[object]) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in zip(row[::2], row[1::2], strict=False)]


def _plain(fault: Exception) -> str:
    hints = {"No such file": "it does not run", "Connection refused": "it does not run", "timed out": "it hangs"}
    return str(fault) + next((f" ({hint})" for word, hint in hints.items() if word in str(fault)), "")
