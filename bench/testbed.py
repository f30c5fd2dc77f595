"""A testbed: an implementation's three programs, a Redis of their own, and where points go."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from . import KINDS, BenchError
from .program import Program, program_of
from .server import RedisServer
from .store import Store

LOSSES = (
    "malformed",
    "future",
    "ancient",
    "late",
    "behind",
    "dropped",
    "points_dropped",
    "points_rejected",
    "outputs_dropped",
)


class Testbed:
    """A folder, a Redis, and the programs that run; gone at the end of its `with`."""

    def __init__(self, implementation: str, programs: Path, store: Store) -> None:
        self.implementation = implementation
        self.running: dict[str, Program] = {}
        self._programs, self._store = programs, store
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))  # a socket's path must be short
        try:
            self.redis = RedisServer(self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def start(self, kinds: Iterable[str] = KINDS, **settings: str) -> dict[str, Program]:
        """Starts programs one after the other, without waiting; `settings` are environment variables."""
        variables = {"REDIS_URL": self.redis.url, "SECLYZER_HOST": "bench", **self._store.environment(), **settings}
        for kind in kinds:
            binary = program_of(self._programs, kind)
            self.running[kind] = Program(binary, kind, self.folder, variables)
        return self.running

    def wait_ready(self) -> None:
        """All that run are ready."""
        for program in self.running.values():
            program.wait_ready()

    def stop(self) -> None:
        """SIGTERM to all; they leave their last counters in Redis."""
        for program in self.running.values():
            program.ask_to_stop()
        for program in self.running.values():
            program.wait_stopped()
        self.running.clear()

    def forget(self) -> None:
        """Streams stay; what the programs left goes, so that the next start does all the work again."""
        client = self.redis.client()
        keys = [f"seclyzer:{what}:{kind}" for what in ("cursor", "stats", "features") for kind in KINDS]
        client.call("DEL", *keys, "seclyzer:app:state", "seclyzer:app:patterns")
        client.close()
        for kind in KINDS:
            shutil.rmtree(self.folder / f"state-{kind}", ignore_errors=True)

    def assert_lossless(self, events: dict[str, int]) -> None:
        """Each program has counted these events, and lost none; to be asked after `stop`."""
        client = self.redis.client()
        for kind, expected in events.items():
            stats = client.hash(f"seclyzer:stats:{kind}")
            found = int(stats.get("events", 0))
            lost = {name: stats[name] for name in LOSSES if int(stats.get(name, 0))}
            if found != expected or lost:
                raise BenchError(f"{self.implementation} {kind}: {found} of {expected} events were taken; {lost or ''}")
        client.close()

    def __enter__(self) -> "Testbed":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for program in self.running.values():
            program.kill()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
