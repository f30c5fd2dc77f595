"""The table of labs: nothing in it collides, and the inventories say the same."""

from itertools import combinations
from pathlib import Path

import pytest
import yaml

from lab import hosts, image, paths
from lab.labs import RELEASES, Lab, labs

HOSTS = [host for lab in labs().values() for host in lab.hosts]


def test_every_address_mac_and_container_is_there_once() -> None:
    for values in ([h.address for h in HOSTS], [h.mac for h in HOSTS], [h.container for h in HOSTS]):
        assert len(set(values)) == len(HOSTS)


def test_every_address_lies_in_its_lab_and_is_not_the_gateway() -> None:
    for lab in labs().values():
        for host in lab.hosts:
            assert host.address in lab.subnet
            assert host.address not in (lab.subnet[0], lab.subnet[1], lab.subnet[-1])


def test_labs_do_not_share_a_network() -> None:
    for one, other in combinations(labs().values(), 2):
        assert not one.subnet.overlaps(other.subnet)
        assert one.network != other.network


def test_macs_are_locally_administered_unicast_and_made_from_the_address() -> None:
    demo = labs()["demo"]
    assert demo.host("edge1").mac == "02:53:0a:59:4d:0b"
    assert all(int(host.mac[:2], 16) & 0b11 == 0b10 for host in HOSTS)


def test_releases_are_known() -> None:
    assert {host.release for host in HOSTS} <= set(RELEASES)


def test_a_host_whose_systemd_knows_one_version_of_cgroups_gets_that() -> None:
    old, new = hosts.first_command("bookworm"), hosts.first_command("forky")
    assert "cgroup2" not in old and "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec " in new
    assert {command.rpartition(" ")[2] for command in (old, new)} == {"/lib/systemd/systemd"}


def test_only_debian_testing_may_have_lists_that_expired() -> None:
    assert [release for release in RELEASES if "Check-Valid-Until" in " ".join(image.options(release))] == ["forky"]


@pytest.mark.parametrize("lab", labs().values(), ids=lambda lab: lab.name)
def test_the_inventory_agrees(lab: Lab) -> None:
    folder: Path = paths.ROOT / lab.inventory
    groups = yaml.safe_load((folder / "hosts.yml").read_text())
    listed = {name: entry for group in groups.values() for name, entry in group["hosts"].items()}
    assert {name: entry["ansible_host"] for name, entry in listed.items()} == {
        host.name: str(host.address) for host in lab.hosts
    }
    common = yaml.safe_load((folder / "group_vars" / "all.yml").read_text())
    assert common["ansible_ssh_private_key_file"] == f"~/.cache/seclyzer/lab/{lab.name}/ssh_key"
