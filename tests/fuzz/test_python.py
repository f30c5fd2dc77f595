"""The Python implementation on random input, by hypothesis; the long form of the same is atheris in the soak."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seclyzer_extractors.config import SETTINGS
from seclyzer_extractors.event import Move, parse

from . import python_targets, seeds
from .messages import batch

LINES = ["HTTP/1.1 204 No Content", "HTTP/1.1 400 Bad", "HTTP/1.0 503 x", "HTTP/1.1 422", "HTTP/1.1 100 Continue"]
HEADERS = ["Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Retry-After: 7"]
HEADERS += ["Retry-After: 1e9", "Retry-After: ٣", "Retry-After: Mon, 23 Nov 2026 17:00:00 GMT", "Retry-After: -5"]
HEADERS += ["Retry-After: Mon, 99 Nov 99999 17:00:00 +9999", "Retry-After: " + "9" * 400, "Retry-After: ²"]
HEADERS += [
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Connection: close",
    "no colon",
    ": empty",
]
BODIES = ["hello", '{"message":"dropped=3"}', "5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\nx", "-1\r\n", "[" * 5000]
KEYS = sorted({option.key for option in SETTINGS} - {"redis_password", "influx_token"})

modest = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message of a batch, changed here and there, with or without a line ending."""
    number = draw(st.integers(0, 2**32))
    made = batch("hypothesis", number, 1)[0][:5000]
    at = draw(st.integers(0, len(made)))
    return made[:at] + draw(st.binary(max_size=3)) + made[at:] + draw(st.sampled_from([b"", b"\n", b"\r\n", b"\r"]))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Something like an answer of InfluxDB."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(seeds.ANSWERS)) + draw(st.binary(max_size=50))
    headers: list[str] = draw(st.lists(st.sampled_from(HEADERS) | st.text(max_size=20), max_size=4))
    body = draw(st.sampled_from(BODIES) | st.text(max_size=50))
    text = "\r\n".join([draw(st.sampled_from(LINES) | st.text(max_size=20)), *headers, "", body])
    raw = text.encode("utf-8", "surrogatepass")
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw


@st.composite
def configurations(draw: st.DrawFn) -> bytes:
    """Something like a file, variables and flags."""
    value: Any = st.sampled_from(
        ["1", "0.5", "yes", "null", "''", '"a\\nb"', "h:1", "|", "- a", "[a]", "&a b", "http://h"]
    )
    value |= st.text(max_size=20)
    lines = [
        f"{draw(st.sampled_from(KEYS) | st.text(max_size=8))}: {draw(value)}" for _ in range(draw(st.integers(0, 3)))
    ]
    variables = [
        f"{draw(st.sampled_from([option.env for option in SETTINGS]))}={draw(value)}"
        for _ in range(draw(st.integers(0, 2)))
    ]
    return "\x01".join(["\n".join(lines), *variables]).encode("utf-8", "surrogatepass")


@modest
@given(messages() | st.binary(max_size=300))
def test_every_message_is_what_the_oracle_says_field_by_field(message: bytes) -> None:
    python_targets.event(message)


@modest
@given(st.binary(min_size=1, max_size=1), st.lists(messages(), max_size=30))
def test_lines_of_anything_are_each_counted_once(choice: bytes, lines: list[bytes]) -> None:
    python_targets.replay(choice + b"\n".join(lines))


@modest
@given(configurations() | st.binary(max_size=200))
def test_a_configuration_is_in_force_or_refused_in_one_line(data: bytes) -> None:
    python_targets.config(data)


@modest
@given(answers() | st.binary(max_size=200))
def test_an_answer_of_influxdb_is_an_answer_or_none(data: bytes) -> None:
    python_targets.http(data)


@pytest.mark.parametrize("target", python_targets.TARGETS)
def test_the_seeds_are_good_input(target: str) -> None:
    for data in seeds.SEEDS[target]():
        python_targets.TARGETS[target](data)


def test_the_event_target_sees_a_field_that_is_read_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(message: bytes) -> Any:
        event = parse(message)
        if isinstance(event, Move):
            return Move(event.ts, event.dev_mode, abs(event.x), event.y)
        return event

    monkeypatch.setattr(python_targets, "parse", wrong)
    with pytest.raises(AssertionError, match="expected"):
        for line in batch("x", 0, 400):
            python_targets.event(line)
