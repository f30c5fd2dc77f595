"""What the running application tracker saves, and when."""

import json
import os

from running import now
from support import SECOND, fed, focus

from seclyzer_extractors import config, schema
from seclyzer_extractors.clocks import now_us
from seclyzer_extractors.service import Service
from tests.helpers.redis_server import RedisServer


def test_an_event_that_was_read_before_a_save_and_taken_after_it_is_saved_too(redis_server: RedisServer) -> None:
    client = redis_server.start()
    wake, waker = os.pipe()
    settings = config.settings(
        "app", redis_url=redis_server.url, influx_url="http://127.0.0.1:1", lateness_ms=500, idle_timeout_ms=0
    )
    service = Service(schema.kind("app"), settings, wake)
    assert service.checkpoint is not None
    assert service.publisher.link.up(now_us())  # a new connection would be a reason to save, too
    begun = now()
    for ts in (begun - SECOND, begun):  # the second is no transition
        service.emitter.emit(fed(service.operator, focus(ts, "a"), clock=0), now_us())

    def patterns_after_save() -> int:
        assert service.checkpoint is not None
        service.checkpoint.save(now_us())
        service.publisher.flush(now_us())
        return int(json.loads(client.get("seclyzer:app:patterns"))["ts"])

    assert patterns_after_save() == begun - SECOND
    service.emitter.emit(service.operator.advance(SECOND), now_us())
    assert patterns_after_save() == begun
    assert client.hget("seclyzer:cursor:app", "published") == str(begun).encode()
    service.publisher.link.close()
    for end in (wake, waker):
        os.close(end)
