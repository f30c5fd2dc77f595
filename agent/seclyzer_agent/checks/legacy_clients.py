"""Does Redis let anybody in without a password? The check tries it, whatever is configured."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit

from ..kinds import KINDS
from ..model import Entry, Pace, Reading, Status, Unreadable
from ..parse import flag
from ..redis_client import ANSWERED, TRIES
from ..spec import Context, Setting, Spec

USERS = ("default", "collector", *KINDS, "agent", "consumer", "admin")
"""Redis' users. Without a password none may be let in but `default`, and that one only where it is configured."""

ANSWER_SECONDS = 1.5
"""How long all answers may take: less than the deadline of the check, which knows no cause."""


class RedisAway(Unreadable):
    """There is no Redis to try."""

    finding = "redis-away"


def judge(let_in: list[str], configured: bool) -> Entry:
    """`let_in`: the users that got in without their password; `configured`: whether `default` may."""
    strange = [user for user in let_in if user != "default" or not configured]
    if strange:
        words = f"Redis lets anybody in without a password, as {', '.join(strange)}; run site.yml, which mends it"
        return Entry("enabled", "redis", "system", Status.FAIL, words, True, figures=False)
    if let_in:
        words = "redis_legacy_clients is on: any program that reaches Redis may publish events, without a password"
        return Entry("enabled", "redis", "system", Status.WARN, words, True, figures=False)
    if configured:
        words = "redis_legacy_clients is on, but Redis lets no client in without a password; run site.yml"
        return Entry("enabled", "redis", "system", Status.WARN, words, False, figures=False)
    return Entry(
        "enabled", "redis", "system", Status.PASS, "Redis lets no client in without a password", False, figures=False
    )


class LegacyClients:
    """The check `legacy_clients`: tries to get in. Redis' users are the same for its socket and for a port."""

    name = "legacy_clients"
    after = ()
    primary = Entry("enabled", "redis", "system", Status.FAIL, "")

    def __init__(self, url: str, configured: bool) -> None:
        self._url, self._configured = url, configured

    async def read(self) -> Reading:
        """Without a login, and then as each user with a password that is not theirs."""
        parts = urlsplit(self._url)
        try:
            if parts.scheme == "unix":
                reader, writer = await asyncio.open_unix_connection(parts.path)
            else:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 6379)
        except OSError:
            raise RedisAway("Redis cannot be reached") from None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                let_in = [user for user in USERS if await _gets_in(reader, writer, user)]
        except TimeoutError:
            raise RedisAway(f"Redis does not answer within {ANSWER_SECONDS:g} s") from None
        except (OSError, EOFError):
            raise RedisAway("Redis closed the connection") from None
        finally:
            writer.close()
        return Reading((judge(let_in, self._configured),))


async def _gets_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str) -> bool:
    """Whether Redis takes the connection for that user's: without a login it is `default`'s.

    One at a time: Redis 8.0 answers a client without a login one command, and reads on with the next that arrives.
    """
    command = "PING" if user == "default" else f"AUTH {user} {os.urandom(16).hex()}"
    expected = "NOAUTH" if user == "default" else "WRONGPASS"
    TRIES[expected] += 1
    writer.write(f"{command}\r\n".encode())
    try:
        answer = await reader.readuntil(b"\r\n")
    finally:
        ANSWERED[expected] += 1
    if b"max number of clients" in answer:
        raise Unreadable("Redis takes no more connections (max number of clients reached)")
    return not answer.startswith(b"-") or (user == "default" and not answer.startswith(b"-NOAUTH"))


def _make(context: Context) -> list[LegacyClients]:
    settings = context.settings
    return [LegacyClients(settings.redis_url, settings.own["redis_legacy_clients"])]


SPEC = Spec(
    names=("legacy_clients",),
    order=60,
    help="logins to Redis without a password",
    pace=Pace(60, 2, rise=1, fall=1),
    measurements={
        "enabled": "the check tries to get in without a password, as every user. Let in as one that is configured: "
        "`warn`; as another: `fail`",
    },
    roles=("edge",),
    settings=(
        Setting(
            "redis_legacy_clients",
            flag,
            False,
            "whether the role `redis` lets clients in without a password",
            shown="`false`",
        ),
    ),
    uses=("redis_url",),
    make=_make,
)
