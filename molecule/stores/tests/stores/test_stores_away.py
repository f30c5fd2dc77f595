"""One of two stores is away, or left: what was not done is named with what to type, and a second call finishes it."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostchecks.host import name
from hostchecks.lab import ROOT, hosts, unplugged
from hostchecks.modules import module
from hostchecks.polling import poll
from hostchecks.rollout import Run, roll_out, started
from hostchecks.stores import OWN, QUICK, STORES, Fill, credentials, fill, play, times

testinfra_hosts = ["ansible://localhost?connection=local"]

ARCHIVES = "/var/backups/seclyzer-influxdb"
EDGE = "edge2"
"""The one of bob, whose store is away or is left."""
LEFT = OWN[EDGE]
GUEST = "guest"
"""As the other store calls the edge that comes to it with a token in a file, as to a server of another owner."""


@dataclass
class Seen:
    """The runs by name; after some, how many archives each store has, how many points of each edge are in its own, and
    whose credentials the store has that is away or left.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    archives: dict[str, dict[str, int]] = field(default_factory=dict)
    fetched: dict[str, list[str]] = field(default_factory=dict)
    points: dict[str, dict[str, int]] = field(default_factory=dict)
    credentials: dict[str, list[str]] = field(default_factory=dict)


def archives() -> dict[str, int]:
    """How many backups lie on each store."""
    listed = "find %s -name '*.tar' 2>/dev/null | wc -l"
    return {name(store): int(store.check_output(listed, ARCHIVES)) for store in hosts(STORES)}


