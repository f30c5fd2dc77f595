"""The running agent: the background checks, the server, systemd's signs of life, and a quick end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import __version__, registry, tls
from .config import ConfigError, Settings
from .connection import Connection, Site
from .credentials import reader_password, secret, web_file
from .findings import headline
from .guard import BACKLOG, BURST, Guard, room
from .http_client import HttpClient
from .listening import name, sockets, way_of
from .logs import Journal, place
from .model import Check, Reading, Status, Unreadable, verified
from .notify import Notifier
from .public import Public
from .readers import Threads
from .redis_client import Redis
from .runner import Runner
from .server import Server, Way
from .snapshot import Snapshot
from .spec import Context, Trial
from .store_address import parse_influx_url
from .textfile import Textfile
from .web import Web

log = logging.getLogger("seclyzer_agent")

TICK = 5.0


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was read from secret files and key material, once, before anything starts."""

    redis_password: str | None
    tls: ssl.SSLContext | None
    reader_password: str | None = None
    web: Web | None = None


def secrets(settings: Settings, environment: Mapping[str, str]) -> Secrets:
    """Read them. Raises ConfigError."""
    try:
        private = parse_influx_url(settings.influx_url).tls or settings.influx_ca_file
        trust = tls.context(settings.influx_ca_file) if private else None  # the system's authorities are 2 MiB
    except ValueError as error:
        raise ConfigError(f"influx_ca_file is of no use: {error}") from None
    web = None
    if (path := web_file(settings, environment)) is not None:
        try:
            web = Web(path)
        except ValueError as error:
            raise ConfigError(
                f"web_listen is {settings.web_listen}, and who comes that way is not known: {error}"
            ) from None
    return Secrets(secret(settings, environment), trust, reader_password(settings, environment), web)


class Reporter:
    """Writes to the log and to systemd when a check's state changes, once for each change.

    Anybody may read the status that systemd has (`systemctl status`); the log is for those who may read the journal.
    """

    def __init__(self, notifier: Notifier, public: Public, textfile: Textfile | None = None) -> None:
        self._notifier, self._public, self._textfile = notifier, public, textfile
        self._reported: dict[str, Status] = {}

    def update(self, snapshot: Snapshot) -> None:
        """Compare with what was reported before."""
        self._public.take(snapshot)
        if self._textfile is not None:
            self._textfile.update(snapshot)
        for view in snapshot.views:
            before = self._reported.get(view.name)
            if view.state.ended is None or view.status is before:
                continue
            self._reported[view.name] = view.status
            if before is None and view.status is Status.PASS:
                continue
            level = {Status.PASS: logging.INFO, Status.WARN: logging.WARNING, Status.FAIL: logging.ERROR}
            fields = {"check": view.name, "was": before.word if before is not None else "unknown"}
            fields |= {"now": view.status.word, "why": view.output}
            log.log(level[view.status], "a check changed", extra={"fields": fields})

    def summarise(self, snapshot: Snapshot) -> None:
        """Write to systemd in a line how all fares."""
        if snapshot.ready:
            well = snapshot.status is Status.PASS  # then there are no words that may hold figures
            self._notifier.status(headline(snapshot if well else self._public.of(snapshot)))


@asynccontextmanager
async def background(
    settings: Settings, kept: Secrets, reporter: Reporter | None = None
) -> AsyncIterator[tuple[Runner, Threads, list[Check]]]:
    """The runner and its checks, not yet started. Each module's checks have connections of their own."""
    runners: list[Runner] = []
    checks: list[Check] = []
    opened: list[Clients] = []
    loop = asyncio.get_running_loop()
    for spec in registry.specs():
        if not set(spec.roles) & set(settings.roles):
            continue
        clients = _clients(settings, kept)
        opened.append(clients)
        context = Context(
            settings,
            lambda name: runners[0].facts(name),
            clients.redis,
            clients.http,
            kept.tls,
            kept.web,
            partial(_wake, loop, runners, spec.names),
        )
        checks += registry.build(context, [spec])
    update = reporter.update if reporter is not None else (lambda _: None)
    threads = Threads()
    runners.append(Runner(checks, dict(settings.checks), settings.host, update, threads, settings.places))
    try:
        yield runners[0], threads, checks
    finally:
        await threads.close(partial(_close, opened))


def _wake(loop: asyncio.AbstractEventLoop, runners: list[Runner], names: tuple[str, ...]) -> None:
    """These checks have something to be read; called in any thread."""
    with suppress(RuntimeError):  # that loop has ended
        for check in names:
            loop.call_soon_threadsafe(runners[0].wake, check)


@dataclass(frozen=True, slots=True)
class Clients:
    """The connections of one module's checks."""

    redis: Redis | None
    http: HttpClient


async def _close(opened: list[Clients]) -> None:
    """In the event loop that uses them."""
    for clients in opened:
        clients.http.close()
        if clients.redis is not None:
            await clients.redis.aclose()


