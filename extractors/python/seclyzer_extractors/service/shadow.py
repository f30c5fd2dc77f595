"""`--shadow`: reads what the running extractor reads, and prints what that would publish.

Redis is only read, there is no store, and no state of a run is looked at: windows that were open when it began come
out short.
"""

import os
import select
from typing import TextIO

from .. import output, schema
from ..clocks import host_time, now_us
from ..config import Settings
from ..counters import Counters
from ..notify import Notify
from ..operators import make_operator
from ..publish import Publisher
from ..redis import Connection
from ..waits import us
from .reading import Reader
from .signals import stop_by_signals, wake_by_signals

IDLE = us("idle")


def shadow(kind: str, settings: Settings, seconds: int, out: TextIO) -> tuple[Counters, int]:
    """Runs for so long, with 0 until SIGTERM or SIGINT. Counters, and since when it listens (Unix µs; 0 is never)."""
    shadowing = Shadow(schema.kind(kind), settings, wake_by_signals(), out)
    stop_by_signals(shadowing.stop)
    shadowing.run(now_us() + seconds * 1_000_000 if seconds else None)
    return shadowing.counters, shadowing.listening_since


class Shadow:
    """One extractor's shadow. All times are µs; `wake` is a file descriptor that ends any wait."""

    def __init__(self, kind: schema.Kind, settings: Settings, wake: int, out: TextIO) -> None:
        self._kind = kind
        self._operator = make_operator(kind.name, settings)
        self._notify = Notify(os.environ)
        # The reader closes this one when its own connection is lost. Nothing is written by it, so it is never opened.
        unused = Publisher(kind, settings.redis)
        self._reader = Reader(kind, settings, self._operator, unused, self._notify, _from_the_beginning, wake)
        self._out = out
        self._wake = wake
        self._stopped = False
        self._connects = 0
        self.listening_since = 0

    @property
    def counters(self) -> Counters:
        return self._operator.counters

    def stop(self) -> None:
        """Ends `run`; for a signal handler."""
        self._stopped = True

    def run(self, until: int | None) -> None:
        while not self._stopped and (until is None or now_us() < until):
            self._turn(IDLE if until is None else min(IDLE, until - now_us()))

    def _turn(self, longest: int) -> None:
        now = now_us()
        self._notify.alive(now)
        link = self._reader.source.link
        connection = link.up(now)
        if link.connects > self._connects:
            self._connects, self.listening_since = link.connects, host_time()
            self._notify.ready()
        if connection is None:
            patience = self._notify.patience(now)
            wait = max(0, min(link.retry_at - now, longest if patience is None else min(longest, patience)))
            select.select([self._wake], [], [], wait / 1_000_000)
            return
        for made in self._reader.turn(connection, longest):
            for row in made.rows:
                self.counters.emitted(row.ts)
                self._out.write(output.feature_json(self._kind, row) + "\n")
        self._out.flush()


def _from_the_beginning(_: Connection) -> None:
    """What the last run left is not for the shadow."""
