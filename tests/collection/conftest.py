"""The collection's archive, built once, and installed once into an empty folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import collection
from tests.helpers import ROOT


def outside(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A program of Ansible's in a folder, with nothing of this checkout in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    home = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "PWD": str(folder)}
    program = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    return subprocess.run(program, cwd=folder, env=clean | home | more, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the files of this one, and beside them what an operator has and no one else should."""
    root = tmp_path_factory.mktemp("project")
    collection.stage(ROOT, root)
    shutil.rmtree(root / "changelogs")
    for words in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(root), *words], check=True, capture_output=True)
    for name in PRIVATE:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("private: true\n")
    return root


PRIVATE = (
    "inventories/mine/hosts.yml",
    "inventories/mine/store.key",
    "inventories/example/vault-password",
    "playbooks/ours.yml",
    "roles/redis/files/secret.pem",
    "plugins/modules/__pycache__/x.pyc",
    "docs/notes.txt",
    "build/bundle/manifest.json",
    "reports/ann.json",
    "exports/ann/points.csv",
    "hosts.yml",
    ".env",
)
"""What lies in a checkout that is in use."""


@pytest.fixture(scope="session")
def archive(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive as `make collection` builds it, in that repository."""
    return collection.build(project, tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder into which the archive was installed, where ansible-galaxy installs by default: HOME/.ansible."""
    home = tmp_path_factory.mktemp("home")
    done = outside(home, "ansible-galaxy", "collection", "install", "--offline", str(archive))
    assert done.returncode == 0, done.stdout + done.stderr
    (home / "hosts").write_text(
        "[seclyzer_edge]\nedge1 ansible_connection=local\n"
        "[seclyzer_store]\nedge1\n"
        "[all:vars]\ninfluxdb_tls_cert=/x.crt\ninfluxdb_tls_key=/x.key\n"
    )
    return home
