"""The answers over HTTP. Each is made from the last snapshot, at once; only a password that is new is waited for.

Who connects by a unix socket, has the readers' password, or was let in by `web.yml` sees the full figures; anybody else
what `public` shows.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from enum import Enum

from . import health, overview
from .address import authority
from .cache import Body, Cache, TooMany
from .exposition import kind_of
from .http import Request, Response
from .metrics import Exposition
from .model import Status
from .passwords import Busy
from .public import Public
from .snapshot import Snapshot
from .web import Web, basic

PAGE_TYPE = "text/html; charset=utf-8"
HEADERS = {"Server": "seclyzer-agent", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
METHODS = ("GET", "HEAD")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="seclyzer"'}
REFUSED = Response(401, b"this needs a user and password of web.yml\n", headers=CHALLENGE)
WRONG_PASSWORD = Response(401, b"this is not the readers' password\n", headers=CHALLENGE)
BUSY = Response(429, b"other passwords are being checked; ask again\n", headers={"Retry-After": "2"})


class Way(Enum):
    """By which way a request came."""

    INSIDE = "the unix socket, for its group"
    LOCAL = "TCP on the loopback, for anybody on this host"
    WEB = "TLS, for whom web.yml lets in"


class Server:
    """What is answered. `snapshot` must return at once; `password` is the readers', if there is one."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], public: Public, password: str | None, web: Web | None = None
    ) -> None:
        self._snapshot, self._public, self._password, self._web = snapshot, public, password, web
        self._public_cache, self._full_cache = Cache(), Cache()
        self._public_exposition, self._full_exposition = Exposition(), Exposition()
        self._routes: dict[str, Callable[[Request, bool], Response]] = {
            "/": self._page,
            "/overview": self._overview,
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/startupz": self._readyz,
        }

    def by(self, way: Way) -> Callable[[Request], Response | Awaitable[Response]]:
        """What is answered to those who come by this way."""
        if way is Way.WEB:
            return self._to_elsewhere
        return lambda request: self._finished(self._to_local(request, inside=way is Way.INSIDE))

    def _to_local(self, request: Request, *, inside: bool) -> Response:
        """Refuse a Host that is not the loopback: no web page reads the agent under a name of its own."""
        if not names_this_host(request.values("host"), request.target):
            return Response.words(421, "this agent answers for its loopback address only")
        credentials = request.values("authorization")
        good = inside or (
            self._password is not None and len(credentials) == 1 and is_good(credentials[0], self._password)
        )
        if credentials and not good:
            return self._routed(request, full=False, refused=WRONG_PASSWORD)
        return self._routed(request, full=good)

    def _to_elsewhere(self, request: Request) -> Response | Awaitable[Response]:
        assert self._web is not None
        admitted = self._web.admits(request.values("authorization"))
        if isinstance(admitted, bool):
            return self._finished(self._routed(request, full=True) if admitted else REFUSED)
        return self._once_known(request, admitted)

    async def _once_known(self, request: Request, admitted: Awaitable[bool]) -> Response:
        try:
            good = await admitted
        except Busy:
            return self._finished(BUSY)
        return self._finished(self._routed(request, full=True) if good else REFUSED)

    def _routed(self, request: Request, *, full: bool, refused: Response | None = None) -> Response:
        """The answer of a path; `refused` in its place where it has figures."""
        route = self._routes.get(request.path)
        if route is None:
            return Response.words(404, f"there is nothing here; there is {', '.join(self._routes)}")
        if request.method not in METHODS:
            return Response.words(405, "only GET and HEAD are answered", Allow=", ".join(METHODS))
        if refused is not None and route not in (self._livez, self._readyz):
            return refused
        return route(request, full)

    @staticmethod
    def _finished(response: Response) -> Response:
        return replace(response, headers={**HEADERS, **response.headers})

    def _made(self, page: str, query: str, full: bool, make: Callable[[Snapshot, bool], Body]) -> Response:
        """What `make` makes of the snapshot as whoever asks may see it, kept for a moment."""
        try:
            if full and query:
                body = make(self._snapshot(), True)
            elif full:
                body = self._full_cache.get(page, query, lambda: make(self._snapshot(), True))
            else:
                body = self._public_cache.get(page, query, lambda: make(self._public.of(self._snapshot()), False))
        except TooMany:
            return Response.words(429, "too many different questions at once; ask again")
        return Response(body.status, body.data, body.kind)

    def _livez(self, _: Request, __: bool) -> Response:
        return Response.words(200, "alive")

    def _readyz(self, _: Request, __: bool) -> Response:
        if waiting := self._snapshot().waiting:
            return Response.words(503, f"not ready: still to be read: {', '.join(waiting)}")
        return Response.words(200, "ready")

    def _healthz(self, request: Request, full: bool) -> Response:
        def make(seen: Snapshot, _: bool) -> Body:
            asked = request.fields()
            verbose = asked.get("verbose", ["no"])[0].lower() not in ("no", "0", "false")
            document = health.report(seen, verbose=verbose, excluded=asked.get("exclude", []))
            status = 503 if document["status"] == Status.FAIL.word else 200
            text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
            return Body(status, text.encode(), f"{health.CONTENT_TYPE}; charset=utf-8")

        return self._made("healthz", request.query, full, make)

    def _metrics(self, request: Request, full: bool) -> Response:
        accept = ",".join(request.values("accept"))

        def make(seen: Snapshot, full: bool) -> Body:
            exposition = self._full_exposition if full else self._public_exposition
            process = None if full else self._public.process
            data, kind = exposition.write(accept, self._snapshot(), seen, process)
            return Body(200, data, kind)

        return self._made(f"metrics as {kind_of(accept)}", "", full, make)

    def _overview(self, _: Request, full: bool) -> Response:
        def make(seen: Snapshot, _: bool) -> Body:
            text = json.dumps(overview.overview(seen, self._public.points), ensure_ascii=False) + "\n"
            return Body(200, text.encode(), overview.CONTENT_TYPE)

        return self._made("overview", "", full, make)

    def _page(self, _: Request, full: bool) -> Response:
        from .page import CONTENT_SECURITY_POLICY, page  # with its look: memory that few agents need

        def make(seen: Snapshot, _: bool) -> Body:
            return Body(200, page(seen, self._public.points).encode(), PAGE_TYPE)

        more = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"}
        return replace(self._made("page", "", full, make), headers=more)


def names_this_host(hosts: tuple[str, ...] | list[str], target: str) -> bool:
    """Whether a request's Host, of which there is one or (in HTTP/1.0) none, and its target mean the loopback."""
    if len(hosts) > 1 or not target.startswith("/"):
        return False
    where = authority(hosts[0]) if hosts else None
    return not hosts or (where is not None and where.loopback)


def is_good(credential: str, password: str) -> bool:
    """Whether an Authorization header, Bearer or Basic with any user name, holds the password."""
    scheme, _, rest = credential.partition(" ")
    presented = rest.strip(" ")
    if scheme.lower() == "basic":
        found = basic(credential)
        if found is None:
            return False
        presented = found[1]
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(presented.encode("utf-8", "surrogateescape"), password.encode())
