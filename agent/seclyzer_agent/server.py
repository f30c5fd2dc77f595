"""The answers over HTTP. Each is made from the last snapshot, at once; no handler waits for anything.

Who connects by a unix socket, or has the readers' password, sees the full figures; anybody else what `public` shows.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from . import health, overview
from .address import authority
from .cache import Body, Cache, TooMany
from .guard import Connection
from .metrics import Exposition
from .model import Status
from .page import CONTENT_SECURITY_POLICY, page
from .public import Public
from .snapshot import Snapshot

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE_TYPE = "text/html; charset=utf-8"
HEADERS = {"Server": "seclyzer-agent", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(snapshot: Callable[[], Snapshot], public: Public, password: str | None) -> web.Application:
    """The web application. `snapshot` must return at once; `password` is the readers', if there is one."""
    exposition, cache = Exposition(), Cache()

    def answer(request: web.Request, page: str, query: str, make: Callable[[Snapshot, bool], Body]) -> web.Response:
        """What `make` makes of the snapshot as whoever asks may see it; for anybody else the same for a moment."""
        if may_read_all(request, password):
            body = make(snapshot(), True)
        else:
            try:
                body = cache.get(page, query, lambda: make(public.of(snapshot()), False))
            except TooMany:
                raise web.HTTPTooManyRequests(text="too many different questions at once; ask again\n") from None
        return web.Response(status=body.status, body=body.data, headers={"Content-Type": body.kind})

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        waiting = snapshot().waiting
        if waiting:
            return web.Response(status=503, text=f"not ready: still to be read: {', '.join(waiting)}\n")
        return web.Response(text="ready\n")

    async def healthz(request: web.Request) -> web.Response:
        def make(seen: Snapshot, _: bool) -> Body:
            verbose = request.query.get("verbose", "no").lower() not in ("no", "0", "false")
            document = health.report(seen, verbose=verbose, excluded=request.query.getall("exclude", []))
            status = 503 if document["status"] == Status.FAIL.word else 200
            text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
            return Body(status, text.encode(), f"{health.CONTENT_TYPE}; charset=utf-8")

        return answer(request, "healthz", request.query_string, make)

    async def metrics(request: web.Request) -> web.Response:
        accept = ",".join(request.headers.getall("Accept", []))

        def make(seen: Snapshot, full: bool) -> Body:
            data, kind = exposition.write(accept, snapshot(), seen, None if full else public.process)
            return Body(200, data, kind)

        return answer(request, f"metrics as {exposition.kind(accept)}", "", make)

    async def whole(request: web.Request) -> web.Response:
        def make(seen: Snapshot, _: bool) -> Body:
            text = json.dumps(overview.overview(seen, public.points), ensure_ascii=False) + "\n"
            return Body(200, text.encode(), overview.CONTENT_TYPE)

        return answer(request, "overview", "", make)

    async def person(request: web.Request) -> web.Response:
        response = answer(request, "page", "", lambda seen, _: Body(200, page(seen, public.points).encode(), PAGE_TYPE))
        response.headers.update({"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"})
        return response

    app = web.Application(middlewares=[_only_here], client_max_size=1024)
    routes = {
        "/livez": livez,
        "/readyz": readyz,
        "/healthz": healthz,
        "/metrics": metrics,
        "/overview": whole,
        "/": person,
    }
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    return app


@web.middleware
async def _only_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a Host that is not the loopback: no web page reads the agent under a name of its own."""
    connection = request.transport.get_protocol() if request.transport is not None else None
    if isinstance(connection, Connection):
        connection.answered()
    if not names_this_host(request.headers.getall("Host", []), request.raw_path):
        return web.Response(status=421, text="this agent answers for its loopback address only\n", headers=HEADERS)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    return response


def names_this_host(hosts: list[str], target: str) -> bool:
    """Whether a request's Host, of which there is one or (in HTTP/1.0) none, and its target mean the loopback."""
    if len(hosts) > 1 or not target.startswith("/"):
        return False
    where = authority(hosts[0]) if hosts else None
    return not hosts or (where is not None and where.loopback)


def may_read_all(request: web.Request, password: str | None) -> bool:
    """Whether the full figures are for whoever asks. Raises HTTPUnauthorized for a credential that is not good."""
    listener = request.get_extra_info("socket")
    if listener is not None and listener.family == socket.AF_UNIX:
        return True
    credentials = request.headers.getall("Authorization", [])
    if not credentials:
        return False
    if password is None or len(credentials) > 1 or not is_good(credentials[0], password):
        raise web.HTTPUnauthorized(text="this is not the readers' password\n", headers={"WWW-Authenticate": "Basic"})
    return True


def is_good(credential: str, password: str) -> bool:
    """Whether an Authorization header, Bearer or Basic with any user name, holds the password."""
    scheme, _, rest = credential.partition(" ")
    presented = rest.strip(" ")
    if scheme.lower() == "basic":
        try:
            _, _, presented = base64.b64decode(presented, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(presented.encode("utf-8", "surrogateescape"), password.encode())
