"""What is judged in several places is judged alike: the copies are the same, and the agent and the modules use them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from plugins.module_utils.influxdb_api import InfluxDB, read_ca
from plugins.module_utils.layout import Refused
from seclyzer_agent import tls
from seclyzer_agent.checks.influxdb import InfluxCheck
from seclyzer_agent.model import Unreadable
from tests.cases.certificates import NAMES_OF_CASES, Case, all_cases, serving

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("extractors/python/seclyzer_extractors", "agent/seclyzer_agent", "plugins/module_utils")
COPIES = ("tls.py", "store_address.py", "secret_file.py")


@pytest.mark.parametrize("name", COPIES)
def test_the_copies_are_the_same(name: str) -> None:
    texts = {folder: (ROOT / folder / name).read_text(encoding="utf-8") for folder in FOLDERS}
    assert len(set(texts.values())) == 1, f"{name} differs in {', '.join(texts)}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Made once."""
    return all_cases(tmp_path_factory.mktemp("certificates"))


def of_the_agent(url: str, ca_file: Path) -> str:
    """Why it does not trust the store; empty when it does (and says that this is no InfluxDB)."""

    async def ask() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            await InfluxCheck(session, url, tls.context(str(ca_file)), 1).read()

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


@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_a_certificate_is_judged_as_by_the_extractors(certificates: dict[str, Case], name: str, tmp_path: Path) -> None:
    case = certificates[name]
    (tmp_path / "ca.crt").write_bytes(case.ca)
    with serving(case, tmp_path) as server:
        for said in (of_the_agent(server.url, tmp_path / "ca.crt"), of_the_modules(server.url, tmp_path / "ca.crt")):
            if not case.said:
                assert said == ""
            elif case.said.startswith("CA file"):
                assert "it holds " in said
            else:
                assert said.startswith(f"the server's certificate {case.said}")
