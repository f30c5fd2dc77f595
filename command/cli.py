"""The command line: one parser for each command, with what it does, its options and its exit statuses."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NoReturn

from . import bench, compare, doctor, history, logs, marked, rollback, status, support_bundle
from .exits import INTERRUPTED, MEANINGS, UNREAD, USAGE, WELL, Stop
from .host import Host
from .screen import Screen

COMMANDS: dict[str, ModuleType] = {
    "status": status,
    "doctor": doctor,
    "history": history,
    "logs": logs,
    "test-events": marked,
    "support-bundle": support_bundle,
    "rollback": rollback,
    "compare": compare,
    "bench": bench,
}
STATUSES = "exit status:\n" + "".join(f"  {number:<3} {words}\n" for number, words in MEANINGS)
AS_JSON = "print one JSON document instead of text"
HOW = "Colours are used on a terminal only, and never when NO_COLOR is set."


class Parser(argparse.ArgumentParser):
    """One that ends with the status for a wrong command line, and says where the help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}; {self.prog} --help lists what there is\n")


def parser() -> Parser:
    """The whole of it."""
    made = Parser(
        prog="seclyzer",
        description="See, understand and mend SecLyzer on this host.",
        epilog=f"{STATUSES}\nEach command has --help and --json. {HOW}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, module in COMMANDS.items():
        one = commands.add_parser(
            name,
            help=module.HELP,
            description=f"{module.HELP[:1].upper()}{module.HELP[1:]}.\n\n{module.ABOUT}",
            epilog=getattr(module, "ENDS", STATUSES),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        one.add_argument("--json", action="store_true", help=getattr(module, "AS_JSON", AS_JSON))
        module.arguments(one)
    return made


def complete(words: Sequence[str]) -> list[str]:
    """What may come next on a command line that begins so, for the shell."""
    if not words:
        return [*COMMANDS, "--help"]
    module = COMMANDS.get(words[0])
    if module is None:
        return []
    one = Parser()
    module.arguments(one)
    flags = [option for action in one._actions for option in action.option_strings if option.startswith("--")]
    return [*getattr(module, "NAMES", ()), *flags, "--json"]


def main(words: Sequence[str] | None = None, host: Callable[[], Host] = Host) -> int:
    """Runs a command; its exit status. A reader that has what it needs, such as `head`, ends it without a word."""
    try:
        try:
            return _run(sys.argv[1:] if words is None else words, host)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has no reader
        return UNREAD


def _run(words: Sequence[str], host: Callable[[], Host]) -> int:
    if words[:1] == ["--complete"]:
        print(*complete(words[1:]), sep="\n")
        return WELL
    options = parser().parse_args(words)
    module = COMMANDS[options.command]
    try:
        result: int = module.run(options, Screen(options.json), host())
        return result
    except Stop as end:
        print(f"seclyzer {options.command}: {end}", file=sys.stderr)
        return end.status
    except KeyboardInterrupt:
        return INTERRUPTED
