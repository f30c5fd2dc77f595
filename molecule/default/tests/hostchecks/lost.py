"""A controller that loses a host or its life in the middle of a rollout, while a person works on every edge."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from hostchecks import bad_release, deployment, rollouts, trial
from hostchecks.at_work import Account, at_work
from hostchecks.host import Host, name, packed, run_beside
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, ONE_FIRST, Run, Started, roll_out, started
from hostchecks.systemd import EXTRACTORS, main_pids, wait_until_active

UNIT = "cut-ssh.service"
FOLDER = "/root/cut-ssh"
SEEN = f"{FOLDER}/seen"
LONGEST = 300.0
"""Seconds until a run comes to a moment, on a slow machine."""
Stood = dict[str, dict[str, Any]]
"""By edge, what `runs` and the `pids` of its extractors."""


def soak(seconds: int) -> tuple[str, ...]:
    """What is typed for a soak of so many seconds."""
    return ("-e", f"seclyzer_release_soak_seconds={seconds}")


def nothing(_: Started, __: Host) -> None:
    """The run comes to its end."""


@dataclass(frozen=True)
class Case:
    """What is rolled out, as typed, and the release by which it does; and how its controller is lost: by something that
    is done while it runs, or by ssh that is `cut` in the switch or in the trial.
    """

    typed: tuple[str, ...]
    bundle: str = ""
    lose: Callable[[Started, Host], None] = nothing
    cut: str = ""

    @property
    def bad(self) -> bool:
        """Whether the release is one that hosts return from, or refuse."""
        return self.bundle in bad_release.FAULTS


@dataclass
class Tried:
    """The run that lost its host or its life, the same typed again, and the edges before, between and after; the units
    of a comparison that were left on the canary before it was typed again. `began`: when, in Unix s. `took`: seconds
    from the switch until the canary had decided.
    """

    first: Run
    again: Run
    canary: str
    other: str
    stood: list[Stood]
    trials: list[trial.Trial]
    cut_in: str
    compares: str
    began: float
    took: float


@dataclass
class Seen:
    """All cases, and what came of what was typed meanwhile."""

    tried: dict[str, Tried] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)


def all_of(cases: Mapping[str, Case], folder: Callable[[str], Path], what: str = "") -> Seen:
    """One after the other, on both edges in turn, without a pause in the work; each begins with what is good.

    `what`: of what they are cases, in the rows that are left of them.
    """
    assert roll_out(*EDGES_ONLY, "-e", "mode=hybrid", *soak(10)).status == 0
    edges, found = hosts(EDGES), Seen()
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in edges}
        for number, (case, about) in enumerate(cases.items()):
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())
            canary, other = (edges[number % 2], edges[(number + 1) % 2])
            found.tried[case] = _attempt(about, canary, other, folder("case"))
        on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    _leave(found, what)
    return found


def _leave(found: Seen, what: str) -> None:
    moments = [*(tried.began for tried in found.tried.values()), time.time()]
    for (case, tried), (began, ended) in zip(found.tried.items(), pairwise(moments), strict=True):
        last, decided, _ = tried.trials
        before, between, _ = tried.stood
        is_new = decided.get("began") != last.get("began")
        rollouts.record(
            f"{what}{case}",
            tried.first,
            f"{rollouts.decision(tried.canary, decided, last)}; the same again: exit {tried.again.status}",
            tried.again,
            tried.took if is_new else None,
            rollouts.counted(found.accounts.values(), began, ended),
            rollouts.others(tried.first, tried.canary, between[tried.other] == before[tried.other]),
        )


def _attempt(case: Case, canary: Host, other: Host, folder: Path) -> Tried:
    """Rolls out to both, the canary first; loses the controller; and types the same again."""
    group = folder / "canary.yml"
    group.write_text(json.dumps({"seclyzer_canary": {"hosts": {name(canary): {}}}}))
    typed = ("-i", str(group), "--limit", EDGES, "--tags", "extractors", *ONE_FIRST, *case.typed)
    if case.bundle:
        typed += ("-e", f"seclyzer_bundle={bad_release.make(case.bundle, folder / 'bundle')}")

    def look() -> Stood:
        wait_until_active(canary, list(EXTRACTORS.values()))
        return {name(edge): _stands(edge) for edge in (canary, other)}

    stood, trials = [look()], [trial.of(canary)]
    if case.cut:
        cut_ssh(canary, case.cut)
    began = time.time()
    with started("site.yml", *typed) as run:
        case.lose(run, canary)
        first = run.ended()
    trials.append(trial.decided(canary))
    took = trial.took(canary, trials[-1])
    cut_in = _cut_in(canary) if case.cut else ""
    compares = poll(lambda: comparing(canary), lambda units: units == "", LONGEST)
    stood.append(look())
    again = roll_out(*typed)
    trials.append(trial.decided(canary))
    stood.append(look())
    return Tried(first, again, name(canary), name(other), stood, trials, cut_in, compares, began, took)


def comparing(host: Host) -> str:
    """The units of a comparison that are there; empty when there is none."""
    return host.check_output("systemctl list-units --all --no-legend --plain 'seclyzer-shadow-*' 'seclyzer-compare*'")


def _stands(edge: Host) -> dict[str, Any]:
    return {"runs": deployment.manifest(edge), "pids": main_pids(edge, list(EXTRACTORS.values()))}


def follows(run: Started, host: Host) -> None:
    """Waits until the trial of the run has begun on the host, and the controller follows it."""
    words = f"{name(host)} waits for "
    assert poll(lambda: words in run.text() or run.process.poll() is not None, bool, LONGEST)
    assert run.process.poll() is None, run.text()


def cut_ssh(host: Host, moment: str) -> None:
    """From now on the host waits for its next trial, and ends its ssh sessions once: in the `switch` or the `trial`."""
    host.run("systemctl stop %s; systemctl reset-failed %s; rm -rf %s", UNIT, UNIT, FOLDER)
    began = float(trial.of(host).get("began", 0.0))
    run_beside(host, UNIT, FOLDER, packed("cut_ssh", last=began, moment=moment, seen=SEEN))


def _cut_in(host: Host) -> str:
    """When the sessions were ended: in the `switch`, or in the `trial` once all was switched; empty when none was."""
    text = poll(lambda: host.run("cat %s", SEEN).stdout, bool, 30)
    host.run("systemctl stop %s", UNIT)
    found = json.loads(text or '{"ended": 0}')
    if not found["ended"]:
        return ""
    return "trial" if found["switched"] else "switch"
