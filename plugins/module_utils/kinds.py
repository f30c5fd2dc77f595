"""The kinds of extractor, for modules, which run on hosts and reach no file of the checkout.

A test holds this table equal to extractors/schema/kinds.json.
"""

from __future__ import annotations

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
"""Each kind's program, in both implementations."""

KINDS = tuple(PROGRAMS)

SERVICES = tuple(f"seclyzer-{kind}.service" for kind in KINDS)
"""Each kind's unit."""
