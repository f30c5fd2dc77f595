"""Random settings through both command lines: what is in force, or what is wrong, letter by letter.

Of several mistakes each may name another.

The Python command line runs in this process, the Rust program as a program. Files keep to what both YAML parsers are
made for: `key: value` lines, with plain and quoted values.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from seclyzer_extractors import cli
from seclyzer_extractors.config import SETTINGS
from tests.parity import implementations

Sources = tuple[str | None, dict[str, str], list[str]]  # file, environment, arguments
Ended = tuple[int, str, str]  # exit status, stdout, stderr

NUMBERS = ["0", "1", "007", "30", "5", "250", "1000000", "1000001", "3600000", "65535", "65536", "10000000", "1048575"]
NUMBERS += ["1048576", "999999999999999999", "1000000000000000000", "18446744073709551616", "-1", "+5", "1e3", "0x10"]
NUMBERS += ["0.001", "0.0005", "7.50", "86400", "86400.001", "1.0000000001", ".5", "5.", "1_0", "٣", "½", "NaN", "inf"]
NUMBERS += ["0.0010000001", "1.2345", "00030", "1.5.5", "1" * 40, "0." + "0" * 30 + "1", "5s", "5 ", " 5"]
WORDS = [
    "true",
    "True",
    "YES",
    "on",
    "off",
    "no",
    "0",
    "1",
    "maybe",
    "debug",
    "INFO",
    "Warning",
    "loud",
    "json",
    "JSON",
]
WORDS += [
    "logfmt",
    "null",
    "~",
    "Null",
    "nULL",
    "\u017f",
    "İNFO",
    "",
    "ä" * 256,
    "ä" * 257,
    "\U0001f600" * 256,
    "a b",
    "a,b=c",
]
WORDS += ["a\tb", "#x", "a #b", "a: b", "'", '"', "\\", "a\\n", "x" * 300, "Kelvin", "\u212aey", "é", "e\u0301"]
SCHEMES = ["redis", "rediss", "unix", "http", "https", "HTTP", "ftp", "", "redis ", "Redis"]
USERS = ["", "", "me@", "me:secret@", ":secret@", "m%65:p%40%zz@", "a@b@", "me:@", "%C3%A4:%ff@", ":@"]
HOSTS = [
    "h",
    "127.0.0.1",
    "[::1]",
    "[::1",
    "::1",
    "",
    "h..",
    "ä",
    "h%20",
    "H",
    "[v1.x]",
    "h h",
    "%41",
    "[fe80::1%25eth0]",
]
PORTS = ["", "", ":1", ":0", ":65535", ":65536", ":x", ":", ":007", ":+1", ":1:2", ":٣"]
PATHS = ["", "", "/", "/3", "/a", "//", "/00003", "/123456", "/%33", "/run/r.sock", "/a b", "/p/", "/p//", "/-1", "/ä"]
QUERIES = [
    "",
    "",
    "",
    "?",
    "?db=2",
    "?db=",
    "?db=x",
    "?ssl_ca_certs=/ca.crt",
    "?ssl_ca_certs=%2Fx",
    "?x=1",
    "#f",
    "?a#b",
]
SOCKETS = ["", "/", "/r.sock", "//r", "/a b", "r.sock", "./r", "/" + "s" * 106, "/" + "s" * 107, "/" + "ä" * 53]
SOCKETS += ["/" + "ä" * 54, "/%20", "/a: #b", "/\x7f"]
NAMED = [option.key for option in SETTINGS if not option.secret]


@dataclass
class Report:
    """How many were tried, how many were refused, and where the two differ."""

    tried: int = 0
    refused: int = 0
    differences: list[str] = field(default_factory=list)


def url(rng: random.Random) -> str:
    parts = [rng.choice(SCHEMES), rng.choice(["://", "://", "://", ":", "//"]), rng.choice(USERS), rng.choice(HOSTS)]
    return "".join([*parts, rng.choice(PORTS), rng.choice(PATHS), rng.choice(QUERIES)])


def value(rng: random.Random, key: str) -> str:
    """Mostly of the sort that the key wants."""
    if key.endswith("_url") and rng.random() < 0.9:
        return url(rng)
    if key == "influx_socket" and rng.random() < 0.9:
        return rng.choice(SOCKETS)
    return rng.choice(NUMBERS if rng.random() < 0.5 else WORDS)


def line(rng: random.Random, key: str) -> str:
    """A line of the file."""
    text = value(rng, key)
    if rng.random() < 0.3 and text.isalnum() and text.isascii():
        return f"{key}: {text}"
    if rng.random() < 0.5 and "\t" not in text:
        return f"{key}: '" + text.replace("'", "''") + "'"
    return f"{key}: {json.dumps(text, ensure_ascii=rng.random() < 0.5)}  # note"  # pairs of \\u escapes are no YAML


def sources(rng: random.Random) -> Sources:
    """A few settings in a few places."""
    lines = [line(rng, rng.choice([*NAMED, *NAMED, "unknown"])) for _ in range(rng.choice([0, 0, 1, 2]))]
    environment = {}
    for option in rng.sample(SETTINGS, rng.choice([0, 1, 1, 2])):
        environment[option.env] = value(rng, option.key)
    arguments = []
    for option in rng.sample([option for option in SETTINGS if option.flag], rng.choice([0, 0, 1])):
        text = value(rng, option.key)
        arguments += [f"{option.flag}={text}"] if rng.random() < 0.5 else [option.flag, text]
    return ("\n".join(lines) + "\n" if lines else None), environment, arguments


def in_python(kind: str, environment: dict[str, str], arguments: list[str]) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ, environment, clear=True), redirect_stdout(out), redirect_stderr(err):
        code = cli.main(kind, arguments)
    return code, out.getvalue(), err.getvalue()


def in_rust(kind: str, environment: dict[str, str], arguments: list[str]) -> Ended:
    words = [str(implementations.RUST / cli.PROGRAMS[kind]), *arguments]
    done = subprocess.run(
        words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(seed: str, count: int) -> Report:
    """So many of them, each for one of the three programs."""
    report, rng = Report(), random.Random(f"settings/{seed}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for _ in range(count):
            text, environment, arguments = sources(rng)
            kind = rng.choice(list(cli.PROGRAMS))
            words = ["--print-config", *arguments]
            if text is not None:
                Path(folder, "x.yaml").write_text(text, encoding="utf-8")
                words += ["--config", str(Path(folder, "x.yaml"))]
            one = len((text or "").splitlines()) + len(environment) + bool(arguments) == 1
            environment = {"SECLYZER_HOST": "here", **environment}
            python, rust = in_python(kind, environment, words), in_rust(kind, environment, words)
            report.tried += 1
            report.refused += python[0] != 0
            if python != rust and (one or python[:2] != rust[:2]):
                shown = json.dumps([kind, text, environment, arguments, python, rust], ensure_ascii=False)
                report.differences.append(shown)
    return report
