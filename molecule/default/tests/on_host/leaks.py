"""Looks for the values of secrets where other users, or the next backup, could read them.

Reports where, never what. A decoy is planted for the time of the search, in a process' environment and arguments and
in a world-readable file: a search that does not find it looked nowhere.
"""

import base64
import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CREDENTIALS = Path("/etc/seclyzer/credentials")
KEYS = [Path("/etc/seclyzer-pki/influxdb.key")]
READABLE = ["/etc", "/opt", "/var", "/run", "/home", "/root", "/tmp", "/srv", "/usr/local"]
BIGGEST = 32 << 20
UNITS = ["seclyzer-*", "redis-server*", "influxdb*"]

Needles = dict[str, bytes]


def main() -> dict[str, list[str]]:
    """Places by kind (argv, environment, units, journal, files), each `<name of the secret> in <place>`.

    `searched` says how much was looked through: `<kind> <number>`; `secrets` names what was looked for;
    `decoys` the kinds in which the decoy was found.
    """
    decoy = secrets.token_hex(16)
    needles = _needles() | {"decoy": decoy.encode()}
    planted = Path("/etc/.witness-decoy")
    planted.write_text(decoy)
    planted.chmod(0o644)
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", decoy], env={"DECOY": decoy}, stdin=subprocess.DEVNULL
    )
    subprocess.run(["systemd-cat", "-t", "witness"], input=decoy.encode(), check=True)
    try:
        time.sleep(0.3)
        subprocess.run(["journalctl", "--sync"], check=False, stderr=subprocess.DEVNULL)
        places: dict[str, list[str]] = {}
        searched: list[str] = []
        for kind, texts in (
            ("argv", _processes("cmdline")),
            ("environment", _processes("environ")),
            ("units", _units()),
            ("journal", _journal()),
            ("files", _files()),
        ):
            number = 0
            found = []
            for place, text in texts:
                number += 1
                found += [f"{name} in {place}" for name, value in needles.items() if value in text]
            places[kind] = [where for where in found if not where.startswith("decoy ")]
            searched.append(f"{kind} {number}")
            if len(found) != len(places[kind]):
                places.setdefault("decoys", []).append(kind)
    finally:
        child.kill()
        child.wait()
        planted.unlink()
    return places | {"searched": searched, "secrets": sorted(needles)}


def _needles() -> Needles:
    plain = {file.name: file.read_bytes().strip() for file in sorted(CREDENTIALS.iterdir())}
    plain |= {file.name: file.read_bytes().splitlines()[1] for file in KEYS if file.exists()}  # a line of its base64
    short = [name for name, value in plain.items() if len(value) < 16]
    if short:
        raise ValueError(f"too short to be a secret: {', '.join(short)}")
    found: Needles = {}
    for name, value in plain.items():
        found[name] = value
        found[f"{name} in base64"] = base64.b64encode(value)[:-4]  # the end depends on what follows
        found[f"{name} in hex"] = value.hex().encode()
    return found


def _processes(file: str) -> Iterator[tuple[str, bytes]]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                name = (process / "comm").read_text().strip()
                yield f"/proc/{process.name}/{file} ({name})", (process / file).read_bytes()
            except OSError:
                continue  # it has ended


def _units() -> Iterator[tuple[str, bytes]]:
    names = subprocess.run(
        ["systemctl", "list-units", "--all", "--plain", "--no-legend", *UNITS], capture_output=True, check=True
    ).stdout.decode()
    for unit in (line.split()[0] for line in names.splitlines()):
        for words in (["cat", unit], ["show", "--all", unit]):
            text = subprocess.run(["systemctl", "--no-pager", *words], capture_output=True, check=False).stdout
            yield f"systemctl {' '.join(words)}", text


def _journal() -> Iterator[tuple[str, bytes]]:
    words = ["journalctl", "--no-pager", "--all", "--output=export"]
    text = subprocess.run(words, capture_output=True, check=True).stdout
    for entry in text.split(b"\n\n"):
        who = next((line for line in entry.splitlines() if line.startswith(b"SYSLOG_IDENTIFIER=")), b"?")
        yield f"the journal, {who.decode(errors='replace')}", entry


def _files() -> Iterator[tuple[str, bytes]]:
    for top in (top for top in READABLE if _others(Path(top), stat.S_IXOTH)):
        for folder, folders, files in os.walk(top):
            # What nobody else may enter, nobody else can read in.
            folders[:] = [name for name in folders if _others(Path(folder) / name, stat.S_IXOTH)]
            for name in files:
                path = Path(folder) / name
                if _others(path, stat.S_IROTH) and path.is_file() and path.stat().st_size <= BIGGEST:
                    yield str(path), path.read_bytes()


def _others(path: Path, may: int) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & may)
