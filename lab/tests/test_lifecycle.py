"""`up` of a lab that runs, after the table of labs was edited: nothing that runs is made anew unasked."""

from pathlib import Path
from typing import Any

import pytest

from lab import lifecycle, paths
from lab.labs import Lab, labs
from lab.say import LabError

DEMO = labs()["demo"]


@pytest.fixture(autouse=True)
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab that came up whole once."""
    monkeypatch.setattr(paths, "fixed", lambda lab: tmp_path / lab)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/ready").touch()
    return tmp_path / "demo/ready"


def containers(lab: Lab, state: str = "running") -> dict[str, dict[str, Any]]:
    return {host.container: {"State": state} for host in lab.hosts}


def test_a_host_that_the_table_has_since_is_named_and_nothing_is_made_anew() -> None:
    found = containers(DEMO)
    del found["seclyzer-demo-edge2"]
    with pytest.raises(LabError, match=r"demo runs without seclyzer-demo-edge2: `python3 -m lab down --lab demo`"):
        lifecycle._refuse_changed(DEMO, set(), found)


def test_a_host_that_the_table_no_longer_has_is_named() -> None:
    found = containers(DEMO) | {"seclyzer-demo-old": {"State": "running"}}
    with pytest.raises(LabError, match=r"with seclyzer-demo-old, which labs\.toml does not have"):
        lifecycle._refuse_changed(DEMO, set(), found)


def test_hosts_that_do_not_run_or_of_an_up_that_was_cut_off_give_way(ready: Path) -> None:
    found = containers(DEMO, "exited")
    del found["seclyzer-demo-edge2"]
    lifecycle._refuse_changed(DEMO, set(), found)
    ready.unlink()
    lifecycle._refuse_changed(DEMO, set(), containers(DEMO) | {"seclyzer-demo-old": {"State": "running"}})
