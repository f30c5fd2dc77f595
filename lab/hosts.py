"""Hosts: systemd containers that behave like machines. README.md explains each flag."""

import time

from lab import image, keys, paths, provisioning
from lab.labs import UNIFIED_ONLY, Host, Lab
from lab.podman import podman
from lab.run import attempt
from lab.say import LabError

SHARED = "mount --make-rshared /"
UNIFIED = "umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup"
SYSTEMD = "exec /lib/systemd/systemd"
LIKE_A_MACHINE = (
    "--privileged",
    "--cgroupns=private",
    "--systemd=false",
    "--tmpfs=/run:mode=755",
    "--tmpfs=/run/lock:mode=1777",
    "--tmpfs=/tmp:exec,mode=1777",
    "--stop-signal=SIGRTMIN+3",
    "--env=container=podman",
    "--ulimit=nofile=8192:8192",
    "--ulimit=nproc=4096:4096",
)
BOOT = 60.0


def create(lab: Lab, host: Host) -> None:
    """Make a host, not yet started, with its keys and certificates in it."""
    names = [f"--add-host={other.name}:{other.address}" for other in lab.hosts if other is not host]
    podman(
        "create",
        f"--name={host.container}",
        f"--hostname={host.name}",
        f"--label=seclyzer.lab={lab.name}",
        f"--label=seclyzer.root={paths.ROOT}",
        f"--network={lab.network}",
        f"--ip={host.address}",
        f"--mac-address={host.mac}",
        *names,
        *LIKE_A_MACHINE,
        image.tag(host.release),
        "/bin/sh",
        "-c",
        first_command(host.release),
    )
    podman("cp", "--archive=false", "-", f"{host.container}:/", stdin=provisioning.pack(lab, host))


def first_command(release: str) -> str:
    """The first command of a host, which ends in systemd."""
    return " && ".join([SHARED, *([UNIFIED] if release in UNIFIED_ONLY else []), SYSTEMD])


def start(host: Host) -> None:
    """Start a host."""
    podman("start", host.container)


def cut(host: Host) -> None:
    """Cut a running host's power: nothing in it is asked."""
    podman("kill", "--signal=KILL", host.container)
    podman("wait", host.container)


def unplug(host: Host) -> None:
    """Take a running host off its network; it runs on, and is unreachable."""
    podman("network", "disconnect", host.network, host.container)


def plug(host: Host) -> None:
    """Put it back on its network, with the addresses it had."""
    podman("network", "connect", f"--ip={host.address}", f"--mac-address={host.mac}", host.network, host.container)


def wait(lab: Lab, host: Host) -> str:
    """Wait until ssh lets us in and systemd has come to an end: `running`, or `degraded` and why."""
    until = time.monotonic() + BOOT
    seen = "systemd has not begun"
    while time.monotonic() < until:
        code, out, err = _ask(lab, host)
        seen = (out or err).strip()
        if code == 0:
            return seen
        if seen == "degraded":
            return f"degraded by {', '.join(_failed(lab, host))}"
        time.sleep(0.2)
    raise LabError(f"{host.container} did not come up: {seen}\n{podman('logs', '--tail', '5', host.container)}")


def state(lab: Lab, host: Host) -> str:
    """What systemd reports of the whole host, asked by ssh; or why it could not be asked."""
    code, out, err = _ask(lab, host)
    return out.strip() or f"unreachable: {err.strip().splitlines()[-1] if err.strip() else code}"


def remove(containers: list[str]) -> None:
    """Remove hosts, and their disks."""
    if containers:
        podman("rm", "--force", "--volumes", "--time=5", *containers, timeout=180)


def _ask(lab: Lab, host: Host) -> tuple[int, str, str]:
    return _over_ssh(lab, host, "systemctl", "is-system-running")


def _failed(lab: Lab, host: Host) -> list[str]:
    """The units that failed."""
    lines = _over_ssh(lab, host, "systemctl", "--failed", "--no-legend", "--plain")[1].splitlines()
    return [line.split()[0] for line in lines if line.strip()]


def _over_ssh(lab: Lab, host: Host, *words: str) -> tuple[int, str, str]:
    return attempt([*keys.ssh(lab, host.name, "-o", "BatchMode=yes"), *words], timeout=10)
