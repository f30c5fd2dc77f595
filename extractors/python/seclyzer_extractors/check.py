"""`--check`: says of Redis and InfluxDB what is right or wrong, and what to do about it."""

from .address import RedisAddress, parse_influx_url
from .config import Settings
from .influx import Answer, InfluxAway, InfluxDB
from .resp import Connection, RedisAway, RedisRefused
from .schema import Kind


def check(kind: Kind, settings: Settings) -> int:
    """Prints a line for each; returns 0 when all is well, 1 when something is unreachable or refused."""
    outcomes = {"redis": _redis(kind, settings.redis), "influxdb": _influx(settings)}
    for name, (good, words) in outcomes.items():
        print(f"{name}: {'good' if good else 'bad'}: {words}")
    return 0 if all(good for good, _ in outcomes.values()) else 1


def _redis(kind: Kind, address: RedisAddress) -> tuple[bool, str]:
    where = f"unix://{address.path}" if address.path else _endpoint(address.host, address.port, address.tls)
    try:
        connection = Connection(address, f"seclyzer-{kind.name}-check")
        connection.call("PING")
        connection.close()
    except RedisRefused as error:
        return False, f"{where}: {error}; check redis_username and redis_password"
    except RedisAway as error:
        trouble = str(error).removeprefix(f"{address}: ")
        return False, f"{where}: {trouble}; {_redis_advice(trouble, address)}"
    return True, f"{where} answers user {address.username or 'default'}"


def _redis_advice(trouble: str, address: RedisAddress) -> str:
    if "Permission denied" in trouble and address.path:
        return "may this user open the socket? see its group"
    if "certificate" in trouble or "CA file" in trouble:
        return "check the CA file and the server's certificate"
    return "does it run, and listen there? check redis_url"


def _influx(settings: Settings) -> tuple[bool, str]:
    address = parse_influx_url(settings.influx_url)
    where = _endpoint(address.host, address.port, address.tls)
    if settings.influx_socket:
        where += f" by {settings.influx_socket}"
    influx = InfluxDB(settings)
    try:
        answer = influx.write(b"", settings.influx_timeout_seconds)
    except InfluxAway as error:
        return False, f"{where}: {error}; {_influx_away_advice(str(error), settings)}"
    finally:
        influx.close()
    place = f"{settings.influx_org}/{settings.influx_bucket}"
    if answer.settles:
        return True, f"{where} takes points into {place}"
    return False, f"{where}: status {answer.status} for {place}; {_influx_advice(answer, settings)}"


def _influx_away_advice(trouble: str, settings: Settings) -> str:
    if any(word in trouble for word in ("certificate", "CA file", "HTTP")):
        return "check influx_ca_file, the server's certificate and influx_url"
    if not settings.influx_socket:
        return "does it run, and listen there? check influx_url"
    if "Permission denied" in trouble:
        return "may this user open the socket? see its group"
    return "does it run, and what listens at the socket reach it? check influx_url and influx_socket"


def _influx_advice(answer: Answer, settings: Settings) -> str:
    if answer.status == 401 and not settings.influx_token:
        return "it wants a token; set influx_token"
    if answer.foreign:
        return "this is no InfluxDB 2; check influx_url"
    return {
        401: "it does not know the token; check influx_token",
        403: "the token may not write there; give it write permission, or check influx_bucket",
        404: "no such organisation or bucket; check influx_org and influx_bucket",
        429: "it is busy or starting; try again",
        503: "it is busy or starting; try again",
    }.get(answer.status, "is that InfluxDB 2? check influx_url")


def _endpoint(host: str, port: int, tls: bool) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}{' (TLS)' if tls else ''}"
