"""Going back undoes a run on a host that it changed, proves first where it goes, and leaves every other host alone."""

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, found, lease, older, on_trial, proof, runs, switching
from plugins.module_utils.deploying import RUNS_SHOWN, run, status, would
from plugins.module_utils.found import Found
from plugins.module_utils.history import CONFIRMED, FAILED, RETURNED, RUNS, History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.releases import install, remove
from plugins.module_utils.telling import targets
from plugins.module_utils.undoing import Seen, choose
from plugins.modules.seclyzer_deployment import ARGUMENTS
from tests.plugins.hosts import Systemd, bundle, desired
from tests.plugins.test_releases import change
from tests.plugins.test_releases import older as older_release

THIRD = "20300103T000000Z-ann-000003"


@pytest.fixture
def rolled_out(host: Layout, fake: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host that runs deployment 3, from the third of three runs."""
    monkeypatch.setattr(proof, "replay", lambda vectors, programs, user: None)
    manifest = bundle(tmp_path)
    install(host, manifest, tmp_path)
    for number in (1, 2, 3):
        name = f"2030010{number}T000000Z-ann-00000{number}"
        runs.begin(host, name, "ann")
        value = desired(host, manifest, settings=f"window: {number}")
        n = deployments.create(host, History.load(host), value, "ann", None)
        switching.switch(host, n, "ann", rollout=name)
        runs.concluded(host, n, CONFIRMED, name, "ann")
    return host


def go(host: Layout, undo: str = "", to: str = "", rollout: str = "", check: bool = False) -> dict[str, Any]:
    defaults = {name: option.get("default") for name, option in ARGUMENTS.items()}
    parameters = defaults | {"state": "previous", "by": "me", "undo": undo, "to": to, "rollout": rollout}
    return would(host, parameters, False) if check else run(host, parameters, False)


def went_back(host: Layout, undo: str, rollout: str) -> int:
    """A run that goes back and finds the host healthy; where it went."""
    n = int(go(host, undo, rollout=rollout)["deployment"])
    runs.concluded(host, n, CONFIRMED, rollout, "me")
    return n


def test_a_host_that_the_run_changed_returns_with_its_settings(rolled_out: Layout) -> None:
    done = go(rolled_out, THIRD)
    assert (done["returned"], done["changed"], done["deployment"]) == (True, True, 2)
    assert done["said"] == ["deployment 2 after 3; unit files of keystroke; restarted keystroke"]
    assert (rolled_out.current / "config/keystroke.yaml").read_text() == "window: 2"
    past = History.load(rolled_out)
    assert (past.state(3), (past.run(THIRD) or {})["undone_by"]) == (RETURNED, "me")


def test_a_return_that_did_not_stand_leaves_the_run_to_be_undone_again(rolled_out: Layout) -> None:
    go(rolled_out, THIRD, rollout="r1")
    switching.switch(rolled_out, 3, "the host", "returned")
    runs.concluded(rolled_out, 2, RETURNED, "r1", "the host", "it was not healthy")
    assert went_back(rolled_out, THIRD, "r2") == 2


def test_undoing_what_undid_a_run_goes_forward_again(rolled_out: Layout) -> None:
    assert went_back(rolled_out, THIRD, "r1") == 2
    assert status(rolled_out, [], [], [])["rollout"] == "r1"
    assert went_back(rolled_out, "r1", "r2") == 3
    assert History.load(rolled_out).state(3) == CONFIRMED
    assert went_back(rolled_out, "r2", "r3") == 2


def idle(host: Layout, times: int) -> None:
    """So many runs that find nothing to do."""
    for number in range(times):
        name = f"203002{number // 24 + 1:02}T{number % 24:02}0000Z-cron-00000a"
        n = deployments.current(host) or pytest.fail()
        runs.begin(host, name, "cron")
        runs.staged(host, name, n)
        runs.concluded(host, n, CONFIRMED, name, "cron")


@pytest.mark.parametrize("times", [1, RUNS_SHOWN, RUNS + 10])
def test_runs_that_find_nothing_to_do_leave_what_is_undone_as_it_was(rolled_out: Layout, times: int) -> None:
    idle(rolled_out, times)
    known = status(rolled_out, [], [], [], "runs")
    assert choose({"a": Seen.of(known)}, [], "", False).run == THIRD
    assert THIRD in "".join(targets("a", known))
    assert go(rolled_out, check=True)["deployment"] == 2, "each host by itself"
    assert went_back(rolled_out, THIRD, "20300401T000000Z-ann-00000b") == 2


def test_a_host_whose_history_has_no_run_goes_to_what_its_deployment_came_after(rolled_out: Layout) -> None:
    past = History.load(rolled_out)
    past.runs = []
    past.save(rolled_out)
    known = status(rolled_out, [], [], [], "runs")
    with pytest.raises(Refused, match=r"No host knows the run .* -e seclyzer_release_return=each_host goes on each"):
        choose({"a": Seen.of(known)}, [], "", False)
    assert went_back(rolled_out, "", "r1") == 2
    assert went_back(rolled_out, "", "r2") == 3, "forward again"


def test_the_run_is_entered_with_what_it_undoes_and_whether_its_end_was_seen(rolled_out: Layout) -> None:
    went_back(rolled_out, THIRD, "r1")
    entry = History.load(rolled_out).run("r1") or {}
    assert (entry["undoes"], entry.get("followed")) == (THIRD, None)
    runs.followed(rolled_out)
    assert (History.load(rolled_out).run("r1") or {})["followed"] is True
    assert "undoes" not in (History.load(rolled_out).run(THIRD) or {})


def test_a_host_that_the_run_did_not_change_stays_and_reports_it(rolled_out: Layout) -> None:
    done = go(rolled_out, "20300201T000000Z-bob-000000", rollout="r1")
    assert (done["returned"], done["changed"]) == (False, False)
    assert done["said"] == ["stays: the run 20300201T000000Z-bob-000000 was not here"]
    assert deployments.current(rolled_out) == 3
    assert History.load(rolled_out).run("r1") is None and lease.load(rolled_out) is None


def test_a_run_that_was_refused_at_staging_takes_nothing_back(rolled_out: Layout) -> None:
    runs.begin(rolled_out, "bad", "ann")
    runs.refused(rolled_out, "bad", "keystroke fails the golden vectors")
    assert go(rolled_out, "bad")["said"] == [
        "stays: the run changed nothing here, refused: keystroke fails the golden vectors"
    ]
    assert deployments.current(rolled_out) == 3


def test_a_run_that_failed_because_the_store_was_away_takes_nothing_back(rolled_out: Layout) -> None:
    runs.begin(rolled_out, "away", "ann")
    runs.staged(rolled_out, "away", 3)
    runs.concluded(rolled_out, 3, FAILED, "away", "ann", "InfluxDB does not answer")
    assert not go(rolled_out, "away")["returned"]
    assert deployments.current(rolled_out) == 3


def test_a_host_does_not_return_to_what_is_known_to_have_failed(rolled_out: Layout) -> None:
    past = History.load(rolled_out)
    past.mark(2, FAILED, "ann", why="it hangs")
    past.save(rolled_out)
    for check in (True, False):
        with pytest.raises(
            Refused, match=r"deployment 2, which ran before, failed here \(it hangs\); -e to=2 goes there"
        ):
            go(rolled_out, THIRD, check=check)
    assert deployments.current(rolled_out) == 3
    assert go(rolled_out, to="2")["deployment"] == 2


def test_what_was_rolled_out_after_the_run_stays(rolled_out: Layout) -> None:
    done = go(rolled_out, "20300102T000000Z-ann-000002")
    assert done["said"] == ["stays: deployment 3 runs, and the run brought deployment 2"]


@pytest.mark.parametrize(("to", "n"), [("1", 1), ("20300102T000000Z-ann-000002", 2)])
def test_a_host_goes_to_a_deployment_or_to_what_a_run_brought(rolled_out: Layout, to: str, n: int) -> None:
    assert go(rolled_out, to=to)["deployment"] == n
    assert deployments.current(rolled_out) == n


def test_a_host_goes_to_the_newest_good_deployment_of_a_release(rolled_out: Layout, tmp_path: Path) -> None:
    old = deployments.load(rolled_out, 3).release
    manifest = bundle(tmp_path, says="two")
    install(rolled_out, manifest, tmp_path)
    n = deployments.create(rolled_out, History.load(rolled_out), desired(rolled_out, manifest), "ann", None)
    switching.switch(rolled_out, n, "ann")
    past = History.load(rolled_out)
    past.mark(3, FAILED, "ann")
    past.save(rolled_out)
    assert go(rolled_out, to=old)["deployment"] == 2
    with pytest.raises(Refused, match=r"there is no deployment, release or run 9.9.9 on this host; it has 1 \(0.1.0-"):
        go(rolled_out, to="9.9.9")


def test_without_a_run_a_host_undoes_what_brought_what_it_runs(rolled_out: Layout) -> None:
    assert go(rolled_out)["deployment"] == 2


def test_a_host_goes_to_the_older_seclyzer_that_was_stopped(
    rolled_out: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="no older SecLyzer was stopped on this host"):
        go(rolled_out, to="before", rollout="r1")
    found.save(rolled_out, Found(older={"seclyzer-extractors@app.service": {"enabled": "enabled", "active": "yes"}}))
    assert go(rolled_out, to="before", rollout="r2", check=True)["said"] == [
        "would be: the older SecLyzer in the place of deployment 3"
    ]
    assert deployments.current(rolled_out) == 3
    done = go(rolled_out, to="before", rollout="r3")
    assert (done["returned"], done["deployment"], done["running"]) == (True, None, {})
    assert deployments.current(rolled_out) is None
    assert [path.name for path in rolled_out.units.glob("*.service")] == []
    past = History.load(rolled_out)
    assert past.state(3) == RETURNED and lease.load(rolled_out) is None


def test_a_switch_that_cannot_begin_gives_the_host_back_to_the_older_seclyzer(
    rolled_out: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def stops(_: Layout) -> list[str]:
        done.append("stop")
        return ["seclyzer-extractors@app.service"]

    monkeypatch.setattr(older, "stop", stops)
    monkeypatch.setattr(older, "start_again", lambda layout: done.append("start"))

    def refuses(*_: Any) -> None:
        raise Refused("no judge")

    monkeypatch.setattr(on_trial, "switch", refuses)
    defaults = {name: option.get("default") for name, option in ARGUMENTS.items()}
    for existing, expected in (("refuse", []), ("replace", ["stop", "start"])):
        with pytest.raises(Refused, match="no judge"):
            run(rolled_out, defaults | {"state": "current", "deployment": 2, "by": "me", "existing": existing}, False)
        assert done == expected


def test_check_mode_reports_where_it_would_go_and_writes_nothing(rolled_out: Layout) -> None:
    before = rolled_out.history.read_bytes()
    done = go(rolled_out, THIRD, rollout="r1", check=True)
    assert done["said"] == ["would be: deployment 2 after 3; unit files of keystroke; restarted keystroke"]
    assert deployments.current(rolled_out) == 3
    assert rolled_out.history.read_bytes() == before and not rolled_out.lease.exists()


def test_a_blank_host_reports_that_nothing_is_deployed(host: Layout, fake: Systemd) -> None:
    assert go(host)["said"] == ["nothing is deployed here"]


def test_the_first_deployment_has_nothing_before_it(rolled_out: Layout) -> None:
    went_back(rolled_out, THIRD, "r1")
    go(rolled_out, to="1")
    assert go(rolled_out, "20300101T000000Z-ann-000001")["said"] == ["stays: nothing ran before deployment 1"]


def test_a_host_does_not_return_to_a_release_that_was_changed(rolled_out: Layout, tmp_path: Path) -> None:
    (release,) = rolled_out.releases.iterdir()
    change(release, "a byte")
    for check in (True, False):
        with pytest.raises(
            Refused, match=r"of deployment 2 is damaged: bin/keystroke is not what was packed. site.yml"
        ):
            go(rolled_out, THIRD, check=check)
    assert deployments.current(rolled_out) == 3
    remove(rolled_out, release.name)
    with pytest.raises(Refused, match=r"of deployment 2 is not on this host; site.yml with that bundle brings it"):
        go(rolled_out, THIRD)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("damage", ["units", "configuration", "missing unit", "vectors", "unit that systemd refuses"])
def test_a_host_does_not_return_to_a_deployment_that_would_not_run_as_it_did(
    rolled_out: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, damage: str, check: bool
) -> None:
    folder = rolled_out.deployments / "2"
    unit = folder / "units" / "seclyzer-keystroke.service"
    if damage == "units":
        unit.write_text(unit.read_text().replace("MemoryMax=32M", "MemoryMax=1K"))
    elif damage == "configuration":
        (folder / "config" / "keystroke.yaml").write_text("window: 0")
    elif damage == "missing unit":
        unit.unlink()
    elif damage == "vectors":
        monkeypatch.setattr(proof, "replay", _fails)
    else:
        fake.fails["systemd-analyze"] = "Unknown section"
    fake.commands.clear()
    with pytest.raises(Refused, match=r"is damaged|golden vectors|Unknown section"):
        go(rolled_out, THIRD, rollout="r1", check=check)
    assert deployments.current(rolled_out) == 3
    assert fake.verbs("restart") == fake.verbs("stop") == []
    assert lease.load(rolled_out) is None
    refused = History.load(rolled_out).run("r1")
    assert refused is None if check else (refused or {})["outcome"] == "refused"


def _fails(vectors: Path, programs: object, user: str) -> None:
    raise Refused("keystroke fails the golden vectors: killed by SIGSEGV")


def test_a_host_that_another_run_has_is_left_alone(rolled_out: Layout) -> None:
    runs.begin(rolled_out, "other", "bob@two")
    for check in (True, False):
        with pytest.raises(Refused, match="bob@two has a run going on this host since"):
            go(rolled_out, THIRD, rollout="r1", check=check)
    assert deployments.current(rolled_out) == 3
    assert (lease.load(rolled_out) or pytest.fail()).run == "other"


def test_a_host_returns_to_a_release_from_before_lists_were_anchored_and_reports_it(
    rolled_out: Layout, tmp_path: Path
) -> None:
    manifest = bundle(tmp_path)
    older_release(rolled_out, manifest)
    done = go(rolled_out, THIRD)
    assert done["deployment"] == 2
    assert done["said"][-1] == f"release {manifest['release']} is from before file lists were anchored"


def test_files_that_were_changed_by_hand_are_reported_and_nothing_is_written(rolled_out: Layout) -> None:
    assert status(rolled_out, [], [], [], "files")["faults"] == []
    unit = rolled_out.units / "seclyzer-keystroke.service"
    unit.write_text("[Service]")
    assert status(rolled_out, [], [], [], "files")["faults"] == [f"{unit} is not what deployment 3 has"]
    (rolled_out.deployments / "3" / "config" / "keystroke.yaml").write_text("window: 9")
    (fault,) = status(rolled_out, [], [], [], "files")["faults"]
    assert fault.startswith("deployment 3 is damaged")
