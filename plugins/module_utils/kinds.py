"""The kinds of extractor, for modules, which run on hosts and reach no file of the checkout.

A test holds these tables equal to those of extractors/schema.
"""

from __future__ import annotations

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
"""Each kind's program, in both implementations."""

MEASUREMENTS = {"keystroke": "keystroke_features", "mouse": "mouse_features", "app": "app_transitions"}
"""Each kind's measurement in InfluxDB."""

KINDS = tuple(PROGRAMS)

SERVICES = tuple(f"seclyzer-{kind}.service" for kind in KINDS)
"""Each kind's unit."""
