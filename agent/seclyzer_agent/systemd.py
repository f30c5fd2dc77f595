"""What systemd has about units, by D-Bus: one connection, on which it shows each change as a signal.

A reading asks for the states of all units in one call, and for their main processes; for the other properties only of
those that have changed. Each is asked for by itself: `GetAll` of a service makes systemd read 300.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jeepney import DBusAddress, Header, HeaderFields, MatchRule, new_method_call
from jeepney.bus_messages import message_bus

from .bus import Bus, BusAway, Packed
from .unit import MAX_STATUS_TEXT, Unit

NAME = "org.freedesktop.systemd1"
MANAGER = DBusAddress("/org/freedesktop/systemd1", NAME, f"{NAME}.Manager")
BUS_NAME = "org.freedesktop.DBus"
CLOCK = "org.freedesktop.timedate1"
PROPERTIES_INTERFACE = "org.freedesktop.DBus.Properties"
PROPERTIES = {
    "service": ("MainPID", "NRestarts", "Result", "ExecMainStartTimestampMonotonic", "ControlGroup", "StatusText"),
    "socket": ("Result", "ControlGroup"),
    "mount": ("Result", "ControlGroup"),
    "timer": ("Result",),
    "path": ("Result",),
}
"""What is read of a unit, by its type, beside its state."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """A unit's row in `ListUnitsByNames`."""

    load: str
    active: str
    sub: str
    path: str


class Systemd:
    """The units of these names. `changed` is called when one has changed, or the connection has ended.

    All raise BusAway, after which the next reading makes a new connection. It belongs to one event loop, and one caller
    at a time.
    """

    def __init__(self, names: tuple[str, ...], changed: Callable[[], None]) -> None:
        self._names, self._changed = names, changed
        self._listing = Packed(new_method_call(MANAGER, "ListUnitsByNames", "as", ([*names],)))
        self._bus: Bus | None = None
        self._owner = ""
        self._watched: set[str] = set()
        self._stale: set[str] = set()
        self._states: dict[str, State] = {}
        self._values: dict[str, Values] = {}

    async def read(self) -> dict[str, Unit]:
        """All units as they are now."""
        try:
            bus = await self._connected()
            return await self._read(bus)
        except BaseException:  # also when cancelled: what was heard to have changed may not have been read
            self.close()
            raise

    def close(self) -> None:
        """End the connection, and forget what was known by it."""
        if self._bus is not None:
            self._bus.close()
        self._bus = None
        self._watched, self._stale, self._states, self._values = set(), set(), {}, {}

    async def _connected(self) -> Bus:
        if self._bus is None:
            self._bus = bus = await Bus.connect(self._heard)
            reloading = MatchRule(type="signal", sender=NAME, interface=MANAGER.interface, member="Reloading")
            moved = MatchRule(type="signal", sender=BUS_NAME, interface=BUS_NAME, member="NameOwnerChanged")
            moved.add_arg_condition(0, NAME)
            *_, (self._owner,) = await bus.calls(
                [
                    message_bus.AddMatch(moved),
                    message_bus.AddMatch(reloading),
                    new_method_call(MANAGER, "Subscribe"),
                    message_bus.GetNameOwner(NAME),
                ]
            )
        return self._bus

    def _heard(self, signal: Header | None) -> None:
        """What a signal of systemd's, or the end of the connection, makes stale."""
        fields = signal.fields if signal is not None else {}
        sender, path = fields.get(HeaderFields.sender), fields.get(HeaderFields.path)
        if signal is None or (sender == BUS_NAME and fields.get(HeaderFields.member) == "NameOwnerChanged"):
            self.close()
        elif sender == self._owner and path == MANAGER.object_path:
            self._stale |= self._watched
        elif sender == self._owner and path in self._watched:
            self._stale.add(path)
        else:
            return
        self._changed()

    async def _read(self, bus: Bus) -> dict[str, Unit]:
        asked, (states, mains) = time.time(), await self._look(bus)
        new = {state.path for state in states.values()} - self._watched
        if new:
            await bus.calls(message_bus.AddMatch(_changes_of(path)) for path in sorted(new))
            self._watched |= new
            self._stale |= new
            asked, (states, mains) = time.time(), await self._look(bus)
        stale, self._stale = self._stale, set()
        stale |= {state.path for name, state in states.items() if state != self._states.get(name)}
        stale |= {path for path, main in mains.items() if main != self._values[path]["MainPID"]}
        self._states = states
        paths = dict.fromkeys(state.path for state in states.values())
        self._values |= await self._get(bus, {path: _properties_of(path) for path in paths if path in stale})
        return {name: _unit(name, state, self._values[state.path], asked) for name, state in states.items()}

    async def _look(self, bus: Bus) -> tuple[dict[str, State], dict[str, int]]:
        """The states, by the units' names, and the main processes of known units that are not stale, by their paths."""
        known = dict.fromkeys(state.path for state in self._states.values())
        quiet = [path for path in known if path not in self._stale and "MainPID" in _properties_of(path)]
        (rows,), *mains = await bus.calls([self._listing, *(_question(path, "MainPID") for path in quiet)])
        if len(rows) != len(self._names):
            raise BusAway(f"systemd reported {len(rows)} units of {len(self._names)}")
        states = {name: State(row[2], row[3], row[4], row[6]) for name, row in zip(self._names, rows, strict=True)}
        return states, {path: value for path, ((_, value),) in zip(quiet, mains, strict=True)}

    @staticmethod
    async def _get(bus: Bus, asked_for: Mapping[str, Iterable[str]]) -> dict[str, Values]:
        """These properties, by the units' paths."""
        pairs = [(path, name) for path, names in asked_for.items() for name in names]
        answers = await bus.calls(_question(path, name) for path, name in pairs)
        found: dict[str, Values] = {path: {} for path in asked_for}
        for (path, name), ((_, value),) in zip(pairs, answers, strict=True):
            found[path][name] = value
        return found


