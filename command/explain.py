"""`seclyzer test-events --explain FILE`: what the extractors would do with each event of a file, by their own code.

The Python release of this host judges, in its own environment (`seclyzer_extractors.explain`); nothing is sent.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

from .exits import DEGRADED, UNKNOWN, WELL, Stop
from .host import Host
from .screen import Screen

JUDGE = "import sys; from seclyzer_extractors.explain import main; sys.exit(main())"
USED = ("accepted", "behind")
"""Verdicts of events that are in an output."""


def run(name: str, screen: Screen, host: Host) -> int:
    """The command; 0 when every event is taken, 1 when one is not."""
    host.require()
    verdicts = judged(name, host.tree / "venv" / "bin" / "python")
    counts = Counter(str(one["verdict"]) for one in verdicts)
    screen.document({"events": len(verdicts), "counts": counts, "verdicts": verdicts})
    for one in verdicts:
        kind, verdict, why = (str(one.get(key) or "") for key in ("type", "verdict", "why"))
        colour = "pass" if verdict in USED else "dim" if verdict == "ignored" else "fail"
        screen.line(f"{one['line']:>6}  {kind:<9} {screen.paint(f'{verdict:<9}', colour)} {why}".rstrip())
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    screen.line(f"{len(verdicts)} events: {summary or 'none'}")
    return WELL if all(one["verdict"] in (*USED, "ignored") for one in verdicts) else DEGRADED


def judged(name: str, python: Path) -> list[dict[str, object]]:
    """The verdicts. Raises Stop when the file or the release cannot be read."""
    try:
        data = Path("/dev/stdin" if name == "-" else name).read_bytes()
    except OSError as fault:
        raise Stop(f"{name}: {fault.strerror}", UNKNOWN) from None
    try:
        done = subprocess.run([python, "-IB", "-c", JUDGE], input=data, capture_output=True, check=False)
    except OSError as fault:
        raise Stop(f"the release of this host cannot judge it: {python}: {fault.strerror}", UNKNOWN) from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise Stop(f"the release of this host cannot judge it: {' '.join(words)}", UNKNOWN)
    return [json.loads(line) for line in done.stdout.splitlines()]
