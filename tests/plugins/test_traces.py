"""What an edge holds of a person is found in every place, and taken out of each without touching what is another's."""

import fcntl
import gzip
import json
import os
import random
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils import edge_files, edge_state, systemd
from plugins.module_utils.edge_traces import Edge, Owner
from plugins.module_utils.kinds import SERVICES
from plugins.module_utils.layout import Refused
from plugins.module_utils.resp import Redis
from plugins.module_utils.selection import Selection, parse_line, parse_time, tag_value
from plugins.modules.seclyzer_traces import apply
from seclyzer_extractors.apps import TransitionOperator
from seclyzer_extractors.state import load_state
from tests.helpers.redis_server import RedisServer
from tests.plugins.influxd import lines, tag

KINDS = ("keystroke", "mouse", "app")
NOW = time.time_ns() // 1000
MINUTE = 60_000_000
STATE = {
    "schema": 1, "last_id": "5-1", "max_ts": NOW, "taken_through": NOW - 250_000, "taken_ts": NOW - 300_000,
    "current": {"app": "b", "since": NOW - 10 * MINUTE, "dev_mode": False},
    "pending": [{"ts": NOW, "app": "c", "dev_mode": False}],
    "dev_mode": False, "total_transitions": 1, "unique_apps": 2, "gains": 2,
    "apps": [
        {"name": "a", "gain": 1, "hours": {"9": 1}, "duration_us": 60, "to": {"b": 1}},
        {"name": "b", "gain": 2, "hours": {"23": 1}, "duration_us": 0, "to": {}},
    ],
    "unstored": [[NOW - 10 * MINUTE, "a", "b", 60, False]],
}  # fmt: skip


class Systemctl:
    """What was stopped and started; all three extractors run at first, but for those named."""

    def __init__(self, down: tuple[str, ...] = ()) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.down = down

    def show(self, units: list[str], _: object) -> dict[str, dict[str, str]]:
        return {unit: {"ActiveState": "inactive" if unit in self.down else "active"} for unit in units}

    def systemctl(self, *words: str) -> str:
        self.calls.append(words)
        return ""


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    fake = Systemctl()
    monkeypatch.setattr(systemd, "show", lambda *words: fake.show(*words))
    monkeypatch.setattr(systemd, "systemctl", fake.systemctl)
    return fake


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with RedisServer(tmp_path) as server, Redis(str(server.socket)) as client:
        yield client


@pytest.fixture
def edge(tmp_path: Path, redis: Redis, units: Systemctl) -> Edge:
    """One that belongs to Ann, with something in every place."""
    made = Edge(
        tmp_path / "state", tmp_path / "config", tmp_path / "secrets", str(tmp_path / "redis.sock"), tmp_path / "lock"
    )
    made.config.mkdir()
    (made.config / "keystroke.yaml").write_text('redis_username: keystroke\nuser_id: "ann"\nlog_level: info\n')
    for index, kind in enumerate(KINDS):
        (made.state / kind / "spool").mkdir(parents=True)
        write(made.state / kind / "spool" / f"{7:020}.lp", lines("ann", "edge1", NOW - 20 * MINUTE)[index])
        write(made.state / kind / "spool" / f"{8:020}.lp", *(lines(who, "edge1", NOW)[index] for who in ("ann", "bob")))
        write(made.state / kind / "rejected.lp", lines("bob", "edge1", NOW)[index], lines("ann", "edge1", NOW)[index])
        for back in (20, 0):
            ts = NOW - back * MINUTE
            redis.call("XADD", f"seclyzer:stream:{kind}", f"{ts // 1000}-0", "e", json.dumps({"type": kind, "ts": ts}))
            redis.call("LPUSH", f"seclyzer:features:{kind}", json.dumps({"ts": ts, "x": 1.5}))
        redis.call("HSET", f"seclyzer:cursor:{kind}", "published", str(NOW))
    (made.state / "app" / "app-state.json").write_text(json.dumps(STATE))
    redis.call("SET", "seclyzer:app:state", json.dumps(STATE))
    redis.call("SET", "seclyzer:app:patterns", json.dumps({"time_preferences": {"a": {}, "b": {}}}))
    return made


