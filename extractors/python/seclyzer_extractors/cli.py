"""The command line, the same for the three programs and in both implementations."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from . import config, schema

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
SUBJECTS = {
    "keystroke": "Keystroke events in, typing features out.",
    "mouse": "Mouse events in, movement, click and scroll features out.",
    "app": "Focus events in, transitions between applications and their patterns out.",
}


def keystroke_extractor() -> int:
    return main("keystroke", sys.argv[1:])


def mouse_extractor() -> int:
    return main("mouse", sys.argv[1:])


def app_tracker() -> int:
    return main("app", sys.argv[1:])


def main(kind: str, arguments: Sequence[str]) -> int:
    """Runs one program; returns its exit status: 0, 1 when something failed, 78 for the configuration."""
    try:
        options = _parser(kind).parse_args(arguments)
        flags = {
            option.key: value for option in config.OPTIONS if (value := getattr(options, option.key, None)) is not None
        }
        settings = config.load(kind, flags, os.environ, options.config)
        if options.print_config:
            sys.stdout.write(config.as_yaml(settings))
            return 0
        if options.replay is not None:
            return _replay(kind, settings, options.replay, options.stats)
        config.check_files(settings)
        if options.check:
            from .check import check

            return check(schema.kind(kind), settings)
        from .service import run

        return run(kind, settings)
    except config.ConfigError as error:
        print(f"{PROGRAMS[kind]}: {error}", file=sys.stderr)
        return config.EXIT_CONFIG


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise config.ConfigError(f"{message} (see --help)")


def _parser(kind: str) -> argparse.ArgumentParser:
    program = PROGRAMS[kind]
    parser = _Parser(
        prog=program,
        description=SUBJECTS[kind],
        epilog="Every setting is also a key of the file and an environment variable: see --print-config.",
        allow_abbrev=False,
    )
    version = f"{program} {schema.version()} ({schema.IMPLEMENTATION})"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument("--config", metavar="FILE", help="settings as YAML")
    parser.add_argument("--check", action="store_true", help="check settings, Redis and InfluxDB, then exit")
    parser.add_argument("--print-config", action="store_true", help="show what is in force, secrets masked")
    parser.add_argument("--replay", metavar="FILE|-", help="events as JSON lines in, features to stdout")
    parser.add_argument("--stats", action="store_true", help="with --replay: counters as JSON on stderr")
    parser.add_argument("--dev-mode", action="store_true", default=None, help="mark all output as dev_mode")
    for option in config.OPTIONS:
        if option.flag:
            parser.add_argument(option.flag, dest=option.key, metavar=option.metavar, help=option.help)
    return parser


def _replay(kind: str, settings: config.Settings, path: str, stats: bool) -> int:
    from .replay import replay

    try:
        with (
            open(sys.stdin.fileno() if path == "-" else path, "rb") as lines,
            open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as out,
        ):
            counters = replay(kind, settings, lines, out)
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{PROGRAMS[kind]}: {path}: {error.strerror}", file=sys.stderr)
        return 1
    if stats:
        print(_stats_json(counters.as_dict()), file=sys.stderr)
    return 0


def _stats_json(counters: dict[str, Any]) -> str:
    from .output import dumps

    return dumps({"implementation": schema.IMPLEMENTATION, "version": schema.version(), **counters})
