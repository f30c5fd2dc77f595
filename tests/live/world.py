"""A host of its own: Redis, a bucket in InfluxDB, who listens to the features, and the programs that run."""

import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import redis

from tests.helpers.influx_server import InfluxServer
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import PATIENCE_S, until, until_each

from .events import Events
from .expected import SCHEMA, Json, Point, point_of, points_of, replay, same
from .extractor import PROGRAMS, Extractor

KINDS = tuple(PROGRAMS)
END = "seclyzer:features:end"


class World:
    """Everything that a test looks at. `settings` are environment variables for the programs."""

    def __init__(self, influx: InfluxServer, name: str, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="live-"))  # a socket's path must be short
        self.name, self.influx = name, influx
        self.redis = RedisServer(self.folder)
        self.published: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.running: dict[str, Extractor] = {}
        self.all: list[Extractor] = []
        self.host = settings.get("SECLYZER_HOST", socket.gethostname())
        self._settings = settings
        self._ended = 0
        influx.add_bucket(name)
        self.redis.start()
        self.listen(self.redis.client())

    def listen(self, client: Any) -> None:
        """From now on nothing that is published is missed."""
        self._listening = client  # it would close when no name held it any more
        listener = client.pubsub()
        listener.psubscribe("seclyzer:features:*")
        assert listener.get_message(timeout=PATIENCE_S), "no answer to psubscribe"
        threading.Thread(target=self._listen, args=(listener,), daemon=True).start()

    def _listen(self, listener: Any) -> None:
        try:
            for reported in listener.listen():
                if reported["type"] != "pmessage":
                    continue
                if reported["channel"] == END:
                    self._ended += 1
                else:
                    self.published[reported["channel"].rpartition(":")[2]].append(reported["data"])
        except (redis.RedisError, OSError, ValueError):
            pass  # Redis is gone

    def start(self, implementation: str, kinds: Iterable[str] = KINDS) -> None:
        """Starts programs and waits until they listen."""
        for kind in kinds:
            state = self.folder / f"state-{kind}"
            state.mkdir(exist_ok=True)
            settings = {
                "REDIS_URL": self.redis.url,
                "INFLUX_URL": self.influx.url,
                "INFLUX_BUCKET": self.name,
                "INFLUX_TOKEN": self.influx.token,
                "STATE_DIRECTORY": str(state),
                **self._settings,
            }
            self.running[kind] = Extractor(implementation, kind, self.folder, settings)
            self.all.append(self.running[kind])
        for kind in kinds:
            self.running[kind].wait_ready()

    def wait_listening(self) -> None:
        """All are on the channel of events."""
        client = self.redis.client()
        until(
            lambda: client.pubsub_numsub("seclyzer:events") == [("seclyzer:events", len(self.running))],
            f"{len(self.running)} subscribers",
        )

    def stop(self) -> None:
        """SIGTERM to all, and what they publish last is heard."""
        for extractor in self.running.values():
            extractor.ask_to_stop()
        for extractor in self.running.values():
            extractor.wait_stopped()
        self.running.clear()
        ended = self._ended
        self.redis.client().publish(END, "")
        until(lambda: self._ended > ended, "what was published before is heard")

    def wait_published(self, implementation: str, events: Events) -> None:
        """As many outputs of each kind as the events make."""
        self._wait_outputs(implementation, events, lambda kind: len(self.published[kind]))

    def wait_written(self, implementation: str, events: Events) -> None:
        """InfluxDB has as many points of each kind as the events make."""
        self._wait_outputs(implementation, events, lambda kind: len(self.stored(kind)))

    def _wait_outputs(self, implementation: str, events: Events, count: Callable[[str], int]) -> None:
        expected = {kind: len(replay(implementation, kind, events[kind]).texts) for kind in KINDS}
        try:
            until_each(KINDS, lambda kind: count(kind) >= expected[kind], f"outputs {expected}")
        except AssertionError as error:
            found = [(kind, len(self.published[kind]), len(self.stored(kind)), self.stats(kind)) for kind in KINDS]
            raise AssertionError(f"{error}; published, stored, stats: {found}; logs: {self.logs()}") from None

    def listed(self, kind: str) -> list[str]:
        """The list, oldest first."""
        newest_first: list[str] = self.redis.client().lrange(f"seclyzer:features:{kind}", 0, -1)
        return newest_first[::-1]

    def stored(self, kind: str) -> dict[tuple[int, str, str], Point]:
        """The points of one kind."""
        return points_of(self.influx.points(self.name), SCHEMA[kind]["measurement"])

    def stats(self, kind: str) -> dict[str, str]:
        """The stats hash."""
        stats: dict[str, str] = self.redis.client().hgetall(f"seclyzer:stats:{kind}")
        return stats

    def patterns(self) -> Json:
        """The application tracker's patterns."""
        found: Json = json.loads(self.redis.client().get("seclyzer:app:patterns") or "{}")
        return found

    def logs(self) -> str:
        """All that any program has reported, to the log and to systemd."""
        return "\n".join([text for one in self.all for text in (one.log, *one.heard)])

    def assert_stored(self, kind: str, texts: list[str]) -> None:
        """Exactly the points that belong to these texts, in each value, type and tag."""
        expected, found = dict(point_of(kind, text, self.host) for text in texts), self.stored(kind)
        assert sorted(found) == sorted(expected)
        for key, point in expected.items():
            assert found[key].tags == point.tags
            assert same(sorted(found[key].fields.items()), sorted(point.fields.items())), key

    def close(self) -> None:
        """Ends everything, and leaves nothing behind."""
        for extractor in self.all:
            extractor.close()
        self.redis.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
