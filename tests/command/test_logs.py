"""The journal of all of SecLyzer's units: every unit that a role or a run writes has a name, in the bundle as well."""

import argparse
from pathlib import Path

import pytest

from command import logs, support_bundle
from command.host import Host
from plugins.module_utils import existing, side_by_side, systemd, trials, watch_plan
from plugins.module_utils.kinds import SERVICES
from plugins.module_utils.layout import UNITS, Layout
from tests.helpers import ROOT

KINDS_OF_UNITS = ("service", "timer")
"""Those that have lines of their own; a socket has those of systemd."""
NAMED = {unit for units in logs.UNITS.values() for unit in units}


def templates() -> list[Path]:
    return sorted(path for kind in KINDS_OF_UNITS for path in ROOT.glob(f"roles/*/templates/*.{kind}.j2"))


@pytest.mark.parametrize("template", templates(), ids=lambda path: path.stem)
def test_every_unit_of_a_role_is_in_the_journal_that_is_shown(template: Path) -> None:
    units = SERVICES if template.stem == "extractor.service" else [template.stem, f"seclyzer-{template.stem}"]
    found = [unit for unit in units if unit in NAMED]
    assert len(found) == (len(SERVICES) if template.stem == "extractor.service" else 1)


def test_every_unit_of_a_deployment_and_of_a_run_is_in_it() -> None:
    passing = {watch_plan.UNIT, trials.UNIT, side_by_side.UNIT}
    assert {*existing.MARKS, *UNITS, *passing} - NAMED == set()


def test_without_a_name_all_are_shown_and_by_a_name_its_own() -> None:
    options = argparse.Namespace(names=[], lines=None, since=None, until=None, priority=None, follow=False, json=False)
    assert {f"--unit={unit}" for unit in NAMED} < {*logs.command(options)}
    options.names = ["influxdb", "checklist"]
    shown = [word for word in logs.command(options) if word.startswith("--unit=")]
    assert shown == ["--unit=influxdb.service", "--unit=influxdb-wal.service", "--unit=seclyzer-watch.service"]


def test_a_bundle_has_the_journals_of_units_that_run_once_and_none_of_anothers_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(Layout(base=tmp_path / "opt", units=tmp_path / "units"), "store")
    vars(host).update({"units": {"influxdb.service": ""}, "is_root": True, "is_edge": False, "is_store": True})
    host.layout.units.mkdir()
    for unit in ("influxdb.service", "influxdb-wal.service", "influxdb-watch.service", "redis-server.service"):
        (host.layout.units / unit).write_text("")
    monkeypatch.setattr(systemd, "run", lambda words, *_: systemd.Completed(words, 0, " ".join(words), ""))
    monkeypatch.setattr(support_bundle, "diagnose", lambda _: (_ for _ in ()).throw(OSError("not looked at")))
    found = {one.name: one.text for one in support_bundle.gathered(host, "-2d") if one.name.startswith("logs/")}
    assert {*found} == {f"logs/{name}.txt" for name in ("influxdb", "watch", "trial", "checklist")}
    assert "--unit=influxdb.service --unit=influxdb-wal.service" in found["logs/influxdb.txt"]
    assert "--unit=influxdb-watch.service" in found["logs/watch.txt"]