def write(path: Path, *texts: str) -> None:
    path.write_text("".join(f"{text}\n" for text in texts))


def read(path: Path) -> list[str]:
    return path.read_text().splitlines()


def names(edge: Edge, kind: str = "keystroke") -> list[str]:
    return sorted(path.name for path in (edge.state / kind / "spool").iterdir())


def test_whose_the_host_is_stands_in_the_extractors_configuration(edge: Edge) -> None:
    assert edge.owner() == Owner("ann", os.uname().nodename)
    (edge.config / "keystroke.yaml").write_text("host: edge1\n")
    assert edge.owner() == Owner("default", "edge1")


def test_the_owner_is_forgotten_in_every_place_and_the_other_persons_lines_stay(edge: Edge, redis: Redis) -> None:
    result = apply(edge, "absent", Selection(user="ann"))
    assert len([count for count in result["before"].values() if count]) == 6 + 1 + 6 + 3, result["before"]
    assert not any(result["after"].values()), result["after"]
    assert result["changed"] and result["owned"] and result["until"] >= NOW
    for index, kind in enumerate(KINDS):
        assert names(edge, kind) == [f"{8:020}.lp"]
        bobs = [lines("bob", "edge1", NOW)[index]]
        assert read(edge.state / kind / "spool" / f"{8:020}.lp") == bobs == read(edge.state / kind / "rejected.lp")
        assert redis.call("XINFO", "STREAM", f"seclyzer:stream:{kind}") is not None
    assert not (edge.state / "app" / "app-state.json").exists()
    keys = redis.texts("KEYS", "*")
    assert sorted(keys) == [f"seclyzer:stream:{kind}" for kind in ("app", "keystroke", "mouse")]


def test_a_state_that_a_later_version_wrote_goes_whole_when_its_owner_is_forgotten(edge: Edge, redis: Redis) -> None:
    later = edge.state / "app" / "app-state.v2.json"
    later.write_text(json.dumps({"schema": 2, "focus": "Firefox"}))
    result = apply(edge, "absent", Selection(user="ann"))
    assert result["changed"] and not any(result["after"].values())
    assert not later.exists()


def test_segments_of_a_later_version_go_whole_with_the_hosts_owner_and_with_no_one_else(
    edge: Edge, tmp_path: Path
) -> None:
    spool = edge.state / "mouse" / "spool"
    later = spool / f"{9:020}.lp2"
    later.write_bytes(b"\0another form\n\xff")
    (spool / "notes.lp2").write_text("none of ours")
    place = "segments of mouse that a later version wrote"
    folder = tmp_path / "export"
    folder.mkdir()
    pieces = {piece.name for piece in edge.export(Selection(user="ann", until=NOW), folder)}
    assert f"mouse-{later.name}.gz" in pieces
    assert gzip.decompress((folder / f"mouse-{later.name}.gz").read_bytes()) == b"\0another form\n\xff\n"
    assert place not in apply(edge, "absent", Selection(user="bob"))["before"]
    assert later.exists()
    result = apply(edge, "absent", Selection(user="ann", until=NOW - 15 * MINUTE))
    assert (result["before"][place], result["after"][place]) == (1, 0)
    assert names(edge, "mouse") == [f"{8:020}.lp", "notes.lp2"]


def test_another_person_has_lines_here_and_nothing_else(edge: Edge, redis: Redis) -> None:
    result = apply(edge, "absent", Selection(user="bob"))
    assert result["before"] == {
        f"points of {kind} in {place}": 1 for kind in KINDS for place in ("spool", "rejected.lp")
    }
    assert not any(result["after"].values()) and not result["owned"]
    assert [redis.call("LLEN", "seclyzer:features:app"), redis.call("XLEN", "seclyzer:stream:app")] == [2, 2]
    assert json.loads((edge.state / "app" / "app-state.json").read_text()) == STATE
    assert read(edge.state / "mouse" / "rejected.lp") == [lines("ann", "edge1", NOW)[1]]


