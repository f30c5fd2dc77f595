"""Units by D-Bus: what changes is seen by its signal, and a bus or a systemd that is away by its cause."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from agent_world import Agent, Host
from fake_systemd import MANAGER, PROPERTIES, RUNNING, SYSTEMD, FakeSystemd, path_of
from jeepney import DBusAddress, HeaderFields, new_signal
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from seclyzer_agent.bus import MOST_BYTES, BusAway
from seclyzer_agent.systemd import PROPERTIES as READ
from seclyzer_agent.systemd import Systemd
from seclyzer_agent.unit import Unit
from tests.helpers.waiting import until

Start = Callable[..., Agent]
A, B, SOCKET = "a.service", "seclyzer-b.service", "c.socket"
FAILED = {"active": "failed", "sub": "failed", "result": "oom-kill", "pid": 0}


class Watch:
    """A reader of three units, and how often it was called since the last reading."""

    def __init__(self) -> None:
        self.changes = asyncio.Event()
        self.systemd = Systemd((A, B, SOCKET), self.changes.set)

    async def read(self) -> dict[str, Unit]:
        self.changes.clear()
        return await self.systemd.read()

    async def changed(self) -> None:
        async with asyncio.timeout(20):
            await self.changes.wait()


@pytest.fixture
def bus(systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """A bus that this process has as the system's, with three units that run."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", systemd.address)
    for name in (A, B, SOCKET):
        systemd.units[name] = dict(RUNNING)
    return systemd


@pytest.fixture
def stranger(bus: FakeSystemd) -> Iterator[DBusConnection]:
    """Another connection on the bus, as any user of a host may have."""
    with open_dbus_connection(bus.address) as connection:
        yield connection


def run(use: Callable[[Watch], Awaitable[None]]) -> None:
    async def main() -> None:
        watch = Watch()
        try:
            await use(watch)
        finally:
            watch.systemd.close()

    asyncio.run(main())


def members(bus: FakeSystemd) -> list[tuple[str, str]]:
    """What was asked since the last time, without arguments but a property's name."""
    asked, bus.asked[:] = list(bus.asked), []
    return [(body[1] if member == "Get" else member, path) for member, path, body in asked]


def test_all_that_is_known_of_a_unit_is_read(bus: FakeSystemd) -> None:
    bus.units[A] |= {"restarts": 4, "started": 12_500_000, "cgroup": "/x/a.service", "text": "reading " * 40}
    bus.units[B] |= {"load": "not-found", "active": "inactive", "sub": "dead", "pid": 0, "cgroup": "", "text": ""}

    async def use(watch: Watch) -> None:
        before = time.time()
        a, b, socket = (await watch.read()).values()
        assert (a.load, a.active, a.sub, a.result, a.restarts) == ("loaded", "active", "running", "success", 4)
        assert (a.main_pid, a.main_started, a.cgroup, a.status_text) == (
            4711,
            12.5,
            "/x/a.service",
            ("reading " * 40)[:160],
        )
        assert (b.load, b.active, b.sub, b.main_pid, b.cgroup) == ("not-found", "inactive", "dead", 0, "")
        assert (socket.unit, socket.active, socket.main_pid, socket.memory) == (SOCKET, "active", 0, None)
        assert before <= a.read_at <= time.time()

    run(use)


def test_while_nothing_changes_only_states_and_main_processes_are_asked_for(bus: FakeSystemd) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        assert ("NRestarts", path_of(A)) in members(bus)
        for _ in range(3):
            await watch.read()
            asked = [("ListUnitsByNames", MANAGER), ("MainPID", path_of(A)), ("MainPID", path_of(B))]
            assert members(bus) == asked

    run(use)


@pytest.mark.parametrize("change", [FAILED, {"restarts": 1}, {"text": "InfluxDB away"}])
def test_a_change_is_heard_and_of_that_unit_alone_all_is_read_again(bus: FakeSystemd, change: dict[str, Any]) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        members(bus)
        await asyncio.to_thread(bus.change, B, **change)
        await watch.changed()
        b = (await watch.read())[B]
        found = {"active": b.active, "sub": b.sub, "result": b.result, "pid": b.main_pid}
        found |= {"restarts": b.restarts, "text": b.status_text}
        assert found == {key: ({**RUNNING, **change})[key] for key in found}
        properties = [asked for asked in members(bus) if asked[0] not in ("ListUnitsByNames", "MainPID")]
        assert properties == [(name, path_of(B)) for name in READ["service"] if name != "MainPID"]

    run(use)


@pytest.mark.parametrize("change", [FAILED, {"pid": 4712, "restarts": 1}])
def test_a_change_without_a_signal_is_seen_by_the_next_reading(bus: FakeSystemd, change: dict[str, Any]) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        bus.units[A] |= change
        a = (await watch.read())[A]
        expected = {**RUNNING, **change}
        assert (a.active, a.main_pid, a.restarts) == (expected["active"], expected["pid"], expected["restarts"])

    run(use)


