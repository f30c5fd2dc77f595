"""What happens to the gateway between an extractor and InfluxDB, and to InfluxDB behind it."""

import os
import signal

from tests.helpers.waiting import until

from .campaign import Fault
from .influx_faults import SETTINGS, wait_sent, wait_spooled
from .stage import HOST, KINDS, Stage

FULL = {"influxdb_gateway_writes": 1, "influxdb_gateway_writes_per_edge": 1}


def over(stage: Stage) -> None:
    """All is sent, and the load goes on."""
    wait_sent(stage)
    stage.wait_outputs(1)


def restarted(stage: Stage) -> None:
    """Stopped, what is under way answered first, and started again at once; three times."""
    for _ in range(3):
        stage.run_for(stage.random.uniform(0.3, 1.0))
        stage.gateway.stop()
        stage.gateway.start()
    over(stage)


def reloaded(stage: Stage) -> None:
    """New workers take the place of the old ones, twenty times under load."""
    for _ in range(20):
        stage.run_for(stage.random.uniform(0.05, 0.4))
        stage.gateway.reload()
    over(stage)


def killed(stage: Stage) -> None:
    """kill -9 of the whole gateway, which comes back only when all has been spooled."""
    for _ in range(2):
        stage.gateway.kill()
        wait_spooled(stage)
        stage.gateway.start()
        wait_sent(stage)
    stage.wait_outputs(1)


def worker_killed(stage: Stage) -> None:
    """kill -9 of the process that answers, ten times; the master starts another."""
    for _ in range(10):
        (worker,) = stage.gateway.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda worker=worker: stage.gateway.workers() not in ([], [worker]), "there is another")  # type: ignore[misc]
        stage.run_for(stage.random.uniform(0.1, 0.5))
    over(stage)


def revoked(stage: Stage) -> None:
    """The gateway's own 401: the credential is taken away, and given back."""
    stage.gateway.revoke(HOST)
    wait_spooled(stage)
    stage.run_for(2.0)
    stage.admit()
    over(stage)


def own_token_refused(stage: Stage) -> None:
    """InfluxDB does not know the gateway any more, for a while: 503, no edge's fault."""
    stage.influx.set_active(stage.backend_id, False)
    wait_spooled(stage)
    stage.run_for(2.0)
    stage.influx.set_active(stage.backend_id, True)
    over(stage)


def queue_full(stage: Stage) -> None:
    """One write may be under way, and InfluxDB answers none for a while: the others get a Retry-After."""
    stage.influx.freeze()
    wait_spooled(stage)
    stage.run_for(3.0)
    stage.influx.thaw()
    over(stage)
    refused = [one for door in stage.writes.values() for one in door.requests if one.answered]
    stage.notes["requests answered"] = len(refused)


def slow(stage: Stage) -> None:
    """InfluxDB stands still most of the time, longer than an extractor waits, and goes on in between."""
    for _ in range(6):
        stage.influx.freeze()
        stage.run_for(stage.random.uniform(0.5, 3.0))
        stage.influx.thaw()
        stage.run_for(stage.random.uniform(0.1, 0.5))
    over(stage)


def influxd_restarts(stage: Stage) -> None:
    """The gateway keeps connections to an influxd that is another one now."""
    for _ in range(2):
        stage.influx.kill()
        stage.run_for(0.3)
        stage.influx.start()
        stage.wait_outputs(1, KINDS)
    over(stage)


FAULTS = [
    Fault("gateway restarted", restarted, SETTINGS),
    Fault("gateway reloaded", reloaded, SETTINGS),
    Fault("gateway killed", killed, SETTINGS),
    Fault("gateway's worker killed", worker_killed, SETTINGS),
    Fault("401: credential revoked", revoked, SETTINGS),
    Fault("503: gateway's own token refused", own_token_refused, SETTINGS),
    Fault("429: queue to influxdb full", queue_full, SETTINGS, own_influx=True, gateway=FULL),
    Fault("influxdb slow behind the gateway", slow, SETTINGS, own_influx=True),
    Fault("influxdb restarted behind the gateway", influxd_restarts, SETTINGS, own_influx=True),
]
