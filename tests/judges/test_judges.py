"""What is judged in several places is judged alike: by one file, and the agent and the modules use them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from plugins.module_utils.influxdb_api import InfluxDB, read_ca
from plugins.module_utils.layout import Refused
from plugins.modules.influxdb_certificate import judge
from seclyzer_agent import tls
from seclyzer_agent.checks.influxdb import InfluxCheck
from seclyzer_agent.http_client import HttpClient
from seclyzer_agent.model import Unreadable
from seclyzer_agent.store_address import parse_influx_url
from tests.cases.certificates import NAMES_OF_CASES, Case, all_cases, serving

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("extractors/python/seclyzer_extractors", "agent/seclyzer_agent", "plugins/module_utils")
SHARED = ("tls.py", "store_address.py", "secret_file.py")


@pytest.mark.parametrize("name", SHARED)
def test_there_is_one_file_and_links_to_it(name: str) -> None:
    assert len({(ROOT / folder / name).resolve() for folder in FOLDERS}) == 1
    texts = {folder: (ROOT / folder / name).read_text(encoding="utf-8") for folder in FOLDERS}
    assert len(set(texts.values())) == 1, f"{name} differs in {', '.join(texts)}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Made once."""
    return all_cases(tmp_path_factory.mktemp("certificates"))


def of_the_agent(url: str, ca_file: Path) -> str:
    """Why it does not trust the store; empty when it does (and says that this is no InfluxDB)."""

    async def ask() -> None:
        client = HttpClient(parse_influx_url(url), "", tls.context(str(ca_file)), "test")
        await InfluxCheck(client, 1).read()

    try:
        asyncio.run(ask())
    except ValueError as fault:
        return str(fault)
    except Unreadable as fault:
        return "" if "as no InfluxDB 2 does" in str(fault) else str(fault).removeprefix("is not trusted: ")
    raise AssertionError("it took a stranger for InfluxDB")


def of_the_modules(url: str, ca_file: Path) -> str:
    """The same of the modules."""
    try:
        influxdb = InfluxDB(url, read_ca("", str(ca_file)))
        answer = influxdb.call("POST", "/api/v2/write", body=b"")
    except Refused as fault:
        return str(fault).removeprefix(f"{url} is not trusted: ")
    assert answer.status == 204
    return ""


def of_the_preflight(folder: Path, ca_file: Path) -> str:
    """The same of the store's own preflight, which reads what `serving` has put into the folder."""
    try:
        return judge(folder / "chain.pem", folder / "chain.key", read_ca("", str(ca_file)), "127.0.0.1")
    except Refused as fault:
        return str(fault)


@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_what_no_client_will_trust_is_refused_before_anything_changes(
    certificates: dict[str, Case], name: str, tmp_path: Path
) -> None:
    case = certificates[name]
    for file, content in (("ca.crt", case.ca), ("chain.pem", case.chain), ("chain.key", case.key)):
        (tmp_path / file).write_bytes(content)
    words = of_the_preflight(tmp_path, tmp_path / "ca.crt")
    if not case.refusal:
        assert words == ""
    elif case.refusal.startswith("CA file"):
        assert "it holds " in words and "influxdb_ca" in words
    else:
        assert words.startswith(f"influxdb_tls_cert, {tmp_path}/chain.pem: the server's certificate {case.refusal}")
        assert words.endswith("; roles/influxdb/README.md shows how to issue one")


def test_a_key_that_is_missing_or_another_s_is_named(certificates: dict[str, Case], tmp_path: Path) -> None:
    right, other = certificates["right"], certificates["expired"]
    chain, key = tmp_path / "chain.pem", tmp_path / "chain.key"
    chain.write_bytes(b"Certificate:\n    Data: as `openssl ca` writes it, f\xfcr uns\n" + right.chain)
    ca = right.ca.decode()
    assert "influxdb_tls_key names" in judge(chain, key, ca, "127.0.0.1")
    key.write_bytes(other.key)
    assert judge(chain, key, ca, "127.0.0.1") == f"influxdb_tls_key, {key}, is not the key of {chain}"
    key.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    assert "cannot be used" in judge(chain, key, ca, "127.0.0.1")
    key.write_bytes(right.key)
    assert judge(chain, key, ca, "127.0.0.1") == ""
    assert "is not for store: issue one with subjectAltName=DNS:store" in judge(chain, key, ca, "store")


@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_a_certificate_is_judged_as_by_the_extractors(certificates: dict[str, Case], name: str, tmp_path: Path) -> None:
    case = certificates[name]
    (tmp_path / "ca.crt").write_bytes(case.ca)
    with serving(case, tmp_path) as server:
        for words in (of_the_agent(server.url, tmp_path / "ca.crt"), of_the_modules(server.url, tmp_path / "ca.crt")):
            if not case.refusal:
                assert words == ""
            elif case.refusal.startswith("CA file"):
                assert "it holds " in words
            else:
                assert words.startswith(f"the server's certificate {case.refusal}")


def test_the_readme_s_commands_make_what_everybody_trusts(tmp_path: Path) -> None:
    readme = (ROOT / "roles" / "influxdb" / "README.md").read_text(encoding="utf-8")
    (commands,) = (block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "openssl x509" in block)
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.endswith("influxdb.crt: OK\n"), done.stderr
    made = [tmp_path / name for name in ("influxdb.crt", "influxdb.key", "ca.crt")]
    case = Case("", made[2].read_bytes(), made[0].read_bytes(), made[1].read_bytes())
    assert judge(made[0], made[1], case.ca.decode(), "store.example.com") == ""
    with serving(case, tmp_path) as server:
        assert of_the_agent(server.url, made[2]).startswith("the server's certificate is not for 127.0.0.1")
    for words in (tls.IS_CA, tls.UNKNOWN, tls.EXPIRED, tls.NOT_YET, tls.PURPOSE, tls.KEY):
        assert words.partition(":")[0] in readme


@pytest.mark.parametrize("before", [b"", b"# f\xfcr Z\xc3\xbcrich\r\n", "# für später\n".encode()])
def test_a_ca_on_the_controller_is_its_blocks(certificates: dict[str, Case], before: bytes, tmp_path: Path) -> None:
    ca = certificates["right"].ca
    (tmp_path / "ca.crt").write_bytes(before + ca + b"# and nothing else")
    values = ["-e", f"@{ROOT}/roles/influxdb/vars/main.yml", "-e", f"influxdb_ca_file={tmp_path}/ca.crt"]
    copy = json.dumps({"content": "{{ __influxdb_ca }}", "dest": f"{tmp_path}/kept"})
    (tmp_path / "ansible.cfg").touch()
    done = subprocess.run(
        ["ansible", "localhost", *values, "-m", "ansible.builtin.copy", "-a", copy],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "ANSIBLE_CONFIG": f"{tmp_path}/ansible.cfg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "kept").read_bytes() == ca.rstrip()
