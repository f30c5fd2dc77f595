"""A throw-away Redis: a unix socket that only we can reach, no TCP, nothing on disk."""

import shutil
import subprocess
from pathlib import Path

from . import BenchError
from .resp import Redis
from .waiting import until

OPTIONS = ("--port", "0", "--save", "", "--appendonly", "no", "--unixsocketperm", "700", "--maxmemory", "400mb")


class RedisServer:
    """Runs from its making until `stop`."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/bin")
        if program is None:
            raise BenchError("there is no redis-server on this host; `apt-get install redis-server` brings it")
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._log = folder / "redis.log"
        words = [program, "--unixsocket", str(self.socket), "--dir", str(folder), "--logfile", str(self._log), *OPTIONS]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(self._answers, "the throw-away Redis answers", patience=10)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def client(self) -> Redis:
        """A new connection."""
        return Redis(self.socket)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            last = self._log.read_text().splitlines()[-1:] if self._log.exists() else []
            raise BenchError(f"the throw-away Redis did not start: {' '.join(last)}")
        try:
            client = self.client()
        except OSError:
            return False
        client.close()
        return True

    def stop(self) -> None:
        """Ends it; what it held is gone."""
        self._process.kill()
        self._process.wait()
