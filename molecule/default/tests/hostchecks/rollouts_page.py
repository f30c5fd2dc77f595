"""What rollouts that go wrong came to as docs/rollouts.md: a table, and what was printed of each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hostchecks.pages import printed

ROWS: Mapping[str, Sequence[str]] = {
    "A bad release": (
        "a release that exits at its start",
        "a release that hangs at its start",
        "a release that emits nothing",
        "a release that publishes wrong values",
        "a release that leaks",
        "a release that crashes every 17 s",
        "a release that freezes",
        "a release whose points only wait on disk",
        "a release that claims a fault of the store",
        "a release that was returned from, again",
        "a good release while its store stops",
        "a good release while its store refuses the host",
    ),
    "Going back": (
        "rollback.yml after a run that was refused at staging",
        "rollback.yml after a run that failed because the store was away",
        "rollback.yml while the only host of the last run is away",
        "rollback.yml to a release whose files are damaged",
        "rollback.yml --check to a release whose files are damaged",
        "rollback.yml to a deployment that is gone",
        "rollback.yml --check to a deployment that is gone",
        "rollback.yml again after it was cut off",
    ),
    "A fleet": (
        "a host with a full disk",
        "a host that is away",
        "the store away",
        "two operators at once: the first to come",
        "two operators at once: the other",
    ),
    "What is there already": (
        "a Redis of another's",
        "an InfluxDB of another's",
    ),
    "A lost controller": (
        "ssh cut in the switch, good",
        "ssh cut in the switch, bad",
        "off the network in the trial, good",
        "ssh cut in the trial, bad",
        "the controller killed in staging, good",
        "the controller killed in staging, bad",
        "the controller killed in shadow, good",
        "the controller killed in shadow, bad",
        "the controller killed in trial, good",
        "the controller killed in trial, bad",
        "ssh cut in a change of the mode",
    ),
    "A power cut": (
        "before `current` moves",
        "between the link and the unit files",
        "before the units restart",
        "in the trial of a good release",
        "in the trial of a bad release",
        "while staging",
    ),
}
"""What is tried, in the order of the page."""

HEAD = """# What an operator sees of a rollout that goes wrong

Each row was made on hosts of a lab, edges on which a person worked and their store, by a test that asserts what stands
here; `molecule/long/tests` and `molecule/default/tests/attacks` have them, and leave in `build/rollouts` what this
page is written from. `make test-long` runs them. 201 and more hosts: [scale.md](scale.md).

{about}

* **exit**: of what was typed.
* **after**: seconds from the switch until the host had decided; one that returned was healthy by then.
* **windows**: outputs of all edges meanwhile: how many came, were lost and came twice.
* **other hosts**: as the report has them, and whether deployment and processes were the same before and after.
"""
TABLE = """
## {section}

| tried | exit | what happens now | after | windows | other hosts |
|---|---|---|---|---|---|
"""


def page(rows: Iterable[Mapping[str, Any]], about: str) -> str:
    """The document; `about` says when and on what."""
    by_name = {row["tried"]: row for row in rows}
    tables, texts = "", ""
    for section, names in ROWS.items():
        seen = [by_name[name] for name in names if name in by_name]
        if seen:
            tables += TABLE.format(section=section) + "".join(map(_row, seen))
            texts += "".join(printed(row["tried"], row["printed"]) for row in seen if row["printed"])
    missing = [name for names in ROWS.values() for name in names if name not in by_name]
    unmade = f"\nNot made for this page: {'; '.join(missing)}.\n" if missing else ""
    return f"{HEAD.format(about=about)}{unmade}{tables}\n## What is printed\n{texts}"


def _row(row: Mapping[str, Any]) -> str:
    back = "" if row["back_s"] is None else f"{row['back_s']:.0f} s"
    cells = (row["tried"], _status(row["status"]), row["now"], back, _windows(row["windows"]), row["others"])
    return f"| {' | '.join(str(cell).replace('|', '/').replace(chr(10), ' ') for cell in cells)} |\n"


def _status(status: int | None) -> str:
    return {None: "", -9: "killed"}.get(status, str(status))


def _windows(found: Mapping[str, int] | None) -> str:
    return f"{found['came']}: {found['lost']} lost, {found['doubled']} doubled" if found else ""
