"""The checks, and which of them a host gets."""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from ..config import Settings
from ..model import Check, Facts
from .deployment import DeploymentCheck
from .extractor import Bounds, Extractor
from .influxdb import InfluxCheck
from .integrity import IntegrityCheck
from .legacy_clients import LegacyClients
from .memory import UnitMemory
from .points import PointsCheck
from .redis import RedisCheck
from .units import Units


def build(
    settings: Settings,
    redis: Redis | None,
    session: aiohttp.ClientSession,
    tls: ssl.SSLContext | bool,
    facts: Facts,
) -> list[Check]:
    """The checks of this host's roles, in the order of the report. `redis` is there on an edge."""
    slow = settings.slow_milliseconds / 1000
    warn, fail = settings.memory_warn_percent, settings.memory_fail_percent
    checks: list[Check] = [
        Units(settings.units, settings.recent_seconds),
        UnitMemory(facts, warn, fail),
        DeploymentCheck(Path(settings.deployment_dir)),
        IntegrityCheck(Path(settings.deployment_dir), Path(settings.unit_dir)),
    ]
    if redis is not None:
        bounds = Bounds(
            lag_warn=settings.lag_warn_seconds,
            lag_fail=settings.lag_fail_seconds,
            stall=settings.stall_seconds,
            recent=settings.recent_seconds,
            spool=int(settings.spool_bytes),
        )
        checks.append(RedisCheck(redis, slow=slow, warn=warn, fail=fail))
        checks.append(LegacyClients(settings.redis_url, settings.redis_legacy_clients))
        checks += [Extractor(kind, settings.units.get(kind, ""), redis, facts, bounds) for kind in settings.extractors]
    spools = () if settings.store else settings.extractors
    checks.append(InfluxCheck(session, settings.influx_url, tls, slow, facts, spools))
    if settings.points_verdict:
        checks.append(PointsCheck(Path(settings.points_verdict)))
    return checks
