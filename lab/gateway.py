"""The write gateway without systemd and Ansible: the role's own templates and Lua, and Debian's nginx, in a folder.

For tests, benchmarks and the developer's pipeline. It listens on the loopback, without TLS unless given a certificate.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import jinja2
import yaml

from lab.ports import free_port
from lab.say import LabError
from plugins.module_utils import gateway_credentials, kinds
from plugins.module_utils.gateway_credentials import Credential

ROLE = Path(__file__).resolve().parent.parent / "roles" / "influxdb_gateway"
NGINX = "/usr/sbin/nginx"
UP_SECONDS = 10.0
RELOAD_SECONDS = 2.0  # then what old workers have under way is not waited for


def variables(folder: Path, **options: Any) -> dict[str, Any]:
    """What the templates are rendered with: the role's defaults, places in `folder`, and `options`."""
    defaults: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    names: dict[str, Any] = yaml.safe_load((ROLE / "vars" / "debian.yml").read_text())
    places = {"home": folder, "run": folder / "run", "credentials": folder / "tokens"}
    return {
        **defaults,
        **names,
        "influxdb_gateway_tls": False,
        "influxdb_gateway_tls_min_version": "1.3",
        "influxdb_gateway_org": "seclyzer",
        "influxdb_gateway_bucket": "behavioral_data",
        "__influxdb_gateway_mebibytes": {
            "series": int(defaults["influxdb_gateway_series_memory_max"].removesuffix("M"))
        },
        "__influxdb_gateway_measurements": list(kinds.MEASUREMENTS.values()),
        **{f"__influxdb_gateway_{name}": str(path) for name, path in places.items()},
        **options,
    }


def render(folder: Path, **options: Any) -> None:
    """Write the configuration and the Lua that nginx reads into `folder`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"bool": bool, "to_json": json.dumps, "urlencode": lambda text: urllib.parse.quote(text, "")}
    values = variables(folder, **options)
    for name in ("nginx.conf", "settings.lua"):
        (folder / name).write_text(environment.get_template(f"{name}.j2").render(values))
    for source in (ROLE / "files").glob("*.lua"):
        shutil.copy(source, folder / source.name)


class Gateway:
    """One nginx before one influxd. `options` are the role's."""

    def __init__(
        self, folder: Path, influxd_port: int, write_token: str, read_token: str = "none", **options: Any
    ) -> None:
        self.folder, self.log = folder, folder / "nginx.log"
        self.port = int(options.pop("influxdb_gateway_port", 0)) or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._options = {"influxdb_gateway_port": self.port, "influxdb_gateway_backend_port": influxd_port, **options}
        self._tokens = {"write_token": write_token, "read_token": read_token}
        self._credentials: list[Credential] = []
        self._process: subprocess.Popen[bytes] | None = None

    def edge(self, name: str, host: str, token: str) -> None:
        """Let an edge in by this token; without a reload."""
        self._credentials = gateway_credentials.with_edge(self._credentials, name, host, token)
        self._keep()

    def edges(self, admitted: list[tuple[str, str, str]]) -> None:
        """Let many in at once: name, host and token of each."""
        self._credentials += [
            Credential(gateway_credentials.EDGE, name, gateway_credentials.sha256(token), (host,))
            for name, host, token in admitted
        ]
        self._keep()

    def reader(self, name: str, token: str) -> None:
        """Let a reader in by this token."""
        self._credentials.append(Credential(gateway_credentials.READER, name, gateway_credentials.sha256(token)))
        self._keep()

    def revoke(self, name: str) -> None:
        """Take a credential away, and reload."""
        self._credentials = [one for one in self._credentials if one.name != name]
        self._keep()
        self.reload()

    def _keep(self) -> None:
        part = self.folder / ".credentials"
        part.write_text(gateway_credentials.render(self._credentials))
        part.rename(self.folder / "credentials")

    def start(self) -> None:
        """Start it and wait until it listens."""
        tokens = self.folder / "tokens"
        tokens.mkdir(mode=0o700, exist_ok=True)
        for name, token in self._tokens.items():
            (tokens / name).write_text(token)
        (self.folder / "run").mkdir(exist_ok=True)
        render(self.folder, **self._options)
        self._keep()
        words = [NGINX, "-p", str(self.folder / "run"), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]
        if os.geteuid() == 0:
            words += ["-g", "user root;"]  # its workers would run as the user nobody, who may not read this folder
        with self.log.open("ab") as log:
            # A process group of its own: nginx' workers outlive a master that was killed, as under systemd they do not.
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + UP_SECONDS
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > end:
                raise LabError(f"the gateway did not come up: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """The master's."""
        assert self._process is not None
        return self._process.pid

    def workers(self) -> list[int]:
        """The processes that answer."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def reload(self) -> None:
        """Read configuration and credentials anew; returns when the new workers are there and idle old ones gone."""
        old = set(self.workers())
        os.kill(self.pid, signal.SIGHUP)
        end = time.monotonic() + RELOAD_SECONDS
        while (not (now := set(self.workers())) - old or now & old) and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self) -> None:
        """What is under way is answered first."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(15)
        self._process = None

    def kill(self) -> None:
        """As a power cut does; nothing when it does not run."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._await_refusal()

    def _await_refusal(self) -> None:
        """The workers are not our children: until the last one has gone its socket takes connections."""
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.005)
        raise RuntimeError(f"a killed gateway still listens on port {self.port}")
