"""The overview of a host as HTML, for the agent's page and for a fleet: one look, one definition.

`page_look` has the parts that it is made of. Whatever is put into a part is escaped, unless it was made here: documents
come from hosts, and are not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .html_parts import (
    Html,
    clock,
    escape,
    fill,
    listed,
    mebibytes,
    number,
    plain_number,
    plain_word,
    prose,
    text,
)
from .page_look import ALONE, BADGES, FRAMES, PARTS, SCRIPT, STYLE, badge, table
from .page_look import POLICY as POLICY

Document = Mapping[str, Any]

WIDTH, HEIGHT = 240, 50


def page(document: Document, runbook: Mapping[str, str]) -> str:
    """The page of one host, which updates itself. `runbook` holds the entries of docs/runbook.md by their names."""
    return fill(
        FRAMES["page"],
        status=text(document.get("status")),
        host=text(document.get("host")),
        version=text(document.get("version")),
        time=text(document.get("time")),
        style=Html(STYLE),
        script=Html(SCRIPT),
        body=Html(_top(document) + _body(document, runbook, 2, "")),
    )


def fleet(hosts: Sequence[Document], runbook: Mapping[str, str], at: str) -> str:
    """The page of a fleet. Each host: `name`, `state` (well, warn, fail, not reached), `runs`, `notes`, `overview`.

    `at` is RFC 3339. A host whose overview is no such document is shown without it.
    """
    good = sum(host["state"] == "well" for host in hosts)
    index = (
        f'<li><a href="#host-{n}">{escape(text(host["name"]))}</a> {badge(host["state"])}</li>\n'
        for n, host in enumerate(hosts)
    )
    return fill(
        FRAMES["fleet"],
        title=f"{good} of {len(hosts)} well: SecLyzer Edge",
        policy=ALONE,
        style=Html(STYLE),
        good=good,
        count=len(hosts),
        time=at,
        clock=clock(at, at),
        index=Html("".join(index)),
        hosts=Html("".join(_host(n, host, runbook) for n, host in enumerate(hosts))),
    )


def runbook_entries(runbook: str) -> dict[str, str]:
    """The entries of docs/runbook.md: the text below each `### name`."""
    found = re.split(r"^#{2,3} (.*)\n", runbook, flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in zip(found[::2], found[1::2], strict=True) if text.strip()}


def _host(n: int, host: Document, runbook: Mapping[str, str]) -> Html:
    try:
        document: Document = host.get("overview") or {}
        seen = _body(document, runbook, 3, f"host-{n}-") if document else ""
        shown = Html("" if host["state"] == "well" else " open")
        summary = "What its agent shows"
        body = fill(PARTS["more"], id=f"host-{n}-all", open=shown, summary=summary, body=Html(seen)) if seen else Html()
    except (TypeError, ValueError, KeyError, AttributeError):
        body = fill(PARTS["words"], words="What its agent answers is no overview.")
    notes = "".join(f"<p>{escape(text(note))}</p>\n" for note in listed(host.get("notes")))
    return fill(
        PARTS["host"],
        id=f"host-{n}",
        host=text(host["name"]),
        badge=badge(host["state"]),
        runs=text(host.get("runs")),
        notes=Html(notes),
        body=body,
    )


def _top(document: Document) -> Html:
    time = text(document.get("time"))
    found = listed(document.get("findings"))
    deployed = next((one for one in listed(document.get("deployments")) if one.get("runs")), None)
    words = f"{len(found)} {'thing is' if len(found) == 1 else 'things are'} wrong." if found else "All is well."
    if deployed is not None:
        mode = text(deployed.get("mode"))
        words += f" Release {text(deployed.get('release')) or '?'}, {f'mode {mode}' if mode else 'the agent only'}."
    state = badge(document.get("status"))
    host = text(document.get("host"))
    return fill(PARTS["top"], h=1, host=host, badge=state, headline=words, time=time, clock=clock(time, time))


def _body(document: Document, runbook: Mapping[str, str], h: int, before: str) -> str:
    """All sections, with headings from level `h`; `before` begins each id."""
    now = text(document.get("time"))
    found = listed(document.get("findings"))
    parts = {
        "What is wrong": "".join(_finding(one, n, now, runbook, h + 1, before) for n, one in enumerate(found))
        or fill(PARTS["well"]),
        "The way of the data": "".join(_way(one, now, h + 1) for one in listed(document.get("ways"))),
        "Extractors": "".join(_extractor(one, now, h + 1) for one in listed(document.get("extractors"))),
        "Deployments": _deployments(document, now),
        "All checks": _checks(listed(document.get("checks")), now, before),
    }
    if parts["Extractors"]:
        parts["Extractors"] = f'<div class="extractors">\n{parts["Extractors"]}</div>\n'
    return "".join(
        fill(PARTS["section"], h=h, id=f"{before}s{n}", label=_label(f"s{n}", before), title=title, body=Html(body))
        for n, (title, body) in enumerate(parts.items())
        if body
    )


def _label(name: str, before: str) -> Html:
    """Makes a section a landmark, where it is the only one of its name."""
    return Html("" if before else f' aria-labelledby="{name}"')


def _finding(one: Document, n: int, now: str, runbook: Mapping[str, str], h: int, before: str) -> str:
    name, follows = text(one.get("id")), number(one.get("follows")) or 0
    entry = runbook.get(name)
    status = text(one.get("status"))
    return fill(
        PARTS["finding"],
        h=h,
        status=status if status in ("warn", "fail") else "warn",
        badge=badge(status),
        output=text(one.get("output")),
        since=text(one.get("since")),
        clock=clock(text(one.get("since")), now),
        follows=f"; {follows:.0f} more {'follows' if follows == 1 else 'follow'} from it" if follows else "",
        command=text(one.get("command")),
        runbook=fill(PARTS["runbook"], id=f"{before}f{n}-{plain_word(name)}", name=name, text=prose(entry))
        if entry
        else "",
    )


def _way(one: Document, now: str, h: int) -> str:
    stages = "".join(_stage(stage, now) for stage in listed(one.get("stages")))
    return fill(PARTS["way"], h=h, name=text(one.get("name")), stages=Html(stages))


def _stage(one: Document, now: str) -> str:
    state, rate = text(one.get("state")), number(one.get("perMinute"))
    figures = [clock(text(one.get("time")), now), f"{rate:g}/min" if rate is not None else ""]
    words = text(one.get("output"))
    return fill(
        PARTS["stage"],
        name=text(one.get("name")),
        badge=badge(state),
        **{"class": BADGES.get(state, "")},
        figures=", ".join(filter(None, figures)),
        words=fill(PARTS["words"], words=words) if words else "",
    )


def _extractor(one: Document, now: str, h: int) -> str:
    used, limit = number(one.get("memoryBytes")), number(one.get("memoryLimitBytes"))
    runs = f"{text(one.get('implementation'))} {text(one.get('version'))}".strip() or "nothing that reports"
    configured = text(one.get("configured"))
    if configured and configured != one.get("implementation"):
        runs += f", configured is {configured}"
    memory = "not known" if used is None else mebibytes(used)
    if used is not None and limit:
        memory += f" of {mebibytes(limit)} ({100 * used / limit:.0f} %)"
    hour: Document = one.get("hour") or {}
    times = [text(time) for time in listed(hour.get("time"))]
    span = f"{clock(times[0], '')} to {clock(times[-1], '')}" if times else ""
    plots = _plot("memory", hour.get("memoryBytes"), limit, mebibytes, span)
    plots += _plot("events a minute", hour.get("eventsPerMinute"), None, plain_number, span)
    return fill(
        PARTS["extractor"],
        h=h,
        name=text(one.get("name")),
        runs=runs,
        since=clock(text(one.get("started")), now) or "not known",
        memory=memory,
        plots=Html(plots),
    )


def _plot(what: str, found: object, limit: float | None, shown: Callable[[float], str], span: str) -> str:
    """A line of the last hour; the frame's top is the limit, or the most that there was."""
    values = [number(value) for value in listed(found)]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    top = max(limit or 0, max(known)) or 1
    words = f"{what} from {span}: {shown(min(known))} to {shown(max(known))}, last {shown(known[-1])}"
    words += f"; the top is the limit, {shown(limit)}" if limit else ""
    line, area = [], []
    for run in _runs(values):
        places = [
            f"{WIDTH * n / max(1, len(values) - 1):.1f} {HEIGHT - 1 - (HEIGHT - 2) * value / top:.1f}"
            for n, value in run
        ]
        first, last = (place.partition(" ")[0] for place in (places[0], places[-1]))
        line.append("M" + "L".join(places))
        area.append(f"M{first} {HEIGHT}L{'L'.join(places)}L{last} {HEIGHT}Z")
    return fill(PARTS["plot"], label=words, line="".join(line), area="".join(area), caption=words)


