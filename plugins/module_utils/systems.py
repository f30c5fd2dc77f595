"""Which file of a role has what depends on the operating system, as playbooks/tasks/os_vars.yml looks for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FACTS = ("distribution", "distribution_major_version", "os_family")
"""What of Ansible's facts decides."""


OLDEST_PYTHON = (3, 11)
"""What everything of ours in Python needs, on hosts, too."""


def too_old(python: str) -> bool:
    """Whether a Python, by the name of its program, is older than that; none at all is not."""
    minor = re.fullmatch(r"python3\.(\d+)", python)
    return minor is not None and (3, int(minor[1])) < OLDEST_PYTHON


def old_python(system: str, python: str) -> str:
    """A sentence that refuses a host with such a Python."""
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return f"it runs {system}, whose /usr/bin/python3 is {python}, and {oldest} or later is needed: upgrade the system"


def stem(name: str) -> str:
    """A distribution's or family's name in that of a file: `Linux Mint` is `linuxmint`."""
    return re.sub("[^a-z0-9]", "", name.lower())


def of_release(about: Mapping[str, Any]) -> dict[str, str]:
    """The facts by a host's /etc/os-release, as Ansible would read them; empty when it takes more to know them.

    `about` has `distribution` (ID) and `distribution_version` (VERSION_ID).
    """
    name, version = about["distribution"], about["distribution_version"]
    if name not in FAMILY_OF_DEBIAN or not version:
        return {}
    return dict(zip(FACTS, (name.capitalize(), version.partition(".")[0], "Debian"), strict=True))


FAMILY_OF_DEBIAN = ("debian", "ubuntu")
"""Distributions whose /etc/os-release says all that decides."""


def candidates(facts: Mapping[str, Any]) -> list[str]:
    """The names that the file may have, the most exact first."""
    name = stem(facts["distribution"])
    return [f"{name}_{facts['distribution_major_version']}.yml", f"{name}.yml", f"{stem(facts['os_family'])}.yml"]


def files(roles: Path) -> dict[str, dict[str, Path]]:
    """By role, the files for operating systems by their names; roles without any are left out."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(roles.glob("*/vars/*.yml")):
        if path.name != "main.yml":
            found.setdefault(path.parent.parent.name, {})[path.name] = path
    return found


def faults(roles: Path, facts: Mapping[str, Any]) -> list[str]:
    """A sentence that names the files to write, when the roles have none for a host."""
    names = candidates(facts)
    missing = [role for role, of_role in files(roles).items() if not any(name in of_role for name in names)]
    if not missing:
        return []
    runs = f"{facts['distribution']} {facts['distribution_major_version']}"
    paths = ", ".join(f"roles/{role}/vars/{names[-1]}" for role in missing)
    return [
        f"it runs {runs}, whose packages and paths no file has: write {paths}, with the keys of debian.yml beside it"
    ]
