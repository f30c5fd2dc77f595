"""The text of Redis' ACL file, and what of its change may be shown."""

from __future__ import annotations

from collections.abc import Mapping

from .former_passwords import Formers, sha256
from .redis_server import HASH

OFF = "off resetpass resetkeys resetchannels -@all"


def text_of(users: Mapping[str, str], passwords: Mapping[str, str], formers: Formers) -> str:
    """The ACL file: one line a user, with the hashes of its passwords; `default` is off unless it has rules."""
    lines = [f"user default {users.get('default', OFF)}"]
    for name, rules in users.items():
        if name != "default":
            hashes = [sha256(passwords[name]), *([formers[name].sha256] if name in formers else [])]
            lines.append(f"user {name} on {' '.join(f'#{one}' for one in hashes)} {rules}")
    return "\n".join(" ".join(line.split()) for line in lines) + "\n"


def diff(path: str, before: str, text: str, fresh: list[str]) -> dict[str, str]:
    """The change of the rules, hashes taken out, and the names of the users with new passwords."""
    new = "".join(f"# a new password for {name}\n" for name in fresh)
    return {
        "before_header": path,
        "after_header": path,
        "before": HASH.sub("#…", before),
        "after": HASH.sub("#…", text) + new,
    }
