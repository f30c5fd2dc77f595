"""Each event of a file gets the verdict that the extractors would give it, and none of it is repeated."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seclyzer_extractors.event import MALFORMED, fault, parse
from seclyzer_extractors.explain import explain

NOW = 1_790_000_000_000_000
KEY: dict[str, Any] = {"type": "keystroke", "ts": NOW, "key": "secret-key", "event": "press"}


def verdicts(*events: dict[str, Any] | bytes) -> list[tuple[str, str]]:
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() + b"\n" for event in events]
    return [(str(one["type"]), str(one["verdict"])) for one in explain(lines, NOW)]


def why(event: dict[str, Any] | bytes) -> str:
    line = event if isinstance(event, bytes) else json.dumps(event).encode()
    (one,) = explain([line], NOW)
    return str(one["why"])


def test_each_verdict_is_that_of_the_extractors() -> None:
    day = 86_400_000_000
    assert verdicts(
        KEY,
        KEY | {"ts": NOW - 60_000_000},
        KEY | {"ts": NOW - 7_000_000},
        KEY | {"ts": NOW + 5_000_001},
        KEY | {"ts": NOW - 401 * day},
        KEY | {"type": "another"},
        KEY | {"key": ""},
        {"type": "app", "ts": NOW, "app_name": "x"},
        {"type": "app", "ts": NOW - 1_000_000, "app_name": "y"},
        {"type": "mouse", "ts": NOW, "event": "move", "x": 1, "y": 2},
        b"\n",
    ) == [
        ("keystroke", "accepted"),
        ("keystroke", "late"),
        ("keystroke", "behind"),
        ("keystroke", "future"),
        ("keystroke", "ancient"),
        ("", "ignored"),
        ("", "malformed"),
        ("app", "accepted"),
        ("app", "accepted"),
        ("mouse", "accepted"),
    ]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (KEY | {"ts": 1.0}, "ts has to be an integer of µs"),
        (KEY | {"ts": "1"}, "ts has to be an integer of µs"),
        (KEY | {"key": None}, "key has to be a string of 1 to 64"),
        (KEY | {"event": "hit"}, "event is none that this type has"),
        (KEY | {"dev_mode": 1}, "dev_mode has to be true, false or null"),
        (KEY | {"more": {}}, "a value is an object or an array"),
        (KEY | {"type": 3}, "type is missing, or no string"),
        ({"type": "mouse", "ts": NOW, "event": "move", "x": 1}, "y has to be a number"),
        ({"type": "mouse", "ts": NOW, "event": "press"}, "button has to be a string"),
        ({"type": "mouse", "ts": NOW, "event": "scroll", "scroll_delta": "1"}, "scroll_delta has to be a number"),
        ({"type": "app", "ts": NOW}, "app_name has to be a string of 1 to 256"),
        (b"[1]", "it is JSON, but no object"),
        (b"nonsense", "it is not JSON, from character 1 on"),
        (b"\xff", "it is not valid UTF-8"),
        (b'{"type": "app", "x": NaN}', "it is not JSON"),
        (b'{"a": "' + b"x" * 5000 + b'"}', "it has more than 4096 bytes"),
        (KEY | {"ts": NOW // 1000}, "their ts looks like milliseconds: it has to be in microseconds"),
        (KEY | {"ts": NOW - 600_000_000}, "its ts is 600 s ago"),
    ],
)
def test_what_is_not_taken_has_its_reason_and_nothing_of_the_event(event: dict[str, Any] | bytes, words: str) -> None:
    reason = why(event)
    assert words in reason and "secret-key" not in reason


@pytest.mark.parametrize("line", [b"", b"{}", b"{", b'{"type": "keystroke"}', b"\xed\xa0\x80", b"[" * 5000, b"1e999"])
def test_a_message_has_a_fault_exactly_when_it_is_malformed(line: bytes) -> None:
    assert bool(fault(line)) is (parse(line) is MALFORMED)


def test_the_program_answers_a_line_for_a_line() -> None:
    code = "import sys; from seclyzer_extractors.explain import main; sys.exit(main())"
    line = json.dumps(KEY | {"ts": 5}).encode() + b"\n"
    package = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", code], input=line, capture_output=True, check=True, cwd=package)
    (one,) = map(json.loads, done.stdout.splitlines())
    assert (one["line"], one["type"], one["verdict"]) == (1, "keystroke", "ancient")
