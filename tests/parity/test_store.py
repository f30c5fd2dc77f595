"""The store, as both implementations judge it: its address, answers, certificates, and files with secrets."""

from pathlib import Path
from typing import Any

import pytest

from tests.cases import cases
from tests.cases.answering import Answering
from tests.cases.certificates import NAMES_OF_CASES, Case, all_cases, serving

from .implementations import PYTHON, RUST
from .test_command_line import run


def checked(**environment: str) -> str:
    """What `--check` says of InfluxDB, the same by both; Redis is away. The port is taken out."""
    ended = [run(folder, "mouse_extractor", "--check", REDIS_PORT="9", **environment) for folder in (PYTHON, RUST)]
    lines = [out.splitlines()[1] for status, out, _ in ended if status == 1]
    assert len(lines) == 2 and lines[0] == lines[1], ended
    return lines[0]


@pytest.mark.parametrize("case", cases("answers"), ids=str)
def test_an_answer_means_the_same(case: dict[str, Any]) -> None:
    with Answering(case) as server:
        line = checked(INFLUX_URL=server.url)
    good = case["means"] == "stored" or (case["status"] == 206 and case["means"] == "partly")
    assert line.startswith(f"influxdb: {'good' if good else 'bad'}: ")
    if case["means"] == "no InfluxDB" and case["status"] < 400:
        assert line.endswith("; this is no InfluxDB 2; check influx_url")


def both(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit status, stdout, stderr of either."""
    ended = run(PYTHON, "mouse_extractor", *arguments, **environment)
    assert ended == run(RUST, "mouse_extractor", *arguments, **environment)
    return ended


@pytest.mark.parametrize("case", cases("store_addresses"), ids=lambda case: repr(case["url"]))
def test_an_address_of_the_store_is_the_same(case: dict[str, Any]) -> None:
    status, out, err = both("--print-config", "--influx-url", case["url"])
    if case["normal"] is None:
        assert (status, out) == (78, "") and err.startswith("mouse_extractor: configuration: influx_url is ")
    else:
        assert (status, err) == (0, "") and f'influx_url: "{case["normal"]}"\n' in out
        with_token = both("--print-config", "--influx-url", case["url"], INFLUX_TOKEN="t")
        assert with_token[0] == (0 if case["private"] else 78)


@pytest.mark.parametrize("case", cases("secret_files"), ids=lambda case: case["name"])
def test_a_file_with_a_secret_is_judged_the_same(case: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "influx_token"
    path.write_bytes(bytes.fromhex(case["hex"]))
    for environment in ({"INFLUX_TOKEN_FILE": str(path)}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}):
        status, out, err = both("--print-config", **environment)
        if "secret" in case:
            assert (status, err) == (0, "") and 'influx_token: "********"\n' in out
        else:
            assert (status, out) == (78, "") and f"{path}, which " in err and case["fault"] in err
            assert err.count("\n") == 1 and "tok" not in err.replace("influx_token", "")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Made once."""
    return all_cases(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("name", NAMES_OF_CASES)
def test_a_certificate_is_judged_the_same(certificates: dict[str, Case], name: str, tmp_path: Path) -> None:
    case = certificates[name]
    (tmp_path / "ca.crt").write_bytes(case.ca)
    with serving(case, tmp_path) as server:
        line = checked(INFLUX_URL=server.url, INFLUX_CA_FILE=str(tmp_path / "ca.crt"))
    where = f"{server.url.removeprefix('https://')} (TLS)"
    if not case.refusal:
        assert line.startswith(f"influxdb: good: {where} ")
    elif case.refusal.startswith("CA file"):
        assert line.startswith(f"influxdb: bad: {where}: CA file {tmp_path}/ca.crt: it holds ")
    else:
        assert line.startswith(f"influxdb: bad: {where}: the server's certificate {case.refusal}")
