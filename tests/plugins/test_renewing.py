"""Units take new credentials one at a time; one that is not well ends it, and nothing is restarted during a trial."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import deployments, health, lease, proof, renewing, staging, switching, systemd, trials
from plugins.module_utils.before import Before
from plugins.module_utils.health import Health
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import Systemd, bundle, desired


@pytest.fixture
def runs(host: Layout, fake: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host that runs a deployment, whose units hold older credentials than there are."""
    monkeypatch.setattr(proof, "replay", lambda vectors, programs, user: None)
    manifest = bundle(tmp_path)
    done = staging.stage(host, desired(host, manifest), manifest, tmp_path, "me")
    switching.switch(host, done.deployment or 0, "me")
    monkeypatch.setattr(renewing, "stale", lambda layout: ["seclyzer-keystroke.service", "seclyzer-agent.service"])
    monkeypatch.setattr(renewing, "look_before", lambda layout: Before())
    return host


@pytest.fixture
def restarted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The units that were restarted, in order."""
    units: list[str] = []

    def systemctl(verb: str, unit: str) -> str:
        assert verb == "restart"
        units.append(unit)
        return ""

    monkeypatch.setattr(systemd, "systemctl", systemctl)
    return units


def test_the_next_unit_is_restarted_only_when_the_host_is_well(
    runs: Layout, restarted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def wait(target: Any, seconds: float) -> Health:
        seen.append([*restarted])
        return Health()

    monkeypatch.setattr(health, "wait", wait)
    assert renewing.renew(runs, "ann", 5) == ["seclyzer-keystroke.service", "seclyzer-agent.service"]
    assert seen == [["seclyzer-keystroke.service"], ["seclyzer-keystroke.service", "seclyzer-agent.service"]]
    event = History.load(runs).events[-1]
    assert (event["what"], event["by"], event["units"]) == (
        "restarted for new credentials",
        "ann",
        ["seclyzer-keystroke.service", "seclyzer-agent.service"],
    )


def test_a_unit_that_is_not_well_ends_it_and_the_others_go_on_as_they_were(
    runs: Layout, restarted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "wait", lambda target, seconds: Health(faults=["keystroke: writes no heartbeat"]))
    with pytest.raises(
        Refused, match="keystroke has the new credential and is not well: keystroke: writes no heartbeat"
    ):
        renewing.renew(runs, "ann", 5)
    assert restarted == ["seclyzer-keystroke.service"]


def test_nothing_is_restarted_while_a_deployment_is_on_trial_or_another_run_has_the_host(
    runs: Layout, restarted: list[str]
) -> None:
    trials.save(runs, trials.Trial("r", 1, 2, time.time(), time.time() + 60, 45.0))
    with pytest.raises(Refused, match="deployment 2 is on trial, and a restart would fail it"):
        renewing.renew(runs, "ann", 5)
    trials.save(runs, trials.Trial("r", 1, 2, time.time(), time.time() + 60, 45.0, state="confirmed"))
    lease.take(runs, "another", "bob")
    with pytest.raises(Refused, match="bob has a run going on this host"):
        renewing.renew(runs, "ann", 5)
    assert restarted == []


def test_a_unit_is_stale_by_its_credentials_and_the_agent_by_the_ca_too(host: Layout, tmp_path: Path) -> None:
    credential, authority = tmp_path / "credential", tmp_path / "ca.crt"
    for path in (credential, authority):
        path.write_text("x")
        os.utime(path, (1000, 1000))
    text = f"[Service]\nLoadCredential=token:{credential}\n"
    units = {"seclyzer-agent.service": text, "seclyzer-app.service": text}
    value = deployments.Desired("r", "v", None, {}, units, {}, {"influx_ca_file": str(authority)})
    boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)

    def stale(name: str, started: float) -> bool:
        state = {"ExecMainStartTimestampMonotonic": str(int((started - boot) * 1e6))}
        return switching.is_stale(name, value, state)

    began = boot + 5000
    names = ("seclyzer-agent.service", "seclyzer-app.service")
    assert [stale(name, began) for name in names] == [False, False]
    os.utime(authority, (began + 10, began + 10))
    assert [stale(name, began) for name in names] == [True, False]
    os.utime(credential, (began + 10, began + 10))
    assert [stale(name, began) for name in names] == [True, True]


def test_a_certificate_that_is_another_now_makes_its_unit_stale_whatever_its_time_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "GIVEN", tmp_path / "given")
    given, certificate, key = tmp_path / "given" / switching.AGENT, tmp_path / "web.pem", tmp_path / "web.key"
    given.mkdir(parents=True)
    for path in (given / "web.crt", given / "web.key", certificate, key):
        path.write_text("same")
    text = f"[Service]\nLoadCredential=web.crt:{certificate}\nLoadCredential=web.key:{key}\n"
    value = deployments.Desired("r", "v", None, {}, {switching.AGENT: text}, {}, {})
    now = {"ExecMainStartTimestampMonotonic": str(int((time.clock_gettime(time.CLOCK_MONOTONIC) - 60) * 1e6))}
    assert not switching.is_stale(switching.AGENT, value, now), "written since it started, and the same"
    certificate.write_text("renewed")
    os.utime(certificate, (1000, 1000))
    assert switching.is_stale(switching.AGENT, value, now)
    assert systemd.outdated(text, given) == [str(certificate)]
    assert not switching.is_stale(switching.AGENT, value, {"ExecMainStartTimestampMonotonic": "0"}), "it is not running"
    certificate.unlink()
    assert not switching.is_stale(switching.AGENT, value, now), "it would not start again"
