"""The answers over HTTP. Each is made from the last snapshot, at once; no handler waits for anything."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import health
from .metrics import Exposition
from .model import Status
from .page import CONTENT_SECURITY_POLICY, page
from .snapshot import Snapshot

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEADERS = {"Server": "seclyzer-agent", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(snapshot: Callable[[], Snapshot]) -> web.Application:
    """The web application. `snapshot` must return at once."""
    exposition = Exposition(snapshot)

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        waiting = snapshot().waiting
        if waiting:
            return web.Response(status=503, text=f"not ready: still to be read: {', '.join(waiting)}\n")
        return web.Response(text="ready\n")

    async def healthz(request: web.Request) -> web.Response:
        verbose = request.query.get("verbose", "no").lower() not in ("no", "0", "false")
        document = health.report(snapshot(), verbose=verbose, excluded=request.query.getall("exclude", []))
        status = 503 if document["status"] == Status.FAIL.word else 200
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        return web.Response(status=status, text=text, content_type=health.CONTENT_TYPE)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = exposition.write(",".join(request.headers.getall("Accept", [])))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def person(_: web.Request) -> web.Response:
        return web.Response(
            text=page(snapshot()),
            content_type="text/html",
            headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"},
        )

    app = web.Application(middlewares=[_only_here], client_max_size=1024)
    routes = {"/livez": livez, "/readyz": readyz, "/healthz": healthz, "/metrics": metrics, "/": person}
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    return app


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not the loopback: no web page reads the agent under a name of its own."""
    if not _is_loopback(request.headers.get("Host", "localhost")):
        return web.Response(status=421, text="this agent answers for its loopback address only\n", headers=HEADERS)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    return response


def _is_loopback(host: str) -> bool:
    name = host.rpartition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
