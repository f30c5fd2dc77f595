"""A store with its spool; all else is made up: a disk in memory, an InfluxDB with prepared answers, a clock."""

from typing import cast

from fake_disk import Crash, FakeDisk

from seclyzer_extractors.influx import Answer, InfluxAway, InfluxDB
from seclyzer_extractors.spool import Spool
from seclyzer_extractors.spool.rejected import Rejected
from seclyzer_extractors.store import Store
from seclyzer_extractors.store.delivery import Delivery

LARGE_CAP = 10**9
QUEUE = 40
HARMLESS = {"write", "fdatasync", "fsync", "ftruncate", "create", "size"}  # their failures change no order


class FakeInflux:
    """Answers as `mode` says; the lines that are `bad` are invalid in any mode that answers."""

    def __init__(self) -> None:
        self.where = "here"
        self.mode = "good"
        self.requests = 0
        self.delivered: list[bytes] = []
        self.refused: list[bytes] = []

    def write(self, body: bytes, timeout_s: float) -> Answer:
        self.requests += 1
        lines = body.split(b"\n") if body else []
        if self.mode == "silent":
            raise InfluxAway("no answer in time")
        if self.mode == "busy":
            return Answer(503, "", 2.0)
        if self.mode == "locked":
            return Answer(401, "", 0.0)
        if self.mode == "small" and len(lines) > 2:
            return Answer(413, "", 0.0)
        bad = [line for line in lines if line.startswith(b"bad")]
        if bad:
            self.refused += lines if len(lines) == 1 else []
            return Answer(400, f"unable to parse {bad}", 0.0)
        self.delivered += lines
        return Answer(204, "", 0.0)

    def close(self) -> None: ...


class World:
    """A program that puts numbered points, and after a crash those again that the cursor does not have."""

    def __init__(self, seed: int = 0, cap: int = LARGE_CAP, queue: int = QUEUE, timeout_s: float = 10.0) -> None:
        self.disk = FakeDisk(seed)
        self.influx = FakeInflux()
        self.now = 1000.0
        self.lines: list[bytes] = []  # all that were ever put
        self.stored = 0  # the cursor: so many of them
        self.dropped = 0  # counted by programs that have ended
        self.crashes = 0
        self._cap, self._queue, self._timeout_s = cap, queue, timeout_s
        self.begin()

    def begin(self) -> None:
        """A program starts, and makes the points again that are not stored."""
        delivery = Delivery(cast(InfluxDB, self.influx), Rejected("/state", self.disk), 60.0, lambda: self.now)
        held = Spool("/state", self._cap, self.disk)
        self.store = Store(delivery, held, self._timeout_s, self._queue, lambda: self.now)
        self.first = self.stored
        held.open(self.now)
        for line in self.lines[self.stored :]:
            self.store.put(line.decode(), 0)

    def put(self, count: int, bad: bool = False) -> None:
        for _ in range(count):
            line = b"%s%06d" % (b"bad" if bad else b"pnt", len(self.lines))
            self.lines.append(line)
            self.store.put(line.decode(), 0)

    def work(self, seconds: float) -> None:
        """Whatever is due in this time is done, and the power may go."""
        until = self.now + seconds
        try:
            for _ in range(10_000):
                wait = self.store.step()
                self._note()
                assert wait >= 0
                if self.now + wait > until:
                    break
                self.now += wait
            else:
                raise AssertionError("it does not come to rest")
        except Crash:
            self._ended(crashed=True)
        self.now = max(self.now, until)

    def restart(self) -> None:
        try:
            self.store.stop(0.0)
            self._note()
            self._ended(crashed=False)
        except Crash:
            self._ended(crashed=True)

    def _note(self) -> None:
        self.stored = max(self.stored, self.first + self.store.done)

    def _ended(self, crashed: bool) -> None:
        self.dropped += self.store.dropped
        while True:
            self.crashes += crashed
            if crashed:
                self.disk.crash()
            try:
                return self.begin()
            except Crash:
                crashed = True

    def finish(self) -> None:
        """All is well at last: what was put must have arrived. What could not be read waits for a new start."""
        self.disk.crash_at, self.disk.fail = None, {}
        self.influx.mode = "good"
        self.work(200.0)
        self.restart()
        self.work(200.0)
        self.dropped += self.store.dropped
        arrived = {*self.influx.delivered, *self.influx.refused}
        assert arrived <= set(self.lines)
        missing = set(self.lines) - arrived
        assert len(missing) <= self.dropped, sorted(missing)
        assert self.disk.spool() == {} and self.store.spool_bytes == 0
        if not set(self.disk.failed) <= HARMLESS or (self.crashes and self.dropped):
            return  # what is passed over comes later; of points that are there twice the first may have made room
        firsts = list(dict.fromkeys(self.influx.delivered))
        assert firsts == sorted(firsts, key=lambda line: line[3:])
