"""The extractors' statistics, as the agent may read them."""

from probes.resp import Redis

KINDS = ["keystroke", "mouse", "app"]


def main() -> dict[str, dict[str, str]]:
    """The hash `seclyzer:stats:<kind>` of each kind; empty when it has expired."""
    agent = Redis.user("agent")
    flat = {kind: agent.call("HGETALL", f"seclyzer:stats:{kind}") for kind in KINDS}
    return {kind: dict(zip(pairs[::2], pairs[1::2], strict=True)) for kind, pairs in flat.items()}
