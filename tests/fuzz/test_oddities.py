"""What is odd in JSON is the same to both implementations and the oracle, case by case."""

from __future__ import annotations

import json

import pytest

from seclyzer_extractors.event import MALFORMED, Button, Focus, Key, Move, Scroll, Unusable, parse
from tests.parity.implementations import rust_program

from . import agree
from .oddities import GRIN, ODDITIES, OVER_REDIS, PAIR, focus, key, long, note
from .verdict import KINDS, verdict

NAMES = {Key: "keystroke", Move: "mouse", Button: "mouse", Scroll: "mouse", Focus: "app"}


def in_python(message: bytes) -> str:
    reported = parse(message)
    if isinstance(reported, Unusable):
        return "malformed" if reported is MALFORMED else "ignored"
    return NAMES[type(reported)]


def in_rust(raw: bytes) -> dict[str, tuple[int, int]]:
    """Events and malformed messages as each program counts them."""
    outputs = {kind: rust_program(agree.SETTINGS[kind], raw).counters for kind in KINDS}
    return {kind: (reported["events"], reported["malformed"]) for kind, reported in outputs.items()}


@pytest.mark.parametrize("name", ODDITIES)
def test_an_oddity_is_the_same_in_both_languages(name: str) -> None:
    message, expected = ODDITIES[name]
    assert verdict(message + b"\n").name == expected
    assert in_python(message + b"\n") == expected
    assert in_rust(message + b"\n") == {kind: agree.expected(kind, expected, 1)[:2] for kind in KINDS}


@pytest.mark.parametrize("name", OVER_REDIS)
def test_what_only_redis_can_carry_is_the_same_to_python_and_the_oracle(name: str) -> None:
    """Rust reads these in test_streams.py."""
    message, expected = OVER_REDIS[name]
    assert (verdict(message).name, in_python(message)) == (expected, expected)


def test_the_programs_agree_on_all_oddities_at_once() -> None:
    report = agree.check([message for message, _ in ODDITIES.values()])
    assert [str(one) for one in report.differences] == []
    assert report.messages == len(ODDITIES) and min(report.classes.values()) >= 2


@pytest.mark.parametrize("implementation", agree.RUNS)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "none"])
def test_a_line_has_4096_bytes_its_ending_not_counted(implementation: str, ending: bytes) -> None:
    for size, counts in ((4096, (1, 0)), (4097, (0, 1))):
        reported = agree.RUNS[implementation](agree.SETTINGS["keystroke"], long(size, ending)).counters
        assert (reported["events"], reported["malformed"]) == counts


@pytest.mark.parametrize("implementation", agree.RUNS)
def test_names_come_out_as_they_were_meant(implementation: str) -> None:
    """A pair of escapes is one character; escapes of separators and controls are what they stand for."""
    written = {
        PAIR: "\U0001f600",
        b"\\ud834\\uDD1E": "\U0001d11e",
        b"a\\nb": "a\nb",
        GRIN: "\U0001f600",
        b"\\u0000": "\0",
        b"\\u007f\x7f": "\x7f\x7f",
        b"\\\\ud800": "\\ud800",
        b'\\/\\b\\f\\r\\t\\"': '/\b\f\r\t"',
        b"\xef\xbb\xbf": "\ufeff",
        b"\\u00e9e\\u0301": "\u00e9e\u0301",
        b"a,b=c d": "a,b=c d",
    }
    lines = [focus(name).replace(b'"ts":5', b'"ts":%d' % (5 + place)) for place, name in enumerate(written)]
    rows = agree.RUNS[implementation](agree.SETTINGS["app"], agree.joined(lines)).rows
    assert [row["from_app"] for row in rows[:-1]] + [rows[-2]["to_app"]] == list(written.values())


@pytest.mark.parametrize("implementation", agree.RUNS)
def test_the_last_of_equal_keys_is_the_one_that_counts(implementation: str) -> None:
    twice = [b'{"app_name":7,"app_name":"a","ts":9,"ts":1,"type":"x","type":"app"}', focus(b"b")]
    rows = agree.RUNS[implementation](agree.SETTINGS["app"], agree.joined(twice)).rows
    assert (rows[0]["from_app"], rows[0]["to_app"], rows[0]["ts"]) == ("a", "b", 5)


def test_every_oddity_is_what_its_name_says() -> None:
    """The table's own helpers."""
    assert json.loads(key(b'"n":1'))["n"] == 1 and json.loads(note(b"null"))["note"] is None
    assert len(long(4096)) == 4096 and len({message for message, _ in ODDITIES.values()}) == len(ODDITIES)
