"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import __version__
from .errors import ConfigError
from .logs import setup

if TYPE_CHECKING:
    from .config import Settings

EXIT_AWAY = 1
EXIT_CONFIG = 78
DESCRIPTION = (
    "Looks after this host's part of SecLyzer Edge and answers on the loopback: "
    "/livez, /readyz, /healthz, /metrics, and / for a person."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    try:
        options = _parser().parse_args(arguments)
        from .config import load, printed  # with all checks and their libraries: --help answers at once

        settings = load(options.config, os.environ)
        if options.print_config:
            sys.stdout.write(printed(settings))
            return 0
        if options.compare:
            return _compare(settings)
        return _run(settings, check=options.check)
    except ConfigError as error:
        sys.stderr.write(f"seclyzer_agent: configuration: {error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; --help lists the flags")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="seclyzer_agent", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file; SECLYZER_AGENT_<KEY> beats its keys")
    parser.add_argument("--check", action="store_true", help="check the configuration, reach Redis and InfluxDB, end")
    parser.add_argument("--compare", action="store_true", help="compare the release's files with its manifest, end")
    parser.add_argument("--print-config", action="store_true", help="print what is in force as YAML, end")
    parser.add_argument("--version", action="version", version=f"seclyzer_agent {__version__} (python)")
    return parser


def _compare(settings: Settings) -> int:
    from .checks.integrity import compare_now

    return _print(compare_now(Path(settings.deployment_dir), Path(settings.own["unit_dir"])))


def _print(results: list[tuple[str, bool, str]]) -> int:
    """Print the results, a line each; returns the exit status."""
    for name, good, words in results:
        sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {name}: {words}\n")
    return 0 if all(good for _, good, _ in results) else EXIT_AWAY


def _run(settings: Settings, *, check: bool) -> int:
    from .listening import CannotListen
    from .notify import Notifier
    from .service import secrets, serve, try_out

    kept = secrets(settings, os.environ)
    if check:
        return _print(asyncio.run(try_out(settings, kept)))
    journal = setup(settings.log_level)
    try:
        asyncio.run(serve(settings, kept, Notifier(), journal))
    except CannotListen as error:
        sys.stderr.write(f"seclyzer_agent: {error}\n")
        return EXIT_AWAY
    return 0
