"""The command line, the same for the three programs and in both implementations."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from . import config, schema

PROGRAMS = {kind.name: kind.program for kind in schema.kinds()}
COMMANDS = ("--help", "--version", "--print-config", "--check")


def __getattr__(name: str) -> Callable[[], int]:
    """The entry point of each program, which pyproject.toml names after it."""
    for kind, program in PROGRAMS.items():
        if name == program:
            return lambda: main(kind, sys.argv[1:])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main(kind: str, arguments: Sequence[str]) -> int:
    """Runs one program; returns its exit status: 0, 1 when something failed, 78 for the configuration."""
    try:
        asked = _parse(arguments)
        if asked.command == "--help":
            sys.stdout.write(_help(kind))
            return 0
        if asked.command == "--version":
            print(f"{PROGRAMS[kind]} {schema.version()} ({schema.IMPLEMENTATION})")
            return 0
        settings = config.load(kind, asked.settings, os.environ, asked.config_file)
        if asked.command == "--print-config":
            sys.stdout.write(config.as_yaml(settings))
            return 0
        if asked.command == "--replay":
            return _replay(kind, settings, asked.replay, asked.stats)
        if asked.command == "--shadow":
            return _shadow(kind, settings, asked.seconds, asked.stats)
        config.check_files(settings)
        if asked.command == "--check":
            from .check import check

            return check(schema.kind(kind), settings)
        from .service import run

        return run(kind, settings)
    except config.ConfigError as error:
        print(f"{PROGRAMS[kind]}: configuration: {error}", file=sys.stderr)
        return config.EXIT_CONFIG


class _Asked(NamedTuple):
    """The command line, taken apart. `command` is the flag that says what to do, empty to serve."""

    command: str
    config_file: str | None
    replay: str
    seconds: int  # of --shadow; 0 is without a limit
    stats: bool
    settings: dict[str, str]


def _parse(arguments: Sequence[str]) -> _Asked:
    """By hand, for the same answers in both implementations. ConfigError names what is not understood."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise config.ConfigError("the command line is not UTF-8") from None
    commands: list[str] = []
    values: dict[str, str] = {}
    settings: dict[str, str] = {}
    keys = {setting.flag: setting.key for setting in config.SETTINGS if setting.metavar}
    switches = {setting.flag: setting.key for setting in config.SETTINGS if setting.flag and not setting.metavar}
    rest = iter(arguments)
    for argument in rest:
        name, equals, inline = argument.partition("=")
        if name in (*COMMANDS, "-h", "--stats", *switches):
            if equals:
                raise _usage(f"{name} takes no value")
            if name == "--stats":
                values[name] = ""
            elif name in switches:
                settings[switches[name]] = "true"
            else:
                commands.append("--help" if name == "-h" else name)
        elif name in ("--config", "--replay", "--shadow") or name in keys:
            value = inline if equals else next(rest, None)
            if value is None:
                raise _usage(f"{name} needs a value")
            if name in keys:
                settings[keys[name]] = value
            else:
                values[name] = str(_seconds(value)) if name == "--shadow" else value
        else:
            raise _usage(f"unknown argument {name}")
    commands += [name for name in ("--replay", "--shadow") if name in values]
    # Help and version answer whatever else is asked.
    first = next((command for command in commands if command in ("--help", "--version")), "")
    command = first or (commands[0] if commands else "")
    seconds = int(values.get("--shadow", "0"))
    return _Asked(command, values.get("--config"), values.get("--replay", ""), seconds, "--stats" in values, settings)


def _seconds(text: str) -> int:
    """At most nine digits, so that it fits any clock."""
    if len(text) > 9 or not (text.isascii() and text.isdigit()):
        raise _usage("--shadow needs a number of whole seconds")
    return int(text)


def _usage(problem: str) -> config.ConfigError:
    return config.ConfigError(f"{problem}; --help lists the flags")


def _help(kind: str) -> str:
    program = PROGRAMS[kind]
    table = "".join(_row(setting, kind) for setting in config.SETTINGS)
    return f"""{program}: SecLyzer's {kind} events in, features out.

usage: {program} [options]

  --config FILE           flat YAML; flags beat environment beats file beats defaults
  --check                 check the configuration and whether Redis and InfluxDB take what is sent
  --print-config          show what is in force, secrets masked
  --replay FILE|-         read events as JSON lines, write features as JSON lines; no network
  --shadow SECONDS        read live events beside the running program, write features as JSON lines
                          and nothing to Redis; 0: until stopped
  --stats                 with --replay or --shadow: the counters as JSON, last line on stderr
  --version, --help

settings: flag, environment variable, key in the file = default
{table}
Secrets are also read from $CREDENTIALS_DIRECTORY/redis_password and /influx_token; $STATE_DIRECTORY
beats state_dir of the file and the environment. Exit status: 0 done, 1 failed, 78 a mistake in the configuration.
"""


def _row(setting: config.Setting, kind: str) -> str:
    """A setting, its help below it, and for a secret the file that it is read from."""
    flag = f"{setting.flag} {setting.metavar}".rstrip()
    default = json.dumps(setting.default_of(kind), ensure_ascii=False)
    row = f"  {flag:<22}  {setting.env:<31}  {setting.key} = {default}\n      {setting.help}\n"
    return row + (f"  {'':<22}  {f'{setting.env}_FILE':<31}  {setting.key}_file\n" if setting.secret else "")


def _replay(kind: str, settings: config.Settings, path: str, stats: bool) -> int:
    from . import logs
    from .replay import replay

    try:
        with (
            open(sys.stdin.fileno() if path == "-" else path, "rb") as lines,
            open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as out,
        ):
            counters = replay(kind, settings, lines, out)
    except BrokenPipeError:  # the reader has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{PROGRAMS[kind]}: {path}: {error.strerror}", file=sys.stderr)
        return 1
    except Exception as problem:  # its text could hold what a person typed
        logs.setup(settings.log_level, settings.log_format)
        logs.crash(problem)
        return 1
    if stats:
        print(_stats_json(counters.as_dict()), file=sys.stderr)
    return 0


def _shadow(kind: str, settings: config.Settings, seconds: int, stats: bool) -> int:
    from . import logs
    from .service.shadow import shadow

    logs.setup(settings.log_level, settings.log_format)
    try:
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n", closefd=False) as out:
            counters, listening_since = shadow(kind, settings, seconds, out)
    except BrokenPipeError:  # the reader has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"{PROGRAMS[kind]}: {error.strerror}", file=sys.stderr)
        return 1
    except Exception as problem:  # its text could hold what a person typed
        logs.crash(problem)
        return 1
    if stats:
        print(_stats_json(counters.as_dict(), listening_since=listening_since), file=sys.stderr)
    return 0


def _stats_json(counters: dict[str, int], **more: int) -> str:
    from . import stats_hash
    from .output import dumps

    return dumps({**stats_hash.replay_fields(counters), **more})
