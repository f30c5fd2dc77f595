"""Points that vanish are noticed, by whatever way; those that were forgotten on purpose, or have grown old, are not."""

import json
import re
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import kinds, ledger
from plugins.module_utils.selection import Selection
from tests.helpers.influx_server import ORGANISATION, InfluxServer
from tests.plugins.influxd import DAY, PROGRAMS, Bucket, influxd, program

__all__ = ["influxd"]

FILE = PROGRAMS / "influxdb_watch.py"
UNIT = FILE.parents[1] / "templates" / "influxdb-watch.service.j2"
WATCHED = tuple(kinds.MEASUREMENTS.values())
NOW = time.time_ns() // 1000
MIDNIGHT = NOW // DAY * DAY


watch = program("influxdb_watch")


class Watched:
    """A bucket with points of two hosts on four days, and a watch on it."""

    def __init__(self, server: InfluxServer, folder: Path) -> None:
        self.bucket = Bucket(server, f"watch-{uuid.uuid4().hex}")
        self.folder = folder
        self.ledger = folder / "forgotten.jsonl"
        self.retention = 6
        for host in ("edge1", "edge2"):
            for back in range(4):
                self.bucket.write("ann", host, *(MIDNIGHT - back * DAY + at for at in range(10)))

    def look(self, rounds: int = 1) -> dict[str, Any]:
        """The verdict after so many rounds; each takes another older day."""
        store = watch.Store(self.bucket.server.url, ORGANISATION, self.bucket.name, self.bucket.server.token, WATCHED)
        reported = {}
        for _ in range(rounds):
            reported = watch.run(store, self.folder, self.ledger, self.retention)
        assert json.loads((self.folder / "verdict.json").read_text()) == reported
        return reported

    def delete(self, predicate: str, start: int = 0, stop: int = 2 * NOW) -> None:
        """As whoever has a token that may."""
        times = [datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for at in (start, stop)]
        body = {"start": times[0], "stop": times[1], "predicate": predicate}
        path = f"/api/v2/delete?org={ORGANISATION}&bucket={self.bucket.name}"
        assert self.bucket.server.ask("POST", path, body)[0] == 204


@pytest.fixture
def watched(influxd: InfluxServer, tmp_path: Path) -> Watched:
    made = Watched(influxd, tmp_path)
    assert made.look(rounds=5)["status"] == "pass"
    return made


def soon() -> int:
    """A time after the last look."""
    return time.time_ns() // 1000 + 2_000_000


def day(back: int) -> str:
    return datetime.fromtimestamp((MIDNIGHT - back * DAY) / 1e6, UTC).date().isoformat()


def test_a_hosts_deleted_points_are_named_at_the_next_look_and_stay_named(watched: Watched) -> None:
    watched.delete('host="edge2" AND _measurement="mouse_features"', MIDNIGHT)
    reported = watched.look()
    assert (reported["status"], reported["missing"]) == ("fail", 10)
    assert f"10 mouse_features of edge2 from {day(0)}" in reported["words"]
    watched.bucket.write("ann", "edge2", *(soon() + at for at in range(100)))
    assert watched.look(rounds=3)["missing"] == 10
    watched.bucket.write("ann", "edge2", *(MIDNIGHT + 100 + at for at in range(100)))
    assert watched.look()["missing"] == 10