def _runs(values: Sequence[float | None]) -> Iterable[list[tuple[int, float]]]:
    """Values that follow one another without a gap, each with its place."""
    run: list[tuple[int, float]] = []
    for n, value in enumerate(values):
        if value is not None:
            run.append((n, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _deployments(document: Document, now: str) -> str:
    rows = []
    for one in listed(document.get("deployments")):
        state = "runs" if one.get("runs") else text(one.get("state"))
        rows.append(
            (
                text(one.get("number")),
                text(one.get("release")),
                text(one.get("mode")) or "agent only",
                clock(text(one.get("time")), now),
                Html(badge(state)) if state else "",
            )
        )
    rows_shown = table("", ("number", "release", "mode", "staged", "state"), rows) if rows else ""
    return _trial(document.get("trial"), now) + rows_shown


def _trial(trial: object, now: str) -> str:
    """The last trial in a sentence."""
    if not isinstance(trial, Mapping) or not text(trial.get("state")):
        return ""
    since, before, why = (text(trial.get(name)) for name in ("since", "from", "output"))
    words = f"The last trial, of deployment {text(trial.get('to'))}"
    words += f" in the place of {before}" if before else ""
    words += f", began {clock(since, now)}" if since else ""
    ends = f": {why}" if why else ""
    return f"<p>{escape(words)}: {badge(trial['state'])}{escape(ends)}</p>\n"


def _checks(checks: Sequence[Document], now: str, before: str) -> str:
    if not checks:
        return ""
    order = {"fail": 0, "warn": 1}
    rows = [
        (
            text(one.get("name")),
            Html(badge(one.get("status"))),
            text(one.get("output")),
            clock(text(one.get("time")), ""),
        )
        for one in sorted(checks, key=lambda one: order.get(text(one.get("status")), 2))
    ]
    body = Html(table("", ("check", "status", "what was seen", "read"), rows))
    summary = f"{len(rows)} measurement{'' if len(rows) == 1 else 's'}"
    return fill(PARTS["more"], id=f"{before}checks", open="", summary=summary, body=body)
