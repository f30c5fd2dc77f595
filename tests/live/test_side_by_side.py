"""The comparison on a host, on a real Redis with real programs: what a live system does to it makes no false alarm."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import comparison, credible, shadow_unit, systemd
from plugins.module_utils.side_by_side import Comparing, Plan
from plugins.module_utils.systemd import Completed
from tests.helpers.redis_server import RedisServer
from tests.helpers.waiting import until, until_each

from .events import CHANNEL, Worker, add
from .extractor import Extractor, program

SEED = int(os.environ.get("LIVE_SEED", "3"))
SECONDS = 12.0
KINDS = ("keystroke", "mouse")
WINDOWS = (3_000_000, 250_000, 2_250_000)
COMPUTES_OTHERWISE = """#!{python}
from seclyzer_extractors import cli, keystroke
right = keystroke.Windows.features
def features(*of):
    return tuple(value + 1 if type(value) is float else value for value in right(*of))
keystroke.Windows.features = features
raise SystemExit(cli.keystroke_extractor())
"""
Verdicts = dict[str, dict[str, str]]


class Stalling(Worker):
    """A person whose producer holds events back for longer than the idle timeout, then sends them, again and again."""

    HELD_S, OPEN_S = 2.6, 1.4

    def __init__(self, client: Any, seed: int) -> None:
        held: Any = Held(client)
        super().__init__(held, seed)


class Held:
    """A connection whose pipelines wait while events are held back."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def pipeline(self, transaction: bool) -> Any:
        """Another one, once it may go on."""
        cycle = Stalling.HELD_S + Stalling.OPEN_S
        while (past := time.monotonic() % cycle) < Stalling.HELD_S:
            time.sleep(min(0.05, Stalling.HELD_S - past + 0.001))
        return self._client.pipeline(transaction=transaction)


class Published(Worker):
    """A person whose producer publishes on the channel only: what is not heard at that moment is gone."""

    def __init__(self, client: Any, seed: int) -> None:
        channel: Any = Channel(client)
        super().__init__(channel, seed)


class Channel:
    """A connection, and a pipeline, that publish what would be added to a stream."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def pipeline(self, transaction: bool) -> Any:
        """Itself."""
        return self

    def xadd(self, _: str, fields: dict[str, bytes], minid: int) -> None:
        """One event."""
        self._client.publish(CHANNEL, fields["e"])

    def execute(self) -> list[str]:
        """An id for the event."""
        return ["0-1"]


class Host:
    """Redis with a person's events, Rust that runs, and the other side as shadows of processes instead of units."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.redis = RedisServer(folder)
        self.redis.start()
        self.allow()
        self.worker: Worker | None = None
        self.running: dict[str, Extractor] = {}
        self.words = {kind: [program("python", kind)] for kind in KINDS}
        monkeypatch.setattr(comparison, "AHEAD_US", 500_000)
        monkeypatch.setattr(shadow_unit, "start", self._start)
        monkeypatch.setattr(systemd, "show", self._show)
        monkeypatch.setattr(systemd, "run", self._run)

    def allow(self) -> None:
        """The user that reads features back."""
        self.redis.client().execute_command("ACL", "SETUSER", "admin", "on", "nopass", "~*", "&*", "+@all")

    def _start(self, name: str, _: object, argv: list[str]) -> list[str]:
        return ["/bin/sh", "-c", f'echo $$ >"{self.folder}/{name}"; exec "$0" "$@"', *argv]

    def _pid(self, unit: str) -> int:
        path = self.folder / unit
        return int(path.read_text() or 0) if path.exists() else 0

    def _show(self, units: list[str], _: object) -> dict[str, dict[str, str]]:
        return {unit: {"MainPID": str(self._pid(unit))} for unit in units}

    def _run(self, argv: list[str], timeout: float = 60.0) -> Completed:
        for unit in argv[2:]:
            if pid := self._pid(unit):
                (self.folder / unit).unlink()
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        return Completed(argv, 0, "", "")

    def shadow_pids(self) -> list[int]:
        """The shadows that run."""
        return [pid for kind in KINDS if (pid := self._pid(f"seclyzer-shadow-right-{kind}.service"))]

    def run(self, kind: str) -> None:
        """Starts the extractor that runs, in the place of one that ended."""
        state = self.folder / f"state-{kind}"
        state.mkdir(exist_ok=True)
        env = {"REDIS_URL": self.redis.url, "INFLUX_URL": "http://127.0.0.1:9", "STATE_DIRECTORY": str(state)}
        self.running[kind] = Extractor("rust", kind, self.folder, env)

    def work(self, of: type[Worker] = Worker) -> None:
        """Events begin to flow, and what runs is seen at Redis."""
        for kind in KINDS:
            self.run(kind)
        self.worker = of(self.redis.client(), SEED)
        self.worker.start()
        until_each(KINDS, lambda kind: self.redis.client().hexists(f"seclyzer:stats:{kind}", "pid"), "it runs")

    def compare(self, meanwhile: Callable[[], None] = lambda: None, after: float = SECONDS / 2) -> Verdicts:
        """The verdicts; in the middle of it something happens."""
        words = ["--redis-url", self.redis.url, "--window", "3", "--interval", "1"]
        shadows = {
            kind: {"text": f"[Service]\nExecStart=x {' '.join([*words, *of[1:]])}\n", "program": of[0]}
            for kind, of in self.words.items()
        }
        windows = dict.fromkeys(KINDS, WINDOWS)
        plan = Plan(("running", "staged"), SECONDS, list(KINDS), [{}, shadows], windows, str(self.redis.socket))
        timer = threading.Timer(after, meanwhile)
        timer.start()
        try:
            self.found = Comparing(plan).run()
        finally:
            timer.join()
        verdicts: Verdicts = self.found["verdicts"]
        return verdicts

    def compared(self) -> dict[str, int]:
        """How many outputs of each kind were compared."""
        return {one["kind"]: one["compared"] for one in self.found["report"]["kinds"]}

    def close(self) -> None:
        for extractor in self.running.values():
            extractor.close()
        if self.worker is not None:
            self.worker._enough.set()
            self.worker.join()
        self.redis.kill()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path, monkeypatch)
    yield made
    made.close()


