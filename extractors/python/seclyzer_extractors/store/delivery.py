"""Lines to InfluxDB, a request at a time: what each of its answers means, and when to try again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from .. import logs, waits
from ..clocks import host_time
from ..dependency import Backoff, Dependency
from ..histogram import Histogram
from ..influx import Answer, InfluxAway, InfluxDB
from ..spool.rejected import Rejected
from . import refusal

ADVICE = {
    401: "InfluxDB refuses the token: check influx_token",
    403: "the token may not write: check influx_token, influx_org and influx_bucket",
    404: "there is no such organisation or bucket: check influx_org and influx_bucket",
}
PROVE_EVERY_S = waits.seconds("prove_every")
NO_INFLUX = "this is no InfluxDB 2: check influx_url"


@dataclass(slots=True)
class Parcel:
    """Lines to send, in pieces, the next one last: what is refused is halved until the lines at fault are alone.

    `segment` is the number of the segment that they stand in, None when they are in memory.
    """

    pieces: list[list[bytes]]
    segment: int | None
    rejected: int = 0


class Delivery:
    """For one thread, but for the counters. Times are seconds of `clock`."""

    def __init__(
        self, influx: InfluxDB, rejected: Rejected, retry_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.written = 0
        self.rejected = 0
        self.refusal: refusal.Refusal | None = None  # the last one
        self.took = Histogram()  # how long each answer was waited for
        self.errors = 0  # requests without an answer, or with another one than success
        self.answered_at = float("-inf")  # the last time that points were settled
        self.answered_host_us = 0  # the same in µs of Unix time, 0 for never
        self.retry_at = float("-inf")
        self.dependency = Dependency("influxdb")
        self._influx = influx
        self._set_aside = rejected
        self._retry_s = retry_s
        self._clock = clock
        self._backoff = Backoff(waits.seconds("influx_backoff_first"), retry_s)
        self._asked_at = clock()

    @property
    def prove_at(self) -> float:
        """When a write of nothing is due, if there is nothing else to write."""
        return self.retry_at if self.dependency.reason is not None else self._asked_at + PROVE_EVERY_S

    def attempt(self, parcel: Parcel, patience_s: float) -> int | None:
        """Sends the next piece; how many lines that settled, 0 when they are halved, None when there was no answer.

        A piece may hold nothing: then InfluxDB shows whether it would take points.
        """
        piece = parcel.pieces[-1]
        self._asked_at = self._clock()
        try:
            answer = self._influx.write(b"\n".join(piece), patience_s)
        except InfluxAway as error:
            self.errors += 1
            self.dependency.away(str(error))
            self.retry_at = self._clock() + self._backoff.next_s()
            return None
        self.took.observe(round((self._clock() - self._asked_at) * 1e6))
        self.errors += not answer.settles or answer.dropped > 0
        if not answer.settles and answer.status not in (400, 413, 422):
            self.retry_at = self._clock() + self._wait_after(answer)
            return None
        self.answered_at, self.answered_host_us = self._clock(), host_time()
        self._backoff.reset()
        self.dependency.recovered()
        parcel.pieces.pop()
        if answer.status in (400, 413) and len(piece) > 1:
            half = len(piece) // 2
            parcel.pieces += [piece[half:], piece[:half]]
            return 0
        self._count(parcel, piece, answer)
        return len(piece)

    def _count(self, parcel: Parcel, piece: list[bytes], answer: Answer) -> None:
        lost = 0
        partial = answer.settles or answer.status == 422
        if partial:  # which ones it does not say
            lost = min(len(piece), answer.dropped)
        else:
            lost = len(piece)
            for line in piece:
                self._set_aside.add(line)
            parcel.rejected += lost
        self.written += len(piece) - lost
        self.rejected += lost
        if lost:
            self.refusal = refusal.judge(answer.status, answer.message, piece)
        if partial and lost:
            self._log_rejected(lost)
        if parcel.rejected and not parcel.pieces:
            self._log_rejected(parcel.rejected)
            parcel.rejected = 0

    def _log_rejected(self, points: int) -> None:
        if self.refusal:
            status, reason, year = self.refusal
            logs.log(
                "points_rejected",
                status=status,
                points=points,
                reason=refusal.WORDS[reason],
                oldest=year,
            )

    def _wait_after(self, answer: Answer) -> float:
        """Logs what is wrong; the seconds until the next attempt."""
        reason = f"{self._influx.where}: status {answer.status}"
        if answer.status in (408, 429) or answer.status >= 500:
            self.dependency.away(reason, fault=str(answer.status))
            return max(self._backoff.next_s(), answer.retry_after)
        self.dependency.away(reason, ADVICE.get(answer.status, NO_INFLUX), str(answer.status))
        return max(self._retry_s, answer.retry_after)

    def close(self) -> None:
        self._influx.close()
