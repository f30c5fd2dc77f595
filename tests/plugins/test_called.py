"""A playbook that was called in a way it cannot run refuses while it is loaded, and names what to type."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers import ROOT

PLAYBOOKS = {path.stem: path for path in sorted((ROOT / "playbooks").glob("*.yml"))}
PARTS_OF_OTHERS = {"inventory", "person", "report"}
CALLED = "{{ lookup('ansible.builtin.template', 'called.j2') | trim }}"
PARTS = "preflight, redis, influxdb, extractors, agent"


def call(folder: Path, *typed: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ansible-playbook` in a folder; it lists the tasks, so that no host is reached."""
    words = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        *typed,
        "--list-tasks",
        "-i",
        str(ROOT / "inventories/lab"),
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    known = clean | {"PWD": str(folder)} | environment
    return subprocess.run(words, cwd=folder, env=known, capture_output=True, text=True, check=False)


MOLECULES = ["--skip-tags", "molecule-notest,notest,molecule-idempotence-notest"]
"""What molecule gives every playbook."""


@pytest.mark.parametrize("name", sorted(PLAYBOOKS.keys() - PARTS_OF_OTHERS))
def test_every_playbook_looks_first_at_how_it_was_called(name: str) -> None:
    first = yaml.safe_load(PLAYBOOKS[name].read_text())[0]
    assert first["ansible.builtin.import_playbook"] == CALLED
    shown = f"{name}.yml" if (ROOT / f"{name}.yml").exists() else f"playbooks/{name}.yml"
    assert first["vars"]["__seclyzer_called"]["playbook"] == shown


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--tags", "redsi"], f"site.yml has no part redsi; it has {PARTS}. Nothing was changed."),
        (["--skip-tags", "influx"], f"site.yml has no part influx; it has {PARTS}. Nothing was changed."),
        (["--skip-tags", "always"], f"site.yml has no part always; it has {PARTS}. Nothing was changed."),
        (
            ["--tags", "redis", "--skip-tags", "redis"],
            f"--skip-tags leave nothing of site.yml; it has {PARTS}.",
        ),
        (["--skip-tags", PARTS.replace(" ", "")], f"--skip-tags leave nothing of site.yml; it has {PARTS}."),
    ],
)
def test_tags_that_select_nothing_are_refused_with_those_that_there_are(typed: list[str], words: str) -> None:
    done = call(ROOT, "site.yml", "--limit", "edge1", *typed)
    assert done.returncode != 0 and words in done.stderr


@pytest.mark.parametrize(
    "typed", [["--tags", "redis"], ["--tags", "all"], ["--skip-tags", "extractors,agent"], MOLECULES, []]
)
def test_tags_that_there_are_pass(typed: list[str]) -> None:
    assert call(ROOT, "site.yml", *typed).returncode == 0


def test_a_playbook_without_parts_takes_no_tags() -> None:
    done = call(ROOT, "rollback.yml", "--tags", "redis")
    assert done.returncode != 0
    assert "rollback.yml has no part redis; it has none: leave --tags and --skip-tags out." in done.stderr


@pytest.mark.parametrize("playbook", ["site.yml", "rollback.yml", "playbooks/status.yml"])
def test_a_call_from_another_folder_is_refused_with_what_to_type(playbook: str, tmp_path: Path) -> None:
    done = call(tmp_path, str(ROOT / playbook))
    assert done.returncode != 0
    assert f"reads no ansible.cfg. Type: cd {ROOT} && ansible-playbook {playbook}, with the options" in done.stderr


def test_a_call_in_the_folder_of_the_playbooks_is_refused_with_what_to_type() -> None:
    done = call(ROOT / "playbooks", "site.yml")
    assert done.returncode != 0 and f"Type: cd {ROOT} && ansible-playbook site.yml," in done.stderr


def test_a_configuration_that_is_another_projects_is_named(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 3\n")
    done = call(tmp_path, str(ROOT / "site.yml"))
    assert f"Ansible reads {tmp_path}/ansible.cfg, not the ansible.cfg of this project. Type: cd {ROOT}" in done.stderr


def test_a_configuration_that_the_environment_names_is_taken_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "other.cfg").write_text("[defaults]\nforks = 3\n")
    done = call(ROOT, "site.yml", ANSIBLE_CONFIG=f"{tmp_path}/other.cfg")
    assert f"Type: unset ANSIBLE_CONFIG && cd {ROOT} && ansible-playbook site.yml," in done.stderr


def test_a_folder_that_everybody_may_write_to_is_named_with_the_remedy(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "playbooks", project / "playbooks")
    for name in ("site.yml", "ansible.cfg"):
        shutil.copy(ROOT / name, project / name)
    project.chmod(0o777)
    done = call(project, "site.yml")
    assert f"it ignores in a folder that everybody may write to. Type: chmod o-w {project}. Nothing" in done.stderr


def test_the_configuration_may_be_named_from_anywhere(tmp_path: Path) -> None:
    for playbook in ("site.yml", "playbooks/status.yml"):
        assert call(tmp_path, str(ROOT / playbook), ANSIBLE_CONFIG=str(ROOT / "ansible.cfg")).returncode == 0
