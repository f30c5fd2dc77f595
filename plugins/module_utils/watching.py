"""The judge of a trial, on the host itself: completes a switch that was cut off, watches, confirms or returns.

It needs no controller. It may be ended at any step, by a power cut too: whoever starts it next finds in `trial.json`,
in the history and in where `current` leads how far it came, and every step may be done twice.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from . import (
    deployments,
    fitness,
    health,
    judge_unit,
    looks,
    mends,
    older,
    pruning,
    runs,
    store_way,
    switching,
    systemd,
    trials,
)
from .before import Before
from .deployments import Desired
from .files import locked
from .health import Health, Target
from .history import CONFIRMED, FAILED, RETURNED, STAGED, History
from .judging import Judge, Rules, Verdict
from .layout import STORE_PROXY, STORE_SOCKET, Layout, Refused
from .store_way import Way
from .trials import Trial

PAUSE, WIDE = 1.0, 5
"""Seconds between two looks, and every which of them asks the agent and InfluxDB as well."""
BOOTS = 2
"""Reboots that a trial survives. A deployment that takes its machine down more often than that is returned."""
PROVEN_WITHIN = 120.0
"""Seconds that a host that was returned may take until it is healthy."""
MACHINE = "the host itself"
"""Who returns, in the history."""
NOTIFY = os.environ.pop("NOTIFY_SOCKET", "")
"""Where systemd is notified; taken out of the environment, since programs that are run here must not notify it."""
RETRIES = re.compile(r"^influx_retry_seconds: *([0-9.]+)", re.MULTILINE)
ROUTINE = re.compile(r'\blevel=info\b|"level": ?"info"')
RETRY = 60.0
"""Seconds that an extractor waits at most until it tries the store again, where its settings name no others."""
DUE = 20.0
"""Seconds beside the interval of its windows within which an extractor that takes events has made one: its counters
are written every 5 s, windows wait for late events and for the clock.
"""


def main() -> int:
    """The program of the unit: judges the trial that is going, if any."""
    os.umask(0o022)
    layout = Layout()
    try:
        Watching(layout).run()
    except (OSError, Refused) as fault:
        print(f"seclyzer-trial: {fault}", file=sys.stderr, flush=True)
        return 1
    return 0


class Watching:
    """The judging of one host's trial. Tests give another clock."""

    def __init__(
        self,
        layout: Layout,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._layout, self._clock, self._sleep = layout, clock, sleep

    def run(self) -> None:
        """From whatever was left to a verdict, and what follows from it."""
        with locked(self._layout.lock):
            trial = trials.going(self._layout)
            if trial is not None:
                self._resume(trial)
        if trial is not None:
            if not trial.why and deployments.current(self._layout) == trial.to:
                verdict = self._watch(trial)
                if verdict is None:
                    return self._superseded(trial)
                if verdict.good:
                    return self._confirm(trial, verdict)
                trial.why = self._reason(trial, verdict)
                trials.save(self._layout, trial)
            self._give_back(trial)
        judge_unit.remove(self._layout)
        return None

    def _resume(self, trial: Trial) -> None:
        """Completes what was cut off, and gives a trial that outlived its machine a new deadline."""
        boot = mends.boot()
        if trial.boot and trial.boot != boot:
            trial.boots += 1
            trial.deadline = time.time() + trial.seconds
            tell(f"deployment {trial.to} is on trial, and the machine came up anew meanwhile")
            if trial.boots > BOOTS and not trial.why:
                trial.why = f"the machine came up {trial.boots} times during the trial"
        trial.boot = boot
        current = deployments.current(self._layout)
        if current == trial.from_ and not trial.why:
            trial.why = "the switch was cut off before it began"
        elif current == trial.to and not trial.switched and not trial.why:
            tell(f"the switch to deployment {trial.to} was cut off; it is completed")
            try:
                trial.why = self._go(trial.to)
            except (OSError, Refused) as fault:
                if systemd.is_ending():
                    raise
                trial.why = str(fault)
            trial.switched = time.time()
        trials.save(self._layout, trial)

    def _watch(self, trial: Trial) -> Verdict | None:
        """The verdict; None when something else runs by now."""
        before = Before.of(trial.before)
        desired = deployments.load(self._layout, trial.to)
        target = Target(
            desired.version,
            desired.implementations,
            desired.units,
            desired.probes,
            trial.back,
            before,
            trial=True,
            outside=self._same_way(trial),
            way=way_of(desired),
        )
        left = min(trial.deadline - time.time(), trial.seconds)
        every = intervals(desired.config)
        due = {kind: DUE + 2 * interval for kind, interval in every.items()}
        stores = "influx_url" in desired.probes
        rules = Rules(
            trial.soak, left, trial.patience, due=due, every=every, stores=stores, retry=retry(desired.config)
        )
        judge = Judge(rules, before)
        notify("READY=1")
        count = 0
        last: Health | None = None
        while deployments.current(self._layout) == trial.to:
            narrow = bool(count % WIDE) and last is not None
            found = look(target, narrow)
            wide = last if narrow and last is not None else found
            verdict = judge.see(looks.seen(found, wide, self._clock()))
            last = wide
            count += 1
            notify(f"STATUS={judge.progress()}")
            if verdict is not None:
                return verdict
            self._sleep(PAUSE)
        return None

    def _same_way(self, trial: Trial) -> bool:
        """Whether InfluxDB is reached as before, so that the deployment has no part in it when it is away."""
        if trial.from_ is None:
            return False
        try:
            old, new = (deployments.load(self._layout, n) for n in (trial.from_, trial.to))
        except Refused:
            return False
        keys = ("influx_url", "influx_socket", "influx_ca_file")
        same = all(old.probes.get(key) == new.probes.get(key) for key in keys) and way_of(old) == way_of(new)
        return same and all(old.units.get(unit) == new.units.get(unit) for unit in (STORE_PROXY, STORE_SOCKET))

    def _reason(self, trial: Trial, verdict: Verdict) -> str:
        """Why it failed, with the last words of the programs that are to blame."""
        known = deployments.load(self._layout, trial.to).units
        short = {switching.short(unit): unit for unit in known}
        blamed = verdict.units or tuple(unit for name, unit in short.items() if re.search(rf"\b{name}\b", verdict.why))
        words = [verdict.why]
        for unit in blamed[:3]:
            lines = systemd.own_words(unit, trial.began)
            if not verdict.units:  # it still runs: what it wrote to say that all is well explains nothing
                lines = [line for line in lines if not ROUTINE.search(line)]
            if lines:
                words.append(f"{switching.short(unit)}{trials.LAST_WORDS}{health.short(' | '.join(lines), 300)}")
        return "; ".join(words)

    def _give_back(self, trial: Trial) -> None:
        """Returns the host, proves it healthy, and writes down why. What cannot be read to its end is no fault."""
        tell(f"deployment {trial.to} failed its trial: {trial.why}")
        if trial.from_ is None:
            return self._conclude(trial, FAILED, f"{trial.why}; {self._leave()}")
        if trial.back and deployments.current(self._layout) == trial.to:
            return self._conclude(trial, FAILED, f"{trial.why}; it is what the host was returned to, so it stays")
        notify(f"STATUS=the return to deployment {trial.from_}, since {trial.why}")
        try:
            with locked(self._layout.lock):
                fitness.fit(self._layout, trial.from_)
                slow = self._go(trial.from_, "returned", trial.why)
        except (OSError, Refused) as fault:
            if systemd.is_ending():
                raise
            words = f"{trial.why}; deployment {trial.from_} could not be returned to: {fault}"
            return self._conclude(trial, FAILED, words)
        target = replace(Target.of(self._layout, True, Before.of(trial.before)), trial=True)
        found = health.wait(target, PROVEN_WITHIN, pause=PAUSE)
        if found.faults or found.away:
            faults = "; ".join([*filter(None, [slow]), *found.faults, *found.away])
            words = f"{trial.why}; returned to deployment {trial.from_}, which is not healthy: {faults}"
            return self._conclude(trial, FAILED, words)
        return self._conclude(trial, RETURNED, trial.why)

    def _leave(self) -> str:
        """What becomes of a host that has no deployment to return to: an older SecLyzer that it had runs again."""
        try:
            with locked(self._layout.lock):
                if older.was_stopped(self._layout):
                    return f"the older SecLyzer runs again: {', '.join(older.leave(self._layout))}"
        except (OSError, Refused) as fault:
            return f"the older SecLyzer could not be started again: {fault}"
        return "nothing ran before that the host could return to"

    def _go(self, n: int, what: str = "switched", why: str = "") -> str:
        """Switches; what did not start at once, which systemd goes on to start."""
        try:
            switching.switch(self._layout, n, MACHINE, what, why=why)
        except switching.NotStarted as fault:
            return str(fault)
        return ""

    def _confirm(self, trial: Trial, verdict: Verdict) -> None:
        """A good verdict that cannot be written, as on a full disk, is kept until it can: no release is to blame."""
        tell(f"deployment {trial.to} is confirmed: {verdict.why}")
        while True:
            try:
                self._conclude(trial, CONFIRMED, verdict.why)
                break
            except OSError as fault:
                if systemd.is_ending():
                    raise
                notify(f"STATUS=confirmed, and this cannot be written: {fault}")
                self._sleep(PAUSE * WIDE)
        judge_unit.remove(self._layout)

    def _superseded(self, trial: Trial) -> None:
        n = deployments.current(self._layout)
        self._conclude(trial, FAILED, f"deployment {n} was switched to during the trial")
        judge_unit.remove(self._layout)

    def _conclude(self, trial: Trial, state: str, why: str) -> None:
        """Writes down what became of it: the history first, for a trial that is going is judged again."""
        # One whose switch never began is as good as it was.
        untried = state == RETURNED and not trial.switched
        with locked(self._layout.lock):
            if state == RETURNED and trial.from_ is not None:
                runs.concluded(self._layout, trial.from_, CONFIRMED, "", MACHINE)
            runs.concluded(self._layout, trial.to, STAGED if untried else state, trial.run, MACHINE, why)
            trial.state, trial.why = state, why
            trials.save(self._layout, trial)
            history = History.load(self._layout)
            for name in pruning.prune(self._layout, history, trial.keep):
                tell(f"removed {name}")
            history.save(self._layout)
        tell(f"deployment {trial.to}: {state}: {why}")


def look(target: Target, narrow: bool) -> Health:
    """A look at the host; systemd that does not answer, as on a busy machine, is not the deployment's doing."""
    try:
        return health.look(target, narrow)
    except Refused as fault:
        return Health(away=[str(fault)])


def way_of(desired: Desired) -> Way | None:
    """By which the points of a deployment go to the store."""
    return store_way.way(desired.probes, desired.config.get("keystroke.yaml", ""))


def retry(config: Mapping[str, str]) -> float:
    """For how many seconds an extractor may wait until it tries the store again, from the settings of all of them."""
    texts = [value for text in config.values() for value in RETRIES.findall(text)]
    return max(map(float, texts), default=RETRY)


def intervals(config: Mapping[str, str]) -> dict[str, float]:
    """How often each extractor of windows makes one, in s, from its configuration."""
    found: dict[str, float] = {}
    for kind in ("keystroke", "mouse"):
        text = config.get(f"{kind}.yaml")
        if text is not None:
            value = re.search(r"^update_interval: *([0-9.]+)", text, re.MULTILINE)
            found[kind] = float(value[1]) if value else 5.0
    return found


def notify(words: str) -> None:
    """Tells systemd; what `systemctl status` shows."""
    if not NOTIFY:
        return
    path = f"\0{NOTIFY[1:]}" if NOTIFY.startswith("@") else NOTIFY
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
        try:
            plain.sendto(words.replace("\n", " ").encode()[:400], path)
        except OSError:
            return


def tell(words: str) -> None:
    """A line for the journal."""
    print(words, flush=True)
