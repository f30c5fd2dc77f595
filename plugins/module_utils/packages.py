"""Packages of Debian: which of them an installation would bring, and which of those may go again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from . import systemd
from .layout import Refused

ASKED, NEEDED = "asked", "needed"
APT_NEEDS = "python3-apt"
"""What Ansible installs by itself before it can install anything."""
SECONDS = 600.0
INTERRUPTED = "dpkg --configure -a"
"""What apt demands when dpkg was ended in the middle of something."""
APT = ["apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"]
NEW = re.compile(r"^Inst (\S+) \(", re.MULTILINE)
"""A package that is new: of one that is there the version follows, in brackets."""
GOING = re.compile(r"^(?:Remv|Purg) (\S+)", re.MULTILINE)


def installed(leftovers: bool = False) -> set[str]:
    """The packages that are installed, by name; with `leftovers` those that left configuration behind, too."""
    done = systemd.run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n"])
    rows = (line.split() for line in done.stdout.splitlines())
    absent = {"not-installed", *([] if leftovers else ["config-files"])}
    return {row[0] for row in rows if len(row) == 2 and row[1] not in absent}


def bare(name: str) -> str:
    """A package's name without version and architecture."""
    return re.split(r"[=:/]", name, maxsplit=1)[0]


def brought(names: Iterable[str], there: Collection[str]) -> dict[str, str] | None:
    """The packages that installing these would bring, and why each; none of them is installed yet.

    None when apt cannot tell, as with lists of packages that are old or not there.
    """
    missing = {name for name in (*names, APT_NEEDS) if bare(name) not in there}
    if not missing - {APT_NEEDS}:
        return {}
    done = systemd.run([*APT, "--simulate", "--no-install-recommends", "install", *sorted(missing)], SECONDS)
    if done.returncode:
        return None
    wished = {bare(name) for name in missing}
    return {name: ASKED if name in wished else NEEDED for name in map(bare, NEW.findall(done.stdout))}


def removable(recorded: Mapping[str, str], there: Collection[str], manual: Collection[str]) -> list[str]:
    """Those of the packages that SecLyzer brought that may go.

    Stays: what a person has asked for since, and what a package of another needs.
    """
    mine = {name for name, why in recorded.items() if name in there and not (why == NEEDED and name in manual)}
    if not mine or removed_with(mine) <= mine:
        return sorted(mine)
    return sorted(name for name in mine if removed_with([name]) <= mine)


def by_hand() -> set[str]:
    """The packages that apt takes for asked for by a person."""
    return {bare(name) for name in systemd.run(["apt-mark", "showmanual"]).stdout.split()}


def removed_with(names: Collection[str]) -> set[str]:
    """Everything that would go with these packages."""
    done = systemd.run([*APT, "--simulate", "purge", *sorted(names)], SECONDS)
    if done.returncode:
        raise Refused(f"apt cannot remove {', '.join(sorted(names))}: {systemd.last_line(done.stderr)}")
    return {bare(name) for name in GOING.findall(done.stdout)}


def purge(names: Collection[str]) -> None:
    """Removes packages with their configuration, and no other, once dpkg has completed what it was ended in."""
    words = ["env", "DEBIAN_FRONTEND=noninteractive", *APT, "purge", *sorted(names)]
    done = systemd.run(words, SECONDS)
    if done.returncode and INTERRUPTED in done.stderr:
        systemd.run(["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--configure", "-a"], SECONDS)
        done = systemd.run(words, SECONDS)
    if done.returncode:
        raise Refused(f"apt-get purge {' '.join(sorted(names))}: {systemd.last_line(done.stderr)}")
