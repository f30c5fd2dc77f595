"""The kinds of extractors, from `schema/kinds.json`."""

from __future__ import annotations

import json
from pathlib import Path

_KINDS = json.loads((Path(__file__).parent / "schema" / "kinds.json").read_text(encoding="utf-8"))["kinds"]
KINDS: tuple[str, ...] = tuple(kind["name"] for kind in _KINDS)
UNITS: dict[str, str] = {kind["name"]: f"{kind['unit']}.service" for kind in _KINDS}
"""The systemd unit of each kind."""
