"""The manifest of the deployment: what it holds, and when it is read."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seclyzer_agent import __version__
from seclyzer_agent.checks import deployment
from seclyzer_agent.checks.deployment import DeploymentCheck
from seclyzer_agent.manifest import Deployment, load
from seclyzer_agent.model import Reading, Status

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL


def deployed(tmp_path: Path, manifest: object, number: str = "12") -> Reading:
    place = tmp_path / "deployments" / number
    place.mkdir(parents=True, exist_ok=True)
    (place / "manifest.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    current = tmp_path / "current"
    current.unlink(missing_ok=True)
    current.symlink_to(place)
    return asyncio.run(DeploymentCheck(current).read())


GOOD = {
    "release": f"{__version__}-0123456789ab",
    "mode": "hybrid",
    "version": __version__,
    "implementations": {"keystroke": "rust", "mouse": "rust", "app": "python"},
    "by": "an operator",
}


def test_a_manifest_tells_release_mode_and_implementations(tmp_path: Path) -> None:
    reading = deployed(tmp_path, GOOD)
    assert [(e.measurement, e.status, e.output) for e in reading.entries] == [
        ("release", PASS, f"deployment 12: release {__version__}-0123456789ab, mode hybrid"),
        ("mode", PASS, "mode hybrid: keystroke rust, mouse rust, app python"),
    ]
    assert reading.facts.implementations == GOOD["implementations"]


def test_no_manifest_is_a_warning(tmp_path: Path) -> None:
    entry = asyncio.run(DeploymentCheck(tmp_path / "current").read()).entries[0]
    assert entry.status is WARN
    assert entry.output == f"{tmp_path}/current/manifest.json is missing: nothing was deployed here"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 60000, "is not JSON"),
        ("[]", "is not a JSON object"),
        (" " * 70000, "is larger than 65536 bytes"),
        ({**GOOD, "mode": "go"}, "has a mode other than python, rust, hybrid"),
        ({**GOOD, "release": 'a"b\n'}, "has a release that is no plain name"),
        ({**GOOD, "implementations": {"keystroke": "go"}}, "has implementations other than python or rust"),
    ],
)
def test_a_manifest_that_cannot_be_understood_is_a_failure(tmp_path: Path, manifest: object, words: str) -> None:
    reading = deployed(tmp_path, manifest)
    assert reading.entries[0].status is FAIL and words in reading.entries[0].output
    assert reading.facts is None


def test_a_manifest_of_another_version_or_without_one_is_a_warning(tmp_path: Path) -> None:
    entry = deployed(tmp_path, {**GOOD, "version": "77.0.0"}).entries[0]
    assert entry.status is WARN
    assert entry.output.endswith(f"this agent is {__version__}, not 77.0.0: it was not restarted")
    entry = deployed(tmp_path, {"release": "x"}).entries[0]
    assert (entry.status, entry.output) == (WARN, "the manifest of deployment 12 lacks version")


def test_a_host_without_extractors_needs_no_mode(tmp_path: Path) -> None:
    reading = deployed(tmp_path, {**GOOD, "mode": None, "implementations": {}})
    assert [(e.status, e.output) for e in reading.entries] == [
        (PASS, f"deployment 12: release {__version__}-0123456789ab"),
        (PASS, "no extractors are configured here"),
    ]
    entry = deployed(tmp_path, {**GOOD, "mode": None}).entries[0]
    assert (entry.status, entry.output) == (WARN, "the manifest of deployment 12 lacks mode")


def count_loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """From now on, each manifest that is read."""
    read: list[Path] = []

    def counted(folder: Path) -> Deployment:
        read.append(folder)
        return load(folder)

    monkeypatch.setattr(deployment, "load", counted)
    return read


def staged(tmp_path: Path) -> Path:
    """Two deployments of which the second runs, and one that was only begun; the link to the one that runs."""
    for number in ("11", "12"):
        (tmp_path / "deployments" / number).mkdir(parents=True)
        (tmp_path / "deployments" / number / "manifest.json").write_text(json.dumps(GOOD))
    (tmp_path / "deployments" / "10").mkdir()
    (tmp_path / "current").symlink_to(tmp_path / "deployments" / "12")
    return tmp_path / "current"


def replaced(file: Path, document: object) -> None:
    """The file is written as a rollout writes it."""
    beside = file.with_name(".new")
    beside.write_text(json.dumps(document))
    beside.rename(file)


TRIED = {"state": "going", "from": 11, "to": 12, "since": 1_700_000_000, "until": 1_700_000_900, "why": ""}
CHANGES: dict[str, Callable[[Path], object]] = {
    "another manifest": lambda base: replaced(base / "current" / "manifest.json", {**GOOD, "mode": "rust"}),
    "the same file written again": lambda base: (base / "current" / "manifest.json").write_text(
        json.dumps(GOOD).replace("hybrid", "python")
    ),
    "no manifest": lambda base: (base / "current" / "manifest.json").unlink(),
    "another deployment runs": lambda base: deployed(base, {**GOOD, "mode": "python"}, "13"),
    "the other is gone": lambda base: shutil.rmtree(base / "deployments" / "11"),
    "one more is begun": lambda base: (base / "deployments" / "9").mkdir(),
    "one that was begun is staged": lambda base: replaced(base / "deployments" / "10" / "manifest.json", GOOD),
    "the other is another": lambda base: replaced(
        base / "deployments" / "11" / "manifest.json", {**GOOD, "mode": "rust"}
    ),
    "a trial begins": lambda base: (base / "trial-summary.json").write_text(json.dumps(TRIED)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_deployment_is_read_again_when_anything_of_it_has_changed_and_else_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    current = staged(tmp_path)
    monkeypatch.setattr(deployment, "SETTLED", 0)
    check, read = DeploymentCheck(current), count_loads(monkeypatch)
    before = [asyncio.run(check.read()) for _ in range(2)][1]
    read.clear()
    assert asyncio.run(check.read()) is before
    assert read == []
    time.sleep(0.05)  # for another time of the file system's
    CHANGES[change](tmp_path)
    after = asyncio.run(check.read())
    assert after == asyncio.run(DeploymentCheck(current).read())
    assert after != before or change == "one more is begun"
    assert read != []


def test_what_was_written_a_moment_ago_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written again within the same tick of the file system's clock, it would look unchanged."""
    check, read = DeploymentCheck(staged(tmp_path)), count_loads(monkeypatch)
    for _ in range(3):
        read.clear()
        asyncio.run(check.read())
        assert read[0] == tmp_path / "current"
