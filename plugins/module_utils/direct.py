"""HTTP to this host's own parts and to the store: never by a proxy, whatever the environment names.

sudo keeps `http_proxy` on many hosts, and urllib obeys it: the proxy would be used for its own loopback.
"""

from __future__ import annotations

import ssl
import urllib.request


def opener(context: ssl.SSLContext | None = None, *more: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """What opens URLs without a proxy; `context` is for https."""
    tls = [urllib.request.HTTPSHandler(context=context)] if context else []
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *tls, *more)
