"""Where the fuzzers start: small inputs made from the contract's own forms, and the words they are made of.

An input is bytes; each target of `extractors/rust/fuzz` and each of `python_targets` has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .messages import batch
from .oddities import ODDITIES, OVER_REDIS

WORDS = [
    *('"type":', '"ts":', '"dev_mode":', '"key":', '"event":', '"x":', '"y":', '"button":', '"scroll_delta":'),
    *(
        '"app_name":',
        '"window_class":',
        '"keystroke"',
        '"mouse"',
        '"app"',
        '"press"',
        '"release"',
        '"move"',
        '"scroll"',
    ),
    *('"focus"', '"Left"', '"Backspace"', "true", "false", "null", "NaN", "1e309", "253402300799999999", "-0", "1e6"),
    *("\\ud83d\\ude00", "\\ud800", "\\u0000", "\ufeff", "\U0001f600", "\n", "\r\n", "\\u0074ype"),
    *(
        "HTTP/1.1 ",
        "204",
        "400",
        "413",
        "422",
        "429",
        "503",
        "Retry-After: ",
        "Content-Length: ",
        "Transfer-Encoding: ",
    ),
    *("chunked", "Connection: ", "close", "\r\n\r\n", "0\r\n\r\n", "dropped=3", '{"message":"'),
    *("redis://", "rediss://", "unix://", "?db=", "?ssl_ca_certs=", "https://", "@", "%40", "[::1]", ":6379", "\x01"),
    *("REDIS_URL=", "INFLUX_URL=", "WINDOW_SECONDS=", "SECLYZER_HOST=", "window_seconds: ", "min_events: ", "- ", "? "),
    *(
        "*2\r\n",
        "$5\r\n",
        ">3\r\n",
        "%1\r\n",
        "~1\r\n",
        "|1\r\n",
        ":1\r\n",
        "#t\r\n",
        "_\r\n",
        "$-1\r\n",
        "(1\r\n",
        "=8\r\ntxt:",
    ),
]

CONFIGS = [
    b"",
    b"window_seconds: 30\nupdate_interval: 5\nlateness_ms: 250\nmin_events: 10\nbuffer_events: 10000\n",
    b"idle_timeout_ms: 2000\n",
    b"redis_url: redis://user:pass@127.0.0.1:6379/0\ninflux_url: https://store:8086/\ninflux_token: abc\n",
    b"influx_url: http://[::1]:8086\ninflux_socket: /run/seclyzer/influx.sock\ninflux_ca_file: /ca.crt\n",
    b"redis_host: '::1'\nredis_port: 7000\nredis_username: me\nredis_password: \"p#w\"\n",
    b'---\nuser_id: "\\u00e4 b"\ndevice_id: >-\n  folded\n  text\nhost: |\n  x\nlog_level: Debug\nlog_format: json\n',
    b"host: null\nstate_dir: ~\ndev_mode: yes # comment\n",
    b"host: [a]\n",
    b"a: &x 1\nb: *x\n",
    b"host: a\nhost: b\n",
    b'"a\\nb": 1\n"a\\nb": 2\n',
    b'"a\\nb": 1\n',
    b"\x01log_level=a\nb",
    b'host: "\\ud83d\\ude00"\n',
    b'"host\\ud800": 1\n',
    b'host: "\\UFFFFFFFF"\n',
    b'host: "\\U00110000"\n',
    b"host: " + b"[" * 700,
    b"- " * 700,
    b"\x01REDIS_URL=unix:///run/redis.sock?db=2\x01WINDOW_SECONDS=7.50\x01min_events=3\x01log_level=error",
    b"\x01INFLUX_URL=http://[::1]:8086/p\x01redis_url=rediss://h?ssl_ca_certs=/ca.crt\x01window_seconds=0.001",
]

ANSWERS = [
    b"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: v2\r\n\r\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n"
    b'{"code":"invalid","message":"line 3"}'[:36],
    b"HTTP/1.1 422 Unprocessable Entity\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n"
    b'{"message":"x dropped=3 yz"}\r\n0\r\n\r\n',
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 \r\nRetry-After:\x1f7\r\nC\r\n\r\n",
    b"HTTP/1.1 429 Too Many\r\nRetry-After: Mon, 23 Nov 2026 17:00:00 GMT\r\nConnection: close\r\n\r\nbody",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 +200 OK\r\n\r\n",
    b'HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n{"code":"unauthorized","message":"no such token!"}',
    b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"SSH-2.0-OpenSSH\r\n",
]

FRAMES = [
    b"+OK\r\n",
    b"-NOAUTH Authentication required.\r\n",
    b"*1\r\n*2\r\n$3\r\n0-1\r\n*2\r\n$1\r\ne\r\n$2\r\n{}\r\n",
    b"%1\r\n$23\r\nseclyzer:stream:keystroke\r\n*0\r\n",
    b">3\r\n$7\r\nmessage\r\n$15\r\nseclyzer:events\r\n$2\r\n{}\r\n_\r\n",
    b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n",
    b"*-1\r\n$-1\r\n#t\r\n,1.5\r\n(12345\r\n=7\r\ntxt:abc\r\n!5\r\nERR x\r\n|1\r\n+a\r\n:1\r\n+b\r\n",
]

SPOOLS = [
    b"",
    b"\x00m,host=a f=1 1\nm,host=a f=2 2\n",
    b"\x00m f=1 1\nm f=2 2\nm f=3",
    b"\x00\x00\x01\x01m f=1 1\n\x00\x01\x02no end",
    b"\x00a\n\n\n\xff\xfe\x00b\n\x00\x01\x05zero\n\x00\x01\x06notes\n\x00\x01\x03after 1\n",
    b"\x07\x00\x01\x08\x00\x01\x00m f=1 1\n\x00\x01\x09large\n",
    b"\x00m f=1 1\n\x00\x01\xff",
    b"\x00" + b"x" * 3000 + b"\n" + b"\n" * 100,
]


def messages() -> list[bytes]:
    cases = [message for message, _ in [*ODDITIES.values(), *OVER_REDIS.values()]]
    return [message for message in [*cases, *batch("seeds", 0, 400)] if len(message) <= 5000]


def lines() -> list[bytes]:
    """A byte of settings, and some messages."""
    made = batch("seeds", 1, 1200)
    return [bytes([at % 32]) + b"\n".join(made[at : at + 12]) for at in range(0, len(made), 12)]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "event": messages,
    "replay": lines,
    "config": lambda: CONFIGS,
    "http": lambda: ANSWERS,
    "resp": lambda: FRAMES,
    "spool": lambda: SPOOLS,
}


def write(folder: Path, target: str) -> None:
    """One file for each input of one target, named by its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]()):
        (folder / f"seed-{number:04d}").write_bytes(seed)


def write_dictionary(path: Path) -> None:
    """The words in libFuzzer's form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in WORDS))
