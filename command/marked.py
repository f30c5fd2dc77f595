"""`seclyzer test-events`: a marked session through the real way, each stage with its time."""

from __future__ import annotations

import argparse
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Refused
from plugins.module_utils.resp import Redis, RedisAway, RedisError
from seclyzer_agent.history import entry_seconds
from seclyzer_agent.stats import parse

from . import apart, explain, marked_events, read_back
from .exits import BROKEN, WELL, Stop
from .host import Host
from .probes.redis import AGENT, password
from .screen import Screen

HELP = "send a marked session through the real way and follow it to the store; or judge a file of events"
ABOUT = """First an event of a type that every extractor ignores goes into the host's own Redis, as a producer's
would: it shows that producers get in and that the running extractors read, and it touches no window of a
person's. Then a session of made-up typing, movement and applications goes through a second pipeline in memory:
a Redis with this host's configuration and users, and extractors by the units, settings, credentials and
sandboxes of those that run. Its points go to the real store under the user seclyzer-test. An edge may only
write: on the store, `sudo seclyzer test-events` says what arrived.

--explain FILE says for each event of a file of JSON lines whether the extractors take it, and why not: by this
host's settings, which root may read, else by the defaults."""
PATIENCE = 25.0
"""Seconds for a stage; an extractor reports what it has read every 5 s."""
PAUSE = 0.1
STREAM = "seclyzer:stream:"


@dataclass
class Stage:
    """One stage: what it is, whether it went well, what was seen, and how long it took (s)."""

    name: str
    good: bool
    words: str
    seconds: float


@dataclass
class Followed:
    """The stages so far; one that fails is the last."""

    screen: Screen
    stages: list[Stage] = field(default_factory=list)

    def stage(self, name: str, do: Callable[[], str]) -> None:
        """Does a stage and shows it. Raises Stop when it fails."""
        began = time.monotonic()
        try:
            words, good = do(), True
        except (Refused, RedisAway, RedisError, OSError) as fault:
            words, good = str(fault), False
        seconds = time.monotonic() - began
        self.stages.append(Stage(name, good, words, seconds))
        mark = self.screen.paint("ok  ", "pass") if good else self.screen.paint("FAIL", "fail")
        self.screen.line(f"  {mark}  {name:<34} {seconds:6.2f} s  {words}")
        if not good:
            raise Stop(f"{name}: {words}; seclyzer doctor says what is wrong", BROKEN)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--explain", metavar="FILE", help="judge a file of JSON lines ('-': stdin) and send nothing")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; 0 when every stage went well, 2 when one failed, or what it needs could not be started."""
    if options.explain:
        return explain.run(options.explain, screen, host)
    host.require()
    host.require_root("test-events")
    if not host.is_edge:
        return read_back.run(screen, host)
    followed = Followed(screen)
    session_id = secrets.token_hex(6)
    kinds = [kind for kind in KINDS if f"seclyzer-{kind}.service" in host.units]
    screen.line(f"{screen.paint(host.name, 'bold')}: marked session {session_id}, {', '.join(kinds)}")
    good, why = False, "it was ended before its last stage"
    try:
        _live(followed, host, kinds, session_id)
        _apart(followed, host, kinds)
        words = read_back.proven(followed.stage, host)
        good, why = True, ""
    except (Stop, Refused, OSError) as fault:  # what is between two stages fails as they do
        why = str(fault)
        raise Stop(why, BROKEN) from None
    finally:
        stages = [vars(stage) for stage in followed.stages]
        screen.document({"host": host.name, "session": session_id, "good": good, "why": why, "stages": stages})
    screen.sentence(words, "  ")
    return WELL


