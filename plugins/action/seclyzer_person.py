"""Whose data is selected, before any host is asked; and what became of it, as a report that can be filed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ..module_utils import words
from ..module_utils.words import DEFAULT_USER, NoSense, Report
from ..plugin_utils.actions import Action, Facts, Options, Result, display

EDGE = "seclyzer_edge"
STORE = "seclyzer_store"
ASKED = ("user", "host", "since", "until")
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        "step": {"type": "str", "required": True, "choices": ["words", "report"]},
        **{name: {"type": "str", "default": ""} for name in ASKED},
        "what": {"type": "str", "choices": ["forget", "export"], "default": "forget"},
        "folder": {"type": "path"},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """Refuses, or reports who is selected; or writes the report."""
        if arguments["step"] == "words":
            return self._words(facts, arguments)
        return self._report(facts, arguments)

    def _words(self, facts: Vars, arguments: Vars) -> dict[str, Any]:
        """Whom the words mean, and which edges have to be asked: a person may have used any."""
        now = time.time_ns() // 1000
        try:
            chosen = words.understood(**{name: arguments[name] for name in ASKED}, now=now)
        except NoSense as error:
            return {"failed": True, "changed": False, "msg": f"{error}. Nothing was changed."}
        edges = list(facts["groups"].get(EDGE, []))
        if not facts["groups"].get(STORE):
            return {
                "failed": True,
                "changed": False,
                "msg": f"the inventory has no host in {STORE}. Nothing was changed.",
            }
        return {
            "changed": False,
            "user": chosen.user,
            "host": chosen.host,
            "since": chosen.since,
            "until": chosen.until,
            "now": now,
            "edges": [edge for edge in edges if chosen.host in ("", edge)],
            "at": datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="seconds"),
            "typed": {name: arguments[name] for name in ASKED},
        }

    def _report(self, facts: Vars, arguments: Vars) -> dict[str, Any]:
        """Reads what was registered on each host, writes the report, and returns what is still open."""
        hostvars, groups = facts["hostvars"], facts["groups"]
        person = hostvars["localhost"]["__seclyzer_person"]
        report = Report(arguments["what"], person["at"], person["typed"], bool(self._task.check_mode))
        for edge in person["edges"]:
            _edge(report, edge, hostvars[edge], person)
        if person["host"] and not person["edges"]:
            report.notes.append(
                f"{person['host']} is not in the inventory: only what the store held of it was looked at"
            )
        for store in groups[STORE]:
            _store(report, store, hostvars[store])
        folder = Path(arguments["folder"])
        if arguments["what"] == "export":
            _files(report, folder, dict.fromkeys([*person["edges"], *groups[STORE]]), hostvars)
        lines = report.lines()
        written = [] if report.checked_only else _write(folder, report, lines)
        for line in [*lines, *(f"  report: {path}" for path in written[:1])]:
            display.display(line)
        return {
            "changed": False,
            "msg": lines,
            "open": report.open,
            "complete": report.complete,
            "report": [str(path) for path in written],
        }


def _edge(report: Report, edge: str, of_host: Vars, person: Vars) -> None:
    seen, done, again = (of_host.get(f"__seclyzer_{name}") or {} for name in ("seen", "done", "again"))
    away = seen.get("unreachable") or done.get("unreachable")
    if away or "before" not in seen:
        why = "was not reached" if away else f"could not be looked at: {_reason(seen)}"
        report.open.append(f"{edge}: it {why}; what it holds is still there. Run it again when it is back")
        return
    if not report.checked_only and report.what == "forget" and "after" not in done:
        report.add(edge, seen["before"], seen["before"], failed=_reason(done))
        return
    report.add(edge, done.get("before", seen["before"]), done.get("after", seen["before"]))
    left = {place: count for place, count in (again.get("before") or {}).items() if count and "appl" not in place}
    report.open += [f"{edge}: {count} {place} came back: run it again" for place, count in left.items()]
    owner = seen["owner"]["user"]
    if person["user"] and owner == DEFAULT_USER:
        report.notes.append(
            f"{edge} has no owner (seclyzer_extractors_user_id is {DEFAULT_USER}): what it makes has no person's name, "
            f"and was left alone. If {person['user']} used it: -e host={edge}"
        )


def _store(report: Report, store: str, of_host: Vars) -> None:
    seen, done, again = (of_host.get(f"__seclyzer_store_{name}") or {} for name in ("seen", "done", "again"))
    if "before" not in seen:
        report.open.append(f"{store}: the store could not be looked at: {_reason(seen)}")
        return
    if not report.checked_only and "after" not in done:
        report.add(store, _places(seen["before"]), _places(seen["before"]), failed=_reason(done))
        return
    left = again["before"] if "before" in again else (done or seen)["after"]
    report.add(store, _places(done.get("before", seen["before"])), _places(left))
    if report.what == "forget" and seen.get("backups"):
        report.notes.append(
            f"{store} keeps backups that hold what they held: {', '.join(seen['backups'])}. restore.yml forgets again "
            "what was forgotten after a backup; delete those that are not needed, here and wherever they were copied"
        )


def _places(counts: Mapping[str, int]) -> dict[str, int]:
    return {f"points of {measurement} in InfluxDB": count for measurement, count in counts.items()}


def _files(report: Report, folder: Path, hosts: Iterable[str], hostvars: Vars) -> None:
    """What was fetched is what was written there; the manifest names it."""
    manifest = []
    for host in hosts:
        done = [hostvars[host].get(f"__seclyzer_{name}") or {} for name in ("done", "store_done")]
        for made in [made for one in done for made in one.get("files", [])]:
            path = folder / host / made["name"]
            if not path.is_file() or _hash(path) != made["sha256"]:
                report.open.append(f"{host}: {made['name']} did not arrive whole: export again")
                continue
            path.chmod(0o600)
            manifest.append({"host": host, **made})
    if not report.checked_only:
        _keep(folder / "manifest.json", json.dumps({"at": report.at, "files": manifest}, indent=1) + "\n")


def _write(folder: Path, report: Report, lines: list[str]) -> list[Path]:
    stamp = datetime.fromisoformat(report.at).strftime("%Y%m%dT%H%M%SZ")
    texts = {"txt": "\n".join(lines) + "\n", "json": json.dumps(report.document(), indent=1, ensure_ascii=False) + "\n"}
    written = []
    for suffix, text in texts.items():
        path = folder / f"{report.what}-{stamp}.{suffix}"
        _keep(path, text)
        written.append(path)
    return written


def _keep(path: Path, text: str) -> None:
    """A file of this user's alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w") as stream:
        os.fchmod(handle, 0o600)
        stream.write(text)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reason(result: Vars) -> str:
    return str(result.get("msg") or "it was not asked")
