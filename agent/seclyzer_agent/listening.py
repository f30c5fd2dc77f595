"""The sockets that the agent answers on: those that systemd hands over, else those of the configuration.

A unix socket is for readers of the full figures: its group and mode decide who may connect. TCP is for anybody on this
host, so only the loopback is taken, but for `web_listen`, where `web.yml` decides who comes in.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import MutableMapping
from pathlib import Path

from .address import authority
from .server import Way

FIRST_INHERITED = 3  # SD_LISTEN_FDS_START
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
UNIX_MODE = 0o660


class CannotListen(Exception):
    """An address cannot be listened on; the message names it and says why."""


def sockets(
    listen: tuple[str, int], unix_listen: str, web_listen: str, environment: MutableMapping[str, str]
) -> list[socket.socket]:
    """Listening sockets, at least one. Raises CannotListen.

    The variables of systemd are taken out of `environment`: programs that the agent runs have no such sockets.
    """
    found = _inherited(environment, web_listen)
    if found:
        return found
    made: list[socket.socket] = []
    try:
        made.append(_tcp(*listen))
        if unix_listen:
            made.append(_unix(Path(unix_listen)))
        if web_listen:
            where = authority(web_listen)
            assert where is not None and where.port is not None  # as the configuration has it
            made.append(_tcp(where.host, where.port))
    except CannotListen:
        for listener in made:
            listener.close()
        raise
    return made


def name(listener: socket.socket) -> str:
    """Where it listens: `127.0.0.1:9484`, `[::1]:9484` or a path."""
    where = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return str(where)
    return f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}"


def way_of(listener: socket.socket, web_listen: str) -> Way:
    """Who comes by a socket."""
    if listener.family == socket.AF_UNIX:
        return Way.INSIDE
    return Way.WEB if web_listen and name(listener) == web_listen else Way.LOCAL


def _inherited(environment: MutableMapping[str, str], web_listen: str) -> list[socket.socket]:
    """What systemd listens on for us (sd_listen_fds)."""
    pid, count, _ = (environment.pop(variable, "") for variable in VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    found = []
    for number in range(FIRST_INHERITED, FIRST_INHERITED + int(count)):
        try:
            listener = socket.socket(fileno=number)
        except OSError as error:
            raise CannotListen(f"cannot use descriptor {number} from systemd: {_why(error)}") from None
        listener.set_inheritable(False)
        _judge(listener, web_listen)
        found.append(listener)
    return found


def _judge(listener: socket.socket, web_listen: str) -> None:
    """Refuse a socket of systemd's that is not one to listen on, or that others than this host can reach."""
    if listener.type != socket.SOCK_STREAM or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise CannotListen("cannot listen: systemd handed over something else than a listening stream socket")
    if way_of(listener, web_listen) is not Way.LOCAL:
        return
    where = authority(name(listener))
    if where is None or not where.loopback:
        raise CannotListen(
            f"cannot listen on {name(listener)} from systemd: it is not the loopback, and web_listen does not name it"
        )


def _tcp(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {host} port {port}: {_why(error)}") from None
    return listener


def _unix(path: Path) -> socket.socket:
    """A socket for the process' group; one that an earlier agent left is replaced, another file is not."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        before = os.umask(0o777 & ~UNIX_MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen()
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen on {path}: {_why(error)}") from None
    return listener


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)
