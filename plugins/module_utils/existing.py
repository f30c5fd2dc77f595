"""What a host has that SecLyzer did not install: a Redis, an InfluxDB, units of the names that ours have.

Ours is told by what the roles leave, never by guess: the drop-in of Redis' unit, the text of the other units. Every
version of this project has left these.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import influxdb_api, systemd
from .files import read
from .layout import UNITS, Layout, Refused

INFLUXDB = "influxdb.service"
INFLUXDB_PROGRAMS = (Path("/usr/local/bin/influxd"), Path("/usr/bin/influxd"))
"""Where the role puts the program, by how it is installed."""
INFLUXDB_STATE = Path("/var/lib/influxdb/influxd.bolt")
TOKEN = Path(str(influxdb_api.OPERATOR["operator_token_file"]["default"]))
OURS = {INFLUXDB: "SecLyzer's features", "influxdb-gateway.service": "edges write their own points"}
"""What our units say in every version."""
WRITTEN = "# Written by site.yml"
"""How the units of a deployment begin."""
STATE = ("LoadState", "ActiveState", "MainPID", "FragmentPath")

REFUSE, ADOPT = "refuse", "adopt"

Found = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """What may be there, the option that decides about it, and what is lost when it is adopted."""

    what: str
    option: str
    lost: str

    def refusal(self, there: Found) -> str:
        """The sentence that refuses to touch it."""
        return (
            f"{self.what} that SecLyzer did not install is here ({_words(there)}). {self.option} decides: "
            f"{ADOPT} takes it over. {self.lost}"
        )


REDIS = Choice(
    "a Redis",
    "redis_existing",
    "What it holds in memory is gone then, but for what it saves in its own folder when it is stopped, which nothing "
    "loads again; its port is closed and its clients are locked out",
)
INFLUX = Choice(
    "an InfluxDB",
    "influxdb_existing",
    "Its unit, program and settings are replaced, what lies outside /var/lib/influxdb is not found any more, and its "
    "clients are locked out, for it answers on the loopback only",
)
CHOICES = {"redis": REDIS, "influxdb": INFLUX}


def look(layout: Layout, redis_units: list[str]) -> Found:
    """What is there: `redis` and `influxdb`, each empty when there is none or it is ours, and `units` in our way.

    Of a service: `unit`, `state`, `pid`, and of InfluxDB `program` and whether it `lacks_token`.
    """
    known = _units([*redis_units, *OURS, *UNITS])
    return {
        "redis": _redis(layout, redis_units, known),
        "influxdb": _influxdb(known.get(INFLUXDB)),
        "units": [name for name in known if name not in redis_units and _in_the_way(layout, name, known[name])],
    }


def redis_fault(layout: Layout, unit: str, choice: str) -> str:
    """Why the role redis alone may not touch the Redis of this host; empty when it may."""
    there = {} if choice != REFUSE else _redis(layout, [unit], _units([unit]))
    return REDIS.refusal(there) if there else ""


def faults(found: Found, chosen: Mapping[str, str], store: bool) -> list[str]:
    """Why the roles of this host may not touch it, and what decides, a sentence each.

    `chosen`: what the option says of each service that a role of this host would touch.
    """
    there = [(CHOICES[name], found[name], choice) for name, choice in chosen.items() if found[name]]
    sentences = [choice.refusal(service) for choice, service, says in there if says == REFUSE]
    sentences += [
        f"{choice.option} is {ADOPT}, and what is here was set up before: put its operator token in {TOKEN} first"
        for choice, service, says in there
        if says == ADOPT and service.get("lacks_token")
    ]
    return sentences + [
        f"{unit} is a unit that SecLyzer did not write, and has the name of one of its own: rename or remove it"
        for unit in found["units"]
        if store or unit not in OURS
    ]


def warnings(found: Found, chosen: Mapping[str, str]) -> list[str]:
    """What is lost by what the inventory decided, a sentence each; a second run finds nothing any more."""
    return [
        f"{CHOICES[name].option} is {ADOPT}, so {_words(found[name])} is taken over. {CHOICES[name].lost}"
        for name, choice in chosen.items()
        if found[name] and choice == ADOPT
    ]


def _units(names: list[str]) -> dict[str, dict[str, str]]:
    """Those of these units that the host has."""
    states: dict[str, dict[str, str]] = {}
    with suppress(Refused):  # no systemd: reported apart
        states = systemd.show(sorted(set(names)), STATE)
    return {name: state for name, state in states.items() if state.get("LoadState") != "not-found"}


def _redis(layout: Layout, units: list[str], known: Mapping[str, Mapping[str, str]]) -> Found:
    """A Redis that is not ours: without the drop-in that the role writes before it installs or starts anything."""
    strange = [name for name in units if name in known and not (layout.units / f"{name}.d" / "seclyzer.conf").exists()]
    return _service(strange[0], known[strange[0]]) if strange else {}


def _influxdb(state: Mapping[str, str] | None) -> Found:
    """An InfluxDB that is not ours: by its unit, or by a program that no unit of that name runs."""
    program = next((str(path) for path in INFLUXDB_PROGRAMS if path.exists()), "")
    about = {"program": program, "lacks_token": INFLUXDB_STATE.exists() and not TOKEN.exists()}
    if state is None:
        return _service("", {}) | about if program else {}
    text = read(Path(state.get("FragmentPath") or "/dev/null")) or ""
    return {} if OURS[INFLUXDB] in text else _service(INFLUXDB, state) | about


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
