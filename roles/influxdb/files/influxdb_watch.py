"""Notices that points are gone which were there: run on the store, with InfluxDB and every few minutes by a timer.

It notes how many points each host has of each measurement and day, and counts again: today every time, an earlier day
by turns. Of a day that was not over it counts up to the same moment again, so that new points do not hide old ones that
are missing. It rests fifty times as long as it has counted, so that a large fleet's store has other things to do. A
count may rise, by points that come late. It may fall by what `forgotten.jsonl` says
was forgotten, and with the end of the retention that was configured, not of the one that the bucket has. Whatever else
is missing stays in the verdict, a file for the health agent, until it is back or the notes are taken away.
"""

import argparse
import csv
import io
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

EACH_POINT = "schema"  # a field that every point has once
LONGEST = 90  # days that are watched at most
SILENT_SECONDS = 120.0
STARTS_SECONDS = 10.0  # from the start of InfluxDB, which starts the watch as well, until it answers
EVERY = timedelta(minutes=10)  # as influxdb-watch.timer does
RESTS = 50
# A deletion that was written down shortly before a count may have been done after it.
SLACK = timedelta(minutes=10)
AGAIN = timedelta(minutes=1)  # as influxdb-watch.service does after AWAY
AWAY = 75  # exit status: the store could not be asked, has no bucket or no data
SHOWN = 5  # losses that are listed one by one

Counts = dict[str, int]
"""`<host>\\t<measurement>` -> points of a day"""


class Uncounted(Exception):
    """InfluxDB could not be asked; the message says why."""


class NoBucket(Exception):
    """The bucket is not there."""


class Blank(Exception):
    """InfluxDB waits for its first set-up: it has no data at all."""


@dataclass
class Noted:
    """A day's count of one host and measurement, and when it was made (ISO 8601, UTC)."""

    points: int
    at: str


@dataclass
class Notes:
    """What was counted before, by key and day, and what has been missing since.

    `last` is when that was (ISO 8601, UTC), `turn` the older day that was counted then.
    """

    last: str = ""
    turn: str = ""
    days: dict[str, dict[str, Noted]] = field(default_factory=dict)
    gone: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> "Notes":
        """From JSON; raises ValueError, KeyError or TypeError when it is none of ours."""
        found = json.loads(text)
        days = {key: {day: Noted(int(n), str(at)) for day, (n, at) in of.items()} for key, of in found["days"].items()}
        return cls(str(found["last"]), str(found["turn"]), days, found["gone"])

    def dump(self) -> str:
        """As JSON."""
        days = {key: {day: [one.points, one.at] for day, one in of.items()} for key, of in self.days.items()}
        return json.dumps(
            {"last": self.last, "turn": self.turn, "days": days, "gone": self.gone}, separators=(",", ":")
        )


def day_by_turns(today: date, kept: int, turn: str) -> str:
    """The earlier day that is counted next, of those that are wholly kept; empty when there is none."""
    earlier = [(today - timedelta(days=back)).isoformat() for back in range(1, kept)]
    after = [day for day in earlier if day < turn] or earlier
    return after[0] if after else ""


def compare(notes: Notes, day: str, counts: Counts, ledger: Sequence[Mapping[str, Any]], now: str) -> None:
    """Hold a day's counts against the notes. What is missing goes into `gone`, what came back comes out of it."""
    for key, of in notes.days.items():
        if day not in of:
            continue
        before, found = of[day], counts.get(key, 0)
        expected = max(0, before.points - _forgotten(ledger, key, day, before.at))
        gone = notes.gone.setdefault(key, {})
        if found < expected:
            gone[day] = gone.get(day, 0) + expected - found
        elif found == expected + gone.get(day, 0):  # neither more nor less: late points of an edge are no answer
            gone.pop(day, None)
        of[day] = Noted(found, now)
        if not gone:
            del notes.gone[key]


def note(notes: Notes, day: str, counts: Counts, now: str) -> None:
    """What a day has now."""
    for key, found in counts.items():
        notes.days.setdefault(key, {})[day] = Noted(found, now)


def drop_before(notes: Notes, oldest: str) -> None:
    """Days that are not kept any more."""
    for key, of in list(notes.days.items()):
        notes.days[key] = {day: one for day, one in of.items() if day >= oldest}
        if not notes.days[key]:
            del notes.days[key]
    for key, lost in list(notes.gone.items()):
        notes.gone[key] = {day: one for day, one in lost.items() if day >= oldest}
        if not notes.gone[key]:
            del notes.gone[key]


def verdict(notes: Notes, now: str) -> dict[str, Any]:
    """What the agent reports."""
    lost = [(key, day, missing) for key, of in sorted(notes.gone.items()) for day, missing in sorted(of.items())]
    if not lost:
        hosts = {key.partition("\t")[0] for key in notes.days}
        words = f"no point of {len(hosts)} hosts that was there is gone"
        return {"at": now, "status": "pass", "words": words, "missing": 0}
    sorts = [
        f"{missing} {key.partition(chr(9))[2]} of {key.partition(chr(9))[0]} from {day}" for key, day, missing in lost
    ]
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    words = (
        f"points that were there are gone, and no playbook did it: {', '.join(sorts[:SHOWN])}{more}. Who could delete? "
        "playbooks/restore.yml brings a backup back; docs/personal-data.md says how to accept it"
    )
    return {"at": now, "status": "fail", "words": words, "missing": sum(missing for *_, missing in lost)}


