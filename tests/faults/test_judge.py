"""The judge itself: it sees what is lost, doubled, changed, foreign, out of order, or stored otherwise."""

import json

import pytest

from tests.live.expected import Key, Point, point_of

from .influx_tap import PASS, InfluxDoor, Request
from .judge import Replay, capped, outcome_of, wrongs
from .redis_tap import split
from .relay import Relay

END = {"timestamp": "t", "type": "mouse", "schema": 2, "version": "1"}


def text(ts: int, value: float, implementation: str = "rust") -> str:
    """A published window."""
    return json.dumps({"move_0": value, "dev_mode": False, "ts": ts, "implementation": implementation, **END})


EXPECTED = [text(5, 0.5), text(6, 0.6), text(7, 0.7)]
OTHERS = [text(5, 0.5, "python"), text(6, 0.6, "python"), text(7, 0.7, "python")]


def judged(published: list[str], listed: list[str] | None = None, stored: list[str] | None = None) -> list[str]:
    """What is wrong with this, when EXPECTED is to come out."""
    replays = {"rust": Replay(EXPECTED, {}, {}), "python": Replay(OTHERS, {}, {})}
    points: dict[Key, Point] = dict(point_of("mouse", one, "h") for one in (EXPECTED if stored is None else stored))
    found = outcome_of("mouse", replays, published, 0, published if listed is None else listed, points)
    return [one.split(": ")[1].split(" of ")[0] for one in wrongs(found)]


def test_all_as_it_should_be() -> None:
    assert judged(EXPECTED) == []
    assert judged([EXPECTED[0], OTHERS[1], EXPECTED[2]]) == []


@pytest.mark.parametrize(
    ("published", "reported"),
    [
        (EXPECTED[:2], ["lost 1"]),
        ([EXPECTED[0], EXPECTED[1], EXPECTED[1], EXPECTED[2]], ["doubled 1"]),
        ([EXPECTED[0], OTHERS[0], EXPECTED[1], EXPECTED[2]], ["doubled 1"]),
        ([*EXPECTED, text(8, 0.8)], ["foreign 1"]),
        ([EXPECTED[0], EXPECTED[1], text(7, 0.71)], ["wrong 1"]),
        ([EXPECTED[1], EXPECTED[0], EXPECTED[2]], ["published in another order than the replay's"]),
    ],
)
def test_what_is_wrong_in_redis_is_reported(published: list[str], reported: list[str]) -> None:
    assert judged(published) == reported


def test_what_is_wrong_in_the_list_is_reported() -> None:
    assert judged(EXPECTED, listed=EXPECTED[1:]) == ["the list is not what was published"]


@pytest.mark.parametrize(
    ("stored", "reported"),
    [
        (EXPECTED[1:], ["points_lost 1"]),
        ([*EXPECTED, text(8, 0.8)], ["points_foreign 1"]),
        ([EXPECTED[0], EXPECTED[1], text(7, 0.71)], ["points_wrong 1"]),
    ],
)
def test_what_is_wrong_in_influxdb_is_reported(stored: list[str], reported: list[str]) -> None:
    assert judged(EXPECTED, stored=stored) == reported


@pytest.mark.parametrize(
    ("stored", "dropped", "in_doubt", "reported"),
    [
        (EXPECTED[2:], 2, set(), []),
        ([EXPECTED[0], EXPECTED[2]], 2, {5}, []),
        (EXPECTED, 1, {5}, []),
        (EXPECTED[2:], 3, set(), ["mouse: 2 points are not stored, 0 are twice, 3 were counted"]),
        (EXPECTED[2:], 3, {5}, ["mouse: 2 points are not stored, 0 are twice, 3 were counted"]),
        ([EXPECTED[0], EXPECTED[2]], 1, {5}, ["mouse: 1 points are not stored, 1 are twice, 1 were counted"]),
        (EXPECTED[1:2], 2, set(), ["mouse: points between others that are stored went, and not the oldest"]),
    ],
)
def test_what_goes_at_the_cap_is_the_oldest_and_counted(
    stored: list[str], dropped: int, in_doubt: set[int], reported: list[str]
) -> None:
    replays = {"rust": Replay(EXPECTED, {}, {})}
    points: dict[Key, Point] = dict(point_of("mouse", one, "h") for one in stored)
    outcome = outcome_of("mouse", replays, EXPECTED, 0, EXPECTED, points)
    assert capped(outcome, replays, dropped, in_doubt) == reported
    assert wrongs(outcome) == []


def test_in_doubt_is_what_went_to_influxdb_whole_and_was_never_answered() -> None:
    door = InfluxDoor(Relay(), 1)

    def sent(*times: int, went_up: bool, answered: bool) -> Request:
        return Request(0.0, PASS, [f"m f=1 {at}" for at in times], went_up=went_up, answered=answered)

    door.requests += [sent(1, 2, went_up=True, answered=False), sent(3, went_up=False, answered=False)]
    door.requests += [sent(2, 4, went_up=True, answered=True)]
    assert door.in_doubt() == {1}


def test_commands_are_separated_wherever_they_are_torn() -> None:
    whole = b"*1\r\n$5\r\nMULTI\r\n*2\r\n$4\r\nECHO\r\n$6\r\na\r\nb\r\n\r\n*1\r\n$4\r\nEXEC\r\n"
    parts = [[b"MULTI"], [b"ECHO", b"a\r\nb\r\n"], [b"EXEC"]]
    for torn in range(len(whole) + 1):
        first, rest = split(whole[:torn])
        second, left = split(rest + whole[torn:])
        assert [command for _, command in first + second] == parts and left == b""
        assert b"".join(data for data, _ in first + second) == whole
