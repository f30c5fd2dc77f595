"""The hosts a bundle serves: the releases that the role seclyzer_release has, in its files of operating systems."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from plugins.module_utils import kinds, systems

GLIBC = "2.28"
"""What the wheels need of a host. The programs have their C library with them."""

PROGRAMS = tuple(kinds.PROGRAMS.values())


@dataclass(frozen=True)
class Architecture:
    """What hosts run on: as `uname -m` names it, as ELF does, and as wheels do."""

    name: str
    elf: int
    platform: str


ARCHITECTURES = {
    one.name: one
    for one in (
        Architecture("x86_64", 62, f"x86_64-manylinux_{GLIBC.replace('.', '_')}"),
        Architecture("aarch64", 183, f"aarch64-manylinux_{GLIBC.replace('.', '_')}"),
    )
}
NATIVE = "x86_64"
"""What `make bundle` builds for, into build/bundle; for the others `make bundle-aarch64`, into build/bundle-aarch64."""


@dataclass(frozen=True)
class Target:
    """One release of a distribution, as far as Python is concerned.

    An untested one has no image of the lab, and so no Python that could write its bytecode.
    """

    distribution: str
    version: str
    codename: str
    python: str
    untested: bool = False

    @property
    def minor(self) -> str:
        """`3.11`"""
        return ".".join(self.python.split(".")[:2])

    @property
    def name(self) -> str:
        """`python3.11`: the archive's name, and that of the interpreter."""
        return f"python{self.minor}"


def read(paths: Iterable[Path]) -> tuple[Target, ...]:
    """The releases in files `<distribution>.yml` or `<distribution>_<major version>.yml`."""
    return tuple(
        Target(path.stem.partition("_")[0], version, **release)
        for path in paths
        for version, release in yaml.safe_load(path.read_text())["__seclyzer_release_os"]["releases"].items()
    )


def trees(targets: Iterable[Target]) -> tuple[Target, ...]:
    """One target for each Python, since bytecode goes by the minor version; a tested one where there is one."""
    found: dict[str, Target] = {}
    for target in targets:
        if target.name not in found or found[target.name].untested:
            found[target.name] = target
    return tuple(found.values())


FILES = tuple(systems.files(Path(__file__).resolve().parents[2] / "roles")["seclyzer_release"].values())
TARGETS = read(FILES)
