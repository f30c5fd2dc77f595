"""Events fed on an edge come out as a replay of them says: on pub/sub, in the list, and in InfluxDB on the store."""

from typing import Any

import pytest
from hostchecks import deployment
from hostchecks.features import BUILDS, KINDS, Window, differences, replay
from hostchecks.flow import Flow, counts, microseconds
from hostchecks.host import Host, name

testinfra_hosts = ["ansible://seclyzer_edge"]

# 45 s of one person hold at least so many windows; none at all would be equal to none at all.
LEAST = {"keystroke": 7, "mouse": 5, "app": 3}
DEVICES = {"keystroke": "keyboard_0", "mouse": "mouse_0"}

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def flow(host: Host, flows: dict[str, Flow]) -> Flow:
    """What came of the flow on this host."""
    return flows[name(host)]


def test_the_events_fed_make_windows(flow: Flow, kind: str) -> None:
    assert len(flow.expected[kind]) >= LEAST[kind]


def test_every_window_is_published_exactly_once(flow: Flow, kind: str) -> None:
    assert counts(flow.published[kind]) == counts(flow.expected[kind])
    assert set(counts(flow.published[kind]).values()) == {1}


@pytest.mark.parametrize("build", BUILDS)
def test_published_windows_equal_a_replay_of_the_same_events(flow: Flow, kind: str, build: str) -> None:
    everything = [event for events in flow.events.values() for event in events]
    _assert_equal(flow.published[kind], replay(build, kind, everything))


def test_the_list_holds_what_was_published(flow: Flow, kind: str) -> None:
    assert flow.listed[kind] == flow.published[kind]


def test_the_store_holds_the_same_windows(host: Host, flow: Flow, kind: str) -> None:
    stored = [_window_of(point, kind) for point in flow.stored[kind]]
    required = [_stored_form(window, kind, name(host)) for window in flow.published[kind]]
    assert [window["ts"] for window in stored] == [window["ts"] for window in required]
    for found, expected in zip(stored, required, strict=True):
        assert differences(found, expected) == [], f"point of {kind} at {expected['ts']}"


def test_windows_name_who_computed_them(host: Host, flow: Flow, kind: str) -> None:
    made = {(window["implementation"], window["version"]) for window in flow.published[kind]}
    manifest = deployment.manifest(host)
    assert made == {(manifest["implementations"][kind], manifest["version"])}
    assert {point["implementation"] for point in flow.stored[kind]} == {manifest["implementations"][kind]}


def test_no_event_was_lost_on_the_way(flow: Flow, kind: str) -> None:
    stats = flow.stats[kind]
    assert int(stats["events"]) >= len(flow.events[kind])
    assert {fault: stats[fault] for fault in ("malformed", "future", "late", "dropped")} == {
        "malformed": "0", "future": "0", "late": "0", "dropped": "0",
    }  # fmt: skip
    assert int(stats["points_written"]) >= len(flow.expected[kind])


def _assert_equal(found: list[Window], required: list[Window]) -> None:
    assert [window["ts"] for window in found] == [window["ts"] for window in required]
    for one, other in zip(found, required, strict=True):
        assert differences(one, other) == [], f"window of {other['type']} at {other['ts']}"


def _window_of(point: Window, kind: str) -> Window:
    """A point with its time in µs, sorted by name."""
    values = {key: value for key, value in point.items() if key != "_time"} | {"ts": microseconds(point["_time"])}
    return dict(sorted(values.items()))


def _stored_form(window: Window, kind: str, edge: str) -> Window:
    """The point the contract's section 4 makes of a published window."""
    point: dict[str, Any] = {key: value for key, value in window.items() if key not in ("timestamp", "type", "version")}
    for key, value in point.items():
        if key not in ("ts", "schema") and isinstance(value, (int, bool)):
            point[key] = float(value)
    point |= {"user_id": "default", "host": edge}
    if kind in DEVICES:
        point["device_id"] = DEVICES[kind]
    return dict(sorted(point.items()))
