"""What is fuzzed in Python, each a function of bytes that raises when something is wrong.

Hypothesis drives them in `test_python.py`, atheris in `atheris_run.py`. The counterparts in Rust are
`extractors/rust/fuzz/targets`.
"""

from __future__ import annotations

import errno
import io
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any
from unittest import mock

from seclyzer_extractors import config as settings
from seclyzer_extractors.config import SETTINGS, ConfigError
from seclyzer_extractors.event import MALFORMED, Button, Focus, Key, Move, Scroll, Unusable, parse
from seclyzer_extractors.influx import Answer, InfluxAway, InfluxDB
from seclyzer_extractors.replay import replay as run_replay
from seclyzer_extractors.spool import Spool

from .verdict import verdict

KINDS = ("keystroke", "mouse", "app")
SHAPES = [(1, 1, 250), (30, 5, 250), (7, 3, 0), (0.04, 0.001, 3_600_000)]
LONGEST_ANSWER = 65536


def as_oracle(parsed: Key | Move | Button | Scroll | Focus) -> tuple[Any, ...]:
    """The fields of an event in the oracle's order, numbers as text so that -0.0 is not 0.0."""
    ts, dev = parsed.ts, parsed.dev_mode
    match parsed:
        case Key(key=key, pressed=pressed):
            return ("keystroke", ts, dev, "press" if pressed else "release", key, "0.0", "0.0", "None")
        case Button(button=button, pressed=pressed):
            return ("mouse", ts, dev, "press" if pressed else "release", button, "0.0", "0.0", "None")
        case Move(x=x, y=y):
            return ("mouse", ts, dev, "move", "", repr(x), repr(y), "None")
        case Scroll(delta=delta):
            return ("mouse", ts, dev, "scroll", "", "0.0", "0.0", repr(delta))
        case Focus(app=app):
            return ("app", ts, dev, "focus", app, "0.0", "0.0", "None")


def event(data: bytes) -> None:
    """Any message: what the oracle says, and for an event each of its fields."""
    reported, meant = parse(data), verdict(data)
    if isinstance(reported, Unusable):
        name = "malformed" if reported is MALFORMED else "ignored"
        assert name == meant.name, f"{name}, and to the oracle {meant.name}: {data!r}"
        return
    assert meant.event is not None, f"{reported.__class__.__name__}, and to the oracle {meant.name}: {data!r}"
    one = meant.event
    expected = (one.type, one.ts, one.dev, one.event, one.name, repr(one.x), repr(one.y), repr(one.delta))
    assert as_oracle(reported) == expected, f"{expected} expected: {data!r}"


def replay(data: bytes) -> None:
    """Any lines through all three extractors: each is counted once, and what is malformed is so for all."""
    if not data:
        return
    window, interval, lateness = SHAPES[data[0] & 3]
    chosen: dict[str, Any] = {"window_seconds": window, "update_interval": interval, "lateness_ms": lateness}
    chosen |= {"min_events": 1 + (data[0] >> 4 & 1), "buffer_events": 3 if data[0] & 4 else 10_000}
    events, malformed = 0, set()
    for kind in KINDS:
        out = io.StringIO()
        counters = run_replay(kind, settings.settings(kind, **chosen), io.BytesIO(data[1:]), out).as_dict()
        assert counters["late"] + counters["dropped"] <= counters["events"]
        assert "NaN" not in out.getvalue() or b"NaN" in data
        events += counters["events"]
        malformed.add(counters["malformed"])
    assert len(malformed) == 1
    assert events + malformed.pop() <= sum(1 for line in data[1:].split(b"\n") if line)


# --- configuration ---------------------------------------------------------------------------------

_FLAGS = {option.key for option in SETTINGS if option.flag}
# YAML has letters that it takes for line breaks, or does not take at all.
_PLAIN = re.compile("[\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")


def parted(data: bytes) -> tuple[bytes, dict[str, str], dict[str, str]] | None:
    """File, variables and flags: parted by U+0001, `NAME=value` and `key=value`. None for what names files."""
    if b"_file" in data.lower() or b"Y=" in data:
        return None
    file, *rest = data.split(b"\x01")
    environment: dict[str, str] = {}
    flags: dict[str, str] = {}
    for part in rest:
        try:
            name, equals, value = part.decode().partition("=")
        except UnicodeDecodeError:
            return None
        if not equals:
            return None
        (flags if name in _FLAGS else environment)[name] = value
    return file, environment, flags


def shown(kind: str, file: bytes, environment: dict[str, str], flags: dict[str, str]) -> tuple[bool, str]:
    """What is in force as YAML, or the one line that says why nothing is."""
    path = Path(_FOLDER.name, "config.yaml")
    path.write_bytes(file)
    try:
        return True, settings.as_yaml(settings.load(kind, flags, environment, str(path)))
    except ConfigError as error:
        return False, str(error)


