"""Tries commands as each ACL user and says what Redis answered."""

from typing import Any

from on_host.resp import Redis, Refusal


def main(cases: list[tuple[str, str]]) -> list[str]:
    """The answer to each (user, command) in words: `refused: NOPERM …`, or what came back, shortened.

    A command whose effect nobody wants is written `DRYRUN …`: the admin asks Redis whether that user might.
    """
    admin = Redis.user("admin")
    return [_answer(admin, user, command.split(" ")) for user, command in cases]


def _answer(admin: Redis, user: str, words: list[str]) -> str:
    if words[0] == "DRYRUN":
        answer: Any = admin.call("ACL", "DRYRUN", user, *words[1:])
        allowed = answer == "OK"
        return "OK" if allowed else f"refused: NOPERM {answer}"
    connection = Redis.user(user)  # each its own: a subscription would change what may be asked next
    answer = connection.call(*words)
    return f"refused: {answer}" if isinstance(answer, Refusal) else repr(answer)[:200]
