"""What `tests/night` saw as docs/night.md: a table of seconds, and what `doctor` printed of each break. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from hostchecks.pages import printed

HEAD = """# What hosts say of a break

Each break was made on hosts of a lab on which a person worked, looked at through health (`/healthz`), the page
(`/overview`) and `sudo seclyzer doctor`, and mended. `molecule/long/tests/night` makes them and asserts findings, words
and commands, and that all is well again after the mend. It asserts no seconds, but leaves them in `build/night`, from
which this page is written. `make test-long` runs it.

{about} While the breaks were made the load was between {loads}.

* **first sign**: seconds from the break until health shows anything, and what.
* **cause**: seconds until health names the cause. The page has the same words at that moment, and so has `doctor`,
  which looks by itself, too.
* **over**: seconds from the mend until nothing is wrong any more. What was counted (restarts, losses, messages that
  were skipped, refusals) is past a minute after the last one; a certificate is read every 5 minutes, and every 15 s
  while it is not well.

Not made here: a clock that is not synchronised (a container has no say in it; `agent/tests/test_agent_surroundings.py`
has its words), and memory that grows for hours (`agent/tests/test_agent_trend.py`).

| break | host | first sign | cause | over |
|---|---|---|---|---|
"""


def page(rows: Sequence[Mapping[str, Any]], about: str) -> str:
    """The document; `about` says when and on what."""
    lines = [_row(row) for row in rows]
    answers = [_answer(row) for row in rows]
    loads = [row["load"] for row in rows]
    head = HEAD.format(about=about, loads=f"{min(loads):.0f} and {max(loads):.0f}")
    return head + "".join(lines) + "\n## What `doctor` prints\n" + "".join(answers)


def _row(row: Mapping[str, Any]) -> str:
    first = f"{_s(row['first_s'])} `{_name(row['first'])}`" if row["first"] else "not by health"
    cause = f"{_s(row['named_s'])} `{row['status']} {row['finding']}`".replace("` ", "`")
    return f"| {row['fault']} | {row['host']} | {first} | {cause} | {_s(row['well_s'])} |\n"


def _name(first: str) -> str:
    return first.partition(":")[0]


def _s(seconds: float | None) -> str:
    return "not seen" if seconds is None else f"{seconds:.0f} s"


def _answer(row: Mapping[str, Any]) -> str:
    return printed(f"{row['fault']}: {row['host']}", row["doctor"])
