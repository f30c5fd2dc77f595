"""Configuration and history are for those who need them; hosts from before that rule are mended."""

import grp
import stat
from pathlib import Path

import pytest

from plugins.module_utils import access, deployments
from plugins.module_utils.files import locked
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import bundle, desired

GROUPS = {"seclyzer-keystroke": 4001, "seclyzer-agent": 4002}


@pytest.fixture(autouse=True)
def groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host on which the services' groups are there."""

    def known(name: str) -> object:
        return grp.struct_group((name, "x", GROUPS[name], []))

    monkeypatch.setattr(grp, "getgrnam", known)


@pytest.fixture
def staged(host: Layout, tmp_path: Path) -> Layout:
    """A host with one deployment."""
    with locked(host.lock):
        deployments.create(host, History.load(host), desired(host, bundle(tmp_path)), "me", None)
    return host


def seen(path: Path) -> tuple[int, str]:
    found = path.stat()
    return found.st_gid, f"{stat.S_IMODE(found.st_mode):o}"


def test_each_service_alone_reads_its_own_configuration(staged: Layout) -> None:
    folder = staged.deployments / "1"
    assert seen(folder / "config/keystroke.yaml") == (4001, "640")
    assert seen(folder / "config/agent.yaml") == (4002, "640")
    assert seen(folder / "manifest.json") == (4002, "640")
    assert seen(staged.history) == (0, "600")


def test_modes_of_a_host_from_before_are_mended_once(staged: Layout) -> None:
    paths = [staged.history, staged.lock, *(staged.deployments / "1").rglob("*.yaml")]
    for path in paths:
        path.chmod(0o644)
    assert access.exposed(staged) == len(paths) == 4
    assert access.protect_all(staged) == 4
    assert (access.exposed(staged), access.protect_all(staged)) == (0, 0)
    assert seen(staged.lock) == (0, "600")
    assert seen(staged.deployments / "1/config/keystroke.yaml") == (4001, "640")


def test_the_history_stays_for_root_whoever_writes_it(staged: Layout) -> None:
    History.load(staged).save(staged)
    assert seen(staged.history) == (0, "600")


def test_a_configuration_whose_reader_is_not_known_is_for_root(staged: Layout) -> None:
    (staged.deployments / "1/config/other.yaml").write_text("x")
    access.protect_all(staged)
    assert seen(staged.deployments / "1/config/other.yaml") == (0, "600")


def test_a_link_in_the_place_of_a_configuration_is_refused(staged: Layout, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("x")
    victim.chmod(0o600)
    path = staged.deployments / "1/config/keystroke.yaml"
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(Refused, match=r"keystroke.yaml is no plain file"):
        access.protect_all(staged)
    assert seen(victim) == (0, "600")


@pytest.mark.parametrize("part", ["", "releases", "deployments", "deployments/1", "deployments/1/units"])
def test_a_folder_that_services_pass_through_is_opened_by_the_next_run(staged: Layout, part: str) -> None:
    folder = staged.base / part
    folder.mkdir(exist_ok=True)
    access.protect_all(staged)
    folder.chmod(0o750)
    assert access.exposed(staged) >= 1
    assert access.protect_all(staged) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert access.exposed(staged) == 0
