"""What scenarios leave in build/ for a page of docs/: rows as JSON, one file for each thing that was tried."""

import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hostchecks.lab import VERSION

Row = dict[str, Any]


def leave(folder: Path, title: str, rows: Sequence[Row]) -> list[Row]:
    """Writes the rows of one thing that was tried over those of before; all rows that are there, oldest first."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=2) + "\n")
    return left(folder)


def left(folder: Path) -> list[Row]:
    """All rows that are there, oldest first."""
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    return [row for file in files for row in json.loads(file.read_text())]


def about() -> str:
    """When rows are seen, and on what."""
    day, load = time.strftime("%Y-%m-%d"), os.getloadavg()[1]
    return f"Seen on {day}, with version {VERSION}, on {os.cpu_count()} cores with a load of {load:.0f}."


def printed(title: str, text: str) -> str:
    """What was on the screen, below a heading."""
    shown = title if title.startswith("rollback.yml") else f"{title[:1].upper()}{title[1:]}"
    return f"\n### {shown}\n\n```text\n{text.strip()}\n```\n"
