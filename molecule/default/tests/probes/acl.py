"""Tries commands as each ACL user and says what Redis answered."""

import time
from typing import Any

from probes.resp import Redis, Refusal


def main(cases: list[tuple[str, str]]) -> list[str]:
    """The answer to each (user, command) in words: `refused: NOPERM …`, or what came back, shortened.

    A command whose effect must not happen is written `DRYRUN …`: the admin asks Redis whether that user might.
    """
    return [_answer(user, command.split(" ")) for user, command in cases]


def _answer(user: str, words: list[str]) -> str:
    if words[0] == "DRYRUN":
        answer: Any = Redis.user("admin").call("ACL", "DRYRUN", user, *words[1:])
        return "OK" if answer == "OK" else f"refused: NOPERM {answer}"
    connection = Redis.user(user)  # each its own: a subscription would change what may be asked next
    try:
        answer = connection.call(*words)
    except OSError as error:
        _wait_until_back()
        return f"no answer, and Redis was gone: {error}"
    return f"refused: {answer}" if isinstance(answer, Refusal) else repr(answer)[:200]


def _wait_until_back() -> None:
    """Whoever could end Redis fails by that, and not whoever is asked next."""
    until = time.monotonic() + 20
    while True:
        try:
            return Redis.user("admin").socket.close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
