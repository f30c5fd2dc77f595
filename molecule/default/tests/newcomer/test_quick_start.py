"""A newcomer types docs/quick-start.md from its first line to its last, on two blank hosts, and it is as the page says.

`ssh` finds the hosts of the lab by its own configuration, as it finds a person's by theirs; nothing else differs.
"""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hostchecks.lab import ROOT, login_configuration, renew
from hostchecks.polling import poll

from lab import influxdb, paths
from scripts.blocks import Block, blocks

PAGE = "docs/quick-start.md"
BUNDLE = "make bundle\n"
"""The one block that is not typed: what is rolled out here has been built."""
LONGEST = 900.0


@dataclass(frozen=True)
class Typed:
    """A block that was typed: its heading, exit status, and all it printed."""

    heading: str
    status: int
    text: str


class Newcomer:
    """A person on the controller with an empty home, who has fetched InfluxDB's archive."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "fleet").mkdir(parents=True)
        with tarfile.open(home / "fleet" / "influxdb2_linux_amd64.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(influxdb.ensure().resolve(), "influxdb2-2.9.1/usr/bin/influxd")
        programs = home / "bin"
        programs.mkdir()
        (programs / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F "{login_configuration()}" "$@"\n')
        (programs / "ssh").chmod(0o755)
        own = {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "SECLYZER_CACHE": str(paths.cache())}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
        self.environment = {**clean, **own, "ANSIBLE_TIMEOUT": "60"}

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


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    renew()
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def typed(newcomer: Newcomer) -> Iterator[dict[str, list[Typed]]]:
    """Every block of the page but one, in its order, by heading; it stops at the first that fails."""
    done: dict[str, list[Typed]] = {}
    for block in blocks(PAGE):
        if block.text == BUNDLE:
            continue
        here = newcomer.types(block)
        if "influx-read-token" in block.text:  # data are there within 10 s, the page says
            here = poll(partial(newcomer.types, block), lambda typed: typed.status or "total_keys" in typed.text, 60)
        done.setdefault(block.heading, []).append(here)
        if here.status:
            break
    yield done


def test_every_block_ends_well(typed: dict[str, list[Typed]]) -> None:
    everything = [one for of in typed.values() for one in of]
    assert [(one.heading, one.text) for one in everything if one.status] == []
    assert len(everything) == len([block for block in blocks(PAGE) if block.text != BUNDLE])


def test_the_bundle_is_made_as_the_page_says() -> None:
    assert [block.heading for block in blocks(PAGE) if block.text == BUNDLE] == ["Build the bundle"]
    assert "\nbundle:" in (ROOT / "Makefile").read_text()


def test_the_certificate_is_good(typed: dict[str, list[Typed]]) -> None:
    assert "store.crt: OK" in typed["Make certificates"][0].text


def test_a_look_changes_nothing_and_the_rollout_reports_healthy_hosts(typed: dict[str, list[Typed]]) -> None:
    look, run = typed["Look, then roll out"]
    assert "2 hosts: 2 looked at, not changed" in look.text
    assert "2 hosts: 2 healthy, changed" in run.text


def test_data_are_seen(typed: dict[str, list[Typed]]) -> None:
    _, query = typed["Send events and see data"]
    (row,) = [line for line in query.text.splitlines() if "total_keys" in line]
    assert ",20,total_keys,keystroke_features,keyboard_0,edge1,default" in row


def test_health_is_seen(typed: dict[str, list[Typed]]) -> None:
    (health,) = typed["See health"]
    assert '"status": "pass"' in health.text or '"status":"pass"' in health.text
    assert "2 of 2 hosts run what they should, by their own files" in health.text


def test_the_way_back_is_listed_and_removal_leaves_nothing(newcomer: Newcomer, typed: dict[str, list[Typed]]) -> None:
    ways, removal = typed["Go back"]
    assert "before" in ways.text
    assert "edge1: removed, in" in removal.text and "store: removed, in" in removal.text
    look = "for host in edge1 store; do ssh $host ls -d /opt/seclyzer /etc/seclyzer || true; done"
    assert newcomer.types(Block("sh", "", look)).text.count("No such file or directory") == 4