def _live(followed: Followed, host: Host, kinds: list[str], session_id: str) -> None:
    """The host's own Redis and the extractors that run."""
    sent: dict[str, str] = {}

    def send() -> str:
        now = time.time_ns() // 1000
        with Redis(host.redis_socket, "collector", password("collector")) as redis:
            for kind in kinds:
                event = marked_events.marker(session_id, now)
                oldest = str(now // 1000 - 120_000)
                sent[kind] = str(redis.call("XADD", f"{STREAM}{kind}", "MINID", "~", oldest, "*", "e", event))
        return f"{len(kinds)} events added as the user collector"

    def read() -> str:
        with Redis(host.redis_socket, AGENT, password(AGENT)) as redis:
            for kind in kinds:
                _wait(partial(_has_read, redis, kind, sent[kind]), f"{kind} has not read its event")
        return "all extractors have read them, and left them out"

    followed.stage("producer → Redis", send)
    followed.stage("Redis → running extractors", read)


def _has_read(redis: Redis, kind: str, sent: str) -> bool:
    stats = parse(redis.pairs("HGETALL", f"seclyzer:stats:{kind}"))
    return stats is not None and _order(stats.last_id or "0-0") >= _order(sent)


def _order(entry_id: str) -> tuple[float, int]:
    return entry_seconds(entry_id), int(entry_id.partition("-")[2] or 0)


def _apart(followed: Followed, host: Host, kinds: list[str]) -> None:
    """The second pipeline, from events to points."""
    start = marked_events.begin(time.time_ns() // 1000)
    with apart.redis(host) as socket:

        def send() -> str:
            count = 0
            with Redis(socket, "collector", password("collector")) as redis:
                for kind in kinds:
                    for event in marked_events.session(kind, start):
                        redis.call("XADD", f"{STREAM}{kind}", "*", "e", event)
                        count += 1
            return f"{count} events of a made-up session, in a Redis apart"

        followed.stage("session → Redis apart", send)
        with apart.extractors(host, kinds):
            followed.stage("extractors → features", lambda: _features(socket, kinds))
            followed.stage("features → store", lambda: _stored(socket, kinds))


def _features(socket: str, kinds: list[str]) -> str:
    """Waits for the features, and compares those that are known."""
    found: dict[str, list[dict[str, object]]] = {}
    with Redis(socket, "consumer", password("consumer")) as redis:
        for kind in kinds:
            key = f"seclyzer:features:{kind}"
            _wait(
                partial(_has_some, redis, key),
                f"no features of {kind}: journalctl -u {apart.unit(kind)} says why",
            )
            found[kind] = [json.loads(text) for text in redis.texts("LRANGE", key, "0", "-1")]
    for kind in kinds:
        for output in found[kind]:
            for one in marked_events.EXPECTED[kind]:
                if output.get(one.feature) != one.value:
                    raise Refused(f"{kind}: {one.feature} is {output.get(one.feature)}, and not {one.value:g}")
    return f"{sum(map(len, found.values()))} outputs, with the values that they have to have"


def _stored(socket: str, kinds: list[str]) -> str:
    """Waits until the store has confirmed the points."""
    points = 0
    with Redis(socket, AGENT, password(AGENT)) as redis:
        for kind in kinds:
            _wait(partial(_is_stored, redis, kind), f"{kind}: the store has confirmed no point")
            points += _written(redis, kind)
    return f"the store has confirmed {points} points of the user {marked_events.USER}"


def _has_some(redis: Redis, key: str) -> bool:
    return bool(redis.call("LLEN", key))


def _is_stored(redis: Redis, kind: str) -> bool:
    return _written(redis, kind) > 0


def _written(redis: Redis, kind: str) -> int:
    stats = parse(redis.pairs("HGETALL", f"seclyzer:stats:{kind}"))
    if stats is None:
        return 0
    if outage := stats.outage("influxdb").fault:
        raise Refused(f"{kind}: {stats.outage('influxdb').reason or outage}")
    return stats["points_written"]


def _wait(is_so: Callable[[], bool], words: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise Refused(f"{words} within {PATIENCE:g} s")
        time.sleep(PAUSE)
