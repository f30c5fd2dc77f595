"""A newcomer types the quick start, the migration and the operations from the first line to the last, on blank hosts.

`ssh` finds the hosts of the lab by its own configuration, as it finds a person's by theirs, and what is rolled out was
built before; nothing else differs. Blocks that are not typed stand in tests/docs/commands.toml with their reasons.
"""

import json
import os
import subprocess
import tarfile
import tomllib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hostchecks.lab import ROOT, login_configuration, renew
from hostchecks.polling import poll

from lab import influxdb, paths
from scripts.blocks import Block, blocks

START, MIGRATION, OPERATIONS = "docs/quick-start.md", "docs/migration.md", "docs/operations.md"
NOT_TYPED = tomllib.loads((ROOT / "tests/docs/commands.toml").read_text())["not_run"]
PAGES = {
    page: [block for block in blocks(page) if f"{page}#{block.heading}" not in NOT_TYPED]
    for page in (START, MIGRATION, OPERATIONS)
}
LONGEST = 900.0
CGROUP_2 = Path("/sys/fs/cgroup/cgroup.controllers")
"""Where it is, systemd counts the CPU time of each unit: on Debian 12 and 13, and in a lab on a machine that has it."""
WINDOW = ",20,total_keys,keystroke_features,keyboard_0,edge1,default"
"""What the store holds of the twenty strokes; a window that ends between them holds fewer, and comes before it."""


@dataclass(frozen=True)
class Typed:
    """A block that was typed: its heading, exit status, and all it printed."""

    heading: str
    status: int
    text: str


