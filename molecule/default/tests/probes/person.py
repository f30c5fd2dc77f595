"""A person at work, as a service of its own on the host: feeds the streams and takes down what the extractors publish.

What Redis accepted stands in `fed`, what was heard in `heard`, a line each: kind, message. It feeds until there is a
file `stop` beside them, and listens until it is ended.
"""

import threading
import time
from pathlib import Path

from probes.made_up import Load
from probes.resp import Redis

TICK_S = 0.02
LONGEST_SPAN_US = 50_000  # what was due longer ago, because this process did not run, is not made up for
KEEP_MS = 120_000


def main(folder: str, seed: int, rates: dict[str, int]) -> None:
    """Works until the file `stop` is there, and listens on."""
    place = Path(folder)
    listener = Redis.user("consumer")
    listener.socket.settimeout(None)
    listener.call("PSUBSCRIBE", "seclyzer:features:*")
    threading.Thread(target=_listen, args=(listener, place / "heard"), daemon=True).start()
    _feed(Redis.user("collector"), Load(seed, rates), place)
    threading.Event().wait()


def _listen(listener: Redis, into: Path) -> None:
    with into.open("w", buffering=1, encoding="utf-8") as heard:
        while True:
            _, _, channel, text = listener.read()
            heard.write(f"{channel.rpartition(':')[2]} {text}\n")


def _feed(collector: Redis, load: Load, place: Path) -> None:
    done_us = time.time_ns() // 1000
    with (place / "fed").open("w", encoding="utf-8") as fed:
        while not (place / "stop").exists():
            time.sleep(TICK_S)
            now_us = time.time_ns() // 1000
            events = load.due(max(done_us, now_us - LONGEST_SPAN_US), now_us)
            done_us = now_us
            oldest = now_us // 1000 - KEEP_MS
            answers = collector.pipeline(
                [
                    ("XADD", f"seclyzer:stream:{kind}", "MINID", "~", oldest, "*", "e", text.decode())
                    for _, kind, text in events
                ]
            )
            for (_, kind, text), answer in zip(events, answers, strict=True):
                if " " in str(answer):
                    raise RuntimeError(f"{kind}: {answer}")
                fed.write(f"{kind} {text.decode()}\n")
    (place / "stopped").touch()
