"""A slip of the pen in influxdb_url gives no token away, and what only inspects sends none."""

import os
import socket
import subprocess
import threading
import time

import pytest
from hostchecks.lab import INVENTORY, ROOT

from lab.labs import labs


class Listener:
    """A server of the controller's, on the network of the lab, that remembers what comes."""

    def __init__(self) -> None:
        (lab,) = [lab for lab in labs().values() if ROOT / lab.inventory == INVENTORY]
        self._server = socket.create_server((str(lab.subnet.network_address + 1), 0))
        self.address = "{}:{}".format(*self._server.getsockname())
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with self._server.accept()[0] as connection:
                connection.settimeout(1)
                try:
                    self.received.append(connection.recv(65536))
                except TimeoutError:
                    self.received.append(b"")


@pytest.mark.parametrize("more", [[], ["--check"], ["--check", "--limit", "edge1"], ["--limit", "edge1"]])
def test_nothing_reaches_an_address_without_tls(more: list[str]) -> None:
    listener = Listener()
    done = subprocess.run(
        ["ansible-playbook", "-i", INVENTORY, "site.yml", "-e", f"influxdb_url=http://{listener.address}", *more],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    time.sleep(0.2)
    assert done.returncode != 0 and "over http a token can be read on the way" in done.stdout
    assert "changed=0" in done.stdout and listener.received == []