class Newcomer:
    """A person on the controller with an empty home, who has fetched InfluxDB's archive."""

    def __init__(self, home: Path) -> None:
        (home / "fleet").mkdir(parents=True)
        with tarfile.open(home / "fleet" / "influxdb2_linux_amd64.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(influxdb.ensure().resolve(), "influxdb2-2.9.1/usr/bin/influxd")
        programs = home / "bin"
        programs.mkdir()
        (programs / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F "{login_configuration()}" "$@"\n')
        (programs / "ssh").chmod(0o755)
        own = {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "SECLYZER_CACHE": str(paths.cache())}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
        # What the first block of docs/operations.md exports; on the other page -i beats it.
        self.environment = {**clean, **own, "ANSIBLE_TIMEOUT": "60", "ANSIBLE_INVENTORY": f"{home}/fleet/inventory"}

    def types(self, block: Block) -> Typed:
        """A block in a shell of its own, in the checkout; the first command that fails ends it."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
        )
        return Typed(block.heading, done.returncode, done.stdout)

    def reads(self, page: str) -> dict[str, list[Typed]]:
        """Every block of a page in its order, by heading; it stops at the first that fails."""
        done: dict[str, list[Typed]] = {}
        for block in PAGES[page]:
            here = self.types(block)
            if "influx-read-token" in block.text:  # data are there within 10 s, the page says
                here = poll(partial(self.types, block), lambda typed: typed.status or WINDOW in typed.text, 60)
            done.setdefault(block.heading, []).append(here)
            if here.status:
                break
        return done


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    renew()
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def started(newcomer: Newcomer) -> dict[str, list[Typed]]:
    """The quick start, typed."""
    return newcomer.reads(START)


@pytest.fixture(scope="module")
def migrated(newcomer: Newcomer, started: dict[str, list[Typed]]) -> dict[str, list[Typed]]:
    """What the older guide had people type, typed after it."""
    assert not any(one.status for of in started.values() for one in of)
    return newcomer.reads(MIGRATION)


@pytest.fixture(scope="module")
def operated(
    newcomer: Newcomer, started: dict[str, list[Typed]], migrated: dict[str, list[Typed]]
) -> dict[str, list[Typed]]:
    """The operations, typed last: they end with the removal."""
    assert not any(one.status for of in started.values() for one in of)
    return newcomer.reads(OPERATIONS)


def test_every_block_of_the_quick_start_ends_well(started: dict[str, list[Typed]]) -> None:
    everything = [one for of in started.values() for one in of]
    assert [(one.heading, one.text) for one in everything if one.status] == []
    assert len(everything) == len(PAGES[START]) > 10


def test_the_certificate_is_good(started: dict[str, list[Typed]]) -> None:
    assert "store.crt: OK" in started["Make certificates"][0].text


def test_a_look_changes_nothing_and_the_rollout_ends_with_healthy_hosts(started: dict[str, list[Typed]]) -> None:
    look, run = started["Look, then roll out"]
    assert "2 hosts: 2 looked at, not changed" in look.text
    assert "2 hosts: 2 healthy, changed" in run.text


def test_data_are_seen(started: dict[str, list[Typed]]) -> None:
    _, query = started["Send events and see data"]
    assert WINDOW in query.text


def test_health_is_seen(started: dict[str, list[Typed]]) -> None:
    (health,) = started["See health"]
    assert '"status": "pass"' in health.text or '"status":"pass"' in health.text
    assert "2 of 2 hosts need no operator: what is deployed there is as it was staged" in health.text


def test_every_block_of_the_migration_ends_well(migrated: dict[str, list[Typed]]) -> None:
    everything = [one for of in migrated.values() for one in of]
    assert [(one.heading, one.text) for one in everything if one.status] == []
    assert len(everything) == len(PAGES[MIGRATION]) > 4


def test_events_that_are_published_come_out_on_the_channel_and_in_the_list(migrated: dict[str, list[Typed]]) -> None:
    _, ping, events, length = migrated["Events in, features out"]
    assert ping.text.strip() == "PONG"
    lines = events.text.splitlines()
    assert lines.count("3") == 20  # each of the three extractors heard each event
    feature = [json.loads(line) for line in lines if line.startswith("{")][-1]  # events may span two windows' ends
    assert (feature["type"], feature["total_keys"]) == ("keystroke", 10)
    assert int(length.text) >= 1


def test_troubleshooting_shows_the_extractor(migrated: dict[str, list[Typed]]) -> None:
    (shown,) = migrated["Troubleshooting"]
    assert "Active: active (running)" in shown.text and "Memory:" in shown.text
    assert ("CPU:" in shown.text) == CGROUP_2.exists()
    assert "keystroke_extractor[" in shown.text or "seclyzer-keystroke" in shown.text


def test_every_block_of_the_operations_ends_well(operated: dict[str, list[Typed]]) -> None:
    everything = [one for of in operated.values() for one in of]
    assert [(one.heading, one.text) for one in everything if one.status] == []
    assert len(everything) == len(PAGES[OPERATIONS]) >= 12


def test_what_the_operations_show_is_what_is_printed(operated: dict[str, list[Typed]]) -> None:
    """But for times, names of runs and releases, sizes, and the order in which hosts end."""
    missing = [
        (shown.heading, line)
        for shown in blocks(OPERATIONS, "text")
        for line in shown.text.splitlines()
        if alike(line) not in {alike(printed) for one in operated[shown.heading] for printed in one.text.splitlines()}
    ]
    assert missing == []


def alike(line: str) -> str:
    """A line without its words that have a digit, of which every run has others, and without who ran it."""
    return " ".join(word for word in line.split() if not any(letter.isdigit() or letter == "@" for letter in word))


def test_removal_leaves_nothing(newcomer: Newcomer, operated: dict[str, list[Typed]]) -> None:
    (removal,) = operated["Take SecLyzer away"]
    assert "edge1: removed, in" in removal.text and "store: removed, in" in removal.text
    look = "for host in edge1 edge2 store; do ssh $host ls -d /opt/seclyzer /etc/seclyzer || true; done"
    assert newcomer.types(Block("sh", "", look)).text.count("No such file or directory") == 6