def test_after_a_daemon_reload_everything_is_read_again(bus: FakeSystemd) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        bus.units[A]["cgroup"] = "/moved.slice/a.service"
        members(bus)
        await asyncio.to_thread(bus.reload)
        await watch.changed()
        assert (await watch.read())[A].cgroup == "/moved.slice/a.service"
        assert {path for name, path in members(bus) if name == "Result"} == {path_of(name) for name in (A, B, SOCKET)}

    run(use)


@pytest.mark.parametrize("how", ["the bus ends", "systemd leaves the bus"])
def test_an_end_is_heard_named_and_mended_by_a_later_reading(bus: FakeSystemd, how: str) -> None:
    end, back, words = (
        (bus.stop, bus.start, "D-Bus cannot be reached: No such file or directory")
        if how == "the bus ends"
        else (bus.leave, bus.join, "systemd answers with an error (ServiceUnknown)")
    )

    async def use(watch: Watch) -> None:
        await watch.read()
        await asyncio.to_thread(end)
        await watch.changed()
        for _ in range(2):
            with pytest.raises(BusAway, match=f"^{re.escape(words)}$") as away:
                await watch.read()
        assert away.value.finding == "systemd-away"
        await asyncio.to_thread(back)
        assert (await watch.read())[A].active == "active"
        await asyncio.to_thread(bus.change, A, **FAILED)
        await watch.changed()
        assert (await watch.read())[A].active == "failed"

    run(use)


def test_what_others_on_the_bus_send_is_not_taken_for_systemds(bus: FakeSystemd, stranger: DBusConnection) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        (reader,) = bus.subscribers
        large = "x" * (MOST_BYTES * 3)
        for path, text in ((path_of(A), ""), (MANAGER, ""), (path_of(A), large)):
            forged = new_signal(
                DBusAddress(path, interface=PROPERTIES), "PropertiesChanged", "sa{sv}as", (text, {}, [])
            )
            forged.header.fields[HeaderFields.destination] = reader
            await asyncio.to_thread(stranger.send, forged)
        await asyncio.to_thread(bus.change, B, restarts=7)
        await watch.changed()  # all that was sent before is there
        assert (await watch.read())[B].restarts == 7
        asked = [path for name, path in members(bus) if name == "Result"]
        assert asked == [path_of(A), path_of(B), path_of(SOCKET), path_of(B)]

    run(use)


def test_a_message_that_is_too_large_is_passed_over(bus: FakeSystemd) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        members(bus)
        body: tuple[Any, ...] = (f"{SYSTEMD}.Unit", {"": ("s", "x" * MOST_BYTES * 3)}, [])
        await asyncio.to_thread(bus.signal, path_of(A), PROPERTIES, "PropertiesChanged", "sa{sv}as", body)
        await asyncio.to_thread(bus.change, B, restarts=7)
        await watch.changed()
        assert (await watch.read())[B].restarts == 7
        assert [path for name, path in members(bus) if name == "Result"] == [path_of(B)]

    run(use)


def test_a_change_is_read_also_when_the_reading_after_it_was_given_up(bus: FakeSystemd) -> None:
    async def use(watch: Watch) -> None:
        await watch.read()
        await asyncio.to_thread(bus.change, A, restarts=5)
        await watch.changed()
        bus.silent = ("Get",)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await watch.read()
        bus.silent = ()
        assert (await watch.read())[A].restarts == 5

    run(use)


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (b"REJECTED\r\n", "D-Bus refuses the agent's user"),
        (b"OK 1234\r\n", "D-Bus fails: what answers does not speak its protocol"),
        (b"", "D-Bus refuses the agent's user"),
    ],
)
def test_what_answers_and_is_no_bus_is_named(
    bus: FakeSystemd, monkeypatch: pytest.MonkeyPatch, login: bytes, words: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(login)
        if login.startswith(b"OK"):
            await reader.readline()
            writer.write(b"nonsense" * 100)
        writer.close()

    async def use(watch: Watch) -> None:
        place = bus.socket.with_name("no-bus")
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={place}")
        async with await asyncio.start_unix_server(answer, str(place)):
            with pytest.raises(BusAway, match=f"^{words}$"):
                await watch.read()

    run(use)


def test_a_unit_that_fails_is_shown_by_its_signal_long_before_the_next_reading_is_due(host: Host, start: Start) -> None:
    host.config["checks"]["units"] |= {"interval_seconds": 3600, "deadline_seconds": 5}
    agent = start()
    assert agent.status("units") == "pass"
    host.units(keystroke=FAILED)
    until(lambda: agent.status("units") == "fail")
    assert agent.output("units") == "seclyzer-keystroke.service is failed (Result=oom-kill)"
    host.units()
    until(lambda: agent.status("units") == "pass")


def test_a_bus_that_is_away_is_one_finding_with_its_cause(host: Host, start: Start) -> None:
    agent = start()
    host.systemd.stop()
    until(lambda: agent.status("units") == "fail")
    words = "seclyzer-keystroke.service: D-Bus cannot be reached: No such file or directory"
    assert agent.output("units") == words
    document = agent.get("/healthz?exclude=influxdb").json
    assert [(one["id"], one["output"]) for one in document["findings"]] == [("systemd-away", words)]
    host.systemd.start()
    until(lambda: agent.status("units") == "pass")
    assert agent.stop()[0] == 0
