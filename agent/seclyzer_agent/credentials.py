"""The files that hold the agent's secrets: those of the configuration, else systemd's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .errors import ConfigError
from .secret_file import ALLOWED, secret_of
from .settings import Settings

SHORTEST_PASSWORD = 16


def secret(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Redis' password from its file or systemd's credential; None without a user. Raises ConfigError."""
    if not settings.redis_username or not settings.edge:
        return None
    place = settings.redis_password_file
    if not place and "CREDENTIALS_DIRECTORY" in environment:
        place = str(Path(environment["CREDENTIALS_DIRECTORY"]) / "redis_password")
    if not place:
        raise ConfigError(
            f"redis_username is {settings.redis_username!r}, but there is no password: "
            "set redis_password_file, or the systemd credential redis_password, or an empty redis_username"
        )
    return _read_password("Redis' password", place)


def reader_password(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """The password for the full figures, from its file or systemd's credential; None without. Raises ConfigError."""
    place = settings.reader_password_file
    if not place and "CREDENTIALS_DIRECTORY" in environment:
        credential = Path(environment["CREDENTIALS_DIRECTORY"]) / "reader_password"
        place = str(credential) if credential.exists() else ""
    if not place:
        return None
    password = _read_password("the readers' password", place)
    if len(password) < SHORTEST_PASSWORD:
        raise ConfigError(f"the readers' password in {place} has fewer than {SHORTEST_PASSWORD} characters")
    return password


def web_file(settings: Settings, environment: Mapping[str, str]) -> Path | None:
    """Which `web.yml` decides who comes in by `web_listen`; None without such an address. Raises ConfigError."""
    if not settings.web_listen:
        return None
    if settings.web_config_file:
        return Path(settings.web_config_file)
    if "CREDENTIALS_DIRECTORY" in environment:
        return Path(environment["CREDENTIALS_DIRECTORY"]) / "web.yml"
    raise ConfigError(
        f"web_listen is {settings.web_listen}, which needs TLS and a password or a client certificate: "
        "set web_config_file, or the systemd credential web.yml, or an empty web_listen"
    )


def _read_password(whose: str, place: str) -> str:
    try:
        return secret_of(Path(place).read_bytes())
    except OSError as error:
        raise ConfigError(f"{whose} cannot be read from {place}: {error.strerror or 'unreadable'}") from None
    except ValueError as fault:
        raise ConfigError(f"{place}, which holds {whose}, {fault}: {ALLOWED}") from None