def points(filled: Fill) -> dict[str, int]:
    """How many points of what was fed on each edge are in its own store."""
    fed = filled.fed
    own = {edge: store for edge in fed for store in hosts(STORES) if name(store) == OWN[edge]}
    stored = {edge: times(own[edge], edge, fed[edge], complete=False) for edge in fed}
    return {edge: sum(sum(of.values()) for of in kinds.values()) for edge, kinds in stored.items()}


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Everything once, on a fleet that is rolled out and holds points of both edges."""
    found, folder = Seen(), tmp_path_factory.mktemp("away")
    found.runs["rolled out"] = roll_out(*QUICK, "-e", "mode=hybrid")
    filled = fill(OWN)
    found.points["fed"] = points(filled)
    _backups(found, folder)
    _a_person(found, filled, folder)
    _outside(found, folder)
    yield found


def _backups(found: Seen, folder: Path) -> None:
    typed = ("-e", f"influxdb_backup_fetch_to={folder}/backups")
    found.archives["before"] = archives()
    with unplugged(LEFT):
        found.runs["backup, one away"] = play("backup", *typed)
    found.archives["one away"] = archives()
    found.fetched["one away"] = sorted(path.name for path in (folder / "backups").iterdir())
    found.runs["backup again"] = play("backup", *typed, "--limit", LEFT)
    found.archives["again"] = archives()


def _a_person(found: Seen, filled: Fill, folder: Path) -> None:
    typed = ("-e", "user=bob", "-e", f"reports={folder}")
    with unplugged(LEFT):
        found.runs["forget, one away"] = play("forget", *typed)
    found.points["one away"] = points(filled)
    with started("playbooks/forget.yml", *typed) as run:
        began = "PLAY [Delete the data on the edges]"
        assert poll(lambda: began in run.text() or run.process.poll() is not None, bool, 300, 0.1)
        with unplugged(LEFT):
            found.runs["forget, lost"] = run.ended()
    found.points["lost"] = points(filled)
    found.runs["forget again"] = play("forget", *typed)
    found.points["again"] = points(filled)


def _outside(found: Seen, folder: Path) -> None:
    """The edge leaves its store for one that by its inventory is outside, while its own is away, and again while it is
    there; the run does not come to its own either time.
    """
    (other,) = [store for store in hosts(STORES) if name(store) != LEFT]
    token = folder / "guest.token"
    token.touch(0o600)
    token.write_text(module(other, "seclyzer.edge.influxdb_token", name=GUEST, host=EDGE)["token"])
    outside = folder / "outside.yml"
    own = {"influxdb_url": f"https://{name(other)}:8086", "influxdb_token_file": str(token)}
    outside.write_text(json.dumps({"seclyzer_edge": {"hosts": {EDGE: own}}}))
    typed = ("-i", str(outside), *QUICK, "--limit", EDGE)

    def look(what: str, run: Run) -> None:
        found.runs[what] = run
        found.credentials[what] = sorted(set(credentials()[LEFT]) & set(OWN))

    with unplugged(LEFT):
        run = roll_out(*typed)
    look("left while it is away", run)
    look("as the report says", _typed(run))
    look("back", roll_out(*QUICK, "--limit", f"{EDGE},{LEFT}"))
    look("left", roll_out(*typed))


def _typed(run: Run) -> Run:
    """What the report says to type for a credential that is still valid."""
    found = re.search(r"is still valid.*?(ansible-playbook .*) ends it", run.text)
    assert found, run.text
    words = shlex.split(found[1])
    done = subprocess.run([*words, *QUICK], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    return Run(done.returncode, done.stdout + done.stderr)


def test_a_backup_of_several_stores_names_the_one_that_is_away_and_takes_the_others(seen: Seen) -> None:
    run = seen.runs["backup, one away"]
    assert run.status != 0
    assert f"no backup was taken of {LEFT}, see above; the others have theirs" in " ".join(run.text.split()), run.text
    before, after = seen.archives["before"], seen.archives["one away"]
    assert {store: after[store] - before[store] for store in after} == {"store1": 1, "store2": 0}
    assert seen.fetched["one away"] == ["store1"]


def test_the_backup_that_is_named_is_taken_when_its_store_is_back(seen: Seen) -> None:
    run = seen.runs["backup again"]
    assert run.status == 0, run.text
    before, after = seen.archives["one away"], seen.archives["again"]
    assert {store: after[store] - before[store] for store in after} == {"store1": 0, "store2": 1}


def test_nothing_is_forgotten_while_a_store_is_away(seen: Seen) -> None:
    run = seen.runs["forget, one away"]
    assert run.status != 0
    assert LEFT in run.text
    assert "PLAY [Delete" not in run.text
    assert seen.points["one away"] == seen.points["fed"]
    assert all(count > 0 for count in seen.points["fed"].values())


def test_a_store_that_is_lost_while_a_person_is_forgotten_is_named_and_a_second_call_finishes_it(seen: Seen) -> None:
    lost, again = seen.runs["forget, lost"], seen.runs["forget again"]
    assert lost.status != 0
    assert re.search(rf"{LEFT}\b.*(left|not|again)", lost.text), lost.text
    assert seen.points["lost"][EDGE] == seen.points["fed"][EDGE]
    assert again.status == 0, again.text
    assert seen.points["again"] == {**seen.points["fed"], EDGE: 0}


def test_an_edge_that_leaves_for_a_store_outside_leaves_no_credential_behind(seen: Seen) -> None:
    run = seen.runs["left"]
    assert run.status == 0, run.text
    assert seen.credentials["back"] == [EDGE]
    assert seen.credentials["left"] == []
    assert "is still valid" not in run.text


def test_a_credential_on_a_store_that_is_away_is_reported_and_what_the_report_says_ends_it(seen: Seen) -> None:
    run = seen.runs["left while it is away"]
    assert run.report["hosts"][EDGE]["state"] == "healthy", run.text
    assert f"its credential on {LEFT}, which it leaves, is still valid, for {LEFT} was not reached" in run.text
    assert seen.credentials["left while it is away"] == [EDGE]
    assert seen.runs["as the report says"].status == 0, seen.runs["as the report says"].text
    assert seen.credentials["as the report says"] == []
