"""What lies in the extractors' spools, by name and rights; never what is in them."""

import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

KINDS = ["keystroke", "mouse", "app"]
STATE = Path("/var/lib/seclyzer")


def main() -> dict[str, dict[str, Any]]:
    """By kind: {"folder": [owner, mode] or none, "files": {name: [owner, mode, bytes]}}."""
    return {kind: _spool(STATE / kind / "spool") for kind in KINDS}


def _spool(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        return {"folder": None, "files": {}}
    files = {}
    for path in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):  # it has just been sent
            files[path.name] = [*_rights(path), path.stat().st_size]
    return {"folder": _rights(folder), "files": files}


def _rights(path: Path) -> list[str]:
    found = path.lstat()
    return [pwd.getpwuid(found.st_uid).pw_name, f"{stat.S_IMODE(found.st_mode):o}"]
