"""Does Redis answer, has it room for data and connections, and does it keep off the disk?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..history import Growth, grow
from ..model import Entry, Pace, Reading, Status
from ..redis_client import ANSWERED, TRIES, Redis
from ..sizes import mebibytes
from ..spec import Context, Metric, Spec, Trial, value_of

REFUSALS = {
    "WRONGPASS": "logins with a wrong user or password",
    "NOAUTH": "commands without a login",
    "NOPERM": "commands that their user has no right to",
    "OOM": "writes of events and features because its memory is full",
}
"""Words of Redis' errors, and what each counts."""


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """`latency` of PING in s; memory in bytes, `limit` 0 when none is set."""

    latency: float
    used: int
    limit: int


def judge_latency(latency: float, slow: float) -> Entry:
    """PING's time; `latency` and `slow` in s."""
    ms = latency * 1000
    status = Status.WARN if latency > slow else Status.PASS
    words = f"Redis answered PING in {ms:.1f} ms" + (f", more than {slow * 1000:g} ms" if status else "")
    return Entry("responseTime", "redis", "datastore", status, words, round(ms, 3), "ms")


def judge_memory(used: int, limit: int, policy: str, warn: float, fail: float) -> Entry:
    """Memory against `maxmemory` (bytes); `warn` and `fail` in percent."""
    if not limit:
        words = f"Redis uses {mebibytes(used)} and has no maxmemory: nothing bounds it"
        return Entry("memory", "redis", "datastore", Status.WARN, words, used, "bytes")
    percent = 100 * used / limit
    status = Status.rising(percent, warn, fail)
    words = f"Redis uses {mebibytes(used)} of {mebibytes(limit)} ({percent:.0f} %)"
    words += "; at the limit it takes no events and no features" if status else ""
    if policy != "noeviction":
        status = max(status, Status.WARN)
        words += f"; maxmemory-policy is {policy}, so it may drop events silently"
    return Entry("memory", "redis", "datastore", status, words, used, "bytes")


def judge_persistence(info: Mapping[str, Any]) -> Entry:
    """Whether anything went or goes to disk since Redis started, from INFO persistence and replication."""
    faults = []
    if info.get("aof_enabled"):
        faults.append("appends every write to a file (appendonly)")
    if info.get("rdb_saves") or info.get("rdb_bgsave_in_progress") or info.get("aof_rewrite_in_progress"):
        faults.append("has written snapshots to disk since it started")
    if info.get("rdb_last_load_keys_loaded"):
        faults.append("loaded a snapshot from disk when it started")
    if info.get("connected_slaves"):
        faults.append("sends everything to a replica")
    words = "Redis " + (" and ".join(faults) if faults else "keeps everything in memory only")
    status = Status.FAIL if faults else Status.PASS
    return Entry("persistence", "redis", "datastore", status, words, bool(faults), figures=False)


def judge_connections(info: Mapping[str, Any], turned_away: int, warn: float, fail: float) -> Entry:
    """Connections against `maxclients`, from INFO; `turned_away` since the last look; `warn`, `fail` in percent.

    A client that connects and never logs in counts as well, so a port, which any user of the host can reach, is named.
    """
    now, limit = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    percent = 100 * now / limit if limit else 0.0
    status = max(Status.rising(percent, warn, fail), Status.WARN if turned_away else Status.PASS)
    words = f"Redis has {now} of {limit} connections ({percent:.0f} %)"
    if turned_away:
        words += f"; it turned {turned_away} away since the last look, producers may be among them"
    if port := int(info.get("tcp_port", 0)):
        words += f"; any user of this host can take them through port {port}"
    return Entry("connections", "redis", "datastore", status, words, now)


def refused(info: Mapping[str, Any]) -> dict[str, int]:
    """How often Redis has refused something since it started, by the word of its error, from INFO errorstats."""
    return {code: int(dict(info.get(f"errorstat_{code}") or {}).get("count", 0)) for code in REFUSALS}


def judge_refusals(growth: Growth, recent: float) -> Entry:
    """Who is refused: programs without a login or right (`warn`), or everybody (`fail`). What is past is named as such,
    and only while no one is.
    """
    wrong = growth.present()
    status = Status.FAIL if "OOM" in wrong else Status.WARN if wrong else Status.PASS
    finding = "redis-full" if "OOM" in wrong else ""
    named = {code: growth.grown[code].total for code in REFUSALS if code in (wrong or growth.grown)}
    seen = ", ".join(f"{count} {REFUSALS[code]}" for code, count in named.items()) or "no one"
    words = f"{'past: ' if named and not wrong else ''}Redis refused {seen} in the last {recent:g} s"
    plain = "Redis refuses a program" if wrong else ""
    return Entry("refusals", "redis", "datastore", status, words, sum(named.values()), plain=plain, finding=finding)


