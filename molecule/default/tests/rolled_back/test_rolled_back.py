"""After `rollback.yml` the deployment before runs: the same number, its mode, its settings."""

import json

import pytest
import yaml
from hostchecks import deployment
from hostchecks.features import KINDS
from hostchecks.host import Host
from hostchecks.systemd import EXTRACTORS

testinfra_hosts = ["ansible://seclyzer_edge"]


def test_the_history_says_where_from_and_where_to(host: Host) -> None:
    history = json.loads(host.check_output("cat %s", f"{deployment.HOME}/history.json"))
    running = deployment.manifest(host)["deployment"]
    restored = [event for event in history["events"] if event.get("came_from") is not None][-1]
    assert restored["deployment"] == running
    assert restored["came_from"] > running
    assert history["deployments"][str(restored["came_from"])]["mode"] == "rust"


@pytest.mark.parametrize("kind", KINDS)
def test_its_settings_are_back(host: Host, kind: str) -> None:
    settings = host.check_output("cat %s", f"{deployment.HOME}/current/config/{kind}.yaml")
    assert yaml.safe_load(settings)["log_level"] == "debug"


@pytest.mark.parametrize("kind", KINDS)
def test_the_running_service_has_them(host: Host, kind: str) -> None:
    installed = f"/etc/systemd/system/{EXTRACTORS[kind]}"
    assert host.run("cmp %s %s", installed, f"{deployment.current(host)}/units/{EXTRACTORS[kind]}").rc == 0
    written = host.check_output("stat -c %s %s", "%Y", installed)
    started = host.check_output(
        'date -d "$(systemctl show --value -p ExecMainStartTimestamp %s)" +%s', EXTRACTORS[kind], "%s"
    )
    assert int(started) >= int(written)


def test_the_deployment_gone_from_is_kept(host: Host) -> None:
    numbers = {int(number) for number in host.check_output("ls %s/deployments", deployment.HOME).split()}
    assert deployment.manifest(host)["deployment"] + 1 in numbers
