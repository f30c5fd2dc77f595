"""The transaction of a window, and what happens when its answer does not come."""

import socket
import threading
import time
from pathlib import Path

import pytest

from seclyzer_extractors import config, publish, schema
from seclyzer_extractors.clocks import now_us
from seclyzer_extractors.publish import Publisher
from tests.helpers.redis_server import RedisServer

CHANNEL = "seclyzer:features:keystroke"
STATS = "seclyzer:stats:keystroke"


class Cut:
    """Stands before Redis and cuts the line at EXEC: before it gets there, or before its answer does."""

    def __init__(self, path: Path, behind: str) -> None:
        self.cut = ""  # "before" or "after", once
        self._behind = behind
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(self._behind)
                server.settimeout(2)
                while asked := client.recv(1 << 20):
                    cut, self.cut = (self.cut, "") if b"EXEC" in asked else ("", self.cut)
                    if cut == "before":
                        break
                    server.sendall(asked)
                    answer = server.recv(1 << 20)
                    time.sleep(0.01)
                    if cut == "after":
                        break
                    client.sendall(answer)

    def close(self) -> None:
        self._listener.close()


def publisher(url: str) -> Publisher:
    address = config.settings("keystroke", redis_url=url).redis
    return Publisher(schema.kind("keystroke"), address)


def put(made: Publisher, *outputs: str, ago: int = 0) -> None:
    """Windows that closed so many µs ago."""
    for output in outputs:
        made.put(output, now_us() - ago)
    made.move_cursor(int(outputs[-1]))


def delays(made: Publisher) -> list[int]:
    """How many of the windows took at most 10 s, and how many longer."""
    *counts, beyond, _ = map(int, str(made.delays).split(" "))
    return [sum(counts), beyond]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_an_answer_that_is_lost_neither_doubles_nor_loses(redis_server: RedisServer, tmp_path: Path, cut: str) -> None:
    client = redis_server.start()
    line = Cut(tmp_path / "c.sock", str(redis_server.socket))
    made = publisher(f"unix://{tmp_path}/c.sock")
    put(made, "1", "2")
    assert made.flush(10)
    line.cut = cut
    put(made, "3", "4")
    assert not made.flush(20)
    put(made, "5")
    assert made.flush(20 + 10_000_000)
    assert client.lrange(CHANNEL, 0, -1) == [b"5", b"4", b"3", b"2", b"1"]
    assert client.hget("seclyzer:cursor:keystroke", "published") == b"5"
    assert sum(delays(made)) == 5
    made.link.close()
    line.close()


def test_a_window_counts_once_it_is_taken_by_how_long_it_waited(redis_server: RedisServer) -> None:
    made = publisher(redis_server.url)
    put(made, "1", "2", ago=3_600_000_000)
    assert not made.flush(10)
    assert delays(made) == [0, 0]
    redis_server.start()
    assert made.flush(10_000_000)
    assert delays(made) == [0, 2]
    made.link.close()


def test_outputs_wait_in_a_bounded_queue(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "QUEUE", 3)
    made = publisher(redis_server.url)
    put(made, "1", "2", "3", "4", "5")
    assert not made.flush(10)
    assert (made.outputs_dropped, made.waiting, made.outputs) == (2, True, 3)
    client = redis_server.start()
    assert made.flush(10_000_000)
    assert client.lrange(CHANNEL, 0, -1) == [b"5", b"4", b"3"]
    assert not made.waiting and sum(delays(made)) == 3
    made.link.close()


def test_the_list_keeps_the_newest(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "LISTED", 2)
    client = redis_server.start()
    made = publisher(redis_server.url)
    put(made, "1", "2", "3")
    made.keep("some:key", "value")
    assert made.flush(10)
    assert client.lrange(CHANNEL, 0, -1) == [b"3", b"2"]
    assert client.get("some:key") == b"value"
    made.link.close()


def test_keys_beside_the_windows_are_tried_once_and_refusals_logged_once(
    redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    client = redis_server.start()
    client.set("a", "text")
    made = publisher(redis_server.url)
    for _ in range(3):
        assert not made.write([("HSET", "a", "f", 1), ("HSET", "b", "f", 1)], 10)
    assert client.hget("b", "f") == b"1"
    client.delete("a")
    assert made.write([("HSET", "a", "f", 1)], 10)
    reported = capsys.readouterr().err
    assert reported.count("WRONGTYPE") == reported.count("level=") == 1
    assert 'level=error msg="Redis refused a command" command=HSET reason="WRONGTYPE ' in reported
    assert made.dependency.reason is None
    made.link.close()


def test_only_the_rights_of_the_access_list_are_needed(redis_server: RedisServer) -> None:
    client = redis_server.start()
    rights = f"""
        on >secret resetkeys resetchannels -@all +@connection -@dangerous
        ~seclyzer:stream:keystroke ~{CHANNEL} ~seclyzer:cursor:keystroke ~{STATS} &seclyzer:events
        +xread +xrange +xtrim +subscribe +unsubscribe +lpush +ltrim +hset +hgetall
        +multi +exec +discard +expire
    """.split()
    rights.append(f"(+publish &{CHANNEL})")
    client.execute_command("ACL", "SETUSER", "keystroke", *rights)
    made = publisher(f"unix://keystroke:secret@{redis_server.socket}")
    put(made, "1")
    assert made.flush(10)
    assert made.write([("XTRIM", "seclyzer:stream:keystroke", "MINID", 5)], 10)
    assert made.write([("HSET", STATS, "f", 1), ("EXPIRE", STATS, 9)], 10)
    assert client.lrange(CHANNEL, 0, -1) == [b"1"]
    made.link.close()
