"""`--check`: reports of Redis and InfluxDB what is right or wrong, and what to do about it."""

from . import waits
from .config import Settings
from .config.address import RedisAddress
from .influx import Answer, InfluxAway, InfluxDB
from .redis import NO_RESP, Connection, RedisAway, RedisRefused
from .schema import Kind

ANSWER_S = waits.seconds("check_answer")
SOCKET_ADVICE = "may this user open the socket? see its group"


def check(kind: Kind, settings: Settings) -> int:
    """Prints a line for each; returns 0 when all is well, 1 when something is unreachable or refused."""
    outcomes = {"redis": _redis(kind, settings.redis), "influxdb": _influx(settings)}
    for name, (good, words) in outcomes.items():
        print(f"{name}: {'good' if good else 'bad'}: {words}")
    return 0 if all(good for good, _ in outcomes.values()) else 1


def _redis(kind: Kind, address: RedisAddress) -> tuple[bool, str]:
    try:
        connection = Connection(address, f"seclyzer-{kind.name}", ANSWER_S)
        connection.call("PING")
        connection.close()
    except RedisRefused as error:
        return False, f"{error}; check redis_username and redis_password"
    except RedisAway as error:
        return False, f"{error}; {_redis_advice(str(error), address)}"
    return True, f"{address} answers user {address.username or 'default'}"


def _redis_advice(reason: str, address: RedisAddress) -> str:
    if "Permission denied" in reason and address.path:
        return SOCKET_ADVICE
    if reason.endswith(NO_RESP):
        return "check redis_url: something else listens there"
    if "certificate" in reason or "CA file" in reason:
        return "check the CA file and the server's certificate"
    return "does it run, and listen there? check redis_url"


def _influx(settings: Settings) -> tuple[bool, str]:
    influx = InfluxDB(settings)
    try:
        answer = influx.write(b"", ANSWER_S)
    except InfluxAway as error:
        return False, f"{error}; {_influx_away_advice(str(error), settings)}"
    finally:
        influx.close()
    place = f"{settings.influx_org}/{settings.influx_bucket}"
    if answer.settles:
        return True, f"{influx.where} takes points into {place}"
    return False, f"{influx.where}: status {answer.status} for {place}; {_influx_advice(answer, settings)}"


def _influx_away_advice(reason: str, settings: Settings) -> str:
    if any(word in reason for word in ("certificate", "CA file", "HTTP")):
        return "check influx_ca_file, the server's certificate and influx_url"
    if not settings.influx_socket:
        return "does it run, and listen there? check influx_url"
    if "Permission denied" in reason:
        return SOCKET_ADVICE
    return "does it run, and what listens at the socket reach it? check influx_url and influx_socket"


def _influx_advice(answer: Answer, settings: Settings) -> str:
    if answer.status == 401 and not settings.influx_token:
        return "a token is required; set influx_token"
    if answer.foreign:
        return "this is no InfluxDB 2; check influx_url"
    return {
        401: "the token is not known; check influx_token",
        403: "the token may not write there; give it write permission, or check influx_bucket",
        404: "no such organisation or bucket; check influx_org and influx_bucket",
        429: "it is busy or starting; try again",
        503: "it is busy or starting; try again",
    }.get(answer.status, "is that InfluxDB 2? check influx_url")
