"""Which influxd the lab takes: the named one, the one that was built, an installed InfluxDB 2; else it builds one."""

from pathlib import Path

import pytest

from lab import influxdb, paths
from lab.say import LabError


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without an influxd, and the one folder of PATH, without any tool."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("SECLYZER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SECLYZER_INFLUXD", raising=False)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(file: Path, version: str) -> Path:
    """A program that says that it is this version."""
    file.write_text(f"#!/bin/sh\n[ \"$1\" = version ] && echo '{version}'\n")
    file.chmod(0o755)
    return file


def test_an_installed_influxdb_2_is_taken_and_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installed = program(path / "influxd", "InfluxDB v2.7.11 (git: fbf5d4ab5e)")
    assert influxdb.ensure() == installed
    assert f"influxd: {installed}, which is installed here" in capsys.readouterr().err
    assert (paths.cache() / "influxd" / "influxd").resolve() == installed


def test_debian_s_influxdb_1_is_not_taken(path: Path) -> None:
    program(path / "influxd", "InfluxDB v1.6.7~rc0 (git: unknown)")
    with pytest.raises(LabError, match=r"influxd cannot be built here without go .*; or name one by SECLYZER_INFLUXD"):
        influxdb.ensure()


def test_the_one_that_was_built_comes_before_an_installed_one(path: Path) -> None:
    program(path / "influxd", "InfluxDB v2.7.11 (git: fbf5d4ab5e)")
    influxdb.cached().parent.mkdir(parents=True)
    built = program(influxdb.cached(), "InfluxDB v2.9.1")
    assert influxdb.ensure() == built


def test_the_one_that_is_named_comes_first(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(path / "influxd", "InfluxDB v2.7.11 (git: fbf5d4ab5e)")
    named = program(tmp_path / "mine", "InfluxDB v2.8.0")
    monkeypatch.setenv("SECLYZER_INFLUXD", str(named))
    assert influxdb.ensure() == named
