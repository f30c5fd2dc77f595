"""The command line."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, flags
from .errors import ConfigError
from .logs import setup

if TYPE_CHECKING:
    from .config import Settings

EXIT_AWAY = 1
EXIT_CONFIG = 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    try:
        asked = flags.read(sys.argv[1:] if arguments is None else arguments)
        if asked.action in ("--help", "--version"):
            sys.stdout.write(flags.HELP if asked.action == "--help" else f"seclyzer_agent {__version__} (python)\n")
            return 0
        from .config import load, printed  # with all checks and their libraries: --help answers at once

        settings = load(asked.config, os.environ)
        if asked.action == "--print-config":
            sys.stdout.write(printed(settings))
            return 0
        if asked.action == "--compare":
            return _compare(settings)
        return _run(settings, check=asked.action == "--check")
    except ConfigError as error:
        sys.stderr.write(f"seclyzer_agent: configuration: {error}\n")
        return EXIT_CONFIG
    except KeyboardInterrupt:
        return 0


def _compare(settings: Settings) -> int:
    from .checks.integrity import compare_now

    return _print(compare_now(Path(settings.deployment_dir), Path(settings.own["unit_dir"])))


def _print(results: list[tuple[str, bool, str]]) -> int:
    """Print the results, a line each; returns the exit status."""
    for name, good, words in results:
        sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {name}: {words}\n")
    return 0 if all(good for _, good, _ in results) else EXIT_AWAY


def _run(settings: Settings, *, check: bool) -> int:
    from . import small_buffers
    from .listening import CannotListen
    from .notify import Notifier
    from .service import secrets, serve, try_out

    small_buffers.use()
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