def _clients(settings: Settings, kept: Secrets) -> Clients:
    redis: Redis | None = None
    if settings.edge:
        deadline = max(pace.deadline for pace in settings.checks.values())
        redis = Redis(settings.redis_url, settings.redis_username or None, kept.redis_password, deadline)
    address = parse_influx_url(settings.influx_url)
    http = HttpClient(address, settings.influx_socket, kept.tls, f"seclyzer-agent/{__version__}")
    return Clients(redis, http)


async def serve(settings: Settings, kept: Secrets, notifier: Notifier, journal: Journal) -> None:
    """Run until SIGTERM or SIGINT. Raises CannotListen."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    public = Public()
    textfile = Textfile(Path(settings.metrics_file), public) if settings.metrics_file else None
    reporter = Reporter(notifier, public, textfile)
    listeners = sockets(settings.listen, settings.unix_listen, settings.web_listen, os.environ)
    async with background(settings, kept, reporter) as (runner, _, checks):
        server = Server(runner.snapshot, public, kept.reader_password, kept.web)
        async with answering(server, listeners, settings.web_listen, kept.web):
            names = ",".join(check.name for check in checks)
            where = ",".join(name(listener) for listener in listeners)
            fields = {"version": __version__, "address": where, "roles": ",".join(settings.roles)}
            log.info("listening", extra={"fields": fields | {"checks": names}})
            notifier.ready("listening; the first readings are under way")
            ticking = asyncio.create_task(_tick(runner, reporter, notifier, journal))
            tasks = [asyncio.create_task(runner.run()), ticking]
            ended = asyncio.create_task(stop.wait())
            await asyncio.wait({*tasks, ended}, return_when=asyncio.FIRST_COMPLETED)
            notifier.stopping()
            for task in (*tasks, ended):
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        log.info("stopped")


@asynccontextmanager
async def answering(
    server: Server, listeners: list[socket.socket], web_listen: str, web: Web | None
) -> AsyncIterator[None]:
    """The server answers on these sockets meanwhile; each keeps a bounded number of connections of its own."""
    loop = asyncio.get_running_loop()
    servers, guards = [], []
    for listener in listeners:
        guard, way = Guard(room(len(listeners))), way_of(listener, web_listen)
        site = Site(server.by(way), (lambda: web.tls) if web is not None and way is Way.WEB else None)
        servers.append(await loop.create_server(partial(Connection, guard, site), sock=listener, backlog=BURST))
        listener.listen(BACKLOG)  # the kernel holds more than are accepted at once
        guards.append(guard)
        if web is not None and way is Way.WEB:  # who was let in before has to come again
            web.changed = partial(_from_a_thread, loop, guard)
    try:
        yield
    finally:
        for one in servers:
            one.close()
        for guard in guards:
            guard.close()


def _from_a_thread(loop: asyncio.AbstractEventLoop, guard: Guard) -> None:
    loop.call_soon_threadsafe(guard.close)


async def _tick(runner: Runner, reporter: Reporter, notifier: Notifier, journal: Journal) -> None:
    """Look for what has grown stale, and feed the watchdog while checks end."""
    pause = min(TICK, notifier.watchdog_interval or TICK)
    while True:
        snapshot = runner.snapshot()
        reporter.update(snapshot)
        reporter.summarise(snapshot)
        journal.write_repeated()
        if runner.makes_progress():
            notifier.alive()
        await asyncio.sleep(runner.until(pause))  # in the wakeup of the checks


async def try_out(settings: Settings, kept: Secrets) -> list[tuple[str, bool, str]]:
    """Run once what takes part in `--check`: (what, good, words) for each of them."""
    async with background(settings, kept) as (_, threads, checks):
        results: list[tuple[str, bool, str]] = []
        passed: set[str] = set()
        for spec in sorted(registry.specs(), key=lambda spec: bool(spec.trial and spec.trial.requires)):
            check = next((check for check in checks if check.name in spec.names), None)
            if spec.trial is None or check is None or (spec.trial.requires and spec.trial.requires not in passed):
                continue
            good, words = await _try(threads.read(check), spec.trial, settings.checks[check.name].deadline)
            results.append((spec.trial.label.format(name=check.name), good, words))
            if good:
                passed.add(check.name)
        return results


async def _try(read: Coroutine[Any, Any, Reading], trial: Trial, deadline: float) -> tuple[bool, str]:
    task = asyncio.create_task(read)
    done, _ = await asyncio.wait({task}, timeout=deadline)
    if not done:
        task.cancel()
        return False, f"no answer within {deadline:g} s"
    try:
        reading = verified(task.result())
    except Unreadable as error:
        return False, str(error)
    except Exception as error:
        return False, f"the check itself is broken ({type(error).__name__} at {place(error)})"
    if not trial.judged:
        return True, trial.passed
    bad = [e.output for e in reading.entries if e.status is Status.FAIL and e.measurement not in trial.filled]
    return not bad, "; ".join(bad) or reading.entries[0].output
