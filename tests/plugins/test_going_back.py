"""Going back undoes a run of site.yml: the hosts it changed return, the others stay, and both say so."""

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, switching
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.releases import install, remove
from plugins.modules.seclyzer_deployment import back, status
from tests.plugins.hosts import Systemd, bundle, desired
from tests.plugins.test_releases import change, older


@pytest.fixture
def rolled_out(host: Layout, fake: Systemd, tmp_path: Path) -> Layout:
    """A host that runs deployment 3, from the third of three runs."""
    manifest = bundle(tmp_path)
    install(host, manifest, tmp_path)
    for number in (1, 2, 3):
        value = desired(host, manifest, settings=f"window: {number}")
        n = deployments.create(host, History.load(host), value, "me", None)
        switching.switch(host, n, "me", rollout=f"2030-01-0{number}")
    return host


def go(host: Layout, rollout: str = "", check: bool = False) -> dict[str, Any]:
    return back(host, {"by": "me", "keep": 5, "rollout": rollout}, check)


def test_a_host_that_the_run_changed_returns_with_its_settings(rolled_out: Layout) -> None:
    done = go(rolled_out, "2030-01-03")
    assert (done["returned"], done["changed"], done["deployment"]) == (True, True, 2)
    assert done["said"] == ["deployment 2 after 3; unit files of keystroke; restarted keystroke"]
    assert (rolled_out.current / "config/keystroke.yaml").read_text() == "window: 2"


def test_typed_again_it_undoes_the_run_before(rolled_out: Layout) -> None:
    go(rolled_out, "2030-01-03")
    assert status(rolled_out, [], [], [])["rollout"] == "2030-01-02"
    assert go(rolled_out, "2030-01-02")["deployment"] == 1
    assert go(rolled_out, "2030-01-01")["said"] == ["stays: nothing ran before deployment 1"]


def test_a_host_that_the_run_did_not_change_stays_and_says_so(rolled_out: Layout) -> None:
    done = go(rolled_out, "2030-02-01")
    assert (done["returned"], done["changed"]) == (False, False)
    assert done["said"] == ["stays: deployment 3 is not of the last rollout"]
    assert deployments.current(rolled_out) == 3


def test_without_a_run_every_host_returns(rolled_out: Layout) -> None:
    assert go(rolled_out)["deployment"] == 2


def test_check_mode_says_where_it_would_go(rolled_out: Layout) -> None:
    done = go(rolled_out, "2030-01-03", check=True)
    assert done["said"] == ["would be: deployment 2 after 3; unit files of keystroke; restarted keystroke"]
    assert deployments.current(rolled_out) == 3


def test_a_blank_host_says_that_nothing_is_deployed(host: Layout, fake: Systemd) -> None:
    assert go(host)["said"] == ["nothing is deployed here"]


def test_a_host_does_not_return_to_a_release_that_was_changed(rolled_out: Layout, tmp_path: Path) -> None:
    (release,) = rolled_out.releases.iterdir()
    change(release, "a byte")
    for check in (True, False):
        with pytest.raises(Refused, match=r"of deployment 2 is damaged: bin/keystroke is not what was packed; nothing"):
            go(rolled_out, "2030-01-03", check)
    assert deployments.current(rolled_out) == 3
    remove(rolled_out, release.name)
    with pytest.raises(Refused, match=r"of deployment 2 is not on this host; site.yml with that bundle brings it"):
        go(rolled_out, "2030-01-03")


def test_a_host_returns_to_a_release_from_before_lists_were_anchored_and_says_so(
    rolled_out: Layout, tmp_path: Path
) -> None:
    manifest = bundle(tmp_path)
    older(rolled_out, manifest)
    done = go(rolled_out, "2030-01-03")
    assert done["deployment"] == 2
    assert done["said"][-1] == f"release {manifest['release']} is from before file lists were anchored"
