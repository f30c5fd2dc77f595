"""Cases that stand once, as data, and that every implementation is held to."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file of this folder."""
    found: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    return found
