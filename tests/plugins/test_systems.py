"""What depends on the operating system stands in one file of each role; a system of none is refused."""

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from plugins.module_utils import machine, systems
from plugins.plugin_utils import host_options
from scripts.bundle import targets

ROOT = Path(__file__).resolve().parents[2]
ROLES = ROOT / "roles"
FILES = systems.files(ROLES)
FOUND_BY = "../../../playbooks/tasks/os_vars.yml"
OF_A_SYSTEM = re.compile(
    r"/usr/s?bin/[\w.-]+|/usr/lib/[\w./-]+|/usr/share/[\w./-]+|/etc/apt/?[\w./-]*|libnginx[\w-]*|redis-server(?!\.sock)[\w.]*"
)
OF_ALL = {"/usr/sbin/nologin", "/usr/bin/kill", "/usr/bin/influxd"}
"""The same on every system: systemd's own paths, and the package of InfluxDB's maker."""
COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
DEBIAN = {"distribution": "Debian", "distribution_major_version": "12", "os_family": "Debian"}
MINT = {"distribution": "Linux Mint", "distribution_major_version": "22", "os_family": "Debian"}
FEDORA = {"distribution": "Fedora", "distribution_major_version": "40", "os_family": "RedHat"}


def keys(value: Any) -> Any:
    """The keys of mappings in mappings, but for those of releases, which are versions."""
    return (
        {key: keys(of) if key != "releases" else None for key, of in value.items()} if isinstance(value, dict) else None
    )


def test_the_roles_that_have_files_of_systems_find_them_by_the_one_task() -> None:
    users = {
        path.parent.parent.name
        for path in ROLES.glob("*/tasks/*.yml")
        for task in yaml.safe_load(path.read_text())
        if task.get("ansible.builtin.import_tasks") == FOUND_BY
    }
    assert users == set(FILES) == {path.name for path in ROLES.iterdir()}


@pytest.mark.parametrize("role", FILES)
def test_the_files_of_a_role_have_the_same_keys(role: str) -> None:
    found = {name: yaml.safe_load(path.read_text()) for name, path in FILES[role].items()}
    assert list(found["debian.yml"]) == [f"__{role}_os"]
    assert [name for name, values in found.items() if keys(values) != keys(found["debian.yml"])] == []


@pytest.mark.parametrize("role", FILES)
def test_a_role_takes_packages_and_paths_of_a_system_from_its_file(role: str) -> None:
    paths = [
        path
        for part in ("defaults", "handlers", "tasks", "templates", "vars")
        for path in (ROLES / role / part).glob("*")
        if path not in FILES[role].values()
    ]
    found = {(path.name, word) for path in paths for word in OF_A_SYSTEM.findall(COMMENT.sub("", path.read_text()))}
    assert {(name, word) for name, word in found if word not in OF_ALL} == set()
    everything = "".join(path.read_text() for path in paths)
    used = set(re.findall(rf"__{role}_os\.(\w+)", everything)) | ({"releases"} if role == "seclyzer_release" else set())
    assert used == set(yaml.safe_load(FILES[role]["debian.yml"].read_text())[f"__{role}_os"])


def test_roles_agree_on_the_unit_of_redis() -> None:
    units = {
        of["redis_unit"] if "redis_unit" in of else f"{of['unit']}.service"
        for role in ("redis", "seclyzer_agent", "seclyzer_extractors")
        for of in yaml.safe_load(FILES[role]["debian.yml"].read_text()).values()
    }
    assert units == {"redis-server.service"} == set(host_options.redis_units())


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (DEBIAN, ["debian_12.yml", "debian.yml", "debian.yml"]),
        (MINT, ["linuxmint_22.yml", "linuxmint.yml", "debian.yml"]),
        (FEDORA, ["fedora_40.yml", "fedora.yml", "redhat.yml"]),
    ],
)
def test_preflight_looks_for_the_files_that_roles_look_for(facts: dict[str, str], names: list[str]) -> None:
    tasks = yaml.safe_load((ROOT / "playbooks" / "tasks" / "os_vars.yml").read_text())
    values = {name: trust_as_template(text) for name, text in tasks[1]["vars"].items() if name != "__os_files"}
    files = [trust_as_template(text) for text in tasks[1]["vars"]["__os_files"]]
    view = Templar(DataLoader(), variables={**values, "ansible_facts": facts})
    assert [f"{name}.yml" for name in view.template(files)] == systems.candidates(facts) == names


def test_a_system_that_roles_have_no_file_for_is_refused_with_the_files_to_write() -> None:
    assert systems.faults(ROLES, DEBIAN) == systems.faults(ROLES, MINT) == []
    (sentence,) = systems.faults(ROLES, FEDORA)
    assert sentence == (
        "it runs Fedora 40, whose packages and paths no file has: write roles/influxdb/vars/redhat.yml, "
        "roles/influxdb_gateway/vars/redhat.yml, roles/redis/vars/redhat.yml, roles/seclyzer_agent/vars/redhat.yml, "
        "roles/seclyzer_extractors/vars/redhat.yml, roles/seclyzer_release/vars/redhat.yml, "
        "with the keys of debian.yml beside it"
    )


def test_another_distribution_like_debian_is_one_file(tmp_path: Path) -> None:
    roles = tmp_path / "roles"
    shutil.copytree(ROLES, roles)
    text = FILES["seclyzer_release"]["debian.yml"].read_text()
    releases = 'releases:\n    "22": {codename: wilma, python: 3.12.3}\n'
    (roles / "seclyzer_release/vars/linuxmint.yml").write_text(
        re.sub(r"releases:\n.*", releases, text, flags=re.DOTALL)
    )
    assert systems.faults(roles, MINT) == []
    read = targets.read(systems.files(roles)["seclyzer_release"].values())
    assert [one for one in read if one not in targets.TARGETS] == [
        targets.Target("linuxmint", "22", "wilma", "3.12.3", untested=False)
    ]


def test_hosts_need_the_python_that_our_packages_need() -> None:
    needs = {
        tomllib.loads((ROOT / package / "pyproject.toml").read_text())["project"]["requires-python"]
        for package in ("extractors/python", "agent")
    }
    assert needs == {f">={'.'.join(map(str, systems.OLDEST_PYTHON))}"}
    assert [target for target in targets.TARGETS if systems.too_old(target.name)] == []


@pytest.mark.parametrize(
    ("python", "old"),
    [("python3.10", True), ("python3.9", True), ("python3.11", False), ("python3.14", False), ("", False)],
)
def test_a_python_is_too_old_by_its_number(python: str, old: bool) -> None:
    assert systems.too_old(python) is old


@pytest.mark.parametrize(
    ("os_release", "found"),
    [
        ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', ("debian", "12")),
        ('PRETTY_NAME="Debian GNU/Linux forky/sid"\nVERSION_CODENAME=forky\nID=debian\n', ("debian", "forky")),
        ("ID=ubuntu\nVERSION_ID='24.04'\nHOME_URL=\"https://x.invalid/?a=b\"\n", ("ubuntu", "24.04")),
        ("", ("", "")),
    ],
)
def test_a_system_without_a_number_yet_goes_by_its_name(os_release: str, found: tuple[str, str]) -> None:
    about = machine.distribution(os_release)
    assert (about["distribution"], about["distribution_version"]) == found


def test_debian_testing_takes_the_files_of_debian() -> None:
    facts = systems.of_release(machine.distribution("ID=debian\nVERSION_CODENAME=forky\n"))
    assert facts == {"distribution": "Debian", "distribution_major_version": "forky", "os_family": "Debian"}
    assert systems.faults(ROLES, facts) == []
