"""`--check`: can Redis and InfluxDB be reached with these settings, and if not, what is to be done."""

from .config import Settings
from .delivery import HINTS
from .influx import InfluxAway, InfluxDB
from .resp import Connection, RedisAway, RedisRefused
from .schema import Kind


def check(kind: Kind, settings: Settings) -> int:
    """Prints a line for each; returns 0 when all is well, 1 when something is unreachable or refused."""
    print("configuration: good")
    outcomes = [_redis(kind, settings), _influx(settings)]
    return 0 if all(outcomes) else 1


def _redis(kind: Kind, settings: Settings) -> bool:
    address = settings.redis
    try:
        connection = Connection(address, f"seclyzer-{kind.name}-check")
        connection.call("PING")
        connection.close()
    except RedisRefused as error:
        print(f"redis {address}: refused: {error}: check redis_username and redis_password")
        return False
    except RedisAway as error:
        print(f"redis {address}: unreachable: {error}: check redis_url (or redis_host), and that Redis runs")
        return False
    print(f"redis {address}: good")
    return True


def _influx(settings: Settings) -> bool:
    url = settings.influx_url
    influx = InfluxDB(settings)
    try:
        answer = influx.write(b"", settings.influx_timeout_seconds)
    except InfluxAway as error:
        print(f"influxdb {url}: unreachable: {error}: check influx_url and influx_ca_file, and that it runs")
        return False
    finally:
        influx.close()
    if answer.status == 204:
        print(f"influxdb {url}: good")
        return True
    hint = HINTS.get(answer.status, f"it says: {answer.message[:300] or 'nothing more'}")
    print(f"influxdb {url}: answers {answer.status}: {hint}")
    return False
