"""The running agent: the background checks, the server, systemd's signs of life, and a quick end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from . import __version__
from .checks import build
from .config import ConfigError, Settings, secret
from .model import Check, Status, Unreadable
from .notify import Notifier
from .redis_client import connect
from .runner import Runner
from .server import application
from .snapshot import Snapshot

log = logging.getLogger("seclyzer_agent")

TICK = 5.0


class CannotListen(Exception):
    """The address cannot be listened on; the message is the operating system's reason."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was read from secret files and key material, once, before anything starts."""

    redis_password: str | None
    tls: ssl.SSLContext | bool


def secrets(settings: Settings, environment: Mapping[str, str]) -> Secrets:
    """Read them. Raises ConfigError."""
    tls: ssl.SSLContext | bool = True
    if settings.influx_ca_file:
        try:
            tls = ssl.create_default_context(cafile=settings.influx_ca_file)
        except OSError as error:  # ssl.SSLError is one
            reason = error.strerror if not isinstance(error, ssl.SSLError) else "it holds no certificate"
            raise ConfigError(f"influx_ca_file {settings.influx_ca_file} cannot be used: {reason}") from None
    return Secrets(secret(settings, environment), tls)


class Reporter:
    """Says in the log and to systemd when a check's state changes, once for each change."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._said: dict[str, Status] = {}

    def note(self, snapshot: Snapshot) -> None:
        """Compare with what was said before."""
        for view in snapshot.views:
            before = self._said.get(view.name)
            if view.state.ended is None or view.status is before:
                continue
            self._said[view.name] = view.status
            if before is None and view.status is Status.PASS:
                continue
            level = {Status.PASS: logging.INFO, Status.WARN: logging.WARNING, Status.FAIL: logging.ERROR}
            fields = {"check": view.name, "was": before.word if before is not None else "unknown"}
            fields |= {"now": view.status.word, "why": view.output}
            log.log(level[view.status], "a check changed", extra={"fields": fields})
        if snapshot.ready:
            self._notifier.status(snapshot.headline)


@asynccontextmanager
async def background(
    settings: Settings, kept: Secrets, reporter: Reporter | None = None
) -> AsyncIterator[tuple[Runner, list[Check]]]:
    """The runner and its checks, not yet started, with the connections they use."""
    redis: Redis | None = None
    if settings.edge:
        deadline = max(pace.deadline for pace in settings.checks.values())
        redis = connect(settings.redis_url, settings.redis_username or None, kept.redis_password, deadline)
    # Before the check's own deadline: what a store that hangs means, the check knows and its runner does not.
    timeout = aiohttp.ClientTimeout(total=0.8 * settings.checks["influxdb"].deadline)
    agent = {"User-Agent": f"seclyzer-agent/{__version__}"}
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, headers=agent, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            runners: list[Runner] = []
            checks = build(settings, redis, session, kept.tls, lambda name: runners[0].facts(name))
            note = reporter.note if reporter is not None else (lambda _: None)
            runners.append(Runner(checks, dict(settings.checks), settings.host, note))
            yield runners[0], checks
    finally:
        if redis is not None:
            await redis.aclose()


async def serve(settings: Settings, kept: Secrets, notifier: Notifier) -> None:
    """Run until SIGTERM or SIGINT. Raises CannotListen."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reporter = Reporter(notifier)
    async with background(settings, kept, reporter) as (runner, checks):
        app = web.AppRunner(application(runner.snapshot), access_log=None, handle_signals=False, shutdown_timeout=0.5)
        await app.setup()
        host, port = settings.listen
        try:
            await web.TCPSite(app, host, port).start()
        except OSError as error:
            await app.cleanup()
            raise CannotListen(os.strerror(error.errno) if error.errno else str(error)) from None
        names = ",".join(check.name for check in checks)
        fields = {"version": __version__, "address": f"{host}:{port}", "roles": ",".join(settings.roles)}
        log.info("listening", extra={"fields": fields | {"checks": names}})
        notifier.ready("listening; the first readings are under way")
        tasks = [asyncio.create_task(runner.run()), asyncio.create_task(_tick(runner, reporter, notifier))]
        ended = asyncio.create_task(stop.wait())
        await asyncio.wait({*tasks, ended}, return_when=asyncio.FIRST_COMPLETED)
        notifier.stopping()
        for task in (*tasks, ended):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await app.cleanup()
        for result in results:
            if isinstance(result, Exception):
                raise result
        log.info("stopped")


async def _tick(runner: Runner, reporter: Reporter, notifier: Notifier) -> None:
    """Look for what has grown stale, and feed the watchdog while the checks turn."""
    pause = min(TICK, notifier.watchdog_interval or TICK)
    while True:
        reporter.note(runner.snapshot())
        if runner.turning():
            notifier.alive()
        await asyncio.sleep(pause)


FILLED = ("memory", "connections")
"""What producers fill says nothing about the configuration, and must not keep a new one from a host."""


async def try_out(settings: Settings, kept: Secrets) -> list[tuple[str, bool, str]]:
    """Reach Redis and InfluxDB once, as `--check` does: (what, good, words) for each of them."""
    async with background(settings, kept) as (_, checks):
        wanted = [check for check in checks if check.name in ("redis", "influxdb")]
        kinds = [check for check in checks if check.name in ("keystroke", "mouse", "app")]
        results = [await _try(check, settings) for check in wanted]
        if kinds and results[0][1]:  # the rights to read what extractors tell, whether or not one runs
            name, good, words = await _try(kinds[0], settings, judge=False)
            results.append((f"redis rights ({name})", good, words))
        return results


async def _try(check: Check, settings: Settings, *, judge: bool = True) -> tuple[str, bool, str]:
    try:
        reading = await asyncio.wait_for(check.read(), settings.checks[check.name].deadline)
    except TimeoutError:
        return check.name, False, f"no answer within {settings.checks[check.name].deadline:g} s"
    except Unreadable as error:
        return check.name, False, str(error)
    if not judge:
        return check.name, True, "stats, stream and list may be read"
    bad = [e.output for e in reading.entries if e.status is Status.FAIL and e.measurement not in FILLED]
    return check.name, not bad, "; ".join(bad) or reading.entries[0].output
