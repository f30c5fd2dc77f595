"""`seclyzer test-events --explain FILE`: what the extractors would do with each event of a file, by their own code.

The Python release of this host judges, in its own environment (`seclyzer_extractors.explain`); nothing is sent. It has
the settings of this host's extractors where there are any that this user may read, else the defaults.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from plugins.module_utils.kinds import KINDS

from .exits import DEGRADED, UNKNOWN, WELL, Stop
from .host import Host
from .screen import Screen

JUDGE = "import sys; from seclyzer_extractors.explain import main; sys.exit(main())"
"""What is run, with the configuration files of the host by kind."""
USED = ("accepted", "behind")
"""Verdicts of events that are in an output."""


def run(name: str, screen: Screen, host: Host) -> int:
    """The command; 0 when every event is taken, 1 when one is not."""
    host.require()
    files = settings(host)
    verdicts = judged(name, host.tree / "venv" / "bin" / "python", files)
    counts = Counter(str(one["verdict"]) for one in verdicts)
    screen.document({"events": len(verdicts), "counts": counts, "settings": files, "verdicts": verdicts})
    for one in verdicts:
        kind, verdict, why = (str(one.get(key) or "") for key in ("type", "verdict", "why"))
        colour = "pass" if verdict in USED else "dim" if verdict == "ignored" else "fail"
        screen.line(f"{one['line']:>6}  {kind:<9} {screen.paint(f'{verdict:<9}', colour)} {why}".rstrip())
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    screen.line(f"{len(verdicts)} events: {summary or 'none'}")
    unknown = [kind for kind in KINDS if kind not in files]
    why = "" if host.is_root or not host.is_edge else f"; sudo seclyzer test-events --explain {name} reads this host's"
    if unknown:
        screen.sentence(f"note: default settings of {', '.join(unknown)}{why}", "")
    return WELL if all(one["verdict"] in (*USED, "ignored") for one in verdicts) else DEGRADED


def settings(host: Host) -> dict[str, str]:
    """The configuration files of this host's extractors, by kind; none of those that this user may not read."""
    found = {kind: str(host.layout.current / "config" / f"{kind}.yaml") for kind in KINDS}
    return {kind: path for kind, path in found.items() if os.access(path, os.R_OK)}


def judged(name: str, python: Path, files: Mapping[str, str]) -> list[dict[str, object]]:
    """The verdicts. Raises Stop when the file or the release cannot be read."""
    try:
        data = Path("/dev/stdin" if name == "-" else name).read_bytes()
    except OSError as fault:
        raise Stop(f"{name}: {fault.strerror}", UNKNOWN) from None
    try:
        words = [str(python), "-IB", "-c", JUDGE, json.dumps(files)]
        done = subprocess.run(words, input=data, capture_output=True, check=False)
    except OSError as fault:
        raise Stop(f"the release of this host cannot judge it: {python}: {fault.strerror}", UNKNOWN) from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Stop(f"the release of this host cannot judge it: {' '.join(last)}", UNKNOWN)
    return [json.loads(line) for line in done.stdout.splitlines()]
