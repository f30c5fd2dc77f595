"""The hosts a bundle serves. What a release of Debian brings stands here once."""

from dataclasses import dataclass

from plugins.module_utils import kinds

ARCHITECTURE = "x86_64"
ELF_MACHINE = 62
PLATFORM = "x86_64-manylinux_2_28"
GLIBC = (2, 36)
"""The oldest C library among the hosts: Debian 12's."""

PROGRAMS = tuple(kinds.PROGRAMS.values())


@dataclass(frozen=True)
class Target:
    """One release of Debian, as far as Python is concerned."""

    debian: str
    codename: str
    python: str

    @property
    def minor(self) -> str:
        """`3.11`"""
        return ".".join(self.python.split(".")[:2])

    @property
    def name(self) -> str:
        """`python3.11`: the archive's name, and that of the interpreter."""
        return f"python{self.minor}"


TARGETS = (Target("12", "bookworm", "3.11.2"), Target("13", "trixie", "3.13.5"))
