"""The command line: `python3 -m lab COMMAND`."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import BinaryIO

from lab import feed, generate, hosts, image, influxdb, keys, lifecycle, requirements
from lab.labs import Lab, labs
from lab.lock import locked
from lab.say import LabError, say


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 is good, 1 reports on stderr what is wrong."""
    own, words = _split(arguments)
    options = _parser().parse_args(own, argparse.Namespace(words=words))
    try:
        return int(COMMANDS[options.command](options))
    except LabError as error:
        say(f"lab: {error}")
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its reader is gone
        return 130


def _up(options: argparse.Namespace) -> int:
    lifecycle.up(_lab(options))
    return 0


def _down(options: argparse.Namespace) -> int:
    lifecycle.down(_lab(options))
    return 0


def _status(options: argparse.Namespace) -> int:
    requirements.check(space=False)
    rows = [row for lab in labs().values() if options.lab in (None, lab.name) for row in lifecycle.status(lab)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, (9, 6, 12, 10, 0), strict=True)))
    return 0 if all(row[-1] == "running" for row in rows) else 1


def _ssh(options: argparse.Namespace) -> int:
    lab = _lab(options)
    command = keys.ssh(lab, lab.host(options.host).name)
    if not keys.login_key(lab).exists():
        raise LabError(f"lab {lab.name} is not up: type `python3 -m lab up --lab {lab.name}`")
    os.execvp("ssh", [*command, *(["--", *options.words] if options.words else [])])


def _unplug(options: argparse.Namespace) -> int:
    hosts.unplug(_lab(options).host(options.host))
    return 0


def _plug(options: argparse.Namespace) -> int:
    hosts.plug(_lab(options).host(options.host))
    return 0


def _influxd(_: argparse.Namespace) -> int:
    print(influxdb.ensure())
    return 0


def _images(options: argparse.Namespace) -> int:
    requirements.check()
    releases = image.releases(_lab(options))
    with locked("images"):
        image.ensure(releases)
    for release in releases:
        print(f"{image.tag(release)}  {image.archive(release)}")
    return 0


def _generate(options: argparse.Namespace) -> int:
    made = generate.events(options.seed, options.seconds, options.types, options.rate)
    if options.live:
        generate.write_live(made, sys.stdout, options.dev_mode)
    else:
        if not options.seconds:
            raise LabError("--seconds 0 (no end) is for --live only")
        generate.write(made, sys.stdout, options.start_us, options.dev_mode)
    sys.stdout.flush()
    return 0


def _feed(options: argparse.Namespace) -> int:
    if options.file == "-":
        return _feed_from(options, sys.stdin.buffer)
    try:
        with open(options.file, "rb") as file:
            return _feed_from(options, file)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise LabError(f"{options.file}: {error.strerror}") from error


def _feed_from(options: argparse.Namespace, source: BinaryIO) -> int:
    return feed.feed(_lab(options), options.host, source, options.speed, options.shift, options.transport)


COMMANDS = {
    "up": _up,
    "down": _down,
    "status": _status,
    "ssh": _ssh,
    "unplug": _unplug,
    "plug": _plug,
    "influxd": _influxd,
    "images": _images,
    "generate": _generate,
    "feed": _feed,
}


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own arguments, and what stands after `--`."""
    whole = list(arguments)
    end = whole.index("--") if "--" in whole else len(whole)
    return whole[:end], whole[end + 1 :]


def _lab(options: argparse.Namespace) -> Lab:
    return labs()[options.lab or "demo"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Real hosts on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, text: str, lab: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        if lab:
            command.add_argument("--lab", choices=list(labs()), help="which lab (default: demo; status: all)")
        return command

    add("up", "bring the hosts of lab/labs.toml up: in demo edge1 (Debian 12), edge2 (Debian 13), store (Debian 12)")
    add("down", "remove the hosts, their network and their keys")
    add("status", "say how each host stands; exit 0 when all run")
    add("ssh", "log in to a host; after --, a command to run there").add_argument("host")
    add("unplug", "take a running host off the network").add_argument("host")
    add("plug", "put it back on the network").add_argument("host")
    _add_feed(add("feed", "send events to a host's Redis as its collector"))
    _add_generate(add("generate", "write a made-up person's events as JSON lines", lab=False))
    add("influxd", "build or find influxd, print its path", lab=False)
    add("images", "build or find the images of a lab's hosts, print their names")
    return parser


def _add_feed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("host")
    parser.add_argument("file", help="JSON lines, or - for stdin")
    parser.add_argument("--speed", type=_speed, default="1", help="1 (default): as it happened; 10: faster; or max")
    parser.add_argument("--shift", choices=["now"], help="move all times so that the first event is now")
    parser.add_argument("--transport", choices=["stream", "pubsub"], default="stream")


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="same seed, same events")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long; 0 with --live: no end")
    parser.add_argument("--rate", type=_positive, default=1.0, help="how many times faster than a person")
    parser.add_argument("--types", type=_types, default=list(generate.STREAMS), help="keystroke,mouse,app")
    parser.add_argument("--start-us", type=int, default=generate.START_US, help="the time of the beginning")
    parser.add_argument("--live", action="store_true", help="write each event when it is due, stamped now")
    parser.add_argument("--no-dev-mode", dest="dev_mode", action="store_false", help="do not mark them as synthetic")


def _types(text: str) -> list[str]:
    types = text.split(",")
    if unknown := set(types) - set(generate.STREAMS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: none of {', '.join(generate.STREAMS)}")
    return types


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _speed(text: str) -> str:
    return text if text == "max" else str(_positive(text))
