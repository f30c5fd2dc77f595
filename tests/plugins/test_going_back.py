"""Going back undoes a run of site.yml: the hosts it changed return, the others stay, and both say so."""

from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, switching
from plugins.module_utils.deployments import History
from plugins.module_utils.layout import Layout
from plugins.modules.seclyzer_deployment import back, status
from tests.plugins.hosts import Systemd, bundle, wanted


@pytest.fixture
def rolled_out(host: Layout, fake: Systemd, tmp_path: Path) -> Layout:
    """A host that runs deployment 3, from the third of three runs."""
    manifest = bundle(tmp_path)
    for number in (1, 2, 3):
        value = wanted(host, manifest, settings=f"window: {number}")
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
    assert status(rolled_out, [])["rollout"] == "2030-01-02"
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
