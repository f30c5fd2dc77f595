"""Points to InfluxDB: a bounded queue in memory, and a thread that sends batches until they are answered.

In order and at least once: a point that is sent twice has the same series and time and overwrites itself.
What InfluxDB does not answer stays in memory; past the bound the oldest points go, counted.
"""

import re
import threading
import time
from collections import deque
from typing import NamedTuple

from . import logs
from .backoff import Backoff
from .influx import Answer, InfluxAway, InfluxDB

QUEUE = 20_000  # points in memory at most, beside the batch on its way
BATCH = 5_000
BATCH_S = 1.0  # how long a point waits for others
ANSWER_S = 10.0
CONFIGURATION_S = 60.0  # between attempts while only an operator can help
HINTS = {
    401: "InfluxDB refuses the token: check influx_token",
    403: "the token may not write: check influx_token, influx_org and influx_bucket",
    404: "there is no such organisation or bucket: check influx_org and influx_bucket",
}


class Point(NamedTuple):
    """A line of line protocol; `number` counts points, `ts` is its time in µs."""

    number: int
    ts: int
    line: str


class Store:
    """`put` is for one thread, the counters may be read by any."""

    def __init__(self, influx: InfluxDB, queue: int = QUEUE) -> None:
        self.written = 0
        self.rejected = 0
        self.dropped = 0
        self.errors = 0  # requests without an answer, or with another one than success
        self.numbered = 0  # points put
        self.done = 0  # the number of the last point that was answered
        self.stored_ts: int | None = None  # and its time
        self.crashed: Exception | None = None  # what ended the thread, and must end the program
        self.dependency = logs.Dependency("InfluxDB takes no points", "InfluxDB takes points again")
        self._influx = influx
        self._bound = queue
        self._queue: deque[Point] = deque()
        self._changed = threading.Condition()
        self._stop_by: float | None = None  # time.monotonic() at which the last attempt must be over
        self._backoff = Backoff(1.0, 60.0)
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, line: str, ts: int) -> int:
        """Queues a point; returns its number."""
        with self._changed:
            self.numbered += 1
            if len(self._queue) >= self._bound:
                self._queue.popleft()
                self.dropped += 1
            self._queue.append(Point(self.numbered, ts, line))
            if len(self._queue) in (1, BATCH):
                self._changed.notify()
            return self.numbered

    def stop(self, within_s: float) -> None:
        """Sends what is queued at once and ends; what is not answered within this time is left."""
        with self._changed:
            self._stop_by = time.monotonic() + within_s
            self._changed.notify()
        self._thread.join(within_s)

    # --- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while (batch := self._next_batch()) and self._deliver(batch):
                pass
            self._influx.close()
        except Exception as problem:  # the program ends with it: see `crashed`
            self.crashed = problem

    def _next_batch(self) -> list[Point]:
        """Waits for points and, a little, for more of them; empty when it is time to end."""
        with self._changed:
            while not self._queue and self._stop_by is None:
                self._changed.wait()
            full_at = time.monotonic() + BATCH_S
            while len(self._queue) < BATCH and self._stop_by is None and time.monotonic() < full_at:
                self._changed.wait(full_at - time.monotonic())
            if self._stop_by is not None and time.monotonic() >= self._stop_by:
                return []
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _deliver(self, batch: list[Point]) -> bool:
        """Sends a batch until all of it is answered; False when it is time to end before.

        What is refused is halved, until the points that are at fault are alone.
        """
        pieces = [batch]
        while pieces:
            piece = pieces.pop()
            answer = self._answer(piece)
            if answer is None:
                return False
            if answer.status in (400, 413) and len(piece) > 1:
                half = len(piece) // 2
                pieces += [piece[half:], piece[:half]]
                continue
            self._count(piece, answer)
            self.done, self.stored_ts = piece[-1].number, piece[-1].ts
        return True

    def _count(self, piece: list[Point], answer: Answer) -> None:
        if answer.status < 300:
            self.written += len(piece)
            return
        lost = len(piece)
        if answer.status == 422:
            said = re.search(r"dropped=(\d{1,9})", answer.message)
            lost = min(lost, int(said[1]) if said else 1)
        self.rejected += lost
        self.written += len(piece) - lost
        # InfluxDB's words quote lines and series, and those name applications: they are not logged.
        logs.error("InfluxDB rejected points", status=answer.status, points=lost)

    def _answer(self, piece: list[Point]) -> Answer | None:
        """The answer that settles these points; None when it is time to end before one came."""
        body = "\n".join([point.line for point in piece]).encode()
        while True:
            try:
                answer = self._influx.write(body, self._patience_s())
            except InfluxAway as error:
                self.errors += 1
                self.dependency.away("write", str(error))
                wait = self._backoff.next_s()
            else:
                if answer.status < 300 or answer.status in (400, 413, 422):
                    self.errors += answer.status >= 300
                    self._backoff.reset()
                    self.dependency.back("write")
                    return answer
                self.errors += 1
                wait = self._wait_after(answer)
            if not self._pause(wait):
                return None

    def _wait_after(self, answer: Answer) -> float:
        """Says what is wrong; the seconds until the next attempt."""
        if answer.status in (408, 429) or answer.status >= 500:
            self.dependency.away("write", f"it answers {answer.status}")
            return max(self._backoff.next_s(), answer.retry_after)
        hint = HINTS.get(answer.status, "this is no InfluxDB 2: check influx_url")
        self.dependency.away("write", f"it answers {answer.status}: {hint}", say=logs.error)
        return max(CONFIGURATION_S, answer.retry_after)

    def _patience_s(self) -> float:
        if self._stop_by is None:
            return ANSWER_S
        return min(ANSWER_S, max(0.1, self._stop_by - time.monotonic()))

    def _pause(self, seconds: float) -> bool:
        """Waits; False when it is time to end. Told to stop in the middle, it tries once more."""
        until = time.monotonic() + seconds
        with self._changed:
            if self._stop_by is not None:
                return False
            while self._stop_by is None and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())
        return True
