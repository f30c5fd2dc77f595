"""Going to a deployment: the link, the unit files, and a restart of what changed and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import deployments, mends, proof, systemd
from .deployments import Desired
from .files import link, make_folder, read, sync, write
from .history import FAILED, RETURNED, SWITCHED, History
from .layout import UNITS, Layout, Refused, is_socket, service_of

AGENT = "seclyzer-agent.service"
STATE = ("ActiveState", "SubState", "NeedDaemonReload", "ExecMainStartTimestampMonotonic", "MainPID", "Type", "Result")


class NotStarted(Refused):
    """All is switched, but a unit did not start at once."""


@dataclass
class Done:
    """What a switch did, or would do."""

    deployment: int
    came_from: int | None
    installed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    restarted: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    """What was damaged, and still ran or would have: a sentence each."""

    @property
    def changed(self) -> bool:
        """Whether anything on the host is another than before."""
        work = (self.installed, self.removed, self.restarted, self.started)
        return self.deployment != self.came_from or any(work)

    def sentence(self) -> str:
        """The whole of it in one line."""
        parts = [f"{word} {', '.join(short(u) for u in units)}" for word, units in self._words() if units]
        if self.deployment != self.came_from:
            parts.insert(0, f"deployment {self.deployment} after {self.came_from or 'none'}")
        parts[:0] = self.mended
        return "; ".join(parts) or "nothing to do"

    def _words(self) -> tuple[tuple[str, list[str]], ...]:
        return (
            ("unit files of", self.installed),
            ("removed", self.removed),
            ("restarted", self.restarted),
            ("started", self.started),
        )


def short(unit: str) -> str:
    """`seclyzer-keystroke.service` as people say it."""
    return unit.removeprefix("seclyzer-").removesuffix(".service")


def plan(layout: Layout, n: int) -> Done:
    """What going to deployment `n` would do on this host as it is now."""
    desired = deployments.load(layout, n)
    units = desired.units
    done = Done(n, deployments.current(layout))
    states = systemd.show(sorted(units), STATE)
    events = mends.of(History.load(layout), n)
    for name, text in sorted(units.items()):
        if read(layout.units / name) != text or not _is_enabled(layout, name):
            done.installed.append(name)
        state = states.get(name, {})
        stays = [] if state.get("Type") == "oneshot" else mends.after(events, text, state)
        if not stays and name not in done.installed:
            stays = _another_program(layout, name, text, state)
        done.mended += [repair for repair in stays if repair not in done.mended]
        if state.get("ActiveState") not in ("active", "reloading", "activating"):
            done.started.append(name)
        elif state.get("Type") != "oneshot" and (stays or name in done.installed or is_stale(name, desired, state)):
            done.restarted.append(name)
    done.restarted += _held(done, states)
    done.removed = [name for name in UNITS if name not in units and (layout.units / name).exists()]
    return done


def _held(done: Done, states: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Services that run on what a socket was before, or hold its address: they begin anew with it."""
    changed = [service_of(name) for name in (*done.restarted, *done.started) if is_socket(name)]
    known = {*done.restarted, *done.started}
    return [name for name in changed if name not in known and states.get(name, {}).get("ActiveState") == "active"]


def switch(layout: Layout, n: int, by: str, what: str = "switched", rollout: str = "", why: str = "") -> Done:
    """Makes deployment `n` the one that runs. `rollout` names the run over many hosts that this is part of.

    With `returned`, what is left for an older one was not good enough, and `why` says so.
    """
    units = deployments.load(layout, n).units
    done = plan(layout, n)
    history = History.load(layout)
    if done.deployment != done.came_from:
        # Written before the link moves: who finds the link moved finds what ran before.
        record = history.records[n]
        history.mark(n, SWITCHED, by, rollout)
        if what == "switched" or rollout:
            record["rollout"] = rollout
        if what == "switched":
            record["previous"] = done.came_from
        elif done.came_from in history.records and n < done.came_from:
            if history.state(done.came_from) != FAILED:
                history.mark(done.came_from, RETURNED, by, rollout, why or f"{by} went back to deployment {n}")
            history.records[done.came_from]["confirmed"] = False
        history.note(what, n, by, why, came_from=done.came_from)
        history.ended(rollout, SWITCHED, n, why)
        history.save(layout)
        link(layout.current, f"deployments/{n}")
    if done.removed:
        systemd.systemctl("stop", *done.removed)
        for name in done.removed:
            layout.wants_link(name).unlink(missing_ok=True)
            (layout.units / name).unlink()
    if done.installed:
        for name in done.installed:
            write(layout.units / name, units[name])
            if not layout.wants_link(name).parent.exists():
                make_folder(layout.wants_link(name).parent)
            link(layout.wants_link(name), str(layout.units / name))
        sync(layout.units)
    if done.installed or done.removed or _needs_reload(sorted(units)):
        systemd.systemctl("daemon-reload")
    _start(done)
    return done


