"""What the write gateway costs: `python -m bench.gateway`. Prints the tables of docs/gateway.md.

A real nginx before a real influxd, on this machine. What it adds to a write is measured against influxd itself in the
same run, turn by turn; CPU time is that of nginx' worker. Then a thousand edges at work, each with a credential and
connections of its own, over TLS; and writes beside readers that ask as fast as they are let.
"""

import argparse
import asyncio
import gzip
import http.client
import multiprocessing
import os
import re
import secrets
import ssl
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab import pki
from lab.gateway import ROLE, Gateway
from tests.helpers.influx_server import InfluxServer

BUCKET = "behavioral_data"
WRITE = f"/api/v2/write?org=seclyzer&bucket={BUCKET}&precision=us"
TICK = os.sysconf("SC_CLK_TCK")
FIELDS = ",".join(f"feature_{n}={n * 1.7:.15f}" for n in range(48))
FLUX = (
    f'from(bucket: "{BUCKET}") |> range(start: -1d) |> filter(fn: (r) => r._field =~ /^feature/)'
    ' |> group(columns: ["host", "_field"])'
    " |> aggregateWindow(every: 1m, fn: mean) |> sort() |> count()"
)


def line(host: str, kind: str, at: int) -> str:
    """A window as an extractor sends it: about 1.2 kB."""
    tags = f"user_id=default,device_id=d,host={host}"
    return f'{kind}_features,{tags} {FIELDS},implementation="rust",schema=2i {at}'


def packed(host: str, points: int) -> bytes:
    """A write of so many windows, as extractors pack it."""
    now = time.time_ns() // 1000
    kinds = ("keystroke", "mouse")
    lines = "\n".join(line(host, kinds[n % 2], now - n * 5_000_000) for n in range(points))
    return gzip.compress(lines.encode(), 1)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mib(pid: int) -> float:
    """Its memory."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS")) / 1024


def ms(values: list[float], share: float) -> float:
    """A quantile of seconds, in ms."""
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] * 1e3


@dataclass
class Site:
    """A store with its gateway. `token` is influxd's own, `edge` and `reader` are the gateway's."""

    influx: InfluxServer
    gateway: Gateway
    token: str
    edge: str
    reader: str
    authority: Path | None

    def worker(self) -> int:
        """The process that answers."""
        (pid,) = self.gateway.workers()
        return pid


@contextmanager
def site(edges: int = 1, tls: bool = False, **more: object) -> Iterator[Site]:
    """Started, with so many edges `edge0`… whose token is their name and a secret; over when the block is."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        as_the_role_runs_influxd()
        influx = InfluxServer(folder)
        influx.start()
        influx.set_up()
        influx.add_bucket(BUCKET)
        _, token = influx.make_token()
        options: dict[str, object] = {"influxdb_gateway_writes_per_edge": 64, **more}
        authority = certificate(folder) if tls else None
        if tls:
            options |= {"influxdb_gateway_tls": True, "influxdb_gateway_listen": ["127.0.0.1"]}
        gateway = Gateway(folder, influx.port, token, token, **options)
        edge, reader = secrets.token_hex(32), secrets.token_hex(32)
        gateway.edges([(f"edge{n}", f"edge{n}", f"{edge}{n}") for n in range(edges)])
        gateway.reader("reader", reader)
        gateway.start()
        try:
            yield Site(influx, gateway, token, edge, reader, authority)
        finally:
            gateway.kill()
            influx.kill()


def as_the_role_runs_influxd() -> None:
    """Its queries one after the other, with threads enough: read by the next influxd that starts."""
    options = yaml.safe_load((ROLE.parent / "influxdb" / "defaults" / "main.yml").read_text())
    os.environ["INFLUXD_QUERY_CONCURRENCY"] = str(options["influxdb_query_concurrency"])
    os.environ["GOMAXPROCS"] = str(options["influxdb_threads"])


def certificate(folder: Path) -> Path:
    """A certificate for the loopback, where the gateway looks for it; the CA's file."""
    tokens = folder / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    key, authority = folder / "ca.key", folder / "ca.crt"
    pki.request(key, authority, "bench CA", pki.CA_EXTENSIONS, "2")
    signed = ("-CA", str(authority), "-CAkey", str(key))
    names = (*pki.LEAF_EXTENSIONS, "subjectAltName=IP:127.0.0.1")
    pki.request(tokens / "key", tokens / "certificate", "gateway", names, "2", signed)
    return authority


@dataclass
class Way:
    """One way to write: a kept connection, and how long each write took."""

    name: str
    connection: http.client.HTTPConnection
    token: str
    took: list[float] = field(default_factory=list)

    def write(self, body: bytes) -> None:
        """One write."""
        start = time.perf_counter()
        headers = {"Authorization": f"Token {self.token}", "Content-Encoding": "gzip"}
        self.connection.request("POST", WRITE, body, headers)
        answer = self.connection.getresponse()
        answer.read()
        self.took.append(time.perf_counter() - start)
        assert answer.status == 204, answer.status


