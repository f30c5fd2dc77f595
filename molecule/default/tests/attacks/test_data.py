"""A person's data: forgotten in every place and nowhere else, written down for the person, and missed when it vanishes.

The store's points are of people who do not exist, at times without work. All is left as it was found.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, INVENTORY, ROOT, hosts, on_every, unplugged
from hostchecks.polling import poll
from hostchecks.systemd import EXTRACTORS

testinfra_hosts = ["ansible://seclyzer_store"]

# A name that would leave a string of the query or of the deletion.
CARL = 'carl" OR user_id="dora'
DORA = "dora"
NOW = datetime.now(UTC)
LONG_AGO = (NOW - timedelta(days=20)).replace(microsecond=0)
START = (NOW - timedelta(days=25)).strftime("%Y-%m-%dT00:00:00Z")
VERDICT = "/var/lib/influxdb-watch/verdict.json"
BACKUPS = "/var/backups/seclyzer-influxdb"


def playbook(which: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """As typed."""
    return subprocess.run(
        ["ansible-playbook", "-i", INVENTORY, f"playbooks/{which}.yml", "-e", json.dumps(options)],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=200,
    )


def line(user: str, host: str, at: datetime, number: int = 0) -> str:
    """One point, as an extractor writes it."""
    name = user
    for letter in ",= ":
        name = name.replace(letter, f"\\{letter}")
    ts = int(at.timestamp() * 1e6) + number
    return (
        f'mouse_features,user_id={name},host={host},device_id=mouse_0 move_0=1.5,implementation="rust",schema=2i {ts}'
    )


def lines(user: str, host: str, at: datetime = LONG_AGO, count: int = 3) -> list[str]:
    return [line(user, host, at, number) for number in range(count)]


@pytest.fixture(scope="module")
def two_people() -> Iterator[list[Host]]:
    """Carl and Dora used both edges, and each has lines that were refused there; the edges."""
    (store,) = hosts("seclyzer_store")
    edges = hosts(EDGES)
    points = [one for user in (CARL, DORA) for edge in edges for one in lines(user, name(edge))]
    assert run_on(store, "personal_store", do="write", lines=points) == 204
    refused = {edge: [line(user, edge, LONG_AGO) for user in (CARL, DORA)] for edge in map(name, edges)}
    on_every(EDGES, lambda edge: run_on(edge, "personal_edge", put={"mouse/rejected.lp": refused[name(edge)]}))
    yield edges
    on_every(EDGES, lambda edge: run_on(edge, "personal_edge", take_away=["mouse/rejected.lp"]))
    for user in (CARL, DORA):
        quoted = user.replace('"', '\\"')
        assert run_on(store, "personal_store", do="delete", predicate=f'user_id="{quoted}"') == 204
    store.check_output("rm -f /var/lib/influxdb-watch/noted.json && systemctl start influxdb-watch")


def known(store: Host) -> dict[str, int]:
    """Points of the two, by person and host."""
    found = run_on(store, "personal_store", do="users", start=START)
    return {key: count for key, count in found.items() if key.startswith((CARL, f"{DORA} "))}


def test_an_export_holds_what_a_person_left_and_nothing_of_another(
    host: Host, two_people: list[Host], tmp_path: Path
) -> None:
    done = playbook("export", user=CARL, to=str(tmp_path / "export"))
    assert done.returncode == 0, done.stdout
    files = json.loads((tmp_path / "export" / "manifest.json").read_text())["files"]
    texts = {}
    for one in files:
        path = tmp_path / "export" / one["host"] / one["name"]
        data = path.read_bytes()
        assert (hashlib.sha256(data).hexdigest(), path.stat().st_mode & 0o777) == (one["sha256"], 0o600)
        texts[one["host"], one["name"]] = gzip.decompress(data).decode()
    assert (tmp_path / "export").stat().st_mode & 0o777 == 0o700
    edges = [name(edge) for edge in two_people]
    expected = {(edge, "mouse-rejected.lp.gz") for edge in edges} | {(name(host), "store-mouse_features.csv.gz")}
    assert set(texts) == expected
    rows = [row for row in csv.reader(io.StringIO(texts[name(host), "store-mouse_features.csv.gz"])) if CARL in row]
    assert (len(rows), [one["records"] for one in files if one["host"] == name(host)]) == (6, [6])
    assert [texts[edge, "mouse-rejected.lp.gz"].splitlines() for edge in edges] == [
        [line(CARL, edge, LONG_AGO)] for edge in edges
    ]
    assert host.check_output("find /var/tmp -name 'seclyzer-export-*'") == ""


def test_a_person_is_forgotten_everywhere_and_a_host_that_was_away_is_named_until_it_was_there(
    host: Host, two_people: list[Host], tmp_path: Path
) -> None:
    first, second = (name(edge) for edge in two_people[:2])
    dora = {f"{DORA} on {edge}": 3 for edge in (first, second)}
    with unplugged(second):
        done = playbook("forget", user=CARL, reports=str(tmp_path), ansible_timeout=3)
    assert done.returncode != 0
    assert f"OPEN: {second}: it was not reached" in done.stdout, done.stdout
    assert known(host) == dora
    left = on_every(EDGES, lambda edge: run_on(edge, "personal_edge")["mouse/rejected.lp"])
    assert left[first] == [line(DORA, first, LONG_AGO)]
    assert len(left[second]) == 2

    done = playbook("forget", user=CARL, reports=str(tmp_path))
    assert done.returncode == 0, done.stdout
    left = on_every(EDGES, lambda edge: run_on(edge, "personal_edge")["mouse/rejected.lp"])
    assert left == {edge: [line(DORA, edge, LONG_AGO)] for edge in (first, second)}
    reports = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("forget-*.json"))]
    assert [report["complete"] for report in reports] == [False, True]
    places = {(one["host"], one["place"]): (one["before"], one["after"]) for one in reports[0]["places"]}
    assert places[name(host), "points of mouse_features in InfluxDB"] == (6, 0)
    assert places[first, "points of mouse in rejected.lp"] == (1, 0)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    for edge in two_people:
        units = " ".join(EXTRACTORS.values())
        assert edge.check_output(f"systemctl is-active {units}").split() == ["active"] * 3


def test_what_waits_in_a_spool_is_not_stored_after_the_store_has_forgotten(
    host: Host, two_people: list[Host], tmp_path: Path
) -> None:
    edge = two_people[0]
    # The running extractor does not know this file; started again, it sends what is in it.
    spool = f"mouse/spool/{1:020}.lp"
    run_on(edge, "personal_edge", put={spool: lines(DORA, name(edge))})
    until = (LONG_AGO + timedelta(minutes=1)).isoformat()
    since = (LONG_AGO - timedelta(minutes=1)).isoformat()
    done = playbook("forget", host=name(edge), since=since, until=until, reports=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert run_on(edge, "personal_edge").keys() == set()
    (report,) = (json.loads(path.read_text()) for path in tmp_path.glob("forget-*.json"))
    places = {one["place"]: (one["before"], one["after"]) for one in report["places"] if one["host"] == name(edge)}
    assert places["points of mouse in spool"] == (3, 0)
    assert known(host) == {f"{DORA} on {name(two_people[1])}": 3}


def verdict(host: Host) -> dict[str, Any]:
    # However long the last count took, and it rests after that. Without a bucket it ends with another status than 0.
    host.run(f"rm -f {VERDICT} && systemctl start influxdb-watch")
    reported: dict[str, Any] = json.loads(host.check_output(f"cat {VERDICT}"))
    return reported


def test_points_that_are_deleted_are_missed_and_the_agent_says_whose(host: Host, two_people: list[Host]) -> None:
    # Of today, which each round counts; earlier days come in turn.
    now = datetime.now(UTC)
    at = max(now - timedelta(hours=1), now.replace(hour=0, minute=0, second=0, microsecond=0))
    lost = lines(DORA, "ghost", at, 40)
    assert run_on(host, "personal_store", do="write", lines=lost) == 204
    assert verdict(host)["status"] == "pass"
    assert run_on(host, "personal_store", do="delete", predicate='host="ghost"') == 204
    reported = verdict(host)
    assert (reported["status"], reported["missing"]) == ("fail", 40)
    assert f"40 mouse_features of ghost from {at.date()}" in reported["words"]
    # The words hold figures, which everybody sees once a minute.
    page = poll(lambda: host.run("curl -s http://127.0.0.1:9484/healthz").stdout, lambda page: "ghost" in page, 90, 1)
    assert "ghost" in page
    assert json.loads(page)["status"] == "fail"
    assert run_on(host, "personal_store", do="write", lines=lost) == 204
    assert verdict(host)["status"] == "pass"


def test_the_watch_could_not_delete_a_point_itself(host: Host) -> None:
    assert [status // 100 for status in run_on(host, "personal_store", do="as_watch")] == [4, 4, 4]
    unit = host.check_output("systemctl cat influxdb-watch.service").splitlines()
    assert [line for line in unit if line.startswith(("User=", "LoadCredential"))] == [
        "User=influxdb-watch",
        "LoadCredential=token:/etc/seclyzer/credentials/influx-backend-read-token",
    ]
    assert host.run("systemd-analyze security --threshold=12 influxdb-watch.service").rc == 0
    rights = host.check_output(
        "stat -c '%U %a' /var/lib/influxdb-watch /var/lib/influxdb-watch/noted.json"
    ).splitlines()
    assert rights == ["influxdb-watch 750", "influxdb-watch 600"]


def test_a_deleted_bucket_comes_back_from_a_backup_with_every_value_and_edges_go_on(
    host: Host, two_people: list[Host]
) -> None:
    before_backups = host.run(f"ls {BACKUPS}").stdout.split()
    done = playbook("backup")
    assert done.returncode == 0, done.stdout
    (archive,) = (
        f for f in host.check_output(f"ls {BACKUPS}").split() if f.endswith("tar") and f not in before_backups
    )
    stop = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        values = run_on(host, "personal_store", do="digest", stop=stop)
        assert values[0] > 0
        assert run_on(host, "personal_store", do="drop_bucket") == 204
        assert verdict(host)["status"] == "fail"
        done = playbook("restore", influxdb_restore_archive=f"{BACKUPS}/{archive}")
        assert done.returncode == 0, done.stdout
        assert run_on(host, "personal_store", do="digest", stop=stop) == values
        assert verdict(host)["status"] == "pass"
        assert host.run("ls -d /var/lib/influxdb.before-restore").rc != 0
        for edge in two_people:
            assert run_on(edge, "personal_edge", write=True) == 204
    finally:
        host.check_output(f"rm -f {BACKUPS}/{archive} {BACKUPS}/{archive}.json")
