"""The Python extractors' quick way to read a message gives what their strict way gives, or leaves it to that."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclyzer_extractors.event import Unusable, parse_strictly, scan
from tests.parity import messages
from tests.parity.streams import stream
from tests.parity.test_parity import seed

STREAMS = 300
PLAIN = [
    b'{"type":"keystroke","ts":1700000000000000,"key":"KeyA","event":"press"}',
    b'{"type":"mouse","ts":1700000000000000,"event":"move","x":12.5,"y":-7,"dev_mode":true}',
    b'{"type":"mouse","ts":1700000000000000,"event":"move","x":0,"y":0.0}',
    b'{"type":"mouse","ts":1700000000000000,"event":"release","button":"Left"}',
    b'{"type":"mouse","ts":1700000000000000,"event":"scroll","scroll_delta":-1}',
    b'{"type":"mouse","ts":1700000000000000,"event":"scroll","dev_mode":null}',
    b'{"type":"app","ts":1700000000000000,"app_name":"Editor","event":"focus","window_class":"editor.Main"}\n',
]
PIECES = [b'"type"', b'"ts"', b'"x"', b'"key"', b'"event"', b'"mouse"', b'"move"', b'"keystroke"', b'"app"', b"null"]
PIECES += [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b'"',
    b"\\",
    b"-0",
    b"-0.0",
    b"1e3",
    b"5.0",
    b"1e999",
    b"NaN",
    b"\\ud800",
]
PIECES += [b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\n", b" ", b"9" * 400, b"253402300800000000", b"0"]


def differs(message: bytes) -> str | None:
    """What is wrong with the quick way's answer; `repr` tells 1 from 1.0, and -0.0 from 0.0."""
    scanned = scan(message)
    strictly = parse_strictly(message)
    if scanned is None or repr(scanned) == repr(strictly):
        return None
    return f"{message!r}: {scanned} instead of {strictly}"


@pytest.mark.parametrize("message", PLAIN)
def test_what_producers_usually_send_is_read_the_quick_way(message: bytes) -> None:
    assert scan(message) is not None and differs(message) is None


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"mouse","ts":5,"event":"scroll","scroll_delta":-0}',
        b'{"type":"mouse","ts":5,"event":"move","x":-0,"y":1}',
        b'{"type":"mouse","ts":5,"event":"move","x":1}',
        b'{"type":"mouse","ts":5,"event":"press"}',
        b'{"type":"app","ts":5.0,"app_name":"a"}',
        b'{"type":"app","ts":5,"app_name":"a","window_class":"' + b"w" * 4096 + b'"}',
        b'{"type":"app","ts":5,"app_name":"a","note":[]}',
    ],
)
def test_what_only_the_strict_way_can_tell_is_left_to_it(message: bytes) -> None:
    assert scan(message) is None


def test_streams_with_every_disturbance_and_their_mutations_are_read_as_the_strict_way_does() -> None:
    name = seed()
    rng = random.Random(name)
    quick = valid = checked = 0
    for number in range(STREAMS):
        for line in stream(name, number).lines[:3000]:
            for message in (line, messages.mutated(rng, line)):
                assert (wrong := differs(message)) is None, f"seed {name} stream {number}: {wrong}"
                checked += 1
            valid += not isinstance(parse_strictly(line), Unusable)
            quick += scan(line) is not None
    print(f"\nusual: seed {name}, {checked} messages; {quick} of {valid} valid ones were read the quick way")
    assert checked > 50_000 and quick > 0.7 * valid


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(PLAIN), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 12), st.sampled_from(PIECES))))
def test_no_cut_and_paste_of_json_is_read_otherwise(message: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    for at, length, piece in changes:
        message = message[:at] + piece + message[at + length :]
        assert differs(message) is None


@settings(max_examples=3000, deadline=None)
@given(st.sampled_from(PLAIN), st.floats() | st.integers() | st.decimals(allow_nan=False, places=30).map(str))
def test_every_number_is_read_to_the_same_float(message: bytes, number: float | str) -> None:
    for field in (b'"x":12.5', b'"scroll_delta":-1', b'"ts":1700000000000000'):
        name = field.partition(b":")[0]
        assert differs(message.replace(field, name + b":" + str(number).encode())) is None