def test_who_has_nothing_here_stops_nothing(edge: Edge, units: Systemctl) -> None:
    result = apply(edge, "absent", Selection(user="carl"))
    assert (result["changed"], result["until"], units.calls) == (False, 0, [])


def test_a_host_is_forgotten_with_all_who_used_it(edge: Edge) -> None:
    result = apply(edge, "absent", Selection(host="edge1"))
    assert not any(result["after"].values())
    assert names(edge) == []


def test_of_a_time_only_what_is_in_it_goes_and_counts_go_whole(edge: Edge, redis: Redis) -> None:
    result = apply(edge, "absent", Selection(host="edge1", until=NOW - 15 * MINUTE))
    assert result["before"]["points of mouse in spool"] == 1
    assert not any(result["after"].values()), result["after"]
    assert names(edge) == [f"{8:020}.lp"]
    assert len(read(edge.state / "keystroke" / "spool" / f"{8:020}.lp")) == 2
    for kind in KINDS:
        features = redis.texts("LRANGE", f"seclyzer:features:{kind}", "0", "-1")
        assert [json.loads(text)["ts"] for text in features] == [NOW]
        assert redis.call("XLEN", f"seclyzer:stream:{kind}") == 1
        assert redis.call("HGET", f"seclyzer:cursor:{kind}", "published") == str(NOW)
    left = json.loads(str(redis.call("GET", "seclyzer:app:state")))
    assert left == json.loads((edge.state / "app" / "app-state.json").read_text())
    assert (left["apps"], left["current"], left["pending"], left["unstored"]) == (
        [], STATE["current"], STATE["pending"], STATE["unstored"],
    )  # fmt: skip
    assert redis.call("GET", "seclyzer:app:patterns") is None


def test_the_current_application_of_that_time_goes_as_well() -> None:
    left = edge_state.without(json.dumps(STATE), Selection(host="x", since=NOW - 11 * MINUTE, until=NOW - 9 * MINUTE))
    assert left is not None
    found = json.loads(left)
    assert (found["current"], found["unstored"], found["pending"]) == (None, [], STATE["pending"])


