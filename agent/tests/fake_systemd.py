"""A bus of its own, by a real dbus-daemon, and on it what the agent asks of systemd: where tests run there is none."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from jeepney import DBusAddress, HeaderFields, Message, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from seclyzer_agent.checks.memory import CGROUPS, read_cgroup

SYSTEMD = "org.freedesktop.systemd1"
MANAGER = "/org/freedesktop/systemd1"
CLOCK = "org.freedesktop.timedate1"
PROPERTIES = "org.freedesktop.DBus.Properties"
CONFIG = """\
<busconfig><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default">
  <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
</policy>
</busconfig>
"""
VALUES = {
    "MainPID": ("u", "pid"),
    "NRestarts": ("u", "restarts"),
    "Result": ("s", "result"),
    "ExecMainStartTimestampMonotonic": ("t", "started"),
    "ControlGroup": ("s", "cgroup"),
    "StatusText": ("s", "text"),
}
"""Each property's type, and its name in `units`."""


CALLS = ("Subscribe", "ListUnitsByNames")
"""What the agent begins with; without an answer it knows nothing of units."""


def _cgroups() -> list[str]:
    """The groups that this process is in."""
    return [line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()]


RUNNING = {
    "load": "loaded",
    "active": "active",
    "sub": "running",
    "result": "success",
    "restarts": 0,
    "pid": 4711,
    "started": 1_000_000,
    "cgroup": next((path for path in (*_cgroups(), "/") if read_cgroup(CGROUPS, path) is not None), "/no-such.slice"),
    "text": "reading",
}
"""What systemd has of a unit that runs; its cgroup is that of the tests."""


def path_of(unit: str) -> str:
    """The object that systemd has of a unit."""
    return f"{MANAGER}/unit/" + "".join(c if c.isalnum() else f"_{ord(c):02x}" for c in unit)


class FakeSystemd:
    """`units` holds what there is to read of each unit; `asked` the calls, as (member, object path, arguments).

    Of these it answers none of the members in `silent`.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "bus"
        self.address = f"unix:path={self.socket}"
        self.units: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.synchronised = True
        self.silent: tuple[str, ...] = ()
        self.subscribers: set[str] = set()
        self._config = folder / "bus.conf"
        self._config.write_text(CONFIG.format(address=self.address))
        self._daemon: subprocess.Popen[bytes] | None = None
        self._connection: DBusConnection | None = None
        self._sending = threading.Lock()

    def start(self) -> None:
        """The bus, and systemd on it."""
        words = ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile", "--print-address"]
        self._daemon = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._daemon.stdout is not None
        with self._daemon.stdout as printed:
            assert printed.readline()  # it listens
        self.join()

    def join(self) -> None:
        """systemd comes to the bus."""
        connection = open_dbus_connection(self.address)
        for name in (SYSTEMD, CLOCK):
            connection.send_and_get_reply(message_bus.RequestName(name))
        self.subscribers.clear()
        self._connection = connection
        threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def leave(self) -> None:
        """systemd leaves the bus."""
        assert self._connection is not None
        for name in (SYSTEMD, CLOCK):
            with self._sending:
                self._connection.send(message_bus.ReleaseName(name))

    def stop(self) -> None:
        """The bus ends, and with it every connection."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
            self.socket.unlink(missing_ok=True)
        self._daemon = None

    def change(self, unit: str, **values: Any) -> None:
        """A unit changes; each subscriber hears of it."""
        self.units[unit] |= values
        for interface in ("Service", "Unit"):  # in this order
            self.signal(path_of(unit), PROPERTIES, "PropertiesChanged", "sa{sv}as", (f"{SYSTEMD}.{interface}", {}, []))

    def reload(self) -> None:
        """As `systemctl daemon-reload`: what is read from unit files may be another."""
        self.signal(MANAGER, f"{SYSTEMD}.Manager", "Reloading", "b", (False,))

    def signal(self, path: str, interface: str, member: str, types: str, body: tuple[Any, ...]) -> None:
        """Send a signal, if anybody has subscribed."""
        if self.subscribers and self._connection is not None:
            with self._sending:
                self._connection.send(new_signal(DBusAddress(path, interface=interface), member, types, body))

    def _serve(self, connection: DBusConnection) -> None:
        with contextlib.suppress(ConnectionError, OSError, ValueError):
            while True:
                message = connection.receive()
                if message.header.message_type is not MessageType.method_call:
                    continue
                answer = self._answer(message)
                if message.header.fields[HeaderFields.member] not in self.silent:
                    with self._sending:
                        connection.send(answer)

    def _answer(self, message: Message) -> Message:
        fields = message.header.fields
        member, path = fields[HeaderFields.member], fields[HeaderFields.path]
        self.asked.append((member, path, message.body))
        if member == "Subscribe":
            self.subscribers.add(fields[HeaderFields.sender])
            return new_method_return(message)
        if member == "ListUnitsByNames":
            return new_method_return(message, "a(ssssssouso)", ([self._row(name) for name in message.body[0]],))
        if message.body[1] == "NTPSynchronized":
            return new_method_return(message, "v", (("b", self.synchronised),))
        unit = next((unit for name, unit in self.units.items() if path_of(name) == path), None)
        if member != "Get" or unit is None:
            return new_error(message, "org.freedesktop.DBus.Error.UnknownMethod")
        kind, name = VALUES[message.body[1]]
        return new_method_return(message, "v", ((kind, unit[name]),))

    def _row(self, name: str) -> tuple[Any, ...]:
        unit = self.units[name]
        return (name, "", unit["load"], unit["active"], unit["sub"], "", path_of(name), 0, "", "/")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
