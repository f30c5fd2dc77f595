"""What is missing is reported at once, each with the command that installs it."""

import os

import pytest

from lab import requirements
from lab.say import LabError


def test_everything_missing_is_named_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(requirements, "PACKAGES", {"no-such-program": "podman", "none-either": "runc", "sh": "dash"})
    monkeypatch.setattr(requirements, "SPACE", 2**70)
    with pytest.raises(LabError) as caught:
        requirements.check()
    reported = str(caught.value)
    assert "sudo python3 -m lab" in reported
    assert "apt-get install --no-install-recommends podman runc`" in reported
    assert "SECLYZER_CACHE" in reported


def test_a_machine_that_has_all_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "PACKAGES", {"sh": "dash"})
    monkeypatch.setattr(requirements, "SPACE", 1)
    requirements.check()
