"""What Redis answers to a client that does not log in."""

from probes.resp import Redis, Refusal


def main(commands: list[str]) -> dict[str, str]:
    """`refused: …` or what came back, by command; each on a connection of its own."""
    return {command: _answer(command) for command in commands}


def _answer(command: str) -> str:
    answer = Redis().call(*command.split(" "))
    return f"refused: {answer}" if isinstance(answer, Refusal) else repr(answer)[:200]
