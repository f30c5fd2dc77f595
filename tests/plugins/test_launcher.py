"""When the files of the command `seclyzer` are installed on a host, and when it has them already."""

from pathlib import Path

import pytest
import yaml

from plugins.module_utils import launcher

ROLE = Path(__file__).resolve().parents[2] / "roles" / "seclyzer_release"
SOURCE = ROLE / "files"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host that has the command."""
    for name, (path, mode) in launcher.FILES.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes((SOURCE / name).read_bytes())
        (tmp_path / path).chmod(mode)
    return tmp_path


def test_a_host_that_has_the_files_is_left_alone(root: Path) -> None:
    assert launcher.is_current(launcher.installed(root), SOURCE)


def test_a_blank_host_has_none(tmp_path: Path) -> None:
    assert launcher.installed(tmp_path) == {}
    assert not launcher.is_current({}, SOURCE)


@pytest.mark.parametrize("name", launcher.FILES)
def test_a_file_that_was_changed_removed_opened_or_linked_away_is_installed_again(root: Path, name: str) -> None:
    path = root / launcher.FILES[name][0]
    text = path.read_bytes()
    path.write_bytes(text + b"#")
    assert not launcher.is_current(launcher.installed(root), SOURCE)
    path.write_bytes(text)
    path.chmod(0o777)
    assert not launcher.is_current(launcher.installed(root), SOURCE)
    path.unlink()
    assert not launcher.is_current(launcher.installed(root), SOURCE)
    path.symlink_to(SOURCE / name)
    assert not launcher.is_current(launcher.installed(root), SOURCE)


def test_the_role_installs_what_is_looked_at() -> None:
    _, install = yaml.safe_load((ROLE / "tasks" / "command.yml").read_text())
    loop = {one["src"]: (one["dest"].removeprefix("/"), int(one["mode"], 8)) for one in install["loop"]}
    assert loop == launcher.FILES