def blamed(verdicts: Verdicts) -> Verdicts:
    """What a host would be refused for."""
    return {kind: of for kind, of in verdicts.items() if of["verdict"] == credible.DIFFERENT}


def test_both_implementations_agree_and_what_both_take_is_measured(host: Host) -> None:
    host.work()
    assert {kind: of["verdict"] for kind, of in host.compare().items()} == dict.fromkeys(KINDS, credible.EQUAL)
    assert min(host.compared().values()) >= 5
    (rust, python) = host.found["report"]["kinds"][0]["costs"]
    assert 0 < rust["memory_mib"] < python["memory_mib"]
    assert host.shadow_pids() == []


def test_a_program_that_computes_otherwise_is_found_also_when_its_producer_stalls(host: Host) -> None:
    """Each value is another: a window of another length may hold a short burst as well, and is then rightly equal."""
    other = host.folder / "other"
    other.write_text(COMPUTES_OTHERWISE.format(python=Path(program("python", "keystroke")).parent / "python"))
    other.chmod(0o755)
    host.words["keystroke"] = [str(other)]
    host.work(Stalling)
    assert "keystroke" in blamed(host.compare())


@pytest.mark.parametrize("producer", [Worker, Published])
def test_a_restart_of_what_runs_is_no_difference(host: Host, producer: type[Worker]) -> None:
    """Of a channel the shadow hears what was published meanwhile, and what runs does not."""
    host.work(producer)

    def restart() -> None:
        for kind in KINDS:
            host.running[kind].close()
        time.sleep(1)  # so long nothing runs
        for kind in KINDS:
            host.run(kind)

    assert blamed(host.compare(restart, after=2)) == {}
    assert min(host.compared().values()) >= 1, "what came after the restart was compared"


def test_connections_made_anew_are_no_difference(host: Host) -> None:
    host.work()
    client = host.redis.client()

    def cut() -> None:
        for kind in ("pubsub", "normal"):
            client.execute_command("CLIENT", "KILL", "TYPE", kind)

    assert blamed(host.compare(cut)) == {}


def test_a_redis_that_is_killed_and_empty_afterwards_is_no_difference(host: Host) -> None:
    host.work()

    def restart() -> None:
        host.redis.kill()
        host.redis.start()
        host.allow()

    assert blamed(host.compare(restart)) == {}


def test_a_producer_that_stalls_is_no_difference(host: Host) -> None:
    host.work(Stalling)
    assert blamed(host.compare()) == {}


def test_events_that_come_long_after_their_time_are_no_difference(host: Host) -> None:
    """Some reach a window on one side only, since each closes it by its own clock."""
    host.work()
    late: list[tuple[str, bytes]] = []

    def hold_and_send() -> None:
        sent = {kind: list(texts) for kind, texts in host.worker.sent.items()} if host.worker else {}
        late.extend((kind, text) for kind in KINDS for text in sent.get(kind, [])[-40:])
        add(host.redis.client(), late)

    assert blamed(host.compare(hold_and_send)) == {}
    assert late


def test_a_shadow_that_stands_still_for_a_while_is_no_difference(host: Host) -> None:
    host.work()

    def freeze() -> None:
        pids = host.shadow_pids()
        assert len(pids) == len(KINDS)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(4)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    assert blamed(host.compare(freeze, after=4)) == {}


def test_a_program_that_ends_by_itself_is_named(host: Host) -> None:
    dead = host.folder / "dead"
    dead.write_text("#!/bin/sh\nsleep 1; echo no licence >&2; exit 3\n")
    dead.chmod(0o755)
    host.words["mouse"] = [str(dead)]
    host.work()
    found = host.compare()
    assert blamed(found).keys() == {"mouse"}
    assert found["mouse"]["why"].endswith(": no licence")
    until(lambda: host.shadow_pids() == [], "no shadow is left")