def test_new_points_do_not_hide_old_ones_that_are_gone(watched: Watched) -> None:
    watched.delete('host="edge1"', MIDNIGHT, MIDNIGHT + 4)
    watched.bucket.write("ann", "edge1", *(time.time_ns() // 1000 + at for at in range(50)))
    time.sleep(1.1)
    assert (watched.look()["status"], watched.look()["missing"]) == ("fail", 15)


def test_a_few_points_of_an_older_day_are_noticed_within_a_turn(watched: Watched) -> None:
    watched.delete('host="edge1"', MIDNIGHT - 3 * DAY, MIDNIGHT - 3 * DAY)
    assert (watched.look(rounds=5)["status"], watched.look()["missing"]) == ("fail", 3)


def test_a_deleted_bucket_is_noticed_and_one_of_the_same_name_is_no_answer(watched: Watched) -> None:
    server, name = watched.bucket.server, watched.bucket.name
    (found,) = json.loads(server.ask("GET", f"/api/v2/buckets?name={name}")[1])["buckets"]
    assert server.ask("DELETE", f"/api/v2/buckets/{found['id']}")[0] == 204
    reported = watched.look()
    assert (reported["status"], "is not there" in reported["words"]) == ("fail", True)
    server.add_bucket(name)
    assert (watched.look(rounds=5)["status"], watched.look()["missing"]) == ("fail", 2 * 4 * 3 * 10)


def test_what_was_forgotten_on_purpose_is_no_loss_and_no_excuse_for_more(watched: Watched) -> None:
    chosen = Selection(host="edge1", since=MIDNIGHT, until=MIDNIGHT + 5)
    ledger.write_down(chosen, watched.bucket.points.days(chosen), watched.ledger)
    watched.bucket.points.delete(chosen)
    assert watched.look(rounds=3)["status"] == "pass"
    watched.delete('host="edge1"', MIDNIGHT + 5, MIDNIGHT + 9)
    text = watched.ledger.read_text()
    aged = json.loads(text) | {"at": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
    watched.ledger.write_text(json.dumps(aged) + "\n")
    assert (watched.look()["status"], watched.look()["missing"]) == ("fail", 15)


def test_points_that_grow_old_are_no_loss_but_a_retention_that_was_shortened_behind_our_back_is(
    watched: Watched,
) -> None:
    watched.retention = 3
    watched.delete('host="edge1"', MIDNIGHT - 3 * DAY, MIDNIGHT - 3 * DAY + 10)
    assert watched.look(rounds=3)["status"] == "pass"
    watched.delete('host="edge1"', MIDNIGHT - 2 * DAY, MIDNIGHT - 2 * DAY + 10)
    assert watched.look(rounds=2)["status"] == "fail"


def test_what_comes_back_is_not_missed_any_longer(watched: Watched) -> None:
    watched.delete('host="edge1"', MIDNIGHT - DAY, MIDNIGHT - DAY + 10)
    assert watched.look(rounds=5)["status"] == "fail"
    watched.bucket.write("ann", "edge1", *(MIDNIGHT - DAY + at for at in range(10)))
    assert watched.look(rounds=5)["status"] == "pass"


def test_a_day_that_has_ended_is_counted_to_its_end(watched: Watched) -> None:
    path = watched.folder / "noted.json"
    notes = json.loads(path.read_text())
    yesterday = day(1)
    notes["last"] = f"{yesterday}T12:00:00Z"
    for of in notes["days"].values():
        del of[day(0)]
    path.write_text(json.dumps(notes))
    watched.bucket.write("ann", "edge1", *(MIDNIGHT - 1000 + at for at in range(7)))
    assert watched.look()["status"] == "pass"
    found = json.loads(path.read_text())["days"]["edge1\tmouse_features"]
    assert (found[yesterday][0], found[day(0)][0]) == (17, 10)


def test_a_long_count_is_followed_by_a_long_rest(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    (tmp_path / "noted.json").write_text("{}")
    for minutes, since, rests in ((10, 9, False), (60, 30, True), (60, 61, False)):
        at = now - timedelta(minutes=since)
        reported = {"at": at.isoformat(), "next": (at + timedelta(minutes=minutes)).isoformat()}
        (tmp_path / "verdict.json").write_text(json.dumps(reported))
        assert watch.resting(tmp_path, now) is rests
    assert not watch.resting(tmp_path / "none", now)


def test_a_store_that_does_not_answer_is_no_loss_and_forgets_no_note(watched: Watched) -> None:
    away = watch.Store("http://127.0.0.1:9", ORGANISATION, watched.bucket.name, "x", WATCHED)
    noted = (watched.folder / "noted.json").read_text()
    assert watch.run(away, watched.folder, watched.ledger, 6)["status"] == "warn"
    assert (watched.folder / "noted.json").read_text() == noted
    watched.delete('host="edge1"', MIDNIGHT, MIDNIGHT + 10)
    assert watched.look()["status"] == "fail"


def test_an_influxdb_whose_data_are_gone_as_a_whole_is_named(watched: Watched, tmp_path: Path) -> None:
    (tmp_path / "blank").mkdir()
    blank = InfluxServer(tmp_path / "blank")
    blank.start()
    try:
        store = watch.Store(blank.url, ORGANISATION, watched.bucket.name, "x", WATCHED)
        noted = (watched.folder / "noted.json").read_text()
        reported = watch.run(store, watched.folder, watched.ledger, 6)
        assert reported["status"] == "fail" and "InfluxDB has no data and no users" in reported["words"]
        blank.set_up()
        reported = watch.run(store, watched.folder, watched.ledger, 6)
        assert (reported["status"], reported["words"]) == (
            "warn",
            "points were not counted: InfluxDB answers 401 to a query",
        )
        assert (watched.folder / "noted.json").read_text() == noted
    finally:
        blank.kill()


def test_a_store_that_is_starting_is_waited_for(tmp_path: Path) -> None:
    starting = InfluxServer(tmp_path)
    starting.begin()
    try:
        store = watch.Store(starting.url, ORGANISATION, "none", "x", WATCHED)
        store.wait()
        assert watch.run(store, tmp_path, tmp_path / "ledger", 6)["status"] == "fail", "it has no data, and says so"
    finally:
        starting.kill()


@pytest.mark.parametrize(("away", "status", "minutes"), [(True, 75, 1), (False, 0, 10)])
def test_a_store_that_could_not_be_asked_is_asked_again_soon(
    watched: Watched, away: bool, status: int, minutes: int
) -> None:
    (watched.folder / "token").write_text(watched.bucket.server.token)
    places = {"CREDENTIALS_DIRECTORY": str(watched.folder), "STATE_DIRECTORY": str(watched.folder)}
    options = {
        "url": "http://127.0.0.1:9" if away else watched.bucket.server.url,
        **{"org": ORGANISATION, "bucket": watched.bucket.name, "ledger": str(watched.ledger), "retention-days": "6"},
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    words += [word for name in WATCHED for word in ("--measurement", name)]
    done = subprocess.run([sys.executable, "-I", str(FILE), *words], env=places, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    reported = json.loads((watched.folder / "verdict.json").read_text())
    at, due = (datetime.fromisoformat(reported[name]) for name in ("at", "next"))
    assert (reported["status"], due - at) == ("warn" if away else "pass", timedelta(minutes=minutes))
    assert not watch.resting(watched.folder, at)


def test_the_next_attempt_of_the_watch_outlives_a_restart_of_influxdb() -> None:
    settings = {line.partition("=")[0] for line in UNIT.read_text(encoding="utf-8").splitlines()}
    assert settings >= {"After", "Restart", "RestartSec"}
    assert not settings & {"Requires", "Requisite", "BindsTo", "PartOf"}, "these would have it stopped with InfluxDB"


def test_systemd_takes_the_unit_of_the_watch(tmp_path: Path) -> None:
    template = UNIT.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^\{[%{].*\n", "", template.replace("\\\n", " "))
    unit = tmp_path / "influxdb-watch.service"
    unit.write_text(
        re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", text).replace("influxdb.service", "basic.target")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_points_ahead_of_the_clock_are_no_loss_later(watched: Watched) -> None:
    watched.bucket.write("ann", "edge1", *(soon() + at for at in range(50)))
    assert [watched.look()["status"] for _ in range(4)] == ["pass"] * 4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"last":1}'])
def test_notes_that_are_not_understood_are_begun_anew(watched: Watched, text: str) -> None:
    (watched.folder / "noted.json").write_text(text)
    assert watched.look()["status"] == "pass"


def test_what_is_written_is_for_the_watch_and_the_agent(watched: Watched) -> None:
    modes = [(watched.folder / name).stat().st_mode & 0o777 for name in ("noted.json", "verdict.json")]
    assert modes == [0o600, 0o640]


@pytest.mark.parametrize(
    ("days", "configured", "status", "words"),
    [
        (6, 6, "pass", "keeps points for 6 days, as configured"),
        (3, 6, "fail", "keeps points for 3 days, not for 6 days as configured"),
        (9, 6, "warn", "keeps points for 9 days, not for 6 days as configured"),
        (0, 6, "warn", "keeps points for ever, not for 6 days as configured"),
        (6, 0, "fail", "keeps points for 6 days, not for ever as configured"),
        (0, 0, "pass", "keeps points for ever, as configured"),
    ],
)
def test_a_retention_that_was_changed_is_noticed(
    watched: Watched, days: int, configured: int, status: str, words: str
) -> None:
    server, name = watched.bucket.server, watched.bucket.name
    found = json.loads(server.ask("GET", f"/api/v2/buckets?name={name}")[1])["buckets"][0]
    rules = [{"type": "expire", "everySeconds": days * 86400, "shardGroupDurationSeconds": 86400}] if days else []
    assert server.ask("PATCH", f"/api/v2/buckets/{found['id']}", {"retentionRules": rules})[0] == 200
    watched.retention = configured
    reported = watched.look()["retention"]
    assert reported == {"status": status, "words": f"the bucket {name} {words}"}


def test_the_right_to_read_the_bucket_is_enough_to_know_its_retention(watched: Watched) -> None:
    server, name = watched.bucket.server, watched.bucket.name
    found = json.loads(server.ask("GET", f"/api/v2/buckets?name={name}")[1])["buckets"][0]
    right = {"action": "read", "resource": {"type": "buckets", "id": found["id"], "orgID": found["orgID"]}}
    made = server.ask("POST", "/api/v2/authorizations", {"orgID": found["orgID"], "permissions": [right]})
    store = watch.Store(server.url, ORGANISATION, name, json.loads(made[1])["token"], WATCHED)
    assert store.retention() == 0


def test_a_bucket_that_may_not_be_read_has_no_retention(watched: Watched) -> None:
    store = watch.Store(watched.bucket.server.url, ORGANISATION, watched.bucket.name, "no token", WATCHED)
    with pytest.raises(watch.Uncounted, match="InfluxDB answers 401"):
        store.retention()