async def clock_is_synchronised() -> bool:
    """Whether systemd has the host's clock as synchronised, by a connection of its own."""
    bus = await Bus.connect(lambda _: None)
    try:
        ((_, value),) = await bus.call(_property("/org/freedesktop/timedate1", CLOCK, CLOCK, "NTPSynchronized"))
    finally:
        bus.close()
    return bool(value)


def _type(path: str) -> str:
    """`service` of `/org/freedesktop/systemd1/unit/x_2eservice`."""
    return path.rpartition("_2e")[2]


def _properties_of(path: str) -> tuple[str, ...]:
    return PROPERTIES.get(_type(path), ())


def _changes_of(path: str) -> MatchRule:
    """The signal that systemd sends when anything of a unit has changed; it sends one for the unit's type beside it."""
    rule = MatchRule(type="signal", sender=NAME, interface=PROPERTIES_INTERFACE, member="PropertiesChanged", path=path)
    rule.add_arg_condition(0, f"{NAME}.Unit")
    return rule


def _question(path: str, name: str) -> Packed:
    """The call for a property of a unit's type."""
    return _property(path, NAME, f"{NAME}.{_type(path).capitalize()}", name)


@lru_cache(maxsize=256)
def _property(path: str, service: str, interface: str, name: str) -> Packed:
    return Packed(new_method_call(DBusAddress(path, service, PROPERTIES_INTERFACE), "Get", "ss", (interface, name)))


def _unit(name: str, state: State, values: Values, read_at: float) -> Unit:
    """Memory is left to who reads the cgroup: systemd signals no change of it."""
    return Unit(
        unit=name,
        load=state.load,
        active=state.active,
        sub=state.sub,
        result=values.get("Result", ""),
        restarts=values.get("NRestarts", 0),
        main_pid=values.get("MainPID", 0),
        main_started=values.get("ExecMainStartTimestampMonotonic", 0) / 1e6,
        memory=None,
        memory_max=None,
        cgroup=values.get("ControlGroup", ""),
        status_text=values.get("StatusText", "")[:MAX_STATUS_TEXT],
        read_at=read_at,
    )