def config(data: bytes) -> None:
    """Any configuration: what is in force reads back, and a mistake is reported in one line."""
    parts = parted(data)
    if parts is None:
        return
    for kind in KINDS:
        good, reported = shown(kind, *parts)
        if good and _PLAIN.fullmatch(reported):
            assert shown(kind, reported.encode(), {}, {}) == (True, reported), reported
        elif not good:
            assert reported and "\n" not in reported, f"not one line: {reported!r}"


# --- answers of InfluxDB ---------------------------------------------------------------------------


class Wire(socket.socket):
    """One end of a pair of sockets that takes options of TCP for granted."""

    def setsockopt(self, *arguments: Any) -> None:
        try:
            super().setsockopt(*arguments)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOPROTOOPT):
                raise


@contextmanager
def server_says(answer: bytes) -> Iterator[list[Any]]:
    """Whoever connects to anything finds the answer, and behind it the end; the list holds the servers' ends."""
    peers: list[Any] = []

    def dial(*_: Any) -> Wire:
        ours, theirs = socket.socketpair()
        peers.append(theirs)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        theirs.settimeout(1)
        theirs.sendall(answer[:150_000])
        theirs.shutdown(socket.SHUT_WR)
        return Wire(fileno=ours.detach())

    try:
        with mock.patch("seclyzer_extractors.influx.dial", dial):
            yield peers
    finally:
        for peer in peers:
            peer.close()


def http(data: bytes) -> None:
    """Any answer: an Answer or InfluxAway, twice on the same object, and of a body only the beginning."""
    database = InfluxDB(settings.settings("mouse", influx_token="t"))
    with server_says(data) as peers:
        for _ in range(2):
            try:
                answer = database.write(b"m f=1 1", 5.0)
            except InfluxAway as away:
                assert str(away)
                continue
            assert isinstance(answer, Answer) and 200 <= answer.status <= 999, answer
            assert len(answer.message) <= LONGEST_ANSWER and 0 <= answer.retry_after <= 3600
        database.close()
        assert peers, "no client has asked the server"


# --- the spool -------------------------------------------------------------------------------------

_LAST = 2**64 - 1
_LARGEST = 1 << 20
_MORE = [b"m f=1 1", b"m f=2 2"]


def placed(folder: Path, data: bytes) -> tuple[list[bytes], list[Path], int]:
    """What was left in a spool's folder: the lines to be sent, the files to be left alone, and the last number.

    The input is parted by 00 01; the first byte of a part says what it is (as in targets/spool.rs).
    """
    lines: list[bytes] = []
    left_alone: list[Path] = []
    number = 0
    for part in data.split(b"\x00\x01"):
        choice, content = part[:1] or b"\0", part[1:]
        sort = choice[0] % 10 if choice[0] < 255 else 0
        number = _LAST if choice[0] == 255 else number + 1 if number < _LAST else _LAST
        path = folder / {5: "00000000000000000000.lp", 6: "notes.lp"}.get(sort, f"{number:020d}.lp")
        if path.exists() or path.is_symlink():
            continue
        if sort == 7:
            path.symlink_to("/etc/hostname")
        elif sort == 8:
            path.mkdir()
        else:
            path.write_bytes(content)
        if sort == 9:
            with path.open("ab") as file:
                file.truncate(_LARGEST + 1)
        if sort < 5:
            lines += [line for line in content.split(b"\n")[:-1] if line]
        else:
            left_alone.append(path)
    return lines, left_alone, number


def drained(spool: Spool) -> list[bytes]:
    """All that is sent, segment by segment."""
    sent: list[bytes] = []
    while (found := spool.oldest()) is not None:
        number, lines = found
        assert lines and all(lines)
        sent += lines
        spool.settled(number, len(lines))
        spool.remove(number)
    assert spool.empty
    return sent


def spool(data: bytes) -> None:
    """Any files in the folder: what is whole is sent in order, the rest left alone, and it goes on working."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as state_dir, redirect_stderr(io.StringIO()):
        folder = Path(state_dir, "spool")
        folder.mkdir()
        expected, left_alone, last = placed(folder, data)
        found = Spool(state_dir, 1 << 40)  # nothing has to make room
        try:
            found.open(0.0)
            assert drained(found) == expected
            assert sorted(folder.iterdir()) == sorted(left_alone)
            assert found.append(_MORE, 1.0) == (len(_MORE) if last < _LAST else 0)
            assert drained(found) == (_MORE if last < _LAST else [])
            assert sorted(folder.iterdir()) == sorted(left_alone)
        finally:
            found.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "event": event,
    "replay": replay,
    "config": config,
    "http": http,
    "spool": spool,
}
