"""Addresses are read strictly: nothing but the loopback passes for the loopback, however it is written."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from agent_world import Agent, Host, cases
from hypothesis import given, settings
from hypothesis import strategies as st

from seclyzer_agent.address import authority
from seclyzer_agent.config import ConfigError, Settings, load
from seclyzer_agent.server import names_this_host
from seclyzer_agent.store_address import parse_influx_url

HOSTS = Path(__file__).resolve().parents[2] / "tests" / "loopback"
LOOPBACK = (HOSTS / "loopback.txt").read_text().splitlines()
TRICKS = (HOSTS / "others.txt").read_text().splitlines()
TRICKS += ["", " ", ":", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\n", "127.0.0.1\r\nX: y", "127.0.0.1\t", "localhost\x00"]
TRICKS += ["[::1]\n", "127.0.0.1 evil.com", "evil.com:1 127.0.0.1", "a" * 300, "[" * 300, "1" * 300]
PIECES = ["127", "0", "1", ".", ":", "[", "]", "::", "::1", "localhost", "@", "evil.com", "%", "0x7f", "9484", "/", "#"]
TRICKY = st.lists(st.sampled_from([*PIECES, *LOOPBACK]), max_size=7).map("".join) | st.text(max_size=20)


def listening(tmp_path: Path, content: dict[str, object], **environment: str) -> Settings:
    (tmp_path / "agent.yaml").write_text(yaml.safe_dump(content))
    return load(tmp_path / "agent.yaml", environment)


def leads_home(host: str) -> bool:
    """What the C library makes of a host, without asking anybody; the name `localhost` is ours by definition."""
    if host.lower() == "localhost":
        return True
    found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
    return all(ipaddress.ip_address(str(where[4][0])).is_loopback for where in found)


@pytest.mark.parametrize("text", LOOPBACK)
def test_the_loopback_is_taken_in_its_plain_forms(text: str) -> None:
    found = authority(text)
    assert found is not None and found.loopback and leads_home(found.host)
    assert names_this_host([text], "/")
    assert parse_influx_url(f"http://{text}/x").loopback


@pytest.mark.parametrize("text", TRICKS)
def test_nothing_else_is(text: str) -> None:
    assert not names_this_host([text], "/")
    with suppress(ValueError):  # no address at all
        assert not parse_influx_url(f"http://{text}").loopback


@given(TRICKY)
@settings(max_examples=2000, deadline=None)
def test_what_passes_for_the_loopback_leads_there(text: str) -> None:
    found = authority(text)
    if found is not None and found.loopback:
        assert leads_home(found.host)
        bare = f"[{found.host}]" if found.bracketed else found.host
        assert text in (bare, *(f"{bare}:{zeros}{found.port}" for zeros in ("", "0", "00", "000", "0000")))
    assert names_this_host([text], "/") == (found is not None and found.loopback)


def test_a_host_is_named_once_and_by_the_header_only() -> None:
    assert names_this_host([], "/healthz")  # HTTP/1.0
    assert not names_this_host(["localhost", "localhost"], "/")
    assert not names_this_host(["localhost"], "http://evil.com/")
    assert not names_this_host(["localhost"], "evil.com:443")


def test_the_agent_answers_no_other_host(host: Host, start: Callable[..., Agent]) -> None:
    agent = start()
    for name in [trick for trick in TRICKS if trick.isascii() and trick.isprintable() and trick.strip() == trick]:
        assert agent.get("/healthz", Host=name).status == 421, name
    for name in LOOPBACK:
        assert agent.get("/livez", Host=name).status == 200, name


@pytest.mark.parametrize("text", ["[::1]:9484", "127.0.0.1:1", "localhost:9484"])
def test_an_address_to_listen_on_is_taken_from_the_environment_as_from_the_file(tmp_path: Path, text: str) -> None:
    by_file = listening(tmp_path, {"listen": text}).listen
    assert listening(tmp_path, {}, SECLYZER_AGENT_LISTEN=text).listen == by_file
    assert by_file[0] in ("::1", "127.0.0.1")


def test_only_keys_that_take_lists_and_mappings_are_read_as_yaml(tmp_path: Path) -> None:
    given = listening(tmp_path, {}, SECLYZER_AGENT_HOST="[rack 7]", SECLYZER_AGENT_ROLES="[edge, store]")
    assert (given.host, given.roles) == ("[rack 7]", ("edge", "store"))
    assert listening(tmp_path, {}, SECLYZER_AGENT_HOST="{x").host == "{x"
    with pytest.raises(ConfigError, match="SECLYZER_AGENT_UNITS begins like a YAML list or mapping, but is none"):
        listening(tmp_path, {}, SECLYZER_AGENT_UNITS="{a: [")


@pytest.mark.parametrize("text", [*TRICKS, "127.0.0.1", "[::1]", "localhost"])
def test_nothing_else_is_listened_on(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"^listen is "):
        listening(tmp_path, {"listen": text})


@pytest.mark.parametrize("text", TRICKS)
def test_http_is_for_the_loopback_only(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        listening(tmp_path, {"influx_url": f"http://{text}"})
    assert "influx_url is not usable" in str(refused.value)


@pytest.mark.parametrize("text", LOOPBACK)
def test_http_to_the_loopback_and_https_to_anybody_are_taken(tmp_path: Path, text: str) -> None:
    for url in (
        f"http://{text}",
        f"http://{text}/prefix",
        f"https://{text}",
        "https://store.example:8086",
        "https://10.0.0.1",
    ):
        assert listening(tmp_path, {"influx_url": url}).influx_url == url


@pytest.mark.parametrize("case", cases("store_addresses"), ids=lambda case: repr(case["url"]))
def test_the_address_of_the_store_is_taken_or_refused(tmp_path: Path, case: dict[str, Any]) -> None:
    """The cases that every parser of it is held to."""
    if case["normal"] is not None and case["private"]:
        assert listening(tmp_path, {"influx_url": case["url"]}).influx_url == case["normal"]
        return
    with pytest.raises(ConfigError, match=r"^influx_url is not usable") as refused:
        listening(tmp_path, {"influx_url": case["url"]})
    assert ("must be https:// unless" in str(refused.value)) == (case["normal"] is not None)


@pytest.mark.parametrize("scheme", ["HTTP", "Http", "HTTPS", "ftp", "http:", " http", "http ", "file", "javascript"])
def test_other_schemes_are_not_urls_here(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(ConfigError, match=r"must be https://HOST:PORT, or http://127\.0\.0\.1:PORT"):
        listening(tmp_path, {"influx_url": f"{scheme}://127.0.0.1"})


def test_the_words_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        listening(tmp_path, {"influx_url": "http://store:8086"})
    assert str(refused.value).endswith(
        "but must be https:// unless it names the loopback (127.x.x.x, [::1], localhost): "
        "what goes over http can be read and changed on the way"
    )


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://[::1]:6379", "redis://127.0.0.1:1/", "unix:///run/r.sock"]
)
def test_redis_urls(tmp_path: Path, url: str) -> None:
    assert listening(tmp_path, {"redis_url": url}).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "redis://h/1",
        "redis://a@h",
        "redis://[::1]evil",
        "redis://[::1",
        "redis://h:0",
        "redis://h:x",
        "redis://h?db=1",
        "redis://",
        "REDIS://h",
        "redis://h#f",
        "unix:///r?password=x",
        "unix://h/r",
        "unix://a:b@/r",
        "unix:///%72",
        "unix:/r",
        "redis:/h",
        "unix:///r s",
        "unix:///r\n",
    ],
)
def test_what_is_no_redis_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="must be unix:///PATH or redis://HOST:PORT"):
        listening(tmp_path, {"redis_url": url})
