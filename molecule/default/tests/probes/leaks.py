"""Looks for the values of secrets where other users, or the next backup, could read them.

Reports where, never what. For the time of the search there is a decoy for each kind of place: a service with one in its
arguments, one in its environment and one in its unit; a line in the journal; a world-readable file. A search that does
not find its own looked nowhere.
"""

import base64
import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CREDENTIALS = Path("/etc/seclyzer/credentials")
KEYS = [Path("/etc/seclyzer-pki/influxdb.key")]
READABLE = ["/etc", "/opt", "/var", "/run", "/home", "/root", "/tmp", "/srv", "/usr/local"]
BIGGEST = 32 << 20
UNITS = ["seclyzer-*", "redis-server*", "influxdb*"]
DECOY_UNIT = "seclyzer-decoy.service"  # one of UNITS
DECOY_FILE = Path("/etc/.hostchecks-decoy")

Needles = dict[str, bytes]


def main() -> dict[str, list[str]]:
    """Places by kind (argv, environment, units, journal, files), each `<name of the secret> in <place>`.

    `searched` says how much was looked through: `<kind> <number>`; `secrets` names what was looked for;
    `decoys` the kinds in which the decoy of that kind was found.
    """
    decoys = {kind: secrets.token_hex(16).encode() for kind in SEARCHES}
    needles = _needles()
    places: dict[str, list[str]] = {}
    searched: list[str] = []
    found_decoys: list[str] = []
    with _planted(decoys):
        for kind, texts in SEARCHES.items():
            number = 0
            places[kind] = []
            for place, text in texts():
                number += 1
                places[kind] += [f"{name} in {place}" for name, value in needles.items() if value in text]
                if decoys[kind] in text and kind not in found_decoys:
                    found_decoys.append(kind)
            searched.append(f"{kind} {number}")
    return places | {"searched": searched, "secrets": sorted(needles), "decoys": found_decoys}


@contextmanager
def _planted(decoys: Needles) -> Iterator[None]:
    """The decoys stand where they belong."""
    word = {kind: value.decode() for kind, value in decoys.items()}
    sleep = [sys.executable, "-c", "import time; time.sleep(600)", word["argv"]]
    reported = ["--description=Stands for a leak", f"--property=Documentation=man:{word['units']}"]
    start = ["systemd-run", "--quiet", "--collect", f"--unit={DECOY_UNIT}", *reported]
    subprocess.run([*start, f"--setenv=DECOY={word['environment']}", *sleep], check=True)
    DECOY_FILE.write_text(word["files"])
    DECOY_FILE.chmod(0o644)
    subprocess.run(["systemd-cat", "-t", "decoy"], input=decoys["journal"], check=True)
    try:
        time.sleep(0.3)
        subprocess.run(["journalctl", "--sync"], check=False, stderr=subprocess.DEVNULL)
        yield
    finally:
        subprocess.run(["systemctl", "stop", DECOY_UNIT], check=False)
        DECOY_FILE.unlink()


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
            # What no other user may enter, no other user can read in.
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


SEARCHES = {
    "argv": lambda: _processes("cmdline"),
    "environment": lambda: _processes("environ"),
    "units": _units,
    "journal": _journal,
    "files": _files,
}