class RedisCheck:
    """The check `redis`. Its facts: RedisFacts. `slow` and `recent` in s, `warn` and `fail` in percent of maxmemory."""

    name = "redis"
    after = ()
    primary = Entry("responseTime", "redis", "datastore", Status.FAIL, "")

    def __init__(self, client: Redis, *, slow: float, warn: float, fail: float, recent: float) -> None:
        self._client, self._slow, self._warn, self._fail, self._recent = client, slow, warn, fail, recent
        self._rejected: int | None = None
        self._refused: Growth | None = None

    async def read(self) -> Reading:
        """PING, then INFO."""
        began = time.perf_counter()
        await self._client.call("PING")
        latency = time.perf_counter() - began
        answered = dict(ANSWERED)
        info = await self._client.info(
            "memory", "persistence", "replication", "clients", "stats", "server", "errorstats"
        )
        used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
        policy = str(info.get("maxmemory_policy", ""))
        turned_away = self._turned_away(int(info.get("rejected_connections", 0)))
        entries = (
            judge_latency(latency, self._slow),
            judge_memory(used, limit, policy, self._warn, self._fail),
            judge_persistence(info),
            judge_connections(info, turned_away, self._warn, self._fail),
            judge_refusals(self._refusals(info, answered), self._recent),
        )
        return Reading(entries, RedisFacts(latency, used, limit))

    def _refusals(self, info: Mapping[str, Any], answered: Mapping[str, int]) -> Growth:
        """What Redis refused to others lately: what the check `legacy_clients` tries on purpose does not count.

        `answered` are its tries that Redis had answered before `info` was read. Tries are counted before they are made,
        so less is seen at most, and only until the next look. The base is a look beside which no try was under way.
        """
        process, tries = str(info.get("run_id", "")), dict(TRIES)
        # Below 0 after a restart of Redis, which forgets tries that the agent counts; only the growth is of interest.
        others = {code: count - tries.get(code, 0) for code, count in refused(info).items()}
        before = self._refused
        if before is None or before.process != process:
            if answered != tries:
                return Growth(process, others)
            self._refused = Growth(process, others)
        else:
            others = {code: max(count, before.last[code]) for code, count in others.items()}
            self._refused = grow(before, process, others, time.monotonic(), recent=self._recent)
        return self._refused

    def _turned_away(self, rejected: int) -> int:
        """How many connections Redis has turned away since the last look; it counts from 0 when it starts."""
        before, self._rejected = self._rejected, rejected
        return 0 if before is None else max(0, rejected - before)


def _make(context: Context) -> list[RedisCheck]:
    assert context.redis is not None
    settings = context.settings
    return [
        RedisCheck(
            context.redis,
            slow=settings.slow_milliseconds / 1000,
            warn=settings.memory_warn_percent,
            fail=settings.memory_fail_percent,
            recent=settings.recent_seconds,
        )
    ]


SPEC = Spec(
    names=("redis",),
    order=50,
    help="the Redis of an edge",
    pace=Pace(5, 2, rise=2, fall=2),
    measurements={
        "responseTime": "of `PING`; slower than `slow_milliseconds`: `warn`",
        "memory": "against `maxmemory`",
        "persistence": "it must write nothing to disk",
        "refusals": "logins, and commands without a right, that Redis refuses: `warn`; writes for lack of memory: "
        "`fail`",
        "connections": "against `maxclients`: `warn` also when some were turned away",
    },
    roles=("edge",),
    uses=("redis_url", "slow_milliseconds", "memory_warn_percent", "memory_fail_percent", "recent_seconds"),
    metrics=(
        Metric(
            "seclyzer_redis_up",
            "gauge",
            "1 when Redis answered the last reading",
            lambda _, facts: [((), 0 if facts is None else 1)],
            state=True,
            when_unread=True,
        ),
        Metric("seclyzer_redis_ping_seconds", "gauge", "Time that PING took", value_of(lambda facts: facts.latency)),
        Metric(
            "seclyzer_redis_memory_used_bytes", "gauge", "Memory that Redis uses", value_of(lambda facts: facts.used)
        ),
        Metric(
            "seclyzer_redis_memory_limit_bytes",
            "gauge",
            "Redis' maxmemory, 0 when there is none",
            value_of(lambda facts: facts.limit),
        ),
    ),
    redis=(("PING", ""), ("INFO", "")),
    trial=Trial(filled=("memory", "connections", "refusals")),
    make=_make,
)
