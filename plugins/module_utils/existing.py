"""What a host has that SecLyzer did not install: a Redis, an InfluxDB, units of the names that ours have.

Ours is recognised by what the roles leave, never by guess: the drop-in of Redis' unit, the text of the other units.
Every version of this project has left these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import influxdb_api, listening, systemd
from .files import read
from .kinds import PROGRAMS
from .layout import UNITS, Layout, Refused

INFLUXDB = "influxdb.service"
INFLUXDB_PROGRAMS = (Path("/usr/local/bin/influxd"), Path("/usr/bin/influxd"))
"""Where the role puts the program, by how it is installed."""
INFLUXDB_STATE = Path("/var/lib/influxdb/influxd.bolt")
TOKEN = Path(str(influxdb_api.OPERATOR["operator_token_file"]["default"]))
OURS = {INFLUXDB: "SecLyzer's features", "influxdb-gateway.service": "edges write their own points"}
"""What our units say in every version."""
OLDER = "seclyzer-extractors@*.service"
OLDER_PROGRAMS = {f"/usr/local/bin/{program}" for program in PROGRAMS.values()}
"""What older versions of SecLyzer's extractors, which were not rolled out by this project, have."""
PROC = Path("/proc")
WRITTEN = "# Written by site.yml"
"""How the units of a deployment begin."""
STATE = ("LoadState", "ActiveState", "MainPID", "FragmentPath")

OWN_REDIS, OWN_SOCKET = "seclyzer-redis.service", "/run/seclyzer-redis/redis.sock"
"""The Redis that runs beside another's."""
REDIS_SOCKET = "/run/redis/redis-server.sock"
"""The socket of a Redis that is ours alone."""

MARKS = {
    **dict.fromkeys(UNITS, WRITTEN),
    "seclyzer-trial.service": "# Written for the trial",
    "seclyzer-watch.service": "# Written for a watch",
    OWN_REDIS: "SecLyzer's Redis, beside another's",
    **OURS,
    "influxdb-wal.service": "log of SecLyzer's InfluxDB",
    "influxdb-watch.service": "points of SecLyzer",
    "influxdb-watch.timer": "points of SecLyzer",
}
"""Every unit file of ours, with what stands in it in every version."""

REFUSE, ADOPT, BESIDE, USE, REPLACE = "refuse", "adopt", "beside", "use", "replace"

Found = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What may be there, the option that decides about it, and what is lost when it is adopted."""

    what: str
    option: str
    kept: str
    lost: str

    def refusal(self, there: Found) -> str:
        """The sentence that refuses to touch it."""
        return (
            f"{self.what} that SecLyzer did not install is here ({_words(there)}). {self.option} decides: "
            f"{self.kept}{ADOPT} takes it over. {self.lost}"
        )


REDIS = Choice(
    "a Redis",
    "redis_existing",
    f"{BESIDE} leaves it alone and runs another for SecLyzer; ",
    "What it holds in memory is gone then, but for what it saves in its own folder when it is stopped, which nothing "
    "loads again; its port is closed and its clients are locked out",
)
INFLUX = Choice(
    "an InfluxDB",
    "influxdb_existing",
    f"{USE} makes an organisation and a bucket in it and changes nothing else; ",
    "Its unit, program and settings are replaced, what lies outside /var/lib/influxdb is not found any more, and its "
    "clients are locked out, for it answers on the loopback only",
)
CHOICES = {"redis": REDIS, "influxdb": INFLUX}


def look(layout: Layout, redis_units: list[str]) -> Found:
    """What is there: `redis` and `influxdb`, each empty when there is none or it is ours, and `units` in our way.

    Of a service: `unit`, `state`, `pid`, and of InfluxDB `program` and whether it `has_state`. `our_redis`: the units
    of Redis that are ours; `our_influxdb`: whether InfluxDB is; `token`: whether an operator token for it is there.
    `older`: what of an older SecLyzer runs, or would with the host.
    """
    known = _units([*redis_units, OWN_REDIS, *OURS, *UNITS])
    return _redis(layout, redis_units, known) | {
        "influxdb": _influxdb(known.get(INFLUXDB)),
        "our_influxdb": _is_our_influxdb(known.get(INFLUXDB)),
        "token": TOKEN.exists(),
        "older": older(layout, PROC),
        "units": [name for name in known if name in (*OURS, *UNITS) and _in_the_way(layout, name, known[name])],
    }


def redis_faults(layout: Layout, unit: str, choice: str) -> list[str]:
    """Why the role redis alone may not touch this host. `unit`: the one that Redis' package brings."""
    return _redis_sentences(_redis(layout, [unit], _units([unit, OWN_REDIS])), choice)


def faults(found: Found, chosen: Mapping[str, str], store: bool) -> list[str]:
    """Why the roles of this host may not touch it, and what decides, a sentence each.

    `chosen`: what the option says of each service that a role of this host would touch.
    """
    sentences = _redis_sentences(found, chosen["redis"]) if "redis" in chosen else []
    sentences += _influxdb_sentences(found, chosen["influxdb"]) if "influxdb" in chosen else []
    sentences += _older_sentences(found["older"], chosen["seclyzer"]) if "seclyzer" in chosen else []
    return sentences + [
        f"{unit} is a unit that SecLyzer did not write, and has the name of one of its own: rename or remove it"
        for unit in found["units"]
        if store or unit not in OURS
    ]


def warnings(found: Found, chosen: Mapping[str, str]) -> list[str]:
    """What is lost by what the inventory decided, a sentence each; a second run finds nothing any more."""
    taken_over = [
        f"{CHOICES[name].option} is {ADOPT}, so {_words(found[name])} is taken over. {CHOICES[name].lost}"
        for name, choice in chosen.items()
        if choice == ADOPT and found[name]
    ]
    if found["older"] and chosen.get("seclyzer") == REPLACE:
        taken_over.append(
            f"seclyzer_existing is {REPLACE}, so {', '.join(found['older'])} of an older SecLyzer is stopped and "
            "disabled at the switch"
        )
    return taken_over


