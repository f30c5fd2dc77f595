"""A real Redis: on a unix socket of its own, nothing on disk."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .waiting import until

PROGRAM = "/usr/bin/redis-server"  # Debian's, as on hosts


class RedisServer:
    """May be killed, started again (then it is empty) and frozen.

    `options` are words of its command line, at every start. `decoded` clients give texts, others bytes. `env` are more
    variables for its environment.
    """

    def __init__(self, folder: Path, *options: str, decoded: bool = True, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._options = options
        self._decoded = decoded
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str, at: Path | None = None) -> Any:
        """Returns a connected client when it answers. `more` options; `at` another socket, for `open_doors` to move."""
        self.begin(*more, at=at)
        client = self.client(at)
        until(lambda: self._answers(client), "redis-server answers", 20)
        return client

    def begin(self, *more: str, at: Path | None = None) -> None:
        """Starts it, and does not wait."""
        words = [PROGRAM, "--port", "0", "--unixsocket", str(at or self.socket), "--save", "", "--appendonly", "no"]
        words += ["--dir", str(self.folder), *self._options, *more]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=self._env)

    def start_behind_doors(self, *more: str) -> Path:
        """Starts it on a socket that only the caller knows, and returns that."""
        at = self.socket.with_name("redis.new")
        self.start(*more, at=at)
        return at

    def open_doors(self, at: Path) -> None:
        """From now on it is where its clients look for it."""
        at.rename(self.socket)

    def client(self, at: Path | None = None, **options: Any) -> Any:
        """A connection of the test's own: redis.Redis, whose types leave open too much."""
        defaults = {"decode_responses": self._decoded, "retry": Retry(NoBackoff(), 0)}
        return redis.Redis(unix_socket_path=str(at or self.socket), **{**defaults, **options})

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self, unlink: bool = True) -> None:
        """Its socket goes with it, as after a reboot, or stays and refuses, as after SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            if unlink:
                self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self, client: Any) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"redis-server ended with {self._process.returncode}"
        try:
            return bool(client.ping())
        except redis.AuthenticationError:  # it wants a user: it is there
            return True
        except redis.RedisError:
            return False
