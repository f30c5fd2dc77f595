"""`seclyzer rollback`: where this host could go back to, and going there without a controller."""

from __future__ import annotations

import argparse
import os
import pwd
import time
from typing import Any

from plugins.module_utils import deploying, deployments, run_ids, runs, telling, trials
from plugins.module_utils.files import locked
from plugins.module_utils.history import CONFIRMED, History
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.undoing import Going, Seen, goal, step

from .exits import BROKEN, UNKNOWN, WELL, Stop
from .host import Host
from .screen import Screen

HELP = "where this host could go back to; with --yes it goes, without a controller"
ABOUT = """Without --yes nothing changes: it says what undoing the last run would bring, and what to type on the
controller, which undoes a run on all its hosts. With --yes this host alone returns to what ran before it, or to
--to: files, programs and settings are proven first, then the host switches, watches and returns by itself when
it is not healthy.

A switch that is on trial needs no one: the host returns from a bad one by itself (`seclyzer logs trial`)."""
TERMS = {"soak": 45.0, "trial_seconds": 240.0, "patience": 60.0, "keep": 3}
"""As the role seclyzer_release has them: seconds of soak, of the whole trial, until all is well; deployments kept."""
LATER = 10.0
"""Seconds for which a decision is waited for after the last moment for it."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--to", default="", metavar="WHERE", help="a deployment, a release or a run of `seclyzer history`"
    )
    parser.add_argument("--yes", action="store_true", help="go there, and wait until the host has decided")


def run(options: argparse.Namespace, screen: Screen, host: Host) -> int:
    """The command; 0 when there is somewhere to go, or it went there; 2 when it is refused or failed."""
    host.require()
    host.require_root("rollback")
    try:
        history = History.load(host.layout)
        seen = Seen(host.number, history.records, history.runs)
        going = goal(seen, options.to) if options.to else step(seen, "")
        if options.yes and going.to is not None:
            return _go(options.to, screen, host)
        return _explain(going, screen, host, deploying.known(host.layout, history) | {"deployment": host.number})
    except (Refused, OSError) as fault:
        raise Stop(str(fault), BROKEN) from None


def _explain(going: Going, screen: Screen, host: Host, found: dict[str, Any]) -> int:
    controller = f"ansible-playbook rollback.yml --limit {host.name}" + (
        "" if going.to is None else f" -e to={going.to}"
    )
    for line in telling.targets(host.name, found):
        screen.line(line)
    screen.line()
    words = f"goes to deployment {going.to}" if going.to is not None else going.words
    screen.line(f"{host.name} {words}")
    if going.to is not None:
        screen.line(f"  this host alone:  sudo seclyzer rollback --yes --to {going.to}")
        screen.line(f"  by a controller:  {controller}")
    screen.document({"host": host.name, "to": going.to, "why": going.words, "controller": controller, **found})
    return WELL if going.to is not None else UNKNOWN


def terms(layout: Layout) -> dict[str, Any]:
    """Those of the last trial of this host, which the controller gave; the role's defaults where there was none."""
    trial = trials.load(layout)
    if trial is None or not trial.seconds:
        return dict(TERMS)
    return {"soak": trial.soak, "trial_seconds": trial.seconds, "patience": trial.patience, "keep": trial.keep}


def _go(to: str, screen: Screen, host: Host) -> int:
    os.umask(0o022)  # services read what is written here, whatever root's own umask is
    by = f"{_user()} on {host.name}"
    parameters: dict[str, Any] = {"state": "previous", "to": to, "undo": "", "rollout": run_ids.new(_user()), "by": by}
    parameters |= {"process": "", "take_over": False, "accept_state_loss": False, "existing": "refuse"}
    of_trial = terms(host.layout)
    parameters |= of_trial
    with locked(host.layout.lock):
        done = deploying.run(host.layout, parameters, False)
    if done.get("waiting"):
        raise Stop(f"{done['waiting']}: the host decides by itself, seclyzer logs trial shows it", BROKEN)
    for line in done["said"]:
        screen.line(line)
    longest = of_trial["trial_seconds"] + trials.MARGIN + LATER
    until, shown = time.monotonic() + longest, ""
    while time.monotonic() < until:
        trial, waiting = trials.follow(host.layout, 5.0)
        if not waiting:
            break
        if waiting != shown:
            screen.line(f"  {waiting}")
        shown = waiting
    else:
        raise Stop(f"the host has not decided within {longest:.0f} s: seclyzer logs trial", BROKEN)
    with locked(host.layout.lock):
        runs.followed(host.layout)
    now = deployments.current(host.layout)
    good = trial is not None and trial.state == CONFIRMED and now == done["deployment"]
    why = trial.why if trial is not None else ""
    screen.line(f"deployment {now} runs" + (f": {trial.state}, {why}" if trial is not None else ""))
    screen.document({"host": host.name, "deployment": now, "state": trial.state if trial else "", "why": why})
    return WELL if good else BROKEN


def _user() -> str:
    """Who types: the user behind sudo."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
