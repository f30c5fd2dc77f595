"""The unit in which a comparison runs on a host, and how its result is waited for.

The unit is transient and bounded in time. The shadows are bound to it, so that systemd ends them with it, whatever ends
it. Plan and result are in memory, for root.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import judge_unit, sandbox, systemd
from .files import make_folder, read
from .layout import Layout, Refused
from .side_by_side import FOLDER, GRACE_S, UNIT, Plan

PROGRAM = "compare"
"""The program's folder in a release: Python runs its __main__.py."""
LONGEST_S = 4 * 3600
"""Outputs are kept in memory meanwhile."""
SPARE_S = 120.0
"""Seconds beside those of the comparison that the unit may take, to start and to end."""
EVERY_S = 0.5

WINDOW_DEFAULTS = {"window_seconds": 30.0, "lateness_ms": 250.0, "idle_timeout_ms": 2000.0}


def window_times(config: str) -> tuple[int, int, int]:
    """From an extractor's settings, in µs: how long windows are, how long after its end one closes by later events, and
    when no event comes.
    """
    value = dict(WINDOW_DEFAULTS)
    for name in value:
        if found := re.search(rf"^{name}: *([0-9.]+)", config, re.MULTILINE):
            value[name] = float(found[1])
    lateness, idle = round(value["lateness_ms"] * 1000), round(value["idle_timeout_ms"] * 1000)
    return round(value["window_seconds"] * 1e6), lateness, lateness + idle


def program(layout: Layout, names: Sequence[str]) -> Path | None:
    """The program that compares, of the first of these releases that brings one."""
    return next((path for name in names if (path := layout.releases / name / PROGRAM).is_dir()), None)


def start(program: Path, plan: Plan, folder: Path = FOLDER) -> str:
    """Starts it; the name of the job. One that is still going is ended. Raises Refused when it cannot be started."""
    systemd.run(["systemctl", "stop", UNIT], 90)
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder, 0o700)
    job = secrets.token_hex(8)
    replace(plan, job=job, began=time.time()).save(folder)
    properties = [f"--property={key}={value}" for key, value in settings(plan.seconds, folder)]
    words = ["systemd-run", "--quiet", "--collect", f"--unit={UNIT}", *properties]
    done = systemd.run([*words, "/usr/bin/python3", "-I", "-B", str(program)])
    if done.returncode:
        raise Refused(f"the comparison cannot be started: {systemd.last_line(done.stderr)}")
    return job


def settings(seconds: float, folder: Path = FOLDER) -> list[tuple[str, str]]:
    """The sandbox and the limits of the unit. It is root's: it starts units, and reads from Redis what root may."""
    common = sandbox.settings("none", bus=True, proc="all")
    found = [(key, value) for key, value in common if key not in judge_unit.REPLACED]
    limits = [("MemoryMax", "128M"), ("TasksMax", "64"), ("CPUQuota", "50%"), ("OOMScoreAdjust", "900")]
    return [
        ("Type", "exec"),
        ("Description", "SecLyzer: compares two programs on live events"),
        ("RuntimeMaxSec", f"{seconds + GRACE_S + SPARE_S:.0f}"),
        *limits,
        *found,
        ("CapabilityBoundingSet", "CAP_DAC_OVERRIDE"),
        ("ReadWritePaths", str(folder)),
    ]


def follow(job: str, seconds: float, folder: Path = FOLDER) -> tuple[Mapping[str, Any], str]:
    """Waits at most so long for the result of a job; the result, or what is waited for.

    Raises Refused when there will be none.
    """
    until = time.monotonic() + seconds
    while True:
        # Read before the result: once it has ended, there is one or there will be none.
        active = systemd.show([UNIT], ("ActiveState",)).get(UNIT, {}).get("ActiveState")
        plan = Plan.load(folder)
        if plan is None or plan.job != job:
            raise Refused("the comparison was replaced by another one, or the machine came up anew; run it again")
        if text := read(folder / "result.json"):
            found: Mapping[str, Any] = json.loads(text)
            return found, ""
        if active not in ("active", "activating", "deactivating"):
            words = systemd.last_line("\n".join(systemd.journal(UNIT, 3, plan.began)))
            raise Refused(f"the comparison ended without a result: {words or 'it was stopped'}")
        if time.monotonic() >= until:
            passed = min(max(time.time() - plan.began, 0.0), plan.seconds)
            left, right = plan.names
            return {}, f"the comparison of {left} and {right}: {passed:.0f} of {plan.seconds:.0f} s"
        time.sleep(EVERY_S)
