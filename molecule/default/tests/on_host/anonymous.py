"""What Redis answers to somebody who does not log in."""

from on_host.resp import Redis, Refusal

WAYS = {"socket": None, "tcp": ("127.0.0.1", 6379)}


def main(commands: list[str]) -> dict[str, str]:
    """`refused: …` or what came back, by `<way> <command>`; each on a connection of its own."""
    return {f"{way} {command}": _answer(address, command) for way, address in WAYS.items() for command in commands}


def _answer(address: tuple[str, int] | None, command: str) -> str:
    answer = Redis(address).call(*command.split(" "))
    return f"refused: {answer}" if isinstance(answer, Refusal) else repr(answer)[:200]
