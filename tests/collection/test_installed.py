"""The installed collection works by qualified names, from a folder that has no ansible.cfg of ours."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.collection.conftest import outside
from tests.helpers import ROOT

PARTS_OF_OTHERS = {"inventory", "person", "report"}
PLAYBOOKS = sorted({path.stem for path in (ROOT / "playbooks").glob("*.yml")} - PARTS_OF_OTHERS)
KINDS = {"module": "modules", "lookup": "lookup", "callback": "callback"}
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PLACE = ".ansible/collections/ansible_collections/seclyzer/edge"


def names(folder: str) -> list[str]:
    return sorted(f"seclyzer.edge.{path.stem}" for path in (ROOT / "plugins" / folder).glob("[!_]*.py"))


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_loads_by_its_qualified_name(name: str, installed: Path) -> None:
    done = outside(installed, "ansible-playbook", "-i", "hosts", f"seclyzer.edge.{name}", "--list-tasks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stderr and f"playbook: {installed / PLACE}/playbooks/{name}.yml" in done.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_no_play_depends_on_settings_of_the_projects_configuration(path: Path) -> None:
    """`gathering = explicit` is one: a play that does not say it would gather facts of every host."""
    plays = [play for play in yaml.safe_load(path.read_text()) if "hosts" in play]
    assert [play["name"] for play in plays if "gather_facts" not in play] == []


@pytest.mark.parametrize("kind", KINDS)
def test_ansible_doc_answers_for_every_plugin(kind: str, installed: Path) -> None:
    known = names(KINDS[kind])
    done = outside(installed, "ansible-doc", "--json", "-t", kind, *known)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sorted(found) == known and known
    assert [name for name, about in found.items() if not about["doc"]["short_description"]] == []


def test_ansible_doc_answers_for_every_role_and_each_of_its_options(installed: Path) -> None:
    done = outside(installed, "ansible-doc", "--json", "-t", "role", *(f"seclyzer.edge.{name}" for name in ROLES))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sorted(found) == [f"seclyzer.edge.{name}" for name in ROLES]
    options = {
        f"{role}: {name}": option
        for role, about in found.items()
        for point in about["entry_points"].values()
        for name, option in point["options"].items()
    }
    assert len(options) > 100
    assert [name for name, option in options.items() if not option.get("description")] == []


def test_a_playbook_by_its_path_is_refused_where_ansible_does_not_find_the_collection(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed / PLACE, tmp_path / "ansible_collections/seclyzer/edge")
    path = tmp_path / "ansible_collections/seclyzer/edge/playbooks/site.yml"
    words = ["ansible-playbook", "-i", str(installed / "hosts"), str(path), "--list-tasks"]
    done = outside(tmp_path, *words)
    typed = f"ANSIBLE_COLLECTIONS_PATH={tmp_path} ansible-playbook seclyzer.edge.site, with the options"
    assert done.returncode != 0
    assert f"Ansible finds no collection seclyzer.edge, not that of this playbook. Type: {typed}" in done.stderr
    other = outside(tmp_path, *words, HOME=str(installed))
    assert f"Ansible finds that of {installed / PLACE}, not that of this playbook. Type: {typed}" in other.stderr
    assert outside(tmp_path, *words, ANSIBLE_COLLECTIONS_PATH=str(tmp_path)).returncode == 0


def test_a_rollout_without_a_bundle_says_what_names_one(installed: Path) -> None:
    done = outside(installed, "ansible-playbook", "-i", "hosts", "seclyzer.edge.site")
    words = f"there is no bundle at {installed}/build/bundle; -e seclyzer_bundle=FILE names the release"
    assert done.returncode != 0 and words in done.stdout + done.stderr


def test_what_a_run_makes_goes_into_the_current_folder(installed: Path, tmp_path: Path) -> None:
    words = ["ansible", "localhost", "-m", "ansible.builtin.debug", "-a"]
    show = "msg={{ lookup('seclyzer.edge.place', 'reports') }}"
    done = outside(tmp_path, *words, show, HOME=str(installed))
    assert f'"msg": "{tmp_path}/reports"' in done.stdout, done.stdout + done.stderr


def test_what_a_checkout_makes_goes_into_the_checkout(tmp_path: Path) -> None:
    words = ["ansible", "localhost", "-m", "ansible.builtin.debug", "-a"]
    show = "msg={{ lookup('seclyzer.edge.place', 'reports') }}"
    done = outside(tmp_path, *words, show, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert f'"msg": "{ROOT}/reports"' in done.stdout, done.stdout + done.stderr


def test_what_to_type_is_named_as_the_collection_names_it(installed: Path, tmp_path: Path) -> None:
    """A store that is not reached: the report names the command for it."""
    (tmp_path / "hosts").write_text(
        "[seclyzer_edge]\nedge1 ansible_host=127.0.0.1 ansible_port=9\n"
        "[all:vars]\ninfluxdb_token_file=token\ninfluxdb_url=https://store.example.com:8086\n"
    )
    (tmp_path / "token").write_text("t" * 40)
    words = ["ansible-playbook", "-i", "hosts", "seclyzer.edge.site", "--tags", "redis"]
    done = outside(tmp_path, *words, HOME=str(installed))
    assert "ansible-playbook -i hosts seclyzer.edge.site --tags redis -e only=failed" in done.stdout, (
        done.stdout + done.stderr
    )


def test_no_playbook_leaves_files_in_the_folder_that_it_is_installed_in() -> None:
    """A file that a run makes is named by an option, or stands where `seclyzer.edge.place` says."""
    parent = r"playbook_dir ~ '/../"
    named = {
        str(path.relative_to(ROOT)): part.partition("'")[0]
        for path in (ROOT / "playbooks").rglob("*.yml")
        for part in path.read_text().split(parent)[1:]
    }
    assert {name: what for name, what in named.items() if not what.startswith("roles/")} == {}
