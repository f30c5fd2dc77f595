"""The collection's archive holds what its playbooks need, and nothing that only lies in the checkout."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from scripts import changelog
from tests.collection.conftest import PRIVATE, outside
from tests.helpers import ROOT

CODE = ("playbooks", "plugins", "roles", "extractors/schema", "inventories/example")
MADE_BY_GALAXY = {"MANIFEST.json", "FILES.json"}


def held(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {member.name for member in tar if not member.isdir()}


def text(archive: Path, name: str) -> str:
    with tarfile.open(archive) as tar:
        stream = tar.extractfile(name)
        assert stream
        return stream.read().decode()


def test_it_holds_every_file_that_its_playbooks_need(archive: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {name for name in listed.stdout.split() if (ROOT / name).is_file()}
    assert len(tracked) > 250
    assert tracked - held(archive) == set()


def test_it_holds_nothing_else(archive: Path) -> None:
    other = {
        name for name in held(archive) - MADE_BY_GALAXY if not name.startswith((*CODE, "docs/", "meta/", "monitoring/"))
    }
    assert other == {"CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "changelogs/changelog.yaml"}
    with tarfile.open(archive) as tar:
        assert {member.name for member in tar if not (member.isreg() or member.isdir())} == set()


def test_what_lies_untracked_in_the_checkout_stays_there(archive: Path) -> None:
    assert held(archive) & {*PRIVATE} == set()


def test_galaxys_own_build_leaves_inventories_keys_and_reports_there_too(project: Path, tmp_path: Path) -> None:
    done = outside(tmp_path, "ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), str(project))
    assert done.returncode == 0, done.stderr
    (built,) = tmp_path.glob("*.tar.gz")
    # It cannot tell a playbook that was added by hand from one of ours; `make collection` can.
    assert held(built) & {*PRIVATE} == {"playbooks/ours.yml"}


def test_the_changelog_of_tools_is_that_of_people(archive: Path) -> None:
    people = (ROOT / "CHANGELOG.md").read_text()
    tools = yaml.safe_load(text(archive, "changelogs/changelog.yaml"))["releases"]
    assert list(tools) == re.findall(r"^## (\S+)", people, re.MULTILINE)
    changes = [entry for one in tools.values() for entry in one["changes"]["minor_changes"]]
    starts = re.findall(r"^\* (.*)$", people, re.MULTILINE)
    assert len(changes) == len(starts) > 50
    assert all(entry.startswith(start) for entry, start in zip(changes, starts, strict=True))


def test_a_release_with_a_date_keeps_it_and_the_order_stays() -> None:
    found = changelog.releases(
        "# Changelog\n\n## 0.2.0 (unreleased)\n\n* B,\n  wrapped\n\n## 0.1.0 (2026-11-30)\n\n* A\n\n| t |\n"
    )
    assert found == {
        "0.2.0": {"changes": {"minor_changes": ["B, wrapped"]}},
        "0.1.0": {"release_date": "2026-11-30", "changes": {"minor_changes": ["A\n| t |"]}},
    }


def test_an_entry_of_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="an entry before the first version"):
        changelog.releases("# Changelog\n\n* lost\n\n## 0.1.0\n")


def test_it_holds_what_a_prometheus_reads_and_none_of_what_made_it(archive: Path) -> None:
    found = {name for name in held(archive) if name.startswith("monitoring/")}
    rules = {"monitoring/rules/alerts.yml", "monitoring/rules/recording.yml"}
    examples = {"monitoring/prometheus.yml", "monitoring/alertmanager.yml"}
    assert found == {"monitoring/README.md", "monitoring/dashboard.json", *rules, *examples}
