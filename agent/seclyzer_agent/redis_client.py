"""The connection to Redis, and what its errors mean in words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Connection, ConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from .model import Refused, Unreadable

TRIES: Counter[str] = Counter()
"""How often the agent itself has made Redis refuse it on purpose, by the word of the error it expects."""

ANSWERED: Counter[str] = Counter()
"""To how many of these tries Redis has answered."""


def connect(url: str, username: str | None, password: str | None, deadline: float) -> Redis:
    """A client; it connects with the first command. `deadline` (s) bounds each wait on the socket."""
    parts = urlsplit(url)
    options: dict[str, Any] = {
        "username": username,
        "password": password,
        "decode_responses": True,
        "encoding_errors": "replace",
        "socket_timeout": deadline,
        "socket_connect_timeout": deadline,
        "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        "driver_info": None,
        "max_connections": 8,
    }
    if parts.scheme == "unix":
        options.pop("socket_connect_timeout")
        pool = ConnectionPool(connection_class=UnixDomainSocketConnection, path=parts.path, **options)
    else:
        pool = ConnectionPool(connection_class=Connection, host=parts.hostname, port=parts.port or 6379, **options)
    return Redis.from_pool(pool)


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what redis-py raises into Unreadable, in words, without keys, values or passwords."""
    try:
        yield
    except TimeoutError:
        raise Unreadable("Redis does not answer") from None
    except BusyLoadingError:
        raise Unreadable("Redis is still loading") from None
    except AuthenticationError:
        raise Refused("Redis refuses the agent's user or password") from None
    except ConnectionError as error:
        if isinstance(error.__cause__ or error.__context__, AuthenticationError):
            raise Refused("Redis refuses the agent's user or password") from None
        raise Unreadable(f"Redis cannot be reached: {_reason(error)}") from None
    except NoPermissionError:
        raise Refused("Redis does not permit the agent its commands (ACL user agent)") from None
    except ResponseError as error:
        code = str(error).split(" ", 1)[0]
        raise Unreadable(f"Redis answers with an error ({code[:20]})") from None
    except RedisError as error:
        raise Unreadable(f"Redis fails ({type(error).__name__})") from None


def _reason(error: BaseException) -> str:
    """The operating system's words for the failed connection, when there are some."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ConnectionError):
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    return "the connection was closed" if "closed" in str(error).lower() else "no connection"
