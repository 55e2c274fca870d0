"""The tunnel through a proxy, and the only module that knows requests and urllib3.

They know how a proxy is told a name and a password, and TLS inside of TLS. What then goes through the tunnel is sent
and read like anything else, by `cancelall.net.transport`: no byte of a signed request is theirs, and no proxy sees one.
"""

from __future__ import annotations

import socket
import time
import urllib.parse
from typing import cast

import requests.adapters
from urllib3.util.ssltransport import SSLTransport

from cancelall.core.errors import TransportFault
from cancelall.core.profile import bracketed, parts_of
from cancelall.net import answer, connection, failures
from cancelall.net.background import Handle
from cancelall.net.route import Route, proxy_parts, tls_context

_PORTS = {"http": 80, "https": 443}
_REFUSED = "the proxy did not let the request through"


def tunnel(route: Route, origin: str, seconds: float, until: float, handle: Handle) -> socket.socket:
    """A connection with TLS to an https origin, through the proxy of a route. Nothing was said on it.

    `seconds` bounds each of its steps, the monotonic time `until` all of them. What it gives is a socket, or behaves
    like one where the proxy itself speaks TLS. Raises TransportFault, ConfigError.
    """
    try:
        parts = proxy_parts(route.proxy or "")
        scheme = parts.scheme or "http"
        port = parts.port or _PORTS.get(scheme, 0)
    except ValueError:
        raise TransportFault("the proxy's address cannot be read", sent="no") from None
    if scheme not in _PORTS:
        raise TransportFault(f"the proxy is no HTTP proxy ({scheme}://)", sent="no")
    made = _to_proxy(route, scheme, parts.hostname or "", port, seconds, until, handle)
    try:
        _, venue, venue_port = parts_of(origin)
        ask_tunnel(made, parts, venue, venue_port, min(until, time.monotonic() + seconds))
        made.settimeout(max(0.01, min(seconds, until - time.monotonic())))
        if scheme == "http":
            return connection.secure(made, venue, route.ca_bundle, handle)
        return cast(socket.socket, SSLTransport(made, tls_context(route.ca_bundle), server_hostname=venue))
    except BaseException as fault:
        made.close()
        if isinstance(fault, OSError):
            raise failures.of_connecting(fault, parts_of(origin)[1]) from fault
        raise


def _to_proxy(
    route: Route, scheme: str, host: str, port: int, seconds: float, until: float, handle: Handle
) -> socket.socket:
    """A connection to the proxy itself. One from the environment that is not to be trusted can still be passed by."""
    origin = f"{scheme}://{bracketed(host)}:{port}"
    try:
        return connection.connect(origin, route.ca_bundle, seconds, until=until, handle=handle)
    except (OSError, UnicodeError) as fault:
        why = failures.of_connecting(fault, host)
        final = why.final and not route.proxy_from_environment
        refused = TransportFault(f"{_REFUSED}: {why.message}", kind=why.kind, sent="no", final=final)
        refused.hint = why.hint
        raise refused from fault


def ask_tunnel(made: socket.socket, proxy: urllib.parse.SplitResult, host: str, port: int, until: float) -> None:
    """Have the proxy at the other end of a connection open a way to a host. Raises TransportFault.

    https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
    """
    headers = requests.adapters.HTTPAdapter().proxy_headers(proxy.geturl())
    target = f"{bracketed(host)}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(f"{name}: {text}" for name, text in headers.items())]
    reader = answer.Reader(made, until, until - time.monotonic())
    try:
        made.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        status = answer.head(reader).status
    except TimeoutError as fault:
        raise TransportFault(f"{_REFUSED} in time", kind="timeout", sent="no") from fault
    except (OSError, answer.Ended, TransportFault) as fault:
        raise TransportFault(f"{_REFUSED}: its answer broke off or is no HTTP", sent="no") from fault
    if not 200 <= status < 300:
        raise TransportFault(f"{_REFUSED} (HTTP {status})", sent="no")
    if not reader.empty:
        raise TransportFault(f"{_REFUSED}: it said more than its answer", sent="no")
