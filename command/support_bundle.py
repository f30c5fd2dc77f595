"""`seclyzer support-bundle`: logs, states and settings in one file, without secrets, typed text or applications."""

from __future__ import annotations

import argparse
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plugins.module_utils import deploying, systemd
from plugins.module_utils.existing import MARKS
from plugins.module_utils.history import History
from plugins.module_utils.layout import Refused

from . import asking, doctor, status
from .diagnosis import diagnose
from .exits import UNKNOWN, WELL, Stop
from .host import Host
from .logs import PASSING, UNITS
from .probes.redis import ADMIN, password
from .screen import Screen
from .scrubbing import Scrubber, of_host

HELP = "logs, states and settings in one file for support, without secrets, typed text or application names"
ABOUT = """Writes seclyzer-support-HOST-TIME.tar.gz, for you alone (0600), and lists what is in it. Left out:
streams, features, points, spools and saved states. Taken out of the rest: every secret that this host holds,
whatever looks like one, the names of applications, and user_id. Read it before you send it: it has names of
hosts and units, addresses, times and sizes."""
SINCE = "-2d"
LINES = 5000
COMMANDS = {
    "systemctl.txt": ["systemctl", "status", "--no-pager", "--lines=0", "seclyzer-*", "redis-server*", "influxdb*"],
    "delta.txt": ["systemd-delta", "--no-pager", "--type=extended,overridden"],
    "disk.txt": ["df", "-h"],
    "inodes.txt": ["df", "-i"],
    "sockets.txt": ["ss", "-lnptx"],
    "memory.txt": ["free", "-m"],
    "clock.txt": ["timedatectl", "status"],
    "kernel.txt": ["uname", "-a"],
}
"""What is run; none of them shows what a person does."""


@dataclass(frozen=True)
class Member:
    """A file of the bundle: its name in it, what it is, and its text."""

    name: str
    about: str
    text: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: this folder)")
    parser.add_argument(
        "--since", default=SINCE, metavar="TIME", help="of the journal, as journalctl reads it (%(default)s)"
    )


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command."""
    host.require()
    host.require_root("support-bundle")
    name = f"seclyzer-support-{host.name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    out: Path = options.output or Path(f"{name}.tar.gz")
    clean = scrubber(host)
    members = [Member(one.name, one.about, clean.text(one.text)) for one in gathered(host, options.since)]
    try:
        size = write(out, name, members)
    except OSError as fault:
        raise Stop(f"{out} cannot be written: {fault.strerror}", UNKNOWN) from None
    screen.document({"file": str(out), "bytes": size, "members": [{"name": m.name, "about": m.about} for m in members]})
    screen.rows([(member.name, f"{len(member.text.encode())} B", member.about) for member in members])
    screen.line(f"{out}: {size >> 10} KiB, readable by root alone; read it before you send it")
    return WELL


def scrubber(host: Host) -> Scrubber:
    """By what this host holds."""
    try:
        admin = password(ADMIN) if host.is_edge else ""
    except Refused:
        admin = ""
    return of_host(host.redis_socket, admin)


def gathered(host: Host, since: str) -> Iterator[Member]:
    """What goes in. What cannot be had is named in its place: a bundle of a broken host is the one that is needed."""
    yield Member("doctor.json", "what is wrong", _json(lambda: doctor.document(diagnose(host), host)))
    yield Member("agent.json", "the agent's report", _json(lambda: dict(asking.ask(host))))
    yield Member("history.json", "deployments and runs", _json(lambda: _history(host)))
    yield Member("extractors.json", "counters and times of the extractors", _json(lambda: _extractors(host)))
    for folder in ("config", "units"):
        for path in sorted((host.layout.current / folder).glob("*")):
            yield Member(f"deployment/{folder}/{path.name}", "as it was deployed", _file(path))
    for path in (Path("/etc/os-release"), Path("/etc/seclyzer/redis/redis.conf")):
        if path.exists():
            yield Member(f"host/{path.name}", "of the host", _file(path))
    for name, words in COMMANDS.items():
        yield Member(f"host/{name}", " ".join(words), _output(words))
    for name, units in UNITS.items():
        if there := [unit for unit in units if name in PASSING or _is_there(host, unit)]:
            words = ["journalctl", "--no-pager", "--output=short-iso", f"--lines={LINES}", f"--since={since}"]
            words += [f"--unit={unit}" for unit in there]
            yield Member(f"logs/{name}.txt", f"journal since {since} of {', '.join(there)}", _output(words))


def _is_there(host: Host, unit: str) -> bool:
    """Whether a unit is SecLyzer's here. Those that run once and end are none that have to run, but have files."""
    return unit in host.units or (unit in MARKS and (host.layout.units / unit).exists())


def _history(host: Host) -> dict[str, object]:
    history = History.load(host.layout)
    return deploying.known(host.layout, history) | {"events": history.events}


def _extractors(host: Host) -> dict[str, object]:
    found, words = status.extractors(host)
    return {kind: dict(stats.numbers) | status.flow(stats, time.time()) for kind, stats in found.items()} | {"": words}


def _json(make: Callable[[], dict[str, object]]) -> str:
    try:
        return json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
    except (asking.Silent, Refused, OSError) as fault:
        return json.dumps({"not known": str(fault)}) + "\n"


def _file(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as fault:
        return f"cannot be read: {fault.strerror}\n"


def _output(words: list[str]) -> str:
    try:
        done = systemd.run(words, 60)
    except Refused as fault:
        return f"{fault}\n"
    return done.stdout + done.stderr


def write(out: Path, folder: str, members: list[Member]) -> int:
    """Writes the bundle, which must not exist yet and which no other user may read at any moment; its size."""
    listing = "".join(f"{member.name}  {member.about}\n" for member in members)
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for member in (Member("CONTENTS.txt", "what is in it", listing), *members):
            data = member.text.encode(errors="replace")
            about = tarfile.TarInfo(f"{folder}/{member.name}")
            about.size, about.mode, about.mtime = len(data), 0o600, int(time.time())
            packed.addfile(about, io.BytesIO(data))
    return out.stat().st_size
