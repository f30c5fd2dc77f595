"""HTTP through a unix socket whose listener relays bytes to the server: TLS and names stay the URL's."""

from __future__ import annotations

import ssl
from typing import Any

import aiohttp
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_reqrep import ClientRequest

CLOSED = "it closed the connection before it had answered"


class SocketConnector(aiohttp.UnixConnector):
    """aiohttp's own speaks no TLS. `tls` is for `https`; True trusts the system's authorities."""

    def __init__(self, path: str, tls: ssl.SSLContext | bool) -> None:
        super().__init__(path, limit=1)
        self._tls = tls if isinstance(tls, ssl.SSLContext) else ssl.create_default_context()

    async def _create_connection(self, req: ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout) -> Any:
        """A connection whose peer has proven the name of the URL, when it is an `https` one."""
        tls, name = (self._tls, req.url.raw_host) if req.is_ssl() else (None, None)
        try:
            _, protocol = await self._loop.create_unix_connection(
                self._factory, self.path, ssl=tls, server_hostname=name
            )
        except ssl.CertificateError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except TimeoutError:
            raise
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            raise UnixClientConnectorError(self.path, req.connection_key, OSError(CLOSED)) from None
        except OSError as error:
            raise UnixClientConnectorError(self.path, req.connection_key, error) from error
        return protocol
