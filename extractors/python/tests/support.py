"""What the tests share: messages as producers send them, and the programs run as people run them."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from seclyzer_extractors import config
from seclyzer_extractors.core import Operator, Row
from seclyzer_extractors.counters import Counters
from seclyzer_extractors.replay import replay

START = 1_700_000_000_000_001  # a multiple of 5 s plus 1 µs
SECOND = 1_000_000
PACKAGE_ROOT = Path(__file__).parent.parent


def message(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def key(ts: int, name: str = "KeyA", event: str = "press", **more: Any) -> bytes:
    return message(type="keystroke", ts=ts, key=name, event=event, **more)


def move(ts: int, x: float = 0.0, y: float = 0.0) -> bytes:
    return message(type="mouse", ts=ts, event="move", x=x, y=y)


def focus(ts: int, app: str, **more: Any) -> bytes:
    return message(type="app", ts=ts, app_name=app, **more)


def typed(first: int, count: int, step: int = 100_000) -> list[bytes]:
    """Presses and releases in turn, `step` µs apart."""
    names = "ABCDEFGH"
    return [
        key(first + i * step, f"Key{names[i // 2 % len(names)]}", "release" if i % 2 else "press") for i in range(count)
    ]


def fed(core: Operator[Any], line: bytes, clock: int = 0, host_time: int | None = None) -> list[Row]:
    """The rows of one message."""
    return [row for rows in core.messages([line], clock, host_time) for row in rows]


def replayed(kind: str, lines: list[bytes], **values: Any) -> tuple[list[dict[str, Any]], Counters]:
    """The objects that a replay writes, and its counters."""
    out = io.StringIO()
    counters = replay(kind, config.settings(kind, **values), lines, out)
    return [json.loads(line) for line in out.getvalue().splitlines()], counters


def command(kind: str, *arguments: str) -> list[str]:
    """The command line of a program, as the console script starts it."""
    start = f"import sys; from seclyzer_extractors.cli import main; sys.exit(main({kind!r}, sys.argv[1:]))"
    return [sys.executable, "-c", start, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Only what a program needs, so that the tester's own variables do not count."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE_ROOT), "SECLYZER_HOST": "here", **more}


def run(
    kind: str, *arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(kind, *arguments), input=stdin, env=env or environment(), capture_output=True, timeout=30
    )


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file of tests/cases, which every implementation is held to."""
    path = Path(__file__).resolve().parents[3] / "tests" / "cases" / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found
