"""A host in a folder, and a systemd that remembers."""

import time
from pathlib import Path

import pytest

from plugins.module_utils import mends, systemd, users
from plugins.module_utils.layout import Layout
from tests.plugins.hosts import Systemd, layout
from tests.plugins.trial_world import World


@pytest.fixture
def host(tmp_path: Path) -> Layout:
    """An empty host."""
    return layout(tmp_path / "host")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """No program is run; units start on command, and have been up since now."""
    made = Systemd()
    monkeypatch.setattr(systemd, "run", made.run)
    monkeypatch.setattr(systemd, "started_at", lambda state: time.time() + 1)
    monkeypatch.setattr(users, "missing", lambda units: [])
    return made


@pytest.fixture
def world(host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A host on which a trial may begin."""
    monkeypatch.setattr(mends, "boot", lambda: "this boot")
    return World(host, fake, monkeypatch, tmp_path)