def test_the_tracker_goes_on_from_what_is_left() -> None:
    left = edge_state.without(json.dumps(STATE), Selection(host="x", until=NOW - 9 * MINUTE))
    assert left is not None and json.loads(left).keys() == STATE.keys()
    operator = TransitionOperator(3, 250_000, 2_000_000, 1000, False)
    assert load_state(left, operator, NOW) == ("5-1", [])
    assert operator.tracker.current is None
    assert operator.dump()["apps"] == [] and operator.dump()["pending"] == STATE["pending"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pending":[1],"apps":[]}', "[" * 5000])
def test_a_state_that_is_not_understood_goes_whole(text: str) -> None:
    assert edge_state.count(text, Selection(host="x", until=5)) == 1
    assert edge_state.without(text, Selection(host="x", until=5)) is None


def test_extractors_that_ran_are_started_again_whatever_happens(edge: Edge, units: Systemctl) -> None:
    units.down = ("seclyzer-app.service",)
    (edge.state / "mouse" / "spool" / f"{9:020}.lp").write_bytes(b"x" * (edge_files.LARGEST + 1))
    with pytest.raises(Refused, match="none of ours"):
        edge.forget(Selection(host="edge1"))
    assert units.calls == []
    (edge.state / "mouse" / "spool" / f"{9:020}.lp").unlink()
    holder = os.open(edge.state / "mouse" / "spool", os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    with pytest.raises(Refused, match="used by a running process"):
        edge.forget(Selection(host="edge1"))
    os.close(holder)
    ran = tuple(unit for unit in SERVICES if unit not in units.down)
    assert ran[:2] == ("seclyzer-keystroke.service", "seclyzer-mouse.service")
    assert units.calls == [("stop", *ran), ("start", *ran)]


def test_a_link_is_not_followed(edge: Edge, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, lines("ann", "edge1", NOW)[0])
    rejected, spooled = edge.state / "keystroke" / "rejected.lp", edge.state / "keystroke" / "spool" / f"{9:020}.lp"
    rejected.unlink()
    rejected.symlink_to(outside)
    spooled.symlink_to(outside)
    with pytest.raises(Refused, match=r"rejected\.lp cannot be read"):
        edge.forget(Selection(host="edge1"))
    assert len(read(outside)) == 1


def test_work_on_an_extractors_files_is_done_with_its_rights(tmp_path: Path) -> None:
    folder = tmp_path / "keystroke"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    for above in (tmp_path, *tmp_path.parents):
        if above != Path("/") and not above.stat().st_mode & stat.S_IXOTH:
            above.chmod(above.stat().st_mode | stat.S_IXOTH)
    with edge_files.acting_as_owner(folder):
        edge_files.replace_text(folder / "app-state.json", "{}")
        with pytest.raises(PermissionError):
            (tmp_path / "other").write_text("")
    assert (folder / "app-state.json").stat().st_uid == 65534
    assert os.geteuid() == 0


def test_a_torn_line_of_the_owner_does_not_stay(edge: Edge) -> None:
    path = edge.state / "keystroke" / "spool" / f"{8:020}.lp"
    with path.open("a") as file:
        file.write(lines("ann", "edge1", NOW)[0][:60])
    other = edge.state / "mouse" / "spool" / f"{9:020}.lp"
    bobs = lines("bob", "edge1", NOW)[1]
    other.write_text(f"{bobs}\n{bobs[:50]}")
    edge.forget(Selection(user="ann"))
    assert path.read_text() == lines("bob", "edge1", NOW)[0] + "\n"
    assert other.read_text() == f"{bobs}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_export_holds_all_of_it_but_raw_events(edge: Edge, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    pieces = edge.export(Selection(user="ann"), folder)
    texts = {piece.name: gzip.decompress((folder / piece.name).read_bytes()).decode() for piece in pieces}
    assert sorted(texts) == sorted(
        [f"{kind}-{what}.gz" for kind in KINDS for what in ("spool.lp", "rejected.lp")]
        + [f"{kind}-features.jsonl.gz" for kind in KINDS]
        + ["app-state.json.gz", "seclyzer-app-state.json.gz", "seclyzer-app-patterns.json.gz"]
    )
    assert texts["mouse-spool.lp.gz"].splitlines() == [
        lines("ann", "edge1", NOW - 20 * MINUTE)[1], lines("ann", "edge1", NOW)[1],
    ]  # fmt: skip
    assert "bob" not in "".join(texts.values())
    assert [piece.records for piece in pieces if piece.name == "app-features.jsonl.gz"] == [2]
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in texts} == {0o600}


def test_the_origin_of_a_line_is_read_back_whatever_the_names_are() -> None:
    choose = random.Random(5)
    for _ in range(2000):
        user, host = ("".join(choose.choices('ab",= é/日', k=choose.randint(1, 6))) for _ in range(2))
        for text in lines(user, host, 7):
            origin = parse_line(text.encode())
            assert origin is not None and origin.ts == 7
            assert (origin.tags["user_id"], origin.tags["host"]) == (user, host)
            assert f"user_id={tag(user)}," in text
    assert tag_value("a\\b\n") == "a/b_"


@pytest.mark.parametrize("line", [b"", b"x", b"x,y z=1", b" ", b"m,user_id v=1 1"])
def test_what_is_no_line_is_its_owners(line: bytes) -> None:
    assert parse_line(line) is None
    assert edge_files.chooser(Selection(user="ann"), owned=True)(line)
    assert not edge_files.chooser(Selection(user="ann"), owned=False)(line)


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert parse_time("1970-01-02", "since") == 86_400_000_000
    assert parse_time("2026-11-28T14:30:00.25Z", "since") == parse_time("2026-11-28T15:30:00.25+01:00", "until")
    for text in ("yesterday", "", "2026-13-01", "1969-01-01"):
        with pytest.raises(ValueError, match="since is"):
            parse_time(text, "since")
