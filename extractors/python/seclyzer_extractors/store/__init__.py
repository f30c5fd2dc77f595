"""Points to InfluxDB: from memory while it answers, by way of the spool while it does not; in order, at least once.

A thread sends. Memory goes to the spool, whole and in order, when InfluxDB was asked in vain and has settled nothing
for `timeout_s` since the oldest point came, when memory is full, and when a point has waited for `due.LONGEST_S` behind
others. From then on, while InfluxDB is silent, points follow once they have waited for a batch. What the spool holds is
sent first. With nothing to send, InfluxDB is asked once in a while whether it would take points.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..config import Settings
from ..dependency import Dependency, Outage
from ..histogram import Histogram
from ..influx import InfluxDB
from ..spool import Spool
from ..spool.rejected import Rejected
from .delivery import Delivery, Parcel
from .due import NOW, Situation
from .refusal import Refusal

QUEUE = 20_000  # points in memory at most
BATCH = 5_000
LAST_ATTEMPT_S = 1.5  # at the end, when there is a spool for what is not answered


class Point(NamedTuple):
    """A line of line protocol; `number` counts points, `ts` is its time in µs, `at` when it came, by the clock."""

    number: int
    ts: int
    line: bytes
    at: float


class Store:
    """`put` and `stop` are for one thread, the counters may be read by any."""

    def __init__(
        self,
        delivery: Delivery,
        spool: Spool,
        timeout_s: float,
        queue: int = QUEUE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.numbered = 0  # points put
        self.spooled = 0  # points put into the spool
        self.done = 0  # the number of the last point that was answered, or is in the spool
        self.stored_ts: int | None = None  # and its time
        self.crashed: Exception | None = None  # what ended the thread, and must end the program
        self._delivery = delivery
        self._spool = spool
        self._timeout_s = timeout_s
        self._bound = queue
        self._clock = clock
        self._queue: deque[Point] = deque()
        self._flight: deque[Point] = deque()  # points that are being sent or spooled; before those of the queue
        self._parcel: Parcel | None = None
        self._silent = False  # InfluxDB has been, for long enough that points go to the spool at once
        self._lost = 0  # points that there was no room for
        self._changed = threading.Condition()  # holds the queue
        self._working = threading.Lock()  # holds the flight, the parcel and the spool
        self._news = False
        self._stop_by: float | None = None  # when the last attempt must be over
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    @property
    def dropped(self) -> int:
        """Points that are nowhere any more, for lack of room."""
        return self._lost + self._spool.dropped

    @property
    def spool_bytes(self) -> int:
        return self._spool.size

    @property
    def spool_oldest_ts(self) -> int:
        """The time (µs) of the oldest point in the spool; 0 when it is empty, or was not read yet."""
        return self._spool.oldest_ts

    @property
    def skipped(self) -> int:
        """Segments of the spool that a later version wrote."""
        return self._spool.skipped

    @property
    def written(self) -> int:
        return self._delivery.written

    @property
    def rejected(self) -> int:
        return self._delivery.rejected

    @property
    def refusal(self) -> Refusal | None:
        """The last one."""
        return self._delivery.refusal

    @property
    def errors(self) -> int:
        return self._delivery.errors

    @property
    def took(self) -> Histogram:
        """How long InfluxDB took for its answers."""
        return self._delivery.took

    @property
    def dependency(self) -> Dependency:
        """InfluxDB."""
        return self._delivery.dependency

    @property
    def spool_outage(self) -> Outage:
        """When the spool could not be written, the last time, and why."""
        return self._spool.outage

    @property
    def answered_host_us(self) -> int:
        """When InfluxDB last settled a write, of points or of nothing; Unix time in µs, 0 for never."""
        return self._delivery.answered_host_us

    def start(self) -> None:
        self._spool.open(self._clock())
        self._thread.start()

    def put(self, line: str, ts: int) -> int:
        """Takes a point; returns its number."""
        with self._changed:
            self.numbered += 1
            if len(self._queue) + len(self._flight) >= self._bound and self._queue:
                self._queue.popleft()
                self._lost += 1
            self._queue.append(Point(self.numbered, ts, line.encode(), self._clock()))
            waiting = len(self._queue)
            if waiting in (1, BATCH) or waiting + len(self._flight) == self._bound:
                self._news = True
                self._changed.notify()
            return self.numbered

    def stop(self, within_s: float) -> None:
        """One more attempt, when InfluxDB may answer; what it does not answer goes to the spool."""
        patience = within_s
        if self._spool.usable:
            sick = self._silent or self._delivery.dependency.reason or not self._spool.empty
            patience = 0.0 if sick else min(LAST_ATTEMPT_S, within_s)
        with self._changed:
            self._stop_by = self._clock() + patience
            self._changed.notify()
        if patience:
            self._thread.join(patience)
        if not self._working.acquire(timeout=max(0.1, within_s - patience)):
            return  # the disk hangs
        self._ended = True
        if self._spool.usable:
            self._to_spool(self._clock())
        self._spool.close()
        self._working.release()

    # --- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (wait := self.step()) >= 0:
                if wait:
                    self._wait(wait)
            self._delivery.close()
        except Exception as problem:  # the program ends with it: see `crashed`
            self.crashed = problem

    def _wait(self, seconds: float) -> None:
        """Waits so long, until something new has come, or until it is time to end."""
        with self._changed:
            if not self._news and self._stop_by is None:
                self._changed.wait(seconds)
            self._news = False

    def step(self) -> float:
        """Does one thing that is due. Seconds until the next is, -1 at the end."""
        with self._working:
            now = self._clock()
            if self._ended or (self._stop_by is not None and (now >= self._stop_by or not self._anything())):
                return -1
            points_at: float | None = NOW
            if self._stop_by is None:
                situation = self._situation()
                spool_at = situation.put_at()
                if spool_at is not None and spool_at <= now:
                    self._silent = self._silent or situation.silent_at() <= now
                    self._to_spool(now)
                    return 0
                points_at = situation.send_at()
                send_at = self._delivery.prove_at if points_at is None else points_at
                if send_at > now:
                    return min(at - now for at in (spool_at, send_at) if at is not None)
            parcel = Parcel([[]], None) if points_at is None else self._next_parcel()
        if parcel is None:
            return 0
        settled = self._delivery.attempt(parcel, self._patience_s())  # whoever ends the program need not wait for it
        with self._working:
            if self._ended or (settled is None and self._stop_by is not None):
                self._give_back()
                return -1
            self._settle(parcel, settled)
            return 0

    def _anything(self) -> bool:
        return bool(self._parcel or self._queue or self._flight or not self._spool.empty)

    def _patience_s(self) -> float:
        if self._stop_by is None:
            return self._timeout_s
        return min(self._timeout_s, max(0.1, self._stop_by - self._clock()))

    def _situation(self) -> Situation:
        with self._changed:
            waiting, flying = len(self._queue), len(self._flight)
            queued = self._queue[0].at if waiting else None
            oldest = self._flight[0].at if flying else queued
        return Situation(
            oldest=oldest,
            queued=queued,
            batch=waiting >= BATCH,
            full=waiting + flying >= self._bound,
            begun=self._parcel is not None,
            spooled=not self._spool.empty,
            failing=self._delivery.dependency.reason is not None,
            silent=self._silent,
            answered=self._delivery.answered_at,
            next_send=self._delivery.retry_at,
            next_put=self._spool.retry_at if self._spool.usable else None,
            timeout=self._timeout_s,
        )

    # --- what --------------------------------------------------------------------------------------

    def _next_parcel(self) -> Parcel | None:
        """What to send now: the rest of a parcel, the oldest segment, or a batch from memory."""
        parcel = self._parcel
        if parcel is not None and (parcel.segment is None or parcel.segment in self._spool):
            return parcel
        segment = self._spool.oldest()
        if segment is not None:
            number, lines = segment
            self._parcel = Parcel([lines], number)
            return self._parcel
        with self._changed:
            while self._queue and len(self._flight) < BATCH:
                self._flight.append(self._queue.popleft())
        self._parcel = Parcel([[point.line for point in self._flight]], None) if self._flight else None
        return self._parcel

    def _settle(self, parcel: Parcel, settled: int | None) -> None:
        """After an attempt."""
        if settled is not None:
            self._silent = False
            if parcel.segment is None:
                self._take_flight(settled)
            elif parcel.segment in self._spool:
                self._spool.settled(parcel.segment, settled)
        if not parcel.pieces:
            self._parcel = None
            if parcel.segment is not None and parcel.segment in self._spool:
                self._spool.remove(parcel.segment)
        elif settled is None and parcel.segment is None:
            self._give_back()

    def _take_flight(self, count: int) -> None:
        """The first points in flight are safe."""
        with self._changed:
            for _ in range(count):
                point = self._flight.popleft()
                self.done, self.stored_ts = point.number, point.ts

    def _give_back(self) -> None:
        """What is in flight waits again, and goes out in a new parcel."""
        with self._changed:
            self._queue.extendleft(reversed(self._flight))
            self._flight.clear()
        if self._parcel is not None and self._parcel.segment is None:
            self._parcel = None

    def _to_spool(self, now: float) -> None:
        """All that is in memory, as far as the disk takes it."""
        with self._changed:
            self._flight.extend(self._queue)
            self._queue.clear()
        safe = self._spool.append([point.line for point in self._flight], now)
        self._take_flight(safe)
        self.spooled += safe
        self._give_back()


def make_store(settings: Settings) -> Store:
    """The store with its spool in the state directory; without one points are only in memory."""
    delivery = Delivery(InfluxDB(settings), Rejected(settings.state_dir), settings.influx_retry_seconds)
    return Store(delivery, Spool(settings.state_dir, settings.spool_bytes), settings.influx_timeout_seconds)
