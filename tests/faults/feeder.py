"""The load, as a process of its own: 850 mouse, 145 keystroke and 5 app events a second into Redis' streams.

`python -m tests.faults.feeder SOCKET SEED RECORD`. An event is stamped with the moment it was due, at most TICK_S and
for one in a hundred up to DISORDER_US before it is sent. What Redis accepted is written to the file RECORD, a line
each: stream id, kind, message. It obeys words on stdin, one a line (`pause`, `go`, `end`); each is answered by a line
of JSON.
"""

import json
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, TextIO

import hiredis

from tests.faults.load import Load

TICK_S = 0.01
LONGEST_SPAN_US = 50_000  # what was due longer ago, because this process did not run, is not made up for
KEEP_MS = 120_000


@dataclass
class Tally:
    """What became of the events. `worst_delay_ms`: from an event's time to its stream entry's, at most."""

    accepted: int = 0
    refused: int = 0  # by an error of Redis
    unsent: int = 0  # while there was no connection
    doubtful: int = 0  # sent, and no answer came
    worst_delay_ms: float = 0.0


class Feeder:
    """Sends, reads what Redis says to it, and writes down what it took."""

    def __init__(self, path: str, load: Load, record: TextIO) -> None:
        self.tally = Tally()
        self.last: dict[str, str] = {}
        self._path, self._load, self._record = path, load, record
        self._socket: socket.socket | None = None
        self._reader = hiredis.Reader()

    def feed(self, since_us: int, until_us: int) -> None:
        """Makes and sends what was due in between."""
        events = self._load.due(since_us, until_us)
        if not events:
            return
        if self._socket is None and not self._connect():
            self.tally.unsent += len(events)
            return
        oldest = time.time_ns() // 1_000_000 - KEEP_MS
        request = b"".join(
            hiredis.pack_command(("XADD", f"seclyzer:stream:{kind}", "MINID", oldest, "*", "e", text))  # type: ignore[arg-type]
            for _, kind, text in events
        )
        answers: list[Any] = []
        try:
            assert self._socket is not None
            self._socket.sendall(request)
            while len(answers) < len(events):
                if not (data := self._socket.recv(65536)):
                    raise ConnectionError("closed")
                self._reader.feed(data)
                while (answer := self._reader.gets()) is not False:
                    answers.append(answer)
        except OSError:
            self._socket = None
            self.tally.doubtful += len(events) - len(answers)
        for event, answer in zip(events, answers, strict=False):
            self._note(event, answer)

    def _note(self, event: tuple[int, str, bytes], answer: object) -> None:
        ts, kind, text = event
        if not isinstance(answer, bytes):
            self.tally.refused += 1
            return
        entry = answer.decode()
        self.tally.accepted += 1
        self.tally.worst_delay_ms = max(self.tally.worst_delay_ms, int(entry.partition("-")[0]) - ts / 1000)
        self.last[kind] = entry
        self._record.write(f"{entry} {kind} {text.decode()}\n")

    def _connect(self) -> bool:
        attempt = socket.socket(socket.AF_UNIX)
        try:
            attempt.connect(self._path)
            attempt.sendall(b"CLIENT SETNAME harness\r\n")
            if attempt.recv(100) != b"+OK\r\n":
                raise ConnectionError("not let in")
        except OSError:
            attempt.close()
            return False
        self._socket, self._reader = attempt, hiredis.Reader()
        return True


def main() -> None:
    """Feeds until it is to end."""
    path, seed, record = sys.argv[1:]
    with open(record, "w", encoding="utf-8") as file:
        feeder = Feeder(path, Load(int(seed)), file)
        going = False
        done_us = time.time_ns() // 1000
        while True:
            if select.select([sys.stdin], [], [], TICK_S)[0]:
                word = sys.stdin.readline().strip()
                going = word == "go"
                done_us = time.time_ns() // 1000
                file.flush()
                print(json.dumps({"last": feeder.last, **asdict(feeder.tally)}), flush=True)
                if word in ("", "end"):
                    return
            now_us = time.time_ns() // 1000
            if going:
                feeder.feed(max(done_us, now_us - LONGEST_SPAN_US), now_us)
            done_us = now_us


if __name__ == "__main__":
    main()
