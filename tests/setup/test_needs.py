"""What a machine lacks is reported all at once, before anything is installed."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"python3": "Python 3.11.2", "cargo": "cargo 1.89.0 (abc 2025-06-23)", "go": "go version go1.25.10 linux/amd64"}
TOOLS = ("bash", "dirname", "grep", "head", "sort", "printf", "cat", "sha256sum", "env")


def setup(
    folder: Path, programs: dict[str, str], *words: str, dpkg: bool = True, influxd: str = ""
) -> subprocess.CompletedProcess[str]:
    """`scripts/setup` on a machine with these programs only, which ends at the first package that it would install."""
    for tool in TOOLS:
        (folder / tool).symlink_to(Path("/usr/bin") / tool)
    scripts = {name: f"echo '{version}'" for name, version in programs.items()}
    scripts |= {"dpkg-query": "echo not-installed", "apt-get": "exit 1"} if dpkg else {}
    for name, body in scripts.items():
        (folder / name).write_text(f"#!/usr/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    environment = {"PATH": str(folder), "HOME": os.environ["HOME"], "SECLYZER_INFLUXD": influxd}
    command = ["/usr/bin/bash", "scripts/setup", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_all_that_is_missing_or_old_is_reported_with_the_version_required(tmp_path: Path) -> None:
    done = setup(tmp_path, {"python3": "Python 3.9.2", "cargo": "cargo 1.75.0"}, dpkg=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "setup: python3 is 3.9.2: 3.11 or newer is required (another is named by PYTHON=…)",
        "setup: cargo is 1.75.0: 1.89 or newer is required (rustup, with clippy and rustfmt)",
        "setup: go is missing: install 1.25 or newer (to build influxd; SECLYZER_INFLUXD can name one)",
        "setup: dpkg is missing: a Debian 12 machine, or one like it, is required",
    ]


def test_a_later_version_and_the_least_one_are_taken(tmp_path: Path) -> None:
    for number, cargo in enumerate(("cargo 1.89.0", "cargo 1.100.0", "cargo 2.0.0")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert "required" not in setup(folder, GOOD | {"cargo": cargo}).stderr, cargo


WITHOUT_GO = {name: version for name, version in GOOD.items() if name != "go"}


@pytest.mark.parametrize(
    ("programs", "named", "needed"),
    [
        ({}, "", True),
        ({}, "/opt/influxd", False),
        ({"influxd": "InfluxDB v2.7.1 (git: 407fa622e9)"}, "", False),
        ({"influxd": "InfluxDB v1.6.7~rc0 (git: unknown unknown)"}, "", True),
    ],
    ids=["none", "named", "installed", "of Debian"],
)
def test_go_is_not_needed_where_influxd_is(tmp_path: Path, programs: dict[str, str], named: str, needed: bool) -> None:
    assert ("setup: go is missing" in setup(tmp_path, WITHOUT_GO | programs, influxd=named).stderr) == needed


@pytest.mark.parametrize(
    ("words", "lab", "cross"), [((), True, False), (("dev",), False, False), (("arm",), True, True)], ids=str
)
def test_the_developers_own_pipeline_needs_no_lab_and_only_arm_a_cross_compiler(
    tmp_path: Path, words: tuple[str, ...], lab: bool, cross: bool
) -> None:
    done = setup(tmp_path, GOOD, *words)
    missing = set((done.stdout + done.stderr).split())
    assert {"redis-server", "clang", "python3-venv"} < missing
    assert {name in missing for name in ("podman", "mmdebstrap", "chromium", "valgrind")} == {lab}
    assert {name in missing for name in ("gcc-aarch64-linux-gnu", "qemu-user")} == {cross}


def test_another_word_is_refused(tmp_path: Path) -> None:
    done = setup(tmp_path, GOOD, "everything")
    assert (done.returncode, done.stderr[:36]) == (2, "usage: scripts/setup [dev|arm]: dev ")
