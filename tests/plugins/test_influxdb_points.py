"""Whose points are counted, exported and deleted: only those that were chosen, whatever their names look like."""

import random
import re
import uuid

import pytest

from plugins.module_utils.influxdb_points import MEASUREMENTS, Points, quoted, text
from plugins.module_utils.layout import Refused
from plugins.module_utils.selection import Selection
from tests.helpers.influx_server import InfluxServer
from tests.plugins.influxd import DAY, SOME_DAY, Bucket, influxd

__all__ = ["influxd"]

# What would leave a string, a predicate or a regular expression, if it were not quoted.
NASTY = [
    'x" OR user_id="bob',
    'x" or r.user_id == "bob',
    'x") or true or (r.user_id == "',
    '" AND user_id="bob',
    "x' OR '1'='1",
    "${bob}",
    "a b,c=d",
    "/.*/",
    "bob ",
    "Bob",
    "//",
    'x"; drop()',
    "größe 日本 \N{GRINNING FACE}",
    "user_id=bob",
    "AND",
    "x\u2028y",
    "x\u00a0",
]
LETTERS = "ab\"'`${}()[],= ./%;:|&<>!?*+~^#@-_\u00e9\u65e5" + "\N{GRINNING FACE}"


@pytest.fixture
def bucket(influxd: InfluxServer) -> Bucket:
    return Bucket(influxd, f"test-{uuid.uuid4().hex}")


def counts(number: int) -> dict[str, int]:
    return dict.fromkeys(MEASUREMENTS, number)


def test_a_person_is_forgotten_and_no_other_whatever_the_name_looks_like(bucket: Bucket) -> None:
    choose = random.Random(11)
    made = {"".join(choose.choices(LETTERS, k=choose.randint(1, 12))) for _ in range(60)}
    names = sorted({name.strip(" ") or "x" for name in made} | {*NASTY, "bob"} - {"bob "})
    for name in names:
        bucket.write(name, "edge1", SOME_DAY, SOME_DAY + 1_000_000)
    there = set(names)
    for name in choose.sample(names, len(names)):
        if name == "bob":
            continue
        chosen = Selection(user=name)
        assert bucket.points.count(chosen) == counts(2), name
        bucket.points.delete(chosen)
        there.remove(name)
        assert bucket.points.count(chosen) == counts(0), name
        assert bucket.points.count(Selection(user="bob")) == counts(2), name
    assert {user for user, _, _ in bucket.left()} == {"bob"} == there


def test_a_host_is_forgotten_as_well_and_both_together_mean_both(bucket: Bucket) -> None:
    for user, host in (("default", "edge1"), ("default", "edge2"), ("ann", "edge1"), ("ann", "edge2")):
        bucket.write(user, host, SOME_DAY)
    bucket.points.delete(Selection("ann", "edge2"))
    assert {one[:2] for one in bucket.left()} == {("default", "edge1"), ("default", "edge2"), ("ann", "edge1")}
    bucket.points.delete(Selection(host="edge1"))
    assert {one[:2] for one in bucket.left()} == {("default", "edge2")}


def test_a_time_is_from_since_to_before_until_to_the_microsecond(bucket: Bucket) -> None:
    seconds = [SOME_DAY + at * 1_000_000 for at in range(5)]
    bucket.write("ann", "edge1", *seconds)
    chosen = Selection(user="ann", since=seconds[1], until=seconds[3])
    assert bucket.points.count(chosen) == counts(2)
    bucket.points.delete(chosen)
    assert {at for _, _, at in bucket.left()} == {seconds[at] // 1_000_000 for at in (0, 3, 4)}
    bucket.points.delete(Selection(user="ann", since=seconds[4] + 1))
    bucket.points.delete(Selection(user="ann", until=seconds[0]))
    assert len(bucket.left()) == 3


def test_points_far_ahead_of_the_clock_are_forgotten_too(bucket: Bucket) -> None:
    bucket.write("ann", "edge1", 1, SOME_DAY + 90_000 * DAY - SOME_DAY)
    bucket.points.delete(Selection(user="ann"))
    assert bucket.left() == set()


def test_points_are_counted_by_host_measurement_and_day(bucket: Bucket) -> None:
    bucket.write("ann", "edge1", SOME_DAY, SOME_DAY + DAY - 1, SOME_DAY + DAY)
    bucket.write("bob", "edge2", SOME_DAY + 2 * DAY)
    found = bucket.points.days(Selection(user="ann"))
    assert list(found) == ["edge1"]
    assert [list(days.values()) for days in found["edge1"].values()] == [[2, 1]] * 3
    assert bucket.points.hosts() == {"edge1", "edge2"}


def test_an_export_holds_every_value_of_the_chosen_points_and_none_of_others(bucket: Bucket) -> None:
    bucket.write("ann", "edge1", SOME_DAY + 5, SOME_DAY + 7, SOME_DAY + DAY)
    bucket.write("bob", "edge1", SOME_DAY + 6)
    day = next(iter(bucket.points.days(Selection(user="ann"))["edge1"]["keystroke_features"]))
    rows = [row for row in bucket.points.export(Selection(user="ann"), "keystroke_features", day) if row]
    header = next(row for row in rows if row[1:2] == ["result"])
    values = [dict(zip(header, row, strict=True)) for row in rows if not row[0].startswith("#") and row != header]
    assert [(one["user_id"], one["dwell_mean"], one["implementation"], one["schema"]) for one in values] == [
        ("ann", "1.5", "rust", "2")
    ] * 2
    assert [one["_time"][-8:] for one in values] == ["0.000005Z"[-8:], "0.000007Z"[-8:]]


def test_a_selection_without_user_and_host_is_refused(bucket: Bucket) -> None:
    bucket.write("ann", "edge1", SOME_DAY)
    for ask in (Points.count, Points.days, Points.delete):
        with pytest.raises(Refused, match="all persons"):
            ask(bucket.points, Selection())
    assert len(bucket.left()) == 1


def test_quoting_leaves_nothing_that_ends_a_string() -> None:
    for name in NASTY:
        assert re.fullmatch(r"([A-Za-z0-9_]|\\x[0-9a-f]{2})*", text(name)[1:-1])
        assert quoted(name)[1:-1].replace("\\\\", "").replace('\\"', "").count('"') == 0
    with pytest.raises(Refused, match="control character"):
        quoted('x\n" or')


def test_what_influxdb_refuses_is_reported(influxd: InfluxServer) -> None:
    elsewhere = Points(Bucket(influxd, f"test-{uuid.uuid4().hex}").points._influxdb, influxd.token, "seclyzer", "none")
    with pytest.raises(Refused, match="bucket"):
        elsewhere.count(Selection(user="ann"))
    with pytest.raises(Refused, match="bucket"):
        elsewhere.delete(Selection(user="ann"))
