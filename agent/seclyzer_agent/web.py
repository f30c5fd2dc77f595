"""Who may come in from elsewhere: a `web.yml` in force, and in its place the next one when that is good."""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import web_config
from .passwords import Passwords

Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """A `web.yml` that is good: its context for TLS, and its users, none when a client certificate is enough."""

    config: web_config.WebConfig
    context: ssl.SSLContext
    passwords: Passwords | None


class Web:
    """`refresh` may be called in any thread, all else belongs to the server's. ValueError when the first is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature = ()
        self.now: InForce
        self.changed: Callable[[], None] = lambda: None
        """Called by `refresh`, in its thread, when another one is in force."""
        self.fault = ""
        """What is wrong with what stands in the files now; the one before stays in force."""
        self._load()

    @property
    def tls(self) -> ssl.SSLContext:
        """For a new connection."""
        return self.now.context

    def refresh(self) -> str:
        """Take what has changed in the files, if it is good; what is wrong with it otherwise, or nothing."""
        try:
            if self._signature(self.now.config) != self._seen:
                self._load()
                self.changed()
            self.fault = ""
        except ValueError as fault:
            self.fault = str(fault)
        return self.fault

    def admits(self, credentials: Sequence[str]) -> bool | Awaitable[bool]:
        """Whether whoever sends these Authorization headers may come in. Awaited, it may raise passwords.Busy."""
        passwords = self.now.passwords
        if passwords is None:
            return True
        found = basic(credentials[0]) if len(credentials) == 1 else None
        if found is None:
            return False
        known = passwords.known(*found)
        return passwords.check(*found) if known is None else known

    def _load(self) -> None:
        """ValueError says what is wrong, and leaves all as it was."""
        own = _state(self._path)  # before it is read: what changes meanwhile is seen the next time
        config = web_config.read(self._path)
        seen = (own, *(_state(path) for path in config.files))
        users = Passwords(config.users) if config.users else None
        self.now = InForce(config, web_config.context(config), users)
        self._seen = seen

    def _signature(self, config: web_config.WebConfig) -> Signature:
        """By what a change shows. ValueError when a file is not there."""
        return tuple(_state(path) for path in (self._path, *config.files))


def _state(path: Path) -> tuple[str, int, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return str(path), state.st_mtime_ns, state.st_size, state.st_ino


def basic(credential: str) -> tuple[str, str] | None:
    """User and password of an Authorization header of Basic; None for anything else."""
    scheme, _, rest = credential.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest.strip(" "), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (user, password) if colon else None
