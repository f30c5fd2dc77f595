"""Windows as they should be: a replay of the same events on the controller, and what `equal` means."""

import json
import math
import subprocess
from typing import Any

from hostchecks.lab import ROOT

Window = dict[str, Any]

KINDS = ["keystroke", "mouse", "app"]
PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
BUILDS = {"rust": ROOT / "build" / "rust", "python": ROOT / "build" / "python" / "bin"}
# Who computed it: what must differ between a replay of the one and a service of the other.
ORIGIN = ["implementation", "version"]


def replay(implementation: str, kind: str, events: list[str]) -> list[Window]:
    """What that build of the extractor makes of these events (JSON texts), without the closing patterns."""
    done = subprocess.run(
        [BUILDS[implementation] / PROGRAMS[kind], "--replay", "-"],
        input="".join(event + "\n" for event in events),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    windows = [json.loads(line) for line in done.stdout.splitlines()]
    return [window for window in windows if window["type"] != "app_patterns"]


def differences(found: Window, expected: Window) -> list[str]:
    """In which features two windows differ, in words; names, order and counts exactly, numbers to 1e-9."""
    if list(found) != list(expected):
        return [f"names or order: {sorted(set(found) ^ set(expected)) or 'order'}"]
    return [
        f"{name}: {found[name]!r}, not {expected[name]!r}"
        for name in expected
        if name not in ORIGIN and not same(found[name], expected[name])
    ]


def same(found: Any, expected: Any) -> bool:
    """Equal in type and value; floats to 1e-9 relative, 1e-12 absolute near zero."""
    if isinstance(expected, float) and isinstance(found, (int, float)) and not isinstance(found, bool):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-12)
    return type(found) is type(expected) and bool(found == expected)
