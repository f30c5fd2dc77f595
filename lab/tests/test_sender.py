"""The sender against a real Redis with the collector's rights, over a unix socket."""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from lab import feed, paths, sender
from lab.wire import decode, encode
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until

PASSWORD = "not a secret"
RULES = "resetkeys resetchannels -@all +@connection -@dangerous"
COLLECTOR = "%W~seclyzer:stream:* &seclyzer:events +xadd +publish"
EVENTS = [
    {"type": "keystroke", "ts": 1_700_000_000_000_000, "key": "KeyA", "event": "press"},
    {"type": "mouse", "ts": 1_700_000_000_200_000, "event": "move", "x": 1.5, "y": -2},
    {"type": "app", "ts": 1_700_000_000_400_000, "app_name": "Schreibübung", "event": "focus"},
]


@dataclass
class Server:
    """A throw-away Redis."""

    socket: Path
    password_file: Path

    def admin(self) -> sender.Redis:
        return sender.Redis(str(self.socket), "admin", PASSWORD)

    def ask(self, *words: str) -> object:
        return self.admin().ask([encode(*words)])[0]

    def send(self, text: str, *options: str) -> subprocess.CompletedProcess[str]:
        own = ["--socket", str(self.socket), "--password-file", str(self.password_file), *options]
        return subprocess.run(
            [sys.executable, "-m", "lab.sender", *own],
            cwd=paths.ROOT,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def entries(self, kind: str) -> list[bytes]:
        """The texts in a stream."""
        found: Any = self.ask("XRANGE", f"seclyzer:stream:{kind}", "-", "+")
        assert all(name == b"e" for _, (name, _) in found)
        return [text for _, (_, text) in found]


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="lab") as name:
        folder = Path(name)
        digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
        (folder / "acl").write_text(
            f"user collector on #{digest} {RULES} {COLLECTOR}\nuser admin on #{digest} ~* &* +@all\nuser default off\n"
        )
        (folder / "password").write_text(PASSWORD + "\n")
        with RedisServer(folder, "--aclfile", str(folder / "acl")) as redis:
            yield Server(redis.socket, folder / "password")


def lines(*events: dict[str, object]) -> str:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def test_an_event_is_added_to_a_stream_that_forgets_what_is_older_than_two_minutes() -> None:
    assert sender.add("app", b"{}", 1_000_000).startswith(b"*8\r\n$4\r\nXADD\r\n$19\r\nseclyzer:stream:app\r\n")
    assert b"$5\r\nMINID\r\n$1\r\n~\r\n$6\r\n880000\r\n$1\r\n*\r\n$1\r\ne\r\n$2\r\n{}\r\n" in sender.add(
        "app", b"{}", 1_000_000
    )


def test_every_event_reaches_its_stream_as_it_was_written(server: Server) -> None:
    done = server.send(lines(*EVENTS))
    assert done.returncode == 0, done.stderr
    assert "3 sent, 0 refused" in done.stderr
    for event in EVENTS:
        assert server.entries(str(event["type"])) == [json.dumps(event, ensure_ascii=False).encode()]


def test_what_is_sent_to_a_host_needs_nothing_but_python_there(server: Server, tmp_path: Path) -> None:
    program = feed.program()
    own = ["--socket", str(server.socket), "--password-file", str(server.password_file)]
    done = subprocess.run(
        [sys.executable, "-I", "-c", feed.BEGIN, str(len(program)), *own],
        cwd=tmp_path,
        input=program + lines(*EVENTS).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and b"3 sent, 0 refused" in done.stderr
    assert server.entries("mouse") == [json.dumps(EVENTS[1]).encode()]


def test_many_events_go_in_order(server: Server) -> None:
    many = [{**EVENTS[0], "ts": number + 1} for number in range(5000)]
    assert server.send(lines(*many)).returncode == 0
    assert [json.loads(text)["ts"] for text in server.entries("keystroke")] == [e["ts"] for e in many]


def test_shift_moves_the_first_event_to_now_and_keeps_the_gaps(server: Server) -> None:
    before = time.time_ns() // 1000
    done = server.send(lines(*EVENTS), "--shift", "now", "--speed", "1")
    took = time.time_ns() // 1000 - before
    assert done.returncode == 0, done.stderr
    stamps = [json.loads(server.entries(kind)[0])["ts"] for kind in ("keystroke", "mouse", "app")]
    assert before <= stamps[0] < before + 2_000_000
    assert [stamp - stamps[0] for stamp in stamps] == [0, 200_000, 400_000]
    assert took >= 400_000


def test_a_refused_command_is_an_error(server: Server) -> None:
    server.ask("ACL", "SETUSER", "collector", "-xadd")
    done = server.send(lines(*EVENTS))
    assert done.returncode == 1
    assert "0 sent, 3 refused" in done.stderr
    assert "NOPERM" in done.stderr
    assert "KeyA" not in done.stderr


def test_a_wrong_password_and_an_absent_redis_are_errors(server: Server) -> None:
    server.password_file.write_text("wrong")
    done = server.send(lines(*EVENTS))
    assert done.returncode == 1 and "refuses user collector" in done.stderr
    server.password_file.unlink()
    done = server.send(lines(*EVENTS))
    assert done.returncode == 1 and "no password in" in done.stderr
    done = server.send("", "--socket", str(server.socket) + "x")
    assert done.returncode == 1


def test_no_redis_is_an_error(server: Server) -> None:
    done = server.send(lines(*EVENTS), "--socket", "/nowhere/redis.sock")
    assert done.returncode == 1 and "no Redis at /nowhere/redis.sock" in done.stderr


def test_published_events_are_counted_and_a_channel_without_subscribers_is_reported(server: Server) -> None:
    done = server.send(lines(*EVENTS) + "not json\n", "--transport", "pubsub")
    assert done.returncode == 0
    assert "4 sent" in done.stderr and "no subscriber" in done.stderr


def test_published_events_arrive(server: Server) -> None:
    listener = server.admin()
    listener.ask([encode("SUBSCRIBE", "seclyzer:events")])
    done = server.send(lines(EVENTS[0]), "--transport", "pubsub")
    assert "no subscriber" not in done.stderr
    _, _, got = cast(list[Any], decode(listener.file))
    assert json.loads(got) == EVENTS[0]


def test_a_line_without_a_type_of_ours_has_no_stream_and_is_reported(server: Server) -> None:
    done = server.send(lines({"type": "webcam", "ts": 1}, *EVENTS) + "not json\n\n")
    assert done.returncode == 0
    assert "3 sent" in done.stderr and "2 lines skipped" in done.stderr


def test_times_ahead_of_the_clock_are_reported(server: Server) -> None:
    late = {**EVENTS[0], "ts": int(EVENTS[0]["ts"]) + 60_000_000}  # type: ignore[call-overload]
    done = server.send(lines(EVENTS[0], late), "--shift", "now")
    assert "1 events were over 5 s ahead" in done.stderr


def test_a_line_is_sent_when_it_comes_not_when_the_next_one_does(server: Server) -> None:
    own = ["--socket", str(server.socket), "--password-file", str(server.password_file)]
    command = [sys.executable, "-m", "lab.sender", *own]
    with subprocess.Popen(
        command, cwd=paths.ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(lines(EVENTS[0]))
        process.stdin.flush()
        until(lambda: server.ask("XLEN", "seclyzer:stream:keystroke") == 1, "the line is in the stream", 5)
        process.stdin.close()
        assert process.wait(5) == 0
