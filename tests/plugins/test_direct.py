"""No proxy of the environment is asked for the loopback or the store, by whatever of ours speaks HTTP."""

import ast
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from plugins.module_utils import direct
from plugins.module_utils.influxdb_api import InfluxDB

ROOT = Path(__file__).resolve().parents[2]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
NO_PROXIES = "ProxyHandler({})"


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server, and proxies in the environment that do not answer."""
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_proxy_in_the_environment_is_not_asked(url: str) -> None:
    with direct.opener().open(f"{url}/healthz", timeout=3) as answer:
        assert answer.status == 200
    assert InfluxDB(url).call("GET", "/health").status == 200


def _files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def _by_proxy(tree: ast.AST) -> list[str]:
    """Calls by which a proxy might be asked."""
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func).rpartition(".")[2]
        first = ast.unparse(call.args[0]) if call.args else ""
        trusts = any(word.arg == "trust_env" for word in call.keywords)
        if name in ("urlopen", "urlretrieve") or trusts or (name == "build_opener" and not first.endswith(NO_PROXIES)):
            found.append(f"{call.lineno}: {ast.unparse(call)}")
    return found


def test_nothing_of_ours_opens_a_url_in_another_way() -> None:
    files = _files()
    assert len(files) > 300
    found = {str(path.relative_to(ROOT)): _by_proxy(ast.parse(path.read_text())) for path in files}
    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "line", ["urllib.request.urlopen(url)", "build_opener()", "build_opener(Other())", "ClientSession(trust_env=True)"]
)
def test_another_way_is_noticed(line: str) -> None:
    assert _by_proxy(ast.parse(line))
