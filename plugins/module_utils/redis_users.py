"""Where Redis' users stand on a host: their rules, their passwords, the record of former ones, and who may connect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import credentials, files, former_passwords, redis_server, users
from .former_passwords import Former, Formers
from .layout import Refused
from .redis_server import trial
from .resp import Redis, RedisAway, RedisError

PROBE = "seclyzer-trial"


@dataclass
class Host:
    """Where Redis' users stand on the host. `dry` looks and changes nothing."""

    path: str
    credentials: str
    server: str
    socket: str
    server_group: str
    socket_group: str
    members: list[str]
    groups: dict[str, str]
    dry: bool

    def password_file(self, user: str) -> Path:
        """The file with a user's password."""
        return Path(self.credentials, f"redis-{user}")

    def keep_passwords(self, passwords: dict[str, str]) -> bool:
        """Keep the folder and the password files; True when something was not so."""
        changed = credentials.keep_folder(Path(self.credentials), 0o711, dry=self.dry)
        for user, password in passwords.items():
            gid = self._gid(self.groups[user]) if user in self.groups else None
            changed |= credentials.keep_secret(self.password_file(user), password, gid, dry=self.dry)
        return changed

    @property
    def former_path(self) -> Path:
        """The record of passwords that were replaced and are still valid."""
        return Path(self.path).with_name("former")

    def formers(self) -> dict[str, Former]:
        """By user."""
        return former_passwords.parse(files.read_own(self.former_path) or "")

    def keep_formers(self, formers: Formers) -> bool:
        """Keep the record, for root only; without one there is no file. True when it was not so."""
        if formers:
            return credentials.keep(self.former_path, former_passwords.render(formers), 0o600, dry=self.dry)
        there = self.former_path.exists()
        if there and not self.dry:
            self.former_path.unlink()
        return there

    def keep_rules(self, text: str) -> bool:
        """Keep the ACL file, which Redis may read and not write; True when it was not so."""
        gid = users.gid_of(self.server_group)
        if gid is None:
            if self.dry:
                return True
            raise Refused(f"the host has no group {self.server_group}: install Redis first")
        return credentials.keep(Path(self.path), text, 0o640, gid, dry=self.dry)

    def written_rules(self) -> str:
        """The ACL file as it stands; empty when there is none, or when what stands there is not root's."""
        try:
            return files.read_own(Path(self.path)) or ""
        except Refused:
            return ""

    def in_force(self, text: str) -> list[str]:
        """What the installed Redis would have in force under these rules. Raises Refused when it refuses them."""
        password = credentials.new_secret()
        probed = f"{text}user {PROBE} on >{password} +acl|list\n"
        try:
            with trial(self.server, acl=probed) as socket, Redis(socket, PROBE, password) as redis:
                return [rule for rule in redis_server.rules(redis) if not rule.startswith(f"user {PROBE} ")]
        except (Refused, RedisAway, RedisError) as error:
            raise Refused(f"Redis refuses these rules, so nothing was changed: {error}") from error

    def keep_socket_group(self) -> list[str] | None:
        """Make the group that may connect, with those of its members that the host has; None when there was one."""
        if users.has_group(self.socket_group):
            return None
        joined = [name for name in self.members if users.has_user(name)]
        if not self.dry:
            users.make_group(self.socket_group, joined)
        return joined

    def _gid(self, group: str) -> int:
        found = users.gid_of(group)
        if found is None and not self.dry:
            found = users.make_group(group, [])
        return -1 if found is None else found
