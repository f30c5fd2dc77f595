"""The judge finds the one message that a program gets wrong, also when two errors would cancel out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.parity.implementations import Output, python_in_process
from tests.parity.settings import Settings

from . import agree
from .messages import batch
from .verdict import verdict

MESSAGES = batch("judge", 0, 300)
Count = Callable[[list[bytes], dict[str, int]], None]


def liar(change: Count) -> agree.Run:
    """The Python extractor, with its counters changed by what the lines hold."""

    def run(settings: Settings, raw: bytes) -> Output:
        output = python_in_process(settings, raw)
        counters = dict(output.counters)
        change(raw.splitlines(), counters)
        return replace(output, counters=counters)

    return run


def found(run: agree.Run, messages: list[bytes]) -> list[agree.Difference]:
    return agree.check(messages, {"python": run}).differences


def test_no_difference_is_found_where_there_is_none() -> None:
    assert found(python_in_process, MESSAGES) == []


def test_the_message_to_blame_is_found() -> None:
    special = b'{"type":"app","ts":1,"app_name":"' + b"\\ud83d\\ude00" * 257 + b'"}'
    assert verdict(special).name == "malformed"

    def change(lines: list[bytes], counters: dict[str, int]) -> None:
        if special in lines:
            counters["malformed"] -= 1

    differences = found(liar(change), [*MESSAGES, special])
    assert {(one.program, one.oracle) for one in differences} == {
        (program, "malformed") for program in ("keystroke_extractor", "mouse_extractor", "app_tracker")
    }
    assert all(one.lines == [special] and one.found == "(0, 0, 0)" for one in differences)


def test_two_errors_do_not_make_up_for_each_other() -> None:
    """A valid keystroke counted malformed, and a malformed one counted valid: the sums are right."""
    good = b'{"type":"keystroke","ts":5,"key":"a","event":"press"}'
    bad = b'{"type":"keystroke","ts":5,"key":"a","event":"press",}'

    def change(lines: list[bytes], counters: dict[str, int]) -> None:
        counters["malformed"] += lines.count(good) - lines.count(bad)
        counters["events"] -= lines.count(good) - lines.count(bad)

    differences = [one for one in found(liar(change), [good, bad]) if one.oracle != "rows"]
    assert {(one.oracle, *one.lines) for one in differences} == {("keystroke", good), ("malformed", bad)}


def test_a_name_read_wrongly_shows_in_what_comes_out() -> None:
    def run(settings: Settings, raw: bytes) -> Output:
        return python_in_process(settings, raw.replace(b'"right"', b'"wrong"'))

    lines = [b'{"type":"app","ts":%d,"app_name":"%s"}' % (ts, name) for ts, name in ((1, b"a"), (2, b"right"))]
    differences = found(run, [*lines, *(b'{"type":"app","ts":%d,"app_name":"c"}' % ts for ts in range(3, 40))])
    assert [one.oracle for one in differences] == ["rows"]
    assert lines[1] in differences[0].lines and len(differences[0].lines) <= 2
