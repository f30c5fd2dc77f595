"""What runs is one deployment: a number, a release, a mode and settings, written down on the host."""

import json

import pytest
from hostchecks import deployment
from hostchecks.host import Host
from hostchecks.lab import VERSION
from hostchecks.systemd import AGENT, EXTRACTORS, TOGETHER

testinfra_hosts = ["ansible://seclyzer_edge"]

OURS = [*EXTRACTORS.values(), AGENT, TOGETHER]
WANTS = "/etc/systemd/system/multi-user.target.wants"


def test_current_leads_to_a_numbered_deployment(host: Host) -> None:
    target = host.check_output("readlink %s", f"{deployment.HOME}/current")
    assert target.startswith("deployments/")
    assert target.removeprefix("deployments/") == str(deployment.manifest(host)["deployment"])


def test_the_manifest_names_version_release_and_who_decided(host: Host) -> None:
    manifest = deployment.manifest(host)
    assert manifest["version"] == VERSION
    assert manifest["release"].startswith(f"{VERSION}-")
    assert manifest["by"] and manifest["at"]


def test_the_history_ends_with_what_runs(host: Host) -> None:
    history = json.loads(host.check_output("cat %s", f"{deployment.HOME}/history.json"))
    number = deployment.manifest(host)["deployment"]
    assert history["events"][-1]["deployment"] == number
    assert history["deployments"][str(number)]["mode"] == deployment.manifest(host)["mode"]


@pytest.mark.parametrize("unit", OURS)
def test_unit_file_is_a_copy_of_the_deployments(host: Host, unit: str) -> None:
    installed, kept = f"/etc/systemd/system/{unit}", f"{deployment.current(host)}/units/{unit}"
    assert host.check_output("stat -c %s %s", "%F %U:%G %a", installed) == "regular file root:root 644"
    assert host.run("cmp %s %s", installed, kept).rc == 0


@pytest.mark.parametrize("unit", OURS)
def test_unit_is_enabled_by_its_own_name(host: Host, unit: str) -> None:
    assert host.check_output("readlink %s", f"{WANTS}/{unit}") == f"/etc/systemd/system/{unit}"


def test_only_root_can_change_what_runs(host: Host) -> None:
    found = host.check_output(
        "find -H %s %s -not -type l '(' -not -user root -o -perm /022 ')'", deployment.HOME, deployment.release(host)
    )
    assert found == ""


def test_the_release_is_what_its_manifest_says(host: Host) -> None:
    release = deployment.release(host)
    assert json.loads(host.check_output("cat %s/manifest.json", release))["version"] == VERSION
    assert host.run("test -x %s/bin/keystroke_extractor -a -x %s/venv/bin/app_tracker", release, release).rc == 0
