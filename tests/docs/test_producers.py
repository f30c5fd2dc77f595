"""What docs/producers.md gives people to copy works, and docs/event.schema.json accepts what the extractors accept."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.blocks import block, blocks
from tests.fuzz import agree
from tests.fuzz.messages import as_line, batch
from tests.fuzz.oddities import ODDITIES
from tests.fuzz.verdict import KINDS
from tests.helpers import ROOT
from tests.helpers.redis_server import RedisServer
from tests.plugins.test_redis_rights import variables

PAGE = "docs/producers.md"
SCHEMA = json.loads((ROOT / "docs/event.schema.json").read_text())
SOCKET = "/run/redis/redis-server.sock"
PASSWORD = "/etc/seclyzer/credentials/redis-collector"
MADE = [line.encode() for line in block(PAGE, "An event", "json").splitlines()]


class Unreadable(ValueError):
    """What the schema's $comment lists: no schema can say it."""


def whole(text: str) -> int:
    if math.isinf(float(text)):
        raise Unreadable("beyond float64")
    return int(text)


def real(text: str) -> float:
    if math.isinf(float(text)):
        raise Unreadable("beyond float64")
    return float(text)


def constant(text: str) -> float:
    raise Unreadable(text)


def flat(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if any(value is not found[key] and isinstance(value, dict | list) for key, value in pairs):
        raise Unreadable("nesting under a key that is given again")
    return found


def read(message: bytes) -> Any:
    """The value that the schema judges; raises ValueError for what the schema's $comment lists."""
    if len(message.removesuffix(b"\r")) > 4096:
        raise Unreadable("size")
    value = json.loads(
        message.decode(), parse_int=whole, parse_float=real, parse_constant=constant, object_pairs_hook=flat
    )
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate has no bytes
    if isinstance(value, dict) and isinstance(value.get("ts"), float):
        raise Unreadable("a ts with a fraction or an exponent")
    return value


def accepted(message: bytes) -> str:
    """The type that the schema takes the message for; empty when it refuses it."""
    try:
        value = read(message)
    except (ValueError, RecursionError):
        return ""
    return str(value["type"]) if JUDGE.is_valid(value) else ""


JUDGE = jsonschema.Draft202012Validator(SCHEMA)


def differences(messages: list[bytes], runs: dict[str, agree.Run]) -> list[str]:
    """Of each type and program one message, if there is any, with which it does not do as the schema says."""
    groups: dict[str, list[bytes]] = {name: [] for name in ("", *KINDS)}
    for message in messages:
        groups[accepted(message)].append(message)
    found = []
    for name, lines in groups.items():
        for kind in KINDS:
            for implementation, run in runs.items():
                if other := at_fault(lines, partial(taken, run, kind), name == kind):
                    found.append(f"{implementation} {kind}; the schema says {name or 'no event'}: {other!r}")
    return found


def at_fault(lines: list[bytes], count: Callable[[list[bytes]], int], right: bool) -> bytes:
    """By halving, a line of which the program counts another number than it should; empty when there is none."""
    if not lines or count(lines) == right * len(lines):
        return b""
    while len(lines) > 1:
        half = lines[: len(lines) // 2]
        lines = half if count(half) != right * len(half) else lines[len(lines) // 2 :]
    return lines[0]


def taken(run: agree.Run, kind: str, lines: list[bytes]) -> int:
    """How many of the lines a program takes for events of its own."""
    return int(run(agree.SETTINGS[kind], agree.joined(lines)).counters["events"])


def cases() -> list[bytes]:
    """The project's own messages: the oddities, the page's, and of each of the ways of making one."""
    made = [as_line(message) for number in range(8) for message in batch("schema", number, 250, begin=1)]
    return [*(message for message, _ in ODDITIES.values()), *MADE, *made]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_the_schema_accepts_both_extractors_accept_and_nothing_else() -> None:
    messages = cases()
    assert differences(messages, agree.RUNS) == []
    counts = {name: sum(accepted(message) == name for message in messages) for name in ("", *KINDS)}
    assert min(counts.values()) > 100, counts


@pytest.mark.parametrize("message", MADE)
def test_the_schema_accepts_the_page_s_events(message: bytes) -> None:
    assert accepted(message) == json.loads(message)["type"]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Any]:
    """A Redis under the role's own rules, and a client that may read what was added."""
    acl = tmp_path / "users.acl"
    rule = variables()["collector"]
    acl.write_text(f"user default off\nuser collector on >word {rule}\nuser reader on nopass ~* &* +@all\n")
    (tmp_path / "password").write_text("word\n")
    with RedisServer(tmp_path, "--aclfile", str(acl)) as server:
        yield server.client(username="reader", password="any")


def here(text: str, folder: Path) -> str:
    """The page's program, with this Redis' socket and password file."""
    assert SOCKET in text and PASSWORD in text
    return text.replace(SOCKET, str(folder / "redis.sock")).replace(PASSWORD, str(folder / "password"))


def run(language: str, folder: Path) -> subprocess.CompletedProcess[str]:
    text = here(block(PAGE, "The way in", language, holds="XADD" if language == "sh" else "xadd"), folder)
    program = [sys.executable, "-c", text] if language == "python" else ["sh", "-euc", text]
    return subprocess.run(program, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "error"})


def sent(redis: Any) -> list[dict[str, Any]]:
    """The events in the streams, each checked by the schema."""
    entries = [entry for kind in KINDS for _, entry in redis.xrange(f"seclyzer:stream:{kind}")]
    assert all(list(entry) == ["e"] and accepted(entry["e"].encode()) for entry in entries)
    return [json.loads(entry["e"]) for entry in entries]


@pytest.mark.parametrize("language", ["python", "sh"])
def test_the_producer_of_the_page_sends_events(language: str, redis: Any, tmp_path: Path) -> None:
    done = run(language, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [{**event, "ts": 0} for event in sent(redis)] == [
        {"type": "keystroke", "ts": 0, "key": "KeyA", "event": "press"},
        {"type": "keystroke", "ts": 0, "key": "KeyA", "event": "release"},
        {"type": "app", "ts": 0, "app_name": "editor"},
    ]
    seconds, microseconds = redis.time()
    assert all(0 <= seconds * 10**6 + microseconds - event["ts"] < 60 * 10**6 for event in sent(redis))


@pytest.mark.parametrize("language", ["python", "sh"])
def test_a_producer_that_redis_refuses_ends_with_the_reason(language: str, redis: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("former\n")
    done = run(language, tmp_path)
    assert done.returncode != 0
    assert "invalid username-password pair" in done.stderr
    assert sent(redis) == []


@pytest.mark.parametrize("implementation", ["python", "rust"])
def test_a_file_of_events_is_tried_as_the_page_types_it(implementation: str, tmp_path: Path) -> None:
    (line,) = block(PAGE, "Try it before it runs on a host").splitlines()
    program, *words = line.split()
    folder = {"python": "build/python/bin", "rust": "build/rust"}[implementation]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join([*MADE, b"no event"]) + b"\n")
    done = subprocess.run(
        [str(ROOT / program.replace("build/rust", folder)), *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr.splitlines()[-1])["malformed"] == 1


def test_the_page_has_no_other_program() -> None:
    """The one line more adds a user to groups, which molecule's tests do."""
    assert len(blocks(PAGE)) == 3 and len(blocks(PAGE, "python")) == 1