def judge_retention(bucket: str, days: int, configured: int) -> dict[str, str]:
    """Whether a bucket keeps points as long as configured (days; 0: for ever). Shorter loses points."""
    words = f"the bucket {bucket} keeps points {_span(days)}"
    if days == configured:
        return {"status": "pass", "words": f"{words}, as configured"}
    shorter = days and (not configured or days < configured)
    return {"status": "fail" if shorter else "warn", "words": f"{words}, not {_span(configured)} as configured"}


def _span(days: int) -> str:
    return f"for {days} days" if days else "for ever"


def _forgotten(ledger: Sequence[Mapping[str, Any]], key: str, day: str, since: str) -> int:
    """How many points of a day were forgotten since a count."""
    host, _, measurement = key.partition("\t")
    after = (datetime.fromisoformat(since) - SLACK).isoformat()
    return sum(
        int(one["points"].get(host, {}).get(measurement, {}).get(day, 0)) for one in ledger if str(one["at"]) >= after
    )


# --- the world ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Store:
    """Where to count: InfluxDB itself, which answers on the loopback of its own host."""

    url: str
    org: str
    bucket: str
    token: str
    measurements: tuple[str, ...]

    def wait(self) -> None:
        """Until something answers; for no longer than a start takes."""
        ends = time.monotonic() + STARTS_SECONDS
        while time.monotonic() < ends:
            try:
                self._opener().open(f"{self.url}/health", timeout=STARTS_SECONDS).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.5)

    def count(self, since: str, until: str) -> Counts:
        """Points from one time to before another (ISO 8601, UTC). Raises Uncounted, NoBucket and Blank."""
        if since >= until:  # which InfluxDB would refuse
            return {}
        which = " or ".join(f'r._measurement == "{name}"' for name in self.measurements)
        flux = f"""from(bucket: {json.dumps(self.bucket)}) |> range(start: {since}, stop: {until})
            |> filter(fn: (r) => ({which}) and r._field == "{EACH_POINT}")
            |> count() |> group(columns: ["host", "_measurement"]) |> sum()"""
        rows = csv.reader(io.StringIO(self._ask(flux)))
        names: list[str] = []
        counts: Counts = {}
        for row in rows:
            if not row:
                names = []
            elif not names:
                names = row
            else:
                one = dict(zip(names, row, strict=True))
                counts[f"{one['host']}\t{one['_measurement']}"] = int(one["_value"])
        return counts

    def retention(self) -> int:
        """For how many days the bucket keeps points, 0 for ever. Raises Uncounted, NoBucket and Blank."""
        answer = self._send(f"buckets?{urllib.parse.urlencode({'org': self.org, 'name': self.bucket})}")
        try:
            (bucket,) = json.loads(answer)["buckets"]
            return sum(int(rule["everySeconds"]) for rule in bucket["retentionRules"]) // 86400
        except (ValueError, KeyError, TypeError) as error:
            raise Uncounted("InfluxDB's answer about the bucket is not understood") from error

    def _ask(self, flux: str) -> str:
        return self._send(f"query?{urllib.parse.urlencode({'org': self.org})}", flux.encode())

    def _send(self, path: str, body: bytes | None = None) -> str:
        """InfluxDB's answer. Raises Uncounted, NoBucket and Blank."""
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/vnd.flux"}
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", body, headers)
        opener = self._opener()
        try:
            with opener.open(request, timeout=SILENT_SECONDS) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
            if error.code == 404 and "bucket" in answer:
                raise NoBucket from error
            if error.code == 401 and self._is_blank(opener):
                raise Blank from error
            raise Uncounted(f"InfluxDB answers {error.code} to a query") from error
        except OSError as error:
            raise Uncounted(f"InfluxDB does not answer: {getattr(error, 'reason', error)}") from error

    def _opener(self) -> urllib.request.OpenerDirector:
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _is_blank(self, opener: urllib.request.OpenerDirector) -> bool:
        """Whether it would take a first set-up."""
        try:
            with opener.open(f"{self.url}/api/v2/setup", timeout=SILENT_SECONDS) as answer:
                return json.loads(answer.read()).get("allowed") is True
        except (OSError, ValueError, AttributeError):
            return False


