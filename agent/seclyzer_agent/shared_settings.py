"""The settings that are no single check's: what each takes, its default, and what the README has of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from . import kinds, registry
from .model import Pace
from .parse import (
    absolute_path,
    choice,
    influx_url,
    listen_address,
    mapping_of,
    number,
    optional_path,
    redis_url,
    socket_path,
    some_of,
    text,
    unit_names,
    web_address,
)
from .spec import Setting


def _checks(value: Any) -> dict[str, Pace]:
    """The paces of all checks, with what is configured for some of them, by check and by part."""
    paces = registry.paces()
    for name, parts in mapping_of(value, "checks").items():
        if name not in paces:
            raise ValueError(f"must name checks: {', '.join(paces)}; {name!r} is none")
        merged: dict[str, Any] = asdict(paces[name])
        for part, configured in mapping_of(parts, f"parts of {name}").items():
            if part in ("interval_seconds", "deadline_seconds"):
                merged[part.removesuffix("_seconds")] = number(0.05, 3600)(configured)
            elif part in ("rise", "fall"):
                merged[part] = int(number(1, 100, whole=True)(configured))
            else:
                raise ValueError(f"may give {name} interval_seconds, deadline_seconds, rise and fall, not {part!r}")
        paces[name] = Pace(**merged)
    return paces


SHARED = (
    Setting(
        "listen",
        listen_address,
        "127.0.0.1:9484",
        "address and port; loopback only (`127.x.x.x`, `[::1]`, `localhost`). Not used when systemd hands the agent "
        "sockets (`seclyzer-agent.socket`), of which those of TCP have to be on the loopback, too",
    ),
    Setting(
        "unix_listen",
        socket_path,
        "",
        "path of a unix socket, made for the agent's user and group (0660); who connects there reads the full figures. "
        "Not used when systemd hands the agent sockets",
    ),
    Setting(
        "reader_password_file",
        optional_path,
        "",
        "file with the readers' password, 16 characters or more; empty: `$CREDENTIALS_DIRECTORY/reader_password`, and "
        "without that there is none",
    ),
    Setting(
        "web_listen",
        web_address,
        "",
        "address and port for who comes from elsewhere, `192.0.2.7:9485` or `0.0.0.0:9485`: by TLS, and only whom "
        "`web.yml` lets in; empty: none. Of the sockets that systemd hands over it is the one with this address",
    ),
    Setting(
        "web_config_file",
        optional_path,
        "",
        "a `web.yml`, read again when it or a file that it names has changed; empty: `$CREDENTIALS_DIRECTORY/web.yml`",
    ),
    Setting(
        "roles",
        some_of("edge", "store"),
        ["edge"],
        "`edge`, `store` or both: decides which checks run",
        shown="`[edge]`",
    ),
    Setting(
        "redis_url",
        redis_url,
        "unix:///run/redis/redis-server.sock",
        "`unix:///PATH` or `redis://HOST:PORT`; no user or password in it",
    ),
    Setting(
        "redis_username",
        text(r"[A-Za-z0-9._-]{0,64}", "an ACL user's name, or empty"),
        "agent",
        "ACL user; empty: no authentication at all",
    ),
    Setting(
        "redis_password_file",
        optional_path,
        "",
        "file with its password; empty: `$CREDENTIALS_DIRECTORY/redis_password` (systemd's "
        "`LoadCredential=redis_password:…`)",
    ),
    Setting(
        "influx_url",
        influx_url,
        "http://127.0.0.1:8086",
        "`https://`, or `http://` to the loopback (`127.x.x.x`, `[::1]`, `localhost`); no user or password in it",
    ),
    Setting(
        "influx_socket",
        socket_path,
        "",
        "unix socket through which `influx_url` is reached, its name still being that of the certificate; empty: by "
        "name",
    ),
    Setting(
        "influx_ca_file",
        optional_path,
        "",
        "CA that signed the store's certificate, for `https://`; empty: the system's",
    ),
    Setting(
        "metrics_file",
        optional_path,
        "",
        "file, ending in `.prom`, that every 30 s gets what anybody may read of the metrics, for node_exporter's "
        "textfile collector; empty: none",
    ),
    Setting("deployment_dir", absolute_path, "/opt/seclyzer/current", "where `manifest.json` of the deployment stands"),
    Setting("units", unit_names, None, "short name → systemd unit", shown="by role, below"),
    Setting(
        "extractors",
        some_of(*kinds.KINDS, empty=True),
        None,
        "whose checks run; one without a unit has its heartbeat compared with the deployment only",
        shown=f"those of {', '.join(f'`{kind}`' for kind in kinds.KINDS)} that `units` names",
    ),
    Setting(
        "host",
        text(r"[^\x00-\x1f\x7f]{1,253}", "a name of at most 253 characters"),
        None,
        "shown in reports",
        shown="the host's name",
    ),
    Setting(
        "memory_warn_percent",
        number(1, 100),
        80,
        "of a unit's limit, and of Redis' `maxmemory` and `maxclients`: from here on `warn`",
        at_most="memory_fail_percent",
    ),
    Setting("memory_fail_percent", number(1, 100), 95, "and from here on `fail`"),
    Setting("slow_milliseconds", number(1, 60000), 500, "Redis or InfluxDB slower than this is `warn`"),
    Setting(
        "recent_seconds",
        number(60, 3600),
        300,
        "for how long a restart, a loss, an error or a refusal is shown: as present (`warn`; data lost on this host: "
        "`fail`) until a minute after the last one, or where three came at regular pauses, until twice the pause after "
        "the last; then as past",
    ),
    Setting(
        "checks",
        _checks,
        {},
        "per check: `{NAME: {interval_seconds, deadline_seconds, rise, fall}}`, each optional",
        shown="below",
    ),
    Setting(
        "log_level",
        choice("debug", "info", "warning", "error"),
        "info",
        "`debug`, `info`, `warning`, `error`",
    ),
)
