"""Redis' protocol as the modules, the bench and the probes of the tests read it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from plugins.module_utils.wire import NotRedis, Refusal, Reply, decode, encode

ROOT = Path(__file__).resolve().parents[2]


def test_a_command_is_a_list_of_its_words_by_length() -> None:
    assert encode("SET", b"k\xff", 12, "ä") == b"*4\r\n$3\r\nSET\r\n$2\r\nk\xff\r\n$2\r\n12\r\n$2\r\n\xc3\xa4\r\n"


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (b"+OK\r\n", b"OK"),
        (b":-3\r\n", -3),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"$4\r\n\r\n\xff\x00\r\n", b"\r\n\xff\x00"),
        (b"*3\r\n*1\r\n:1\r\n$0\r\n\r\n-ERR x\r\n", [[1], b"", Refusal("ERR x")]),
    ],
)
def test_a_reply_is_read_whole_and_nothing_after_it(data: bytes, reply: Reply) -> None:
    stream = io.BytesIO(data + b":7\r\n")
    assert decode(stream) == reply
    assert decode(stream) == 7


def test_a_refusal_in_a_list_leaves_the_replies_after_it_where_they_are() -> None:
    stream = io.BytesIO(b"*2\r\n-WRONGTYPE\r\n:1\r\n+after\r\n")
    found = decode(stream)
    assert isinstance(found, list) and isinstance(found[0], Refusal)
    assert decode(stream) == b"after"


@pytest.mark.parametrize("data", [b"", b"+OK", b"$4\r\nab", b"*2\r\n:1\r\n", b"HTTP/1.1 400\r\n", b"\r\n"])
def test_what_ends_early_or_is_no_redis_is_an_error(data: bytes) -> None:
    with pytest.raises(NotRedis):
        decode(io.BytesIO(data))


@pytest.mark.parametrize("place", ["bench/wire.py", "molecule/default/tests/probes/wire.py"])
def test_there_is_one_reader(place: str) -> None:
    assert (ROOT / place).resolve() == ROOT / "plugins/module_utils/wire.py"
