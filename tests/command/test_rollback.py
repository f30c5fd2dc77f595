"""Going back without a controller is tried as the controller would: by the terms of the host's last trial."""

from pathlib import Path
from typing import Any

import pytest

from command import cli, rollback
from command.exits import BROKEN
from command.host import Host
from plugins.module_utils import deploying, trials
from plugins.module_utils.history import CONFIRMED
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.undoing import Going
from tests.helpers import ROOT

GIVEN = {"soak": 300.0, "trial_seconds": 800.0, "patience": 90.0, "keep": 7}


def tried(layout: Layout, **more: Any) -> None:
    layout.base.mkdir(parents=True, exist_ok=True)
    trials.save(layout, trials.Trial("run", 1, 2, 5.0, 805.0, 300.0, state=CONFIRMED, **more))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(base=tmp_path / "opt", units=tmp_path / "units")


def test_a_host_that_had_a_trial_has_its_terms(layout: Layout) -> None:
    tried(layout, seconds=800.0, patience=90.0, keep=7)
    assert rollback.terms(layout) == GIVEN


def test_a_host_without_one_has_those_of_the_role(layout: Layout) -> None:
    assert rollback.terms(layout) == rollback.TERMS
    tried(layout)  # of a version that noted less
    assert rollback.terms(layout) == rollback.TERMS


def test_the_defaults_are_those_of_the_role() -> None:
    text = (ROOT / "roles/seclyzer_release/defaults/main.yml").read_text()
    values = {"soak_seconds": "soak", "trial_seconds": "trial_seconds", "health_seconds": "patience", "keep": "keep"}
    for name, term in values.items():
        assert f"seclyzer_release_{name}: {rollback.TERMS[term]:g}\n" in text


def test_it_goes_back_by_these_terms(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def run(_: Layout, parameters: dict[str, Any], diff: bool) -> dict[str, Any]:
        asked.append(parameters)
        raise Refused("that is enough")

    tried(layout, seconds=800.0, patience=90.0, keep=7)
    host = Host(layout, "edge1")
    vars(host).update({"is_root": True, "number": 3, "units": {}})
    monkeypatch.setattr(deploying, "run", run)
    monkeypatch.setattr(rollback, "step", lambda *_: Going(2, "goes"))
    assert cli.main(["rollback", "--yes"], lambda: host) == BROKEN
    assert {name: asked[0][name] for name in GIVEN} == GIVEN