def without_unit(older_there: Sequence[str]) -> list[str]:
    """Those of what `older` found that no unit starts again."""
    return [name for name in older_there if not name.endswith(".service")]


def _older_sentences(there: Sequence[str], choice: str) -> list[str]:
    """Why an older SecLyzer keeps ours away."""
    if not there:
        return []
    if choice != REPLACE:
        return [
            f"an older SecLyzer is here ({', '.join(there)}), and beside it each feature would come twice. "
            f"seclyzer_existing decides: {REPLACE} stops and disables it at the switch and deletes nothing of it; "
            "`rollback.yml -e to=before` and remove.yml start it again"
        ]
    if strange := without_unit(there):
        return [
            f"{', '.join(strange)} of an older SecLyzer runs without a unit that could start it again: stop it by hand"
        ]
    return []


def older(layout: Layout, proc: Path) -> list[str]:
    """The units of an older SecLyzer that are started or start with the host, and its programs that run without one."""
    words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", OLDER]
    found: set[str] = set()
    with suppress(Refused):
        rows = [line.split() for line in systemd.run(words).stdout.splitlines()]
        found = {row[0] for row in rows if len(row) > 2 and row[2] not in ("inactive", "failed")}
    found |= {path.name for path in layout.units.glob(f"*.wants/{OLDER}")}
    for path in proc.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            runs = [word for word in path.read_text(errors="replace").split("\0")[:2] if word in OLDER_PROGRAMS]
            found |= {listening.unit_of(proc, int(path.parent.name)) or word for word in runs}
    return sorted(found)


def _units(names: list[str]) -> dict[str, dict[str, str]]:
    """Those of these units that the host has."""
    states: dict[str, dict[str, str]] = {}
    with suppress(Refused):  # no systemd: reported apart
        states = systemd.show(sorted(set(names)), STATE)
    return {name: state for name, state in states.items() if state.get("LoadState") != "not-found"}


def _redis(layout: Layout, units: list[str], known: Mapping[str, Mapping[str, str]]) -> Found:
    """The Redis that is another's, and the units that are ours.

    Ours has the drop-in that the role writes before it installs or starts anything, or it is the unit beside another.
    """
    there = [name for name in units if name in known]
    ours = [name for name in there if (layout.units / f"{name}.d" / "seclyzer.conf").exists()]
    strange = [name for name in there if name not in ours]
    return {
        "redis": _service(strange[0], known[strange[0]]) if strange else {},
        "our_redis": [*ours, *([OWN_REDIS] if OWN_REDIS in known else [])],
    }


def _redis_sentences(found: Found, choice: str) -> list[str]:
    """Why Redis may not be touched, or not so: one that is ours neither moves nor gets a second beside it."""
    if choice == BESIDE:
        return [
            f"redis_existing is {BESIDE}, and {unit} is SecLyzer's already: {REFUSE} keeps it so"
            for unit in found["our_redis"]
            if unit != OWN_REDIS
        ]
    if OWN_REDIS in found["our_redis"]:
        return [f"redis_existing is {choice}, and SecLyzer's Redis is {OWN_REDIS} here: {BESIDE} keeps it so"]
    return [REDIS.refusal(found["redis"])] if found["redis"] and choice == REFUSE else []


def _influxdb(state: Mapping[str, str] | None) -> Found:
    """An InfluxDB that is not ours: by its unit, or by a program that no unit of that name runs."""
    program = next((str(path) for path in INFLUXDB_PROGRAMS if path.exists()), "")
    about = {"program": program, "has_state": INFLUXDB_STATE.exists()}
    if state is None:
        return _service("", {}) | about if program else {}
    return {} if _is_our_influxdb(state) else _service(INFLUXDB, state) | about


def _is_our_influxdb(state: Mapping[str, str] | None) -> bool:
    """By the text of its unit."""
    return OURS[INFLUXDB] in (read(Path((state or {}).get("FragmentPath") or "/dev/null")) or "")


def _influxdb_sentences(found: Found, choice: str) -> list[str]:
    """Why InfluxDB may not be touched, or not so."""
    there = found["influxdb"]
    if choice == USE and found["our_influxdb"]:
        return [f"influxdb_existing is {USE}, and the InfluxDB here is SecLyzer's already: {REFUSE} keeps it so"]
    if choice == USE and not found["token"]:
        return [f"influxdb_existing is {USE}: put a token that may make organisations, buckets and tokens in {TOKEN}"]
    if choice == ADOPT and there and there["has_state"] and not found["token"]:
        return [
            f"influxdb_existing is {ADOPT}, and what is here was set up before: put its operator token in {TOKEN} first"
        ]
    return [INFLUX.refusal(there)] if there and choice == REFUSE else []


def _in_the_way(layout: Layout, unit: str, state: Mapping[str, str]) -> bool:
    text = read(Path(state.get("FragmentPath") or "/dev/null")) or ""
    if unit in OURS:
        return unit != INFLUXDB and OURS[unit] not in text
    return WRITTEN not in text and not layout.history.exists()


def _service(unit: str, state: Mapping[str, str]) -> Found:
    return {"unit": unit, "state": state.get("ActiveState", ""), "pid": int(state.get("MainPID") or 0)}


def _words(there: Found) -> str:
    """A service in words: `redis-server.service, active, pid 812`."""
    pid = f"pid {there['pid']}" if there["pid"] else ""
    return ", ".join(word for word in (there["unit"], there["state"], pid, there.get("program", "")) if word)
