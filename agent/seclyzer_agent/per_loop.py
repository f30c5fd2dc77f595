"""What belongs to an event loop, such as a connection, where the loop may become another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """The thing of the running event loop, made when there is none. That of the loop before is left to that loop."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thing: T | None = None

    def here(self) -> T:
        """The running loop's."""
        loop = asyncio.get_running_loop()
        if self._thing is None or self._loop is not loop:
            self._loop, self._thing = loop, self._make()
        return self._thing

    def last(self) -> T | None:
        """The one that was used last."""
        return self._thing
