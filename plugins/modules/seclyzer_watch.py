#!/usr/bin/python
"""Watches a host for a while: starts its sampler, reads what it saw, ends it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import watch_plan, watch_report, watch_unit
from ..module_utils.files import locked
from ..module_utils.layout import BASE, Layout, Refused
from ..module_utils.watch_plan import Plan
from ..module_utils.watch_report import Baseline, span

DOCUMENTATION = r"""
module: seclyzer_watch
short_description: Watch a host for a while, and report what was seen
version_added: "0.1.0"
description:
  - A sampler on the host looks at what runs there, at most every 5 s and at least every 300 s, and writes a line a look
    to C(/var/lib/seclyzer/watch). It goes on without the controller, after a crash and after a reboot, and removes
    itself when the time is over. What it did not see is in the report.
  - The action asks again until the time is over, and writes the report on the controller.
extends_documentation_fragment: [seclyzer.edge.layout]
author: The SecLyzer maintainers (@seclyzer)
options:
  watch:
    description: >-
      For how long, such as C(24h) or C(10m), from 30 seconds to 7 days; C(report) for what was seen up to now; C(stop)
      to end a watch and forget what it saw.
    type: str
    required: true
  out:
    description: Folder on the controller for table, JSON and plots, in a folder of the host's name. For the action.
    type: path
  job:
    description: A watch that was begun, for the action.
    type: str
    default: ""
attributes:
  check_mode:
    description: Starts and ends nothing.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Watch the host for a day
  seclyzer.edge.seclyzer_watch:
    watch: 24h
    out: build/checklist
"""

RETURN = r"""
job:
  description: Names the watch; empty after C(stop).
  type: str
  returned: always
waiting:
  description: What is waited for.
  type: str
  returned: while the watch is going
every:
  description: Seconds between two looks.
  type: int
  returned: while the watch is going
msg:
  description: What was seen, what was not, and the gates of the checklist, a line each.
  type: list
  elements: str
  returned: at the end, and for C(report)
passed:
  description: Whether every gate is passed, or the watch still going.
  type: bool
  returned: at the end, and for C(report)
"""

BASELINE = "bench/baseline.json"
BASELINE_BYTES = 4 << 20


def begin(layout: Layout, words: str, dry: bool) -> tuple[Plan | None, bool]:
    """The watch of this length that is going, or a new one; whether it is new."""
    seconds = watch_plan.seconds_of(words)
    going = watch_plan.load(layout)
    if going and time.time() < going.until and (layout.units / watch_plan.UNIT).exists():
        if going.seconds != seconds:
            raise Refused(
                f"a watch of {span(going.seconds)} is going, with {span(going.until - time.time())} left: "
                "-e watch=report shows what it saw, -e watch=stop ends it"
            )
        return going, False
    return (None if dry else watch_unit.start(layout, seconds)), True


def baselines(layout: Layout) -> dict[str, Baseline]:
    """What the host's performance test measured first, by implementation; empty without one.

    The test runs as a user that exists only meanwhile, who left the file: nothing but numbers is taken from it.
    """
    try:
        figures = json.loads(_plain(layout.state / BASELINE))["figures"]
        memory, cpu = figures["rss_load_mib"], figures["load_cpu_percent"]
        return {by: Baseline(float(memory[by]["max"]), float(cpu[by]["median"])) for by in memory.keys() & cpu.keys()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _plain(path: Path) -> bytes:
    """What is in a plain file, whoever's it is; no link is followed, and no pipe is waited for. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as stream:
        return stream.read(BASELINE_BYTES)


def report(layout: Layout, plan: Plan) -> dict[str, Any]:
    """What was seen up to now."""
    return watch_report.report(plan, watch_plan.samples(layout), time.time(), baselines(layout))


def waiting(layout: Layout, plan: Plan) -> str:
    """What is waited for; empty when the time is over."""
    left = plan.until - time.time()
    if left <= -plan.every or (left <= 0 and not (layout.units / watch_plan.UNIT).exists()):
        return ""
    words = f"the watch of {span(plan.seconds)}"
    if watch_unit.is_running(layout):
        return words
    return f"{words}, whose sampler does not run: systemctl start {watch_plan.UNIT}"


def done(layout: Layout, parameters: Mapping[str, Any], dry: bool) -> dict[str, Any]:
    """The result. Raises Refused."""
    words, job = parameters["watch"], parameters["job"]
    if words == "stop":
        with locked(layout.lock):
            there = watch_plan.folder_of(layout).exists()
            return {"changed": there if dry else watch_unit.stop(layout), "job": ""}
    plan, new = watch_plan.load(layout), False
    if job and (plan is None or plan.job != job):
        raise Refused("the watch was ended, or replaced by another one")
    if not job and words != "report":
        with locked(layout.lock):
            plan, new = begin(layout, words, dry)
    if plan is None:
        if words == "report":
            raise Refused("this host was not watched; -e watch=24h begins")
        return {"changed": True, "job": ""}
    result = {"changed": new, "job": plan.job, "every": plan.every}
    if words != "report" and (left := waiting(layout, plan)):
        return result | {"waiting": left}
    return result | {"report": report(layout, plan)}


def main() -> None:
    """Runs the module."""
    arguments: dict[str, dict[str, Any]] = {
        "watch": {"type": "str", "required": True},
        "out": {"type": "path"},
        "job": {"type": "str", "default": ""},
        **BASE,
    }
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    os.umask(0o022)
    try:
        module.exit_json(**done(Layout(Path(module.params["base"])), module.params, module.check_mode))
    except (Refused, OSError) as fault:
        module.fail_json(msg=str(fault), job=module.params["job"])


if __name__ == "__main__":
    main()
