"""The files of the command `seclyzer` that belong to no deployment: they run that of the release that runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from .files import sha256

FILES = {
    "launcher.py": ("usr/local/bin/seclyzer", 0o755),
    "completion.bash": ("usr/local/share/bash-completion/completions/seclyzer", 0o644),
}
"""Of each file in roles/seclyzer_release/files, where it is installed below the root, and its mode."""


def installed(root: Path = Path("/")) -> dict[str, str]:
    """The hash of each file that is installed as root's, with its mode. One that is not so is left out."""
    return {name: sha256(root / path) for name, (path, mode) in FILES.items() if _is_plain(root / path, mode)}


def is_current(found: Mapping[str, str], source: Path) -> bool:
    """Whether a host has the files of this folder."""
    return found == {name: sha256(source / name) for name in FILES}


def _is_plain(path: Path, mode: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    owned = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == mode and owned