def run(store: Store, folder: Path, ledger_file: Path, retention_days: int) -> dict[str, Any]:
    """One round; returns the verdict, which is written down as well."""
    started, clock = datetime.now(UTC), time.monotonic()
    now, kept = f"{started:%Y-%m-%dT%H:%M:%SZ}", min(retention_days or LONGEST, LONGEST)
    notes = _notes(folder / "noted.json")
    oldest = (started.date() - timedelta(days=kept - 1)).isoformat()
    kept_for, soon = None, True
    try:
        look(store, notes, _ledger(ledger_file), oldest, now)
        kept_for = store.retention()
    except NoBucket:
        words = f"the bucket {store.bucket} is not there, nor is any point; playbooks/restore.yml brings a backup back"
        result = {"at": now, "status": "fail", "words": words, "missing": 0}
    except Blank:
        words = (
            "InfluxDB has no data and no users, as before its set-up, and anybody on this host may set it up: is its "
            "folder there? Then restart it; else site.yml sets it up, and playbooks/restore.yml brings a backup back"
        )
        result = {"at": now, "status": "fail", "words": words, "missing": 0}
    except Uncounted as error:
        result = {"at": now, "status": "warn", "words": f"points were not counted: {error}", "missing": 0}
    else:
        drop_before(notes, oldest)
        _write(folder / "noted.json", notes.dump(), 0o600)
        result, soon = verdict(notes, now), False
    if kept_for is not None:
        result["retention"] = judge_retention(store.bucket, kept_for, retention_days)
    rest = timedelta(seconds=RESTS * (time.monotonic() - clock))
    result["next"] = f"{started + (AGAIN if soon else max(rest, EVERY)):%Y-%m-%dT%H:%M:%SZ}"
    _write(folder / "verdict.json", json.dumps(result), 0o640)
    return result


def look(store: Store, notes: Notes, ledger: Sequence[Mapping[str, Any]], oldest: str, now: str) -> None:
    """Count, compare, and note. Raises Uncounted, NoBucket and Blank, and has changed nothing then."""
    today, last = now[:10], notes.last
    kept = (date.fromisoformat(today) - date.fromisoformat(oldest)).days + 1
    turn = day_by_turns(date.fromisoformat(today), kept, notes.turn)
    begun = last[:10] if oldest <= last[:10] <= today and last <= now else ""
    again = store.count(_start(begun), last) if begun else {}
    since = store.count(last, min(now, _end(begun))) if begun else {}
    new = store.count(_start(today), now) if begun != today else {}
    whole = store.count(_start(turn), _end(turn)) if turn else {}
    if begun:
        compare(notes, begun, again, ledger, now)
        note(notes, begun, {key: again.get(key, 0) + since.get(key, 0) for key in again.keys() | since.keys()}, now)
    note(notes, today, new, now)
    if turn:
        compare(notes, turn, whole, ledger, now)
        note(notes, turn, whole, now)
    notes.last, notes.turn = now, turn


def resting(folder: Path, now: datetime) -> bool:
    """The last round took long, so the next is not due yet."""
    try:
        result = json.loads((folder / "verdict.json").read_text())
        at, due = (datetime.fromisoformat(result[name]) for name in ("at", "next"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return due - at > EVERY and now < due and (folder / "noted.json").exists()


def _start(day: str) -> str:
    return f"{day}T00:00:00Z"


def _end(day: str) -> str:
    return _start((date.fromisoformat(day) + timedelta(days=1)).isoformat())


def _notes(path: Path) -> Notes:
    try:
        return Notes.load(path.read_text())
    except FileNotFoundError:
        return Notes()
    except (ValueError, KeyError, TypeError, AttributeError):
        print("the notes cannot be understood, and are begun anew", file=sys.stderr)
        return Notes()


def _ledger(path: Path) -> list[dict[str, Any]]:
    """What was forgotten. Raises Uncounted when that cannot be known."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Uncounted(
            f"{path} cannot be read ({error.strerror}); it has to be of the group influxdb-watch"
        ) from error
    found = []
    for line in lines:
        try:
            one = json.loads(line)
            one["at"], one["points"]
        except (ValueError, KeyError, TypeError):
            continue
        found.append(one)
    return found


def _write(path: Path, text: str, mode: int) -> None:
    """By rename: a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(path)


def main() -> int:
    """Run once; exit status AWAY when it could not count, for which it is soon run again."""
    parser = argparse.ArgumentParser(description="Notices that points are gone which were there.")
    for name in ("url", "org", "bucket", "ledger"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--retention-days", type=int, required=True)
    parser.add_argument("--measurement", action="append", required=True, help="one that is watched; as often as needed")
    options = parser.parse_args()
    token = Path(os.environ["CREDENTIALS_DIRECTORY"], "token").read_text().strip()
    store = Store(options.url, options.org, options.bucket, token, tuple(options.measurement))
    folder = Path(os.environ["STATE_DIRECTORY"])
    if resting(folder, datetime.now(UTC)):
        return 0
    store.wait()
    result = run(store, folder, Path(options.ledger), options.retention_days)
    if result["status"] != "pass":
        print(f"{result['status']}: {result['words']}", file=sys.stderr)
    due = datetime.fromisoformat(result["next"]) - datetime.fromisoformat(result["at"])
    return AWAY if due < EVERY else 0


if __name__ == "__main__":
    sys.exit(main())
