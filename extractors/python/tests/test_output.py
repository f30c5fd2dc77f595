"""What goes out as text: names, order and types of the JSON, and the line protocol."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import START, focus, move, replayed, typed

from seclyzer_extractors import output, schema
from seclyzer_extractors.core import Row
from seclyzer_extractors.timestamp import timestamp

COUNTS = {
    "keystroke": {"backspace_count", "dwell_count", "flight_count", "total_keys"},
    "mouse": {"click_2", "click_3", "click_4", "click_6", "scroll_2", "scroll_3"},
}
TAIL = ["timestamp", "ts", "type", "schema", "implementation", "version"]


@given(st.integers(0, 253402300799999999))
def test_timestamps_are_those_of_the_calendar(us: int) -> None:
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    assert timestamp(us) == moment.isoformat(timespec="microseconds") + "Z"


@pytest.mark.parametrize("kind", ["keystroke", "mouse"])
def test_a_window_is_flat_in_the_schemas_order_counts_are_integers(kind: str) -> None:
    lines = typed(START, 20) if kind == "keystroke" else [move(START + i * 1000, i, i) for i in range(60)]
    [window], _ = replayed(kind, lines)
    assert list(window) == [feature.name for feature in schema.kind(kind).features] + TAIL
    assert {name for name, value in window.items() if type(value) is int} == COUNTS[kind] | {"ts", "schema"}
    assert type(window["dev_mode"]) is bool
    assert {feature.name for feature in schema.kind(kind).features if feature.kind == "count"} == COUNTS[kind]


def test_a_transition_is_flat_with_the_real_names() -> None:
    (transition, _), _ = replayed("app", [focus(START, 'ä "1"'), focus(START + 1, "\U0001f600,=")])
    assert list(transition) == ["from_app", "to_app", "duration_ms", "dev_mode", *TAIL]
    assert (transition["from_app"], transition["to_app"]) == ('ä "1"', "\U0001f600,=")
    assert type(transition["duration_ms"]) is int


def line(kind: str, row: Row, **own: str) -> str:
    tags = {"user_id": "default", "device_id": "d", "host": "h", **own}
    return output.LineProtocol(schema.kind(kind), **tags).line(row)


def test_a_keystroke_line() -> None:
    names = [feature.name for feature in schema.kind("keystroke").features]
    some = {"dwell_mean": 1.5, "dwell_std": 0.1 + 0.2, "total_keys": 7, "dev_mode": True}
    values = tuple(some.get(name, 0.0) for name in names)
    made = line("keystroke", Row(1_700_000_005_000_000, values), user_id="a b", host="x=1,y")
    tags, fields, ts = made[: made.index(" dwell")], made.split(" ")[-2], made.split(" ")[-1]
    assert tags == r"keystroke_features,user_id=a\ b,device_id=d,host=x\=1\,y"
    assert fields.startswith("dwell_mean=1.5,dwell_std=0.30000000000000004,dwell_min=0.0,")
    assert ",total_keys=7,dwell_q10=0.0," in fields
    assert fields.endswith(',dev_mode=1,implementation="python",schema=2i')
    assert ts == "1700000005000000"


def test_an_app_line_has_the_names_as_tags_and_no_device() -> None:
    made = line("app", Row(7, ("term", "web browser", 1234, False)))
    assert made == (
        r"app_transitions,user_id=default,host=h,from_app=term,to_app=web\ browser "
        'duration_ms=1234,dev_mode=0,implementation="python",schema=2i 7'
    )


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("plain", "plain"), ("a,b=c d", r"a\,b\=c\ d"), ("C:\\dir\\", "C:/dir/"), ("a\\ b", r"a/\ b"),
        ("line\nbreak\t\x7f\x00", "line_break___"), ("ü\u2028ß", "ü\u2028ß"), ('"', '"'), (" ", r"\ "),
    ],
)  # fmt: skip
def test_tags_are_escaped(name: str, tag: str) -> None:
    assert output.tag(name) == tag


def tags_of(made: str) -> dict[str, str]:
    """The tags as InfluxDB reads them: a backslash escapes a comma, an equals sign or a space only."""
    parts: list[str] = []
    part, i = "", 0
    while i < len(made):
        if made[i] == "\\" and i + 1 < len(made) and made[i + 1] in ",= ":
            part, i = part + made[i + 1], i + 2
        elif made[i] in ",= ":
            parts, part = [*parts, part], ""
            if made[i] == " ":
                break
            i += 1
        else:
            part, i = part + made[i], i + 1
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@given(st.text(min_size=1, max_size=256))
def test_any_application_name_is_read_back_as_written(name: str) -> None:
    made = line("app", Row(7, (name, "b", 1, False)))
    expected = "".join("_" if ord(c) < 32 or ord(c) == 127 else c for c in name).replace("\\", "/")
    assert tags_of(made) == {"user_id": "default", "host": "h", "from_app": expected, "to_app": "b"}
    assert "\n" not in made


@given(st.lists(st.floats(-1e18, 1e18), min_size=38, max_size=38))
def test_numbers_read_back_to_the_same_float(values: list[float]) -> None:
    row = Row(5_000_000, (*values, False))
    written: dict[str, Any] = json.loads(output.feature_json(schema.kind("mouse"), row))
    assert list(written.values())[:38] == values
    fields = line("mouse", row).split(" ")[1].split(",")
    assert [float(field.split("=")[1]) for field in fields[:38]] == values


def test_what_is_not_finite_is_never_written() -> None:
    with pytest.raises(ValueError):
        output.dumps({"x": float("nan")})
