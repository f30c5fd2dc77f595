"""One message, parsed: what is an event, what is malformed, what belongs to another program."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclyzer_extractors.event import (
    IGNORED,
    MALFORMED,
    Button,
    Focus,
    Key,
    Move,
    Scroll,
    Unusable,
    parse,
)
from seclyzer_extractors.event.scanner import MAX_TS

KEY = {"type": "keystroke", "ts": 5, "key": "KeyA", "event": "press"}
MOVE = {"type": "mouse", "ts": 5, "event": "move", "x": 1, "y": 2.5}
BUTTON = {"type": "mouse", "ts": 5, "event": "release", "button": "Left"}
SCROLL = {"type": "mouse", "ts": 5, "event": "scroll", "scroll_delta": -1}
APP = {"type": "app", "ts": 5, "app_name": "term"}


def parsed(base: dict[str, Any], **changes: Any) -> object:
    return parse(json.dumps({**base, **changes}).encode())


def test_every_kind_of_event_is_read() -> None:
    assert parsed(KEY) == Key(5, False, "KeyA", True)
    assert parsed(KEY, event="release", dev_mode=True) == Key(5, True, "KeyA", False)
    assert parsed(MOVE) == Move(5, False, 1.0, 2.5)
    assert parsed(BUTTON) == Button(5, False, "Left", False)
    assert parsed(SCROLL) == Scroll(5, False, -1.0)
    assert parsed(APP) == Focus(5, False, "term")
    assert parsed(APP, event="focus", window_class="x" * 500) == Focus(5, False, "term")


def test_null_is_the_same_as_absent() -> None:
    assert parsed(KEY, dev_mode=None) == Key(5, False, "KeyA", True)
    assert parsed(SCROLL, scroll_delta=None) == Scroll(5, False, None)
    assert parsed(APP, event=None, window_class=None) == Focus(5, False, "term")
    assert parsed(KEY, key=None) is MALFORMED
    assert parsed(KEY, type=None) is MALFORMED


def test_fields_of_other_events_are_not_looked_at() -> None:
    assert parsed(KEY, x="no number", app_name=7, scroll_delta=True) == Key(5, False, "KeyA", True)
    assert parsed(BUTTON, x="no number", scroll_delta="up", key=0) == Button(5, False, "Left", False)
    assert parsed(MOVE, button=7, scroll_delta="up") == Move(5, False, 1.0, 2.5)


def test_another_type_is_ignored_whatever_its_fields() -> None:
    assert parse(b'{"type":"battery"}') is IGNORED
    assert parse(b'{"type":"","ts":1.5}') is IGNORED
    assert parse(b'{"type":"Keystroke"}') is IGNORED


@pytest.mark.parametrize("ts", [0, -1, MAX_TS + 1, 1.0, "5", True, None, 10**30])
def test_ts_must_be_an_integer_in_range(ts: object) -> None:
    assert parsed(KEY, ts=ts) is MALFORMED


@pytest.mark.parametrize("token", [b"1e3", b"5.0", b"-0", b"05", b"+5", b"0x5", b"5.", b"1E3"])
def test_ts_is_written_as_digits_only(token: bytes) -> None:
    assert parse(b'{"type":"app","app_name":"a","ts":%b}' % token) is MALFORMED


def test_ts_at_its_limits() -> None:
    assert parsed(KEY, ts=1) == Key(1, False, "KeyA", True)
    assert parsed(KEY, ts=MAX_TS) == Key(MAX_TS, False, "KeyA", True)


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (KEY, {"key": ""}), (KEY, {"key": "k" * 65}), (KEY, {"key": 7}), (KEY, {"event": "move"}),
        (KEY, {"event": None}), (KEY, {"dev_mode": 1}), (KEY, {"dev_mode": "true"}), (KEY, {"event": True}),
        (MOVE, {"x": None}), (MOVE, {"y": None}), (MOVE, {"x": "1"}), (MOVE, {"x": True}),
        (MOVE, {"x": 1000000.1}), (MOVE, {"y": -1000001}), (MOVE, {"event": "drag"}), (MOVE, {"event": None}),
        (BUTTON, {"button": ""}), (BUTTON, {"button": "b" * 65}), (BUTTON, {"button": None}),
        (SCROLL, {"scroll_delta": "1"}), (SCROLL, {"scroll_delta": False}), (SCROLL, {"scroll_delta": 1e7}),
        (APP, {"app_name": ""}),
        (APP, {"app_name": "a" * 257}), (APP, {"app_name": None}),
        (APP, {"window_class": 1}), (APP, {"event": "blur"}), (APP, {"event": ""}), (APP, {"event": 0}),
        (KEY, {"type": 7}), (KEY, {"type": True}),
    ],
)  # fmt: skip
def test_a_listed_field_of_another_type_or_value_is_malformed(base: dict[str, Any], changes: dict[str, Any]) -> None:
    assert parsed(base, **changes) is MALFORMED


def test_limits_are_inclusive_and_count_code_points() -> None:
    assert isinstance(parsed(KEY, key="\U0001f511" * 64), Key)
    assert isinstance(parsed(APP, app_name="ü" * 256), Focus)
    assert parsed(MOVE, x=1e6, y=-1_000_000) == Move(5, False, 1e6, -1e6)
    assert parsed(SCROLL, scroll_delta=-1e6) == Scroll(5, False, -1e6)


@pytest.mark.parametrize(
    "message",
    [
        b"", b" ", b"null", b"7", b'"text"', b"[]", b"{}", b"{", b'{"type"}', b"{'type':'app'}",
        b'\xef\xbb\xbf{"type":"x"}', b'{"type":"x"} {}', b'{"type":"x"}x',
        b'{"type":"x",}', b'{,"type":"x"}',
        b'{"type":"x","a":[]}', b'{"type":"x","a":{}}', b'{"type":"x","a":NaN}',
        b'{"type":"x","a":-Infinity}',
        b'{"type":"x","a":1e309}', b'{"type":"x","a":-1e400}', b'{"type":"x","a":1' + b"0" * 309 + b"}",
        b'{"type":"x","a":"\\ud800"}', b'{"type":"x","\\udfff":1}',
        b'{"type":"x","a":"\\udc00\\ud800"}',
        b'{"type":"x","a":"\xff"}', b'{"type":"x","a":"\xc0\xaf"}', b'{"type":"x","a":"\xed\xa0\x80"}',
        b'{"type":"x","a":"\x01"}', b'{"type":"x","a":"\n"}', b'{"type":"x","a":"\\x41"}',
        b'{"type":"x","a":01}', b'{"type":"x","a":.5}', b'{"type":"x","a":tru}', b'{"type":"x"}\n\n\x00',
        b"[" * 4000, b'{"a":' * 800, b'{"type":"x","a":"\\u00g0"}', b'{"type":"x","a":"\\u 12a"}',
    ],
)  # fmt: skip
def test_what_is_no_strict_flat_json_is_malformed_whatever_its_type(message: bytes) -> None:
    assert parse(message) is MALFORMED


def test_of_a_key_given_twice_the_last_counts() -> None:
    assert parse(b'{"type":"mouse","type":"app","ts":0,"ts":9,"app_name":"a"}') == Focus(9, False, "a")
    assert parse(b'{"type":"x","a":1,"a":null}') is IGNORED


def test_faults_of_form_count_also_where_a_later_value_replaces_them() -> None:
    assert parse(b'{"type":"x","a":[],"a":1}') is MALFORMED
    assert parse(b'{"type":"x","a":"\\ud800","a":1}') is MALFORMED
    assert parse(b'{"type":"x","a":1e999,"a":1}') is MALFORMED


def test_brackets_and_escapes_inside_strings_are_just_text() -> None:
    assert parsed(APP, app_name="[{}]") == Focus(5, False, "[{}]")
    assert parse(b'{"type":"app","ts":5,"app_name":"\\ud83d\\ude00 \\u00e4 \\\\ud800"}') == Focus(
        5, False, "\U0001f600 ä \\ud800"
    )


def test_minus_zero_is_a_float() -> None:
    event = parse(b'{"type":"mouse","ts":5,"event":"move","x":-0,"y":-0.0}')
    assert isinstance(event, Move)
    assert (str(event.x), str(event.y)) == ("-0.0", "-0.0")


def test_length_counts_without_the_line_ending() -> None:
    def padded(length: int) -> bytes:
        return b'{"type":"x","a":"' + b"a" * (length - 19) + b'"}'

    assert len(padded(4096)) == 4096
    for ending in (b"", b"\n", b"\r\n"):
        assert parse(padded(4096) + ending) is IGNORED
        assert parse(padded(4097) + ending) is MALFORMED
    assert parse(padded(4096) + b"\n\n") is MALFORMED
    assert parse(b' \t\r\n{"type":"x"} \r\n\r\n') is IGNORED


NAMES = ["type", "ts", "key", "event", "x", "y", "button", "scroll_delta", "app_name", "dev_mode"]
TEXTS = ["keystroke", "mouse", "app", "press", "release", "move", "scroll", "focus"]
names = st.sampled_from(NAMES) | st.text()
values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(TEXTS),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.just([]),
    st.just({}),
)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_without_a_crash(message: bytes) -> None:
    assert isinstance(parse(message), (Unusable, Key, Move, Button, Scroll, Focus))


@given(st.dictionaries(names, values, max_size=10))
def test_any_object_gives_an_event_in_range_or_none(fields: dict[str, Any]) -> None:
    event = parse(json.dumps(fields).encode())
    if isinstance(event, Unusable):
        return
    assert 1 <= event.ts <= MAX_TS and event.dev_mode is bool(fields.get("dev_mode"))
    if isinstance(event, Key):
        assert 1 <= len(event.key) <= 64
    if isinstance(event, Move):
        assert abs(event.x) <= 1e6 and abs(event.y) <= 1e6


@pytest.mark.parametrize("before", [b"", b'"type":"app",', b'"typen":"app","ts":5,', b'"ts":5,"key":"a",'])
def test_brackets_as_deep_as_a_message_is_long_are_malformed_wherever_they_stand(before: bytes) -> None:
    """Who looks for a `type` behind them goes into each."""
    for depth in (900, 1000, 1500, 2000):
        assert parse(b"{" + before + b'"note":' + b"[" * depth + b"]" * depth + b"}") is MALFORMED
        assert (
            parse(b"{" + before + b'"note":' + b'{"a":' * (depth // 3) + b"1" + b"}" * (depth // 3) + b"}") is MALFORMED
        )
