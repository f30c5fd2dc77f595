"""Where the parts are that a host depends on: findings name those of this host, not another's beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .address import authority
from .store_address import parse_influx_url

REDIS_UNIT = "redis-server.service"


@dataclass(frozen=True, slots=True)
class Places:
    """The unit and the address of SecLyzer's Redis (`redis_existing: beside` has others), and the store's address."""

    redis_unit: str = REDIS_UNIT
    redis_url: str = "unix:///run/redis/redis-server.sock"
    store_url: str = ""

    def words(self, host: str) -> Mapping[str, str]:
        """What commands name of them. `with_store` limits a run to this host and its store."""
        store = self._store(host)
        return {
            "redis_unit": self.redis_unit,
            "redis_at": self._redis_at(),
            "store": store or "this host",
            "with_store": f"{host},{store}" if store else host,
        }

    def _redis_at(self) -> str:
        """The arguments of redis-cli."""
        if self.redis_url.startswith("unix://"):
            return f"-s {self.redis_url.removeprefix('unix://')}"
        server = authority(self.redis_url.removeprefix("redis://").rstrip("/"))
        return f"-h {server.host} -p {server.port or 6379}" if server else ""

    def _store(self, host: str) -> str:
        """The store's name; empty where this host is the store, and the group of stores where it is not known."""
        try:
            store = parse_influx_url(self.store_url)
        except ValueError:
            return "seclyzer_store"
        return "" if store.loopback or store.host == host else store.host


USUAL = Places()
"""Unless they are configured otherwise."""
