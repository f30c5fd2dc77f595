"""What Redis answers to somebody who does not log in."""

from on_host.resp import Redis, Refusal


def main(way: str, command: str) -> str:
    """`refused: …` or what came back; `way` is `socket` or `tcp`."""
    answer = Redis(("127.0.0.1", 6379) if way == "tcp" else None).call(*command.split(" "))
    return f"refused: {answer}" if isinstance(answer, Refusal) else repr(answer)[:200]
