"""A host whose agent is reached from elsewhere by its `web.yml`: the authority, the users, and clients of it."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Callable
from pathlib import Path

import yaml
from agent_world import Agent, Answer, Host

from tests.cases.certificates import NAMES, Made, make
from tests.helpers.ports import free_port

Start = Callable[..., Agent]
PASSWORD = "correct horse"
HASHED = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
"""PASSWORD's."""
USERS = {"prometheus": HASHED}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


GOOD = basic("prometheus", PASSWORD)


class Way:
    """A host with a `web.yml`, its authority, and clients of it."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder, self.port = host, folder, free_port()
        folder.mkdir()
        self.authority = make("ca", ca=True)
        (folder / "ca.crt").write_bytes(self.authority.pem)
        self.show("server", make("server", self.authority, names=NAMES))
        self.tls: dict[str, object] = {"cert_file": "server.crt", "key_file": str(folder / "server.key")}
        self.write(basic_auth_users=USERS)
        host.config |= {"web_listen": f"127.0.0.1:{self.port}", "web_config_file": str(folder / "web.yml")}
        host.config["checks"]["web"] = {"interval_seconds": 0.2, "deadline_seconds": 2, "rise": 1, "fall": 1}

    def show(self, name: str, made: Made) -> None:
        (self.folder / f"{name}.crt").write_bytes(made.pem)
        (self.folder / f"{name}.key").write_bytes(made.key_pem)

    def write(self, **parts: object) -> None:
        """Put a new web.yml in the place of the last."""
        (self.folder / "web.new").write_text(yaml.safe_dump({"tls_server_config": self.tls, **parts}))
        (self.folder / "web.new").rename(self.folder / "web.yml")

    def context(self, client: str = "") -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        if client:
            made.load_cert_chain(self.folder / f"{client}.crt", self.folder / f"{client}.key")
        return made

    def get(self, path: str, credential: str = GOOD, client: str = "") -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context(client))
        headers = {"Authorization": credential} if credential else {}
        return Agent._ask(connection, path, "GET", headers)


def answered(way: Way, credential: str, client: str = "") -> Answer:
    """What is answered; a status of 0 when the connection is refused, or closed for a change."""
    try:
        return way.get("/metrics", credential, client)
    except (OSError, http.client.RemoteDisconnected):
        return Answer(0, {}, "", 0.0)
