"""Files of a host that SecLyzer leaves: what goes, and data, which are kept unless they are to go as well."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from . import existing, files, launcher
from .kinds import KINDS
from .layout import SOCKET_FOLDER, Layout

ROOT = Path("/")
"""Tests give another."""
CONFIGURATION = Path("etc/seclyzer")
OPERATOR_TOKEN = existing.TOKEN.relative_to(ROOT)
INFLUXDB_DATA = existing.INFLUXDB_STATE.parent.relative_to(ROOT)
BACKUPS = Path("var/backups/seclyzer-influxdb")
OF_INFLUXDB_UNITS = tuple(f"usr/local/lib/seclyzer-influxdb-{name}.py" for name in ("wal", "watch"))
"""Programs that units beside InfluxDB's run."""
COMPLETIONS = Path("usr/local/share/bash-completion/completions")
"""Where the completion of the command is."""
NOTED_PROGRAM = "/usr/local/bin/influxd"
"""Where the role puts InfluxDB's program when it is no package's."""
OF_INFLUXDB = (NOTED_PROGRAM, f"/{INFLUXDB_DATA}")
"""What the role influxdb writes down before it makes it."""
DEBRIS_OF, DEBRIS = "usr/sbin/nginx", ("/var/www/html/index.nginx-debian.html", "/var/www/html", "/var/www")
"""A program, and what its package leaves when it is removed, in the order in which it goes."""
GONE = (
    f"{CONFIGURATION}/credentials/redis-*",
    f"{CONFIGURATION}/credentials/influx-*",
    f"{CONFIGURATION}/credentials/agent-*",
    f"{CONFIGURATION}/redis",
    f"{CONFIGURATION}/gateway",
    f"{CONFIGURATION}/influx-ca.crt",
    "etc/redis/seclyzer.conf",
    "etc/redis/seclyzer.acl",
    "etc/apt/sources.list.d/seclyzer-influxdb.sources",
    *OF_INFLUXDB_UNITS,
    "usr/local/share/seclyzer-influxd.json",
    *(path for path, _ in launcher.FILES.values()),
    "var/lib/influxdb-watch",
    str(SOCKET_FOLDER.relative_to(ROOT)),
    "run/seclyzer-agent",
    "run/seclyzer-proof",
    "run/seclyzer-compare",
    "run/seclyzer-redis",
    "run/influxdb-gateway",
)
"""What is SecLyzer's by its name, below the root."""
OF_BASE = ("releases", "deployments", "current", "history.json", "trial*.json", "lease.json", ".*.part")
"""What a rollout has put below its own folder, but for the record of what was found, which goes last."""
TARGETS = ("multi-user", "sockets", "timers")
"""What our units start with."""
OF_STATE = (*KINDS, "bench", "watch", "forgotten.jsonl")


@dataclass(frozen=True)
class Kept:
    """Data that stay: where, how many files, how many bytes."""

    path: str
    files: int
    bytes: int


def gone(root: Path, layout: Layout, keeps_token: bool) -> list[Path]:
    """What goes in any case and is there. `keeps_token`: InfluxDB's data stay, and nothing opens them without it."""
    paths = [path for pattern in GONE for path in matching(root / pattern)]
    paths += [path for pattern in OF_BASE for path in matching(layout.base / pattern)]
    return [path for path in paths if not (keeps_token and path == root / OPERATOR_TOKEN)]


def matching(pattern: Path) -> list[Path]:
    """What is there by a pattern for the last part of a path, links that lead nowhere included."""
    try:
        names = os.listdir(pattern.parent)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [pattern.parent / name for name in sorted(names) if fnmatchcase(name, pattern.name)]


def data(root: Path, layout: Layout, recorded: Mapping[str, bool]) -> list[Path]:
    """Data of ours that are there; InfluxDB's only when the host had none before."""
    paths = [layout.state / name for name in OF_STATE] + [root / BACKUPS]
    if not recorded.get(f"/{INFLUXDB_DATA}", True):
        paths.append(root / INFLUXDB_DATA)
    return [path for path in paths if files.status(path)]


def count(path: Path) -> Kept:
    """What there is below a path, without following a link."""
    if path.is_symlink() or not path.is_dir():
        return Kept(str(path), 1, path.lstat().st_size)
    sizes = [os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names]
    return Kept(str(path), len(sizes), sum(sizes))


def exposed(paths: list[Path]) -> list[Path]:
    """Folders of data that belong to a user who is about to go: whoever gets that number next would own them."""
    return [path for path in paths if path.is_dir() and not path.is_symlink() and path.lstat().st_uid != 0]


def close(path: Path) -> None:
    """Makes a folder of data root's alone. systemd gives all in it to the unit's user when SecLyzer comes again."""
    files.make_folder(path, 0o700)


def delete(path: Path) -> None:
    """Deletes a file or a folder with all in it; a link itself, and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def debris(root: Path, recorded: Mapping[str, bool]) -> list[Path]:
    """What packages leave when they are removed, as far as the host had it not before."""
    paths = [root / path.lstrip("/") for path in DEBRIS if recorded.get(path) is False]
    return [path for path in paths if files.status(path)]


def sweep(root: Path, paths: list[Path]) -> None:
    """Deletes what packages have left, unless the program is still there: then another needs it. Folders when empty."""
    if (root / DEBRIS_OF).exists():
        return
    for path in paths:
        if not path.is_dir():
            path.unlink(missing_ok=True)
        elif not any(path.iterdir()):
            path.rmdir()


def of_others(root: Path, layout: Layout, units: Iterable[str]) -> list[Path]:
    """Folders of the system that may be empty without us, deeper ones first. `units`: what had drop-ins of ours."""
    completions = root / COMPLETIONS
    links = [layout.units / f"{target}.target.wants" for target in TARGETS]
    return [completions, completions.parent, *links, *(layout.units / f"{unit}.d" for unit in units)]


def of_ours(root: Path, layout: Layout) -> list[Path]:
    """Our own folders that may hold what is not ours, deeper ones first."""
    credentials = root / CONFIGURATION / "credentials"
    return [credentials, credentials.parent, layout.state, layout.base]


def empty(folders: Iterable[Path], but: Sequence[Path] = ()) -> list[Path]:
    """Those that hold nothing, or nothing but a file that goes with them."""
    return [folder for folder in folders if folder.is_dir() and {*folder.iterdir()} <= {*but}]


def tidy(folders: Iterable[Path], but: Sequence[Path] = ()) -> None:
    """Removes folders that are empty by now. One that holds anything else stays."""
    for folder in folders:
        if empty([folder], but):
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
