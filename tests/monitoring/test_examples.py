"""The examples are configurations that Prometheus and Alertmanager take, and route alerts as they say."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

MONITORING = ROOT / "monitoring"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def prometheus_folder(folder: Path) -> Path:
    """The example as an operator puts it into /etc/prometheus, with the files that it names."""
    shutil.copytree(MONITORING / "rules", folder / "rules")
    shutil.copy(MONITORING / "prometheus.yml", folder)
    (folder / "seclyzer").mkdir()
    for name in ("ca.crt", "password"):
        (folder / "seclyzer" / name).write_text("\n")
    (folder / "seclyzer" / "targets.json").write_text("[]\n")
    return folder / "prometheus.yml"


def test_prometheus_takes_the_example(tmp_path: Path) -> None:
    done = run("promtool", "check", "config", str(prometheus_folder(tmp_path)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout


def test_alertmanager_takes_the_example() -> None:
    done = run("amtool", "check-config", str(MONITORING / "alertmanager.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 inhibit rules" in done.stdout


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=SeclyzerFails", "severity=critical", "finding=redis-away"), "on-call"),
        (("alertname=SeclyzerAgentDown", "severity=critical"), "on-call"),
        (("alertname=SeclyzerWarns", "severity=warning", "finding=events-skipped"), "operator"),
        (("alertname=SeclyzerReleasesDiffer", "severity=info"), "operator"),
        (("alertname=SeclyzerWatchdog", "severity=none"), "watchdog"),
    ],
)
def test_alerts_reach_their_receiver(labels: tuple[str, ...], receiver: str) -> None:
    config = f"--config.file={MONITORING / 'alertmanager.yml'}"
    assert run("amtool", "config", "routes", "test", config, *labels).stdout.strip() == receiver
