"""What setup installs from Debian brings no service up on this machine, now or when it starts."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL = """
source <(sed -n '/^services=/p; /^mark=/p; /^install_packages()/,/^}/p' scripts/setup)
policy=$0/policy-rc.d
install_packages "$@"
"""


class Machine:
    """Where a package manager and a service manager only report how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.policy = folder, folder / "policy-rc.d"
        self.program("apt-get", f'echo "apt-get: $*"; [ ! -x {self.policy} ] || {self.policy} || echo "policy: $?"')
        self.program("systemctl", 'echo "systemctl: $*"; [ "$*" != "--quiet is-active redis-server.service" ]')

    def program(self, name: str, body: str, output: str = "/reported") -> None:
        (self.folder / name).write_text(f"#!/bin/sh\nexec >>{self.folder}{output}\n{body}\n")
        (self.folder / name).chmod(0o755)

    def install(self, *packages: str) -> tuple[int, list[str]]:
        """Exit status, and the calls."""
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin"}
        command = ["bash", "-euo", "pipefail", "-c", INSTALL, str(self.folder), *packages]
        done = subprocess.run(command, cwd=ROOT, env=environment, timeout=30, check=False)
        return done.returncode, (self.folder / "reported").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_services_of_new_packages_are_neither_started_nor_enabled_and_others_are_left_alone(machine: Machine) -> None:
    assert machine.install("podman", "prometheus", "redis-server") == (
        0,
        [
            "apt-get: -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends podman prometheus redis-server",
            "policy: 101",
            "systemctl: --quiet disable redis-server.service",
            "systemctl: --quiet is-active redis-server.service",
            "systemctl: --quiet disable prometheus.service",
            "systemctl: --quiet is-active prometheus.service",
            "systemctl: stop prometheus.service",
        ],
    )
    assert not machine.policy.exists()


def test_a_policy_of_the_machines_own_is_left_as_it_is(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 0\n")
    machine.policy.chmod(0o755)
    assert "policy: 101" not in machine.install("nginx")[1]
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_the_policy_goes_when_the_packages_cannot_be_installed_and_after_a_run_that_was_killed(
    machine: Machine,
) -> None:
    machine.program("apt-get", f"cp {machine.policy} {machine.folder}/left; exit 100")
    assert machine.install("nginx")[0] == 100
    assert not machine.policy.exists()
    (machine.folder / "left").rename(machine.policy)
    machine.program("apt-get", "exit 0")
    assert machine.install("nginx")[0] == 0
    assert not machine.policy.exists()
