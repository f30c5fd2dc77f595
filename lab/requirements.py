"""What the machine must have, looked at before anything is begun."""

import os
import shutil
from pathlib import Path

from lab import paths
from lab.say import LabError

PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "iptables": "iptables",
    "openssl": "openssl",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
SPACE = 6 * 2**30


def check(space: bool = True) -> None:
    """Raise a LabError that names everything missing and what to type."""
    wrong = _root() + _packages() + (_space() if space else [])
    if wrong:
        raise LabError("this machine cannot hold the lab yet:\n" + "\n".join(f"  - {line}" for line in wrong))


def _root() -> list[str]:
    return [] if os.geteuid() == 0 else ["not root: systemd hosts need it; type `sudo python3 -m lab …`"]


def _packages() -> list[str]:
    missing = sorted({package for program, package in PACKAGES.items() if not _there(program)})
    if not missing:
        return []
    return [f"missing {', '.join(missing)}: type `apt-get install --no-install-recommends {' '.join(missing)}`"]


def _there(program: str) -> bool:
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return shutil.which(program, path=path) is not None


def _space() -> list[str]:
    places = {_existing(place) for place in (paths.cache(), Path("/var/lib/containers"), Path("/var/tmp"))}
    return [
        f"{shutil.disk_usage(place).free / 2**30:.1f} GiB free at {place}, the lab wants {SPACE >> 30}: "
        "make room, or put the cache elsewhere by SECLYZER_CACHE"
        for place in sorted(places)
        if shutil.disk_usage(place).free < SPACE
    ]


def _existing(place: Path) -> Path:
    while not place.exists():
        place = place.parent
    return place
