"""The command line: `python3 -m lab COMMAND`."""

import argparse
import os
import sys
from collections.abc import Sequence

from lab import image, influxdb, keys, life, needs
from lab.labs import RELEASES, Lab, labs
from lab.lock import locked
from lab.say import LabError, say


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 is good, 1 says on stderr what is wrong."""
    own, words = _split(arguments)
    options = _parser().parse_args(own, argparse.Namespace(words=words))
    try:
        return int(COMMANDS[options.command](options))
    except LabError as error:
        say(f"lab: {error}")
        return 1
    except (BrokenPipeError, KeyboardInterrupt):
        sys.stdout = open(os.devnull, "w")  # nothing more to flush to
        return 130


def _up(options: argparse.Namespace) -> int:
    life.up(_lab(options))
    return 0


def _down(options: argparse.Namespace) -> int:
    life.down(_lab(options))
    return 0


def _status(options: argparse.Namespace) -> int:
    needs.check(space=False)
    rows = [row for lab in labs().values() if options.lab in (None, lab.name) for row in life.status(lab)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, (9, 6, 12, 10, 0), strict=True)))
    return 0 if all(row[-1] == "running" for row in rows) else 1


def _ssh(options: argparse.Namespace) -> int:
    lab = _lab(options)
    command = keys.ssh(lab, lab.host(options.host).name)
    if not keys.login_key(lab).exists():
        raise LabError(f"lab {lab.name} is not up: type `python3 -m lab up --lab {lab.name}`")
    os.execvp("ssh", [*command, *(["--", *options.words] if options.words else [])])


def _influxd(_: argparse.Namespace) -> int:
    print(influxdb.ensure())
    return 0


def _images(_: argparse.Namespace) -> int:
    needs.check()
    with locked("images"):
        image.ensure(list(RELEASES))
    for release in RELEASES:
        print(f"{image.tag(release)}  {image.archive(release)}")
    return 0


COMMANDS = {"up": _up, "down": _down, "status": _status, "ssh": _ssh, "influxd": _influxd, "images": _images}


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

    add("up", "bring the hosts up: edge1 (Debian 12), edge2 (Debian 13), store (Debian 12)")
    add("down", "remove the hosts, their network and their keys")
    add("status", "say how each host stands; exit 0 when all run")
    add("ssh", "log in to a host; after --, a command to run there").add_argument("host")
    add("influxd", "build or find influxd, print its path", lab=False)
    add("images", "build or find the hosts' images, print their names", lab=False)
    return parser
