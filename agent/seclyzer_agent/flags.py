"""The flags of the command line. They are few: `argparse` would take 0.8 MiB for as long as the agent runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError

ACTIONS = {
    "--check": "check the configuration, reach Redis and InfluxDB, end",
    "--compare": "compare the release's files with its manifest, end",
    "--print-config": "print what is in force as YAML, end",
    "--version": "print the version, end",
    "--help": "print this, end",
}
"""What is done in the place of running. Of several the last of this list is done."""

HELP = f"""\
usage: seclyzer_agent [--config FILE] [{" | ".join(ACTIONS)}]

Looks after this host's part of SecLyzer Edge and answers on the loopback: /livez, /readyz, /healthz, /metrics, and /
for a person.

  --config FILE   YAML file; SECLYZER_AGENT_<KEY> beats its keys
{"".join(f"  {name:14}  {words}" + chr(10) for name, words in ACTIONS.items())}"""


@dataclass(frozen=True, slots=True)
class Flags:
    """The file of the configuration, if one was named, and one of ACTIONS; an empty text to run."""

    config: Path | None
    action: str


def read(arguments: Sequence[str]) -> Flags:
    """Raises ConfigError."""
    file: str | None = None
    actions: set[str] = set()
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--config":
            file = value if equals else next(words, "")
            if not file or file.startswith("-"):
                raise ConfigError("--config is without a file; --help lists the flags")
        elif word == "-h":
            actions.add("--help")
        elif word in ACTIONS:
            actions.add(word)
        else:
            raise ConfigError(f"{ascii(word)[1:-1][:80]} is no flag of the agent; --help lists the flags")
    return Flags(Path(file) if file is not None else None, max(actions, key=[*ACTIONS].index, default=""))