def one_write(writes: int) -> None:
    """What the gateway adds to one write, for some sizes of it."""
    print("| points a write | direct p50 | by the gateway p50 | ratio | CPU of the gateway | of influxd |")
    print("|---|---|---|---|---|---|")
    with site() as here:
        influxd = here.influx._process
        assert influxd is not None
        for points in (1, 2, 100, 5000):
            count = max(20, writes // (1 + points // 4))
            body = packed("edge0", points)
            direct = Way("direct", http.client.HTTPConnection("127.0.0.1", here.influx.port), here.token)
            through = Way("gateway", http.client.HTTPConnection("127.0.0.1", here.gateway.port), f"{here.edge}0")
            before = cpu_s(here.worker()), cpu_s(influxd.pid)
            for n in range(2 * count):
                (direct if n % 2 else through).write(body)
            spent = cpu_s(here.worker()) - before[0], cpu_s(influxd.pid) - before[1]
            p50 = [ms(way.took, 0.5) for way in (direct, through)]
            print(
                f"| {points} | {p50[0]:.2f} ms | {p50[1]:.2f} ms | {p50[1] / p50[0]:.2f} "
                f"| {spent[0] / count * 1e3:.2f} ms | {spent[1] / (2 * count) * 1e3:.2f} ms |"
            )


async def edge_at_work(here: Site, number: int, end: float, every: float, took: list[float], bad: list[int]) -> None:
    """One edge: a connection over TLS that is kept, and a write every so many seconds."""
    context = ssl.create_default_context(cafile=str(here.authority))
    await asyncio.sleep(every * (number % 97) / 97)
    reader, writer = await asyncio.open_connection("127.0.0.1", here.gateway.port, ssl=context)
    head = f"POST {WRITE} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {here.edge}{number}\r\nContent-Encoding: gzip\r\n"
    while time.monotonic() < end:
        due = time.monotonic() + every
        body = packed(f"edge{number}", 1)
        start = time.perf_counter()
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        header = await reader.readuntil(b"\r\n\r\n")
        took.append(time.perf_counter() - start)
        if not header.startswith(b"HTTP/1.1 204"):
            bad.append(int(header.split()[1]))
            await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", header)[1]))  # type: ignore[index]
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    writer.close()


def fleet(edges: int, rate: float, seconds: float) -> None:
    """Edges at work, together so many writes a second."""

    async def play(here: Site) -> tuple[list[float], list[int], float]:
        took: list[float] = []
        bad: list[int] = []
        end = time.monotonic() + seconds + edges / rate
        work = [asyncio.create_task(edge_at_work(here, n, end, edges / rate, took, bad)) for n in range(edges)]
        await asyncio.sleep(edges / rate)  # all have connected
        before, start, done = cpu_s(here.worker()), time.monotonic(), len(took)
        await asyncio.sleep(seconds)
        span = time.monotonic() - start
        print(
            f"{edges} edges, {(len(took) - done) / span:.0f} writes a second over TLS: the gateway takes "
            f"{(cpu_s(here.worker()) - before) / span * 100:.0f} % of one core and {rss_mib(here.worker()):.0f} MiB"
        )
        await asyncio.gather(*work)
        return took, bad, span

    with site(edges, tls=True) as here:
        took, bad, _ = asyncio.run(play(here))
        print(f"p50 {ms(took, 0.5):.1f} ms, p95 {ms(took, 0.95):.1f} ms, refused: {len(bad)} {sorted(set(bad))}")


def ask_on(port: int, token: str, readers: int, seconds: float) -> dict[int, int]:
    """So many readers ask without a pause: their answers by status. Who is refused waits as the answer requires."""
    answers: dict[int, int] = {}
    end = time.monotonic() + seconds

    def ask() -> None:
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/vnd.flux"}
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request("POST", "/api/v2/query?org=seclyzer", FLUX, headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            answers[answer.status] = answers.get(answer.status, 0) + 1
            if answer.status == 429:
                time.sleep(float(answer.headers["Retry-After"]))

    with ThreadPoolExecutor(readers) as pool:
        for _ in range(readers):
            pool.submit(ask)
    return answers


def beside_readers(readers: int, seconds: float) -> None:
    """Writes alone and while readers, a process of their own, ask as fast as they are let."""
    with site() as here, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        other.submit(int).result()
        for n in range(400):
            lines = "\n".join(line(f"edge{n % 20}", "keystroke", time.time_ns() // 1000 - k * 10**7) for k in range(50))
            assert here.influx.ask("POST", WRITE, lines)[0] == 204
        body, answers = packed("edge0", 2), {}
        for name, count in (("alone", 0), (f"beside {readers} readers", readers)):
            asking = other.submit(ask_on, here.gateway.port, here.reader, count, seconds + 2) if count else None
            time.sleep(1)
            way = Way(name, http.client.HTTPConnection("127.0.0.1", here.gateway.port, timeout=120), f"{here.edge}0")
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                way.write(body)
                time.sleep(0.02)
            print(f"writes {name}: p50 {ms(way.took, 0.5):.1f} ms, p95 {ms(way.took, 0.95):.1f} ms")
            answers = asking.result() if asking else {}
        print(f"queries by the status of their answer: {answers}")


def main() -> None:
    """Runs all three, or one."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=("one", "fleet", "readers"))
    parser.add_argument("--writes", type=int, default=2000)
    parser.add_argument("--edges", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=600, help="writes a second of all edges together")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--readers", type=int, default=20)
    asked = parser.parse_args()
    if asked.only in (None, "one"):
        one_write(asked.writes)
    if asked.only in (None, "fleet"):
        fleet(asked.edges, asked.rate, asked.seconds)
    if asked.only in (None, "readers"):
        beside_readers(asked.readers, asked.seconds)


if __name__ == "__main__":
    main()
