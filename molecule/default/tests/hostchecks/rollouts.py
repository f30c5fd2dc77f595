"""What an operator sees of a rollout that goes wrong, left in build/rollouts for docs/rollouts.md: `record`."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hostchecks.at_work import Account
from hostchecks.lab import INVENTORY, ROOT
from hostchecks.pages import about, leave, left
from hostchecks.rollout import Run
from hostchecks.rollouts_page import ROWS, page

REPORT = ROOT / "build" / "rollouts"
"""Where the rows of the table are left."""
BUNDLE = re.compile(r"[^\s=]*/bundle(?=\s|$)")
FOLDER = re.compile(r"/tmp/\S*/")
WIDTH = 220
"""Letters of a cell."""
UNTOUCHED = "ran on untouched"
"""Of a host that another one's trouble did not reach: the same deployment, the same processes."""


@dataclass(frozen=True)
class Row:
    """What came of one thing that was tried. `now`: what happens, in a few words. `back_s`: seconds from the switch
    until the host was back, or had decided. `windows`: how many came on all edges meanwhile, were lost, and doubled.
    `others`: what became of the other hosts.
    """

    tried: str
    now: str
    status: int | None
    printed: str
    back_s: float | None = None
    windows: Mapping[str, int] | None = None
    others: str = ""


def record(
    tried: str,
    run: Run | None,
    now: str,
    again: Run | None = None,
    back_s: float | None = None,
    windows: Mapping[str, int] | None = None,
    others: str = "",
) -> None:
    """Leaves a row, one of ROWS, with what the run printed, and the same typed `again`; before it is judged."""
    assert tried in [row for rows in ROWS.values() for row in rows], f"{tried}: not in rollouts_page.ROWS"
    runs = [one for one in (run, again) if one is not None]
    screens = [f"$ {one.typed}\n{one.shown}" for one in runs]
    printed = plain("\n\n".join(screens))
    row = Row(tried, short(plain(now)), run.status if run else None, printed, back_s, windows, others)
    _write(leave(REPORT, tried, [asdict(row)]))


def write() -> None:
    """The page anew, of all rows that are there."""
    _write(left(REPORT))


def _write(rows: list[dict[str, Any]]) -> None:
    (REPORT / "rollouts.md").write_text(page(rows, about()))


def plain(text: str) -> str:
    """Without the places of this machine."""
    for place, words in ((f"-i {INVENTORY} ", ""), (str(INVENTORY), "inventory"), (f"{ROOT}/", "")):
        text = text.replace(place, words)
    return FOLDER.sub("", BUNDLE.sub("BUNDLE", text))


def counted(accounts: Iterable[Mapping[str, Account]], began: float, ended: float) -> dict[str, int]:
    """How many outputs of all edges came between two moments, in Unix s, were lost, and doubled."""
    found = dict.fromkeys(("came", "lost", "doubled"), 0)
    for account in (one for edge in accounts for one in edge.values()):
        for what, keys in zip(found, (account.published, account.lost, account.doubled), strict=True):
            found[what] += sum(began * 1e6 <= key[0] < ended * 1e6 for key in keys)
    return found


def decision(host: str, trial: Mapping[str, Any], last: Mapping[str, Any] | None = None) -> str:
    """What a host decided in its trial; `last`: the one that it had before, which is no decision on this run."""
    if last is not None and trial.get("began") == last.get("began"):
        return f"{host} was not switched"
    by_itself = "returned by itself" if trial["state"] == "returned" else trial["state"]
    return f"{host} {by_itself}: {trial['why']}"


def cause(run: Run, host: str) -> str:
    """Why a host is not what was typed, by the report; without one, what is printed."""
    about = run.report.get("hosts", {}).get(host)
    if about:
        return f"{host} {about['state']}: {' '.join(about['cause'])}"
    _, _, refusal = run.shown.partition("msg: ")
    return refusal.strip(">-'\" \n") or run.shown


def others(run: Run, host: str, untouched: bool) -> str:
    """What a run reports of the hosts but one, and whether the test found them as they were before it."""
    states = {name: about["state"] for name, about in run.report.get("hosts", {}).items() if name != host}
    words = [", ".join(f"{name} {state}" for name, state in states.items()), UNTOUCHED if untouched else "changed"]
    return "; ".join(filter(None, words))


def short(text: str) -> str:
    """What fits into a cell of the table."""
    return textwrap.shorten(text, WIDTH, placeholder=" …")