def _start(done: Done) -> None:
    """Restarts and starts; the sentence of what failed has the unit's own last words."""
    sockets = [unit for unit in (*done.restarted, *done.started) if is_socket(unit)]
    services = [[unit for unit in units if not is_socket(unit)] for units in (done.restarted, done.started)]
    if sockets:
        # A socket cannot listen while its service holds the address.
        systemd.systemctl("stop", *sockets, *map(service_of, sockets))
    failed: dict[str, Mapping[str, str]] = {}
    began = time.time()
    for verb, units in (("start", sockets), ("restart", services[0]), ("start", services[1])):
        if not units:
            continue
        # A unit that failed too often before is not held against the new one.
        systemd.run(["systemctl", "reset-failed", *units])
        ended = systemd.run(["systemctl", "--no-ask-password", verb, *units], 180)
        if ended.returncode:
            states = systemd.show(units, STATE)
            bad = [unit for unit in units if states.get(unit, {}).get("ActiveState") != "active"] or units[:1]
            failed |= {unit: states.get(unit, {}) for unit in bad}
    if failed:
        raise NotStarted("; ".join(_not_started(unit, state, began) for unit, state in failed.items()))


def _not_started(unit: str, state: Mapping[str, str], began: float) -> str:
    """What systemd found, and the unit's last words, of which a program that hangs mostly has none."""
    result = state.get("Result", "")
    if result == "timeout":
        words = " | ".join(systemd.own_words(unit, began)).rstrip(".")
        return f"{short(unit)} did not report that it is ready in time, and logged {words or 'nothing'}"
    found = f" ({result})" if result not in ("", "success") else ""
    return f"{short(unit)} did not start{found}: {' | '.join(systemd.last_words(unit, began)).rstrip('.')}"


def _another_program(layout: Layout, name: str, text: str, state: Mapping[str, str]) -> list[str]:
    """A sentence when a unit's process runs another file than the one that stands where its program should."""
    program = proof.program_of(text)
    if not program.startswith(f"{layout.releases}/") or not systemd.is_binary(program):
        return []  # an interpreter runs it: what it has read is unknown
    runs = systemd.executable(int(state.get("MainPID") or 0))
    if runs in ("", os.path.realpath(program)):
        return []
    return [f"{short(name)} ran {runs}, which is not its program"]


def _is_enabled(layout: Layout, name: str) -> bool:
    wants_link = layout.wants_link(name)
    return wants_link.is_symlink() and os.readlink(wants_link) == str(layout.units / name)


def _needs_reload(units: list[str]) -> bool:
    return any(state.get("NeedDaemonReload") == "yes" for state in systemd.show(units, STATE).values())


def is_stale(name: str, desired: Desired, state: Mapping[str, str]) -> bool:
    """Whether a unit runs with another than there is by now of what it reads at its start."""
    started = systemd.started_at(state)
    if started is None:
        return False
    text, given = desired.units[name], systemd.GIVEN / name
    paths: list[str] = []
    if not given.is_dir():
        paths += systemd.credentials(text).values()
    elif systemd.outdated(text, given):
        return True
    if name == AGENT and (authority := desired.probes.get("influx_ca_file")):
        paths.append(authority)  # extractors read it at each connection
    return any(os.path.exists(path) and os.path.getmtime(path) > started for path in paths)
