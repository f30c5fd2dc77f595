"""A thread with an event loop: what blocks it delays no answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class LoopThread:
    """One thread, which runs from its making until `stop`. `call`, `run` and `stop` may be called in any other."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        # A daemon: one that is blocked does not keep the program from ending.
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function there, as soon as the thread is not blocked."""
        self.loop.call_soon_threadsafe(function, *arguments)

    async def run(self, function: Callable[[], T]) -> T:
        """What a function returns or raises there. It ends when that has ended, also when it is cancelled."""
        outcome: Future[T] = Future()
        self.call(_settle, outcome, function)
        ended = asyncio.wrap_future(outcome)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            await asyncio.wait({ended})
            raise

    def stop(self) -> None:
        """Cancel what runs there, and end the thread as soon as it is not blocked."""
        self.call(self._stop)

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    def _stop(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.call_soon(self.loop.stop)  # after the tasks have ended


def _settle(outcome: Future[T], function: Callable[[], T]) -> None:
    try:
        outcome.set_result(function())
    except Exception as error:
        outcome.set_exception(error)
