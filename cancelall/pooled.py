"""The only module that knows requests and urllib3: connections that are kept, proxies, reading an answer, its faults.

A cancel is on its way before this is imported: `cancelall.transport` sends it with the standard library alone.

requests and urllib3 never retry here: a retry needs a new signature. Each trap that is closed below was measured:
netrc entries replace an Authorization header, environment variables replace proxies and CA bundles, redirects resend
custom headers to other hosts (and are downloaded even when they are not followed), timeouts count per read only.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import socket
import ssl
import threading
from typing import Any

import requests
import requests.adapters
import requests.exceptions
import urllib3
import urllib3.connection
import urllib3.exceptions

from cancelall import connection
from cancelall.direct import Outgoing
from cancelall.errors import TransportFault
from cancelall.route import Route

_CONNECT_SECONDS = 2.0
"""Where urllib3 brings no time of its own."""


class _Current(threading.local):
    """What this thread sends."""

    out: Outgoing


_current = _Current()


class _Plain(urllib3.connection.HTTPConnection):
    """Races a host's addresses, sends the target that was signed, and says how far its request has come."""

    def connect(self) -> None:
        """Take the connection that is already there, else make one."""
        ready = _current.out.ready
        made = ready(self._seconds) if ready is not None else None
        if made is None:
            super().connect()
        else:
            self.sock = made
            self.is_verified = isinstance(made, ssl.SSLSocket)

    @property
    def _seconds(self) -> float:
        return float(self.timeout) if isinstance(self.timeout, int | float) else _CONNECT_SECONDS

    def _new_conn(self) -> socket.socket:
        """A connection to the first address that answers, in the time that one address would get."""
        seconds = self._seconds
        try:
            return connection.tcp(self._dns_host, self.port or self.default_port, seconds)
        except socket.gaierror as fault:
            raise urllib3.exceptions.NameResolutionError(self.host, self, fault) from fault
        except TimeoutError as fault:
            raise urllib3.exceptions.ConnectTimeoutError(self, f"no connection to {self.host} in time") from fault
        except OSError as fault:
            raise urllib3.exceptions.NewConnectionError(self, f"no connection to {self.host}: {fault}") from fault

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The request line. urllib3 has escaped the target by now, and written `%3a` as `%3A`."""
        super().putrequest(method, _current.out.target if url.startswith("/") else url, *args, **kwargs)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.client's own signature
        """The head; from here on nobody knows what the venue has got."""
        _current.out.began = True
        super().endheaders(*args, **kwargs)

    def getresponse(self) -> Any:  # noqa: ANN401 - urllib3's answer, not http.client's
        """The answer; before it, the news that the request is out."""
        _current.out.sent()
        return super().getresponse()


class _Secure(_Plain, urllib3.connection.HTTPSConnection):
    """The same behind TLS."""


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class _SharedContext(requests.adapters.HTTPAdapter):
    """Verifies against one context per process: loading a CA bundle costs 40 ms for each new pool otherwise."""

    def __init__(self, context: ssl.SSLContext, kept: int) -> None:
        self._context = context
        super().__init__(max_retries=urllib3.Retry(0, read=False), pool_connections=4, pool_maxsize=kept)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own signature
        kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        kwargs["ssl_context"] = self._context
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ANN401
        """The shared context verifies; nothing is loaded for a connection."""
        if url.startswith("https"):
            conn.cert_reqs = "CERT_REQUIRED"
            conn.ca_certs = None

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ANN401
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        pool.pop("ca_certs", None)
        pool.pop("ca_cert_dir", None)
        if host["scheme"] == "https":
            pool["cert_reqs"] = "CERT_REQUIRED"
            pool["ssl_context"] = self._context
        return host, pool


class Session(requests.Session):
    """A session that obeys nothing but its arguments."""

    def __init__(self, route: Route, context: ssl.SSLContext, kept: int = 1) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        if route.proxy:
            self.proxies = {"http": route.proxy, "https": route.proxy}
        self.mount("https://", _SharedContext(context, kept))
        self.mount("http://", _SharedContext(context, kept))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed, or even downloaded."""
        return


def send(session: Session, out: Outgoing) -> urllib3.BaseHTTPResponse:
    """Send through a session. Raises what requests raises."""
    _current.out = out
    prepared = requests.Request(out.wire.method, out.wire.url, data=out.wire.body or None).prepare()
    # requests normalises paths and escapes; the bytes that were signed are the bytes that must go out.
    prepared.url = out.wire.url
    prepared.headers = requests.structures.CaseInsensitiveDict(out.headers)
    response = session.send(
        prepared, stream=True, allow_redirects=False, verify=True, proxies=session.proxies, timeout=out.timeout
    )
    raw: urllib3.BaseHTTPResponse = response.raw
    return raw


def answer(response: http.client.HTTPResponse) -> urllib3.BaseHTTPResponse:
    """An answer to what the standard library has sent, to be read like any other."""
    return urllib3.HTTPResponse(
        body=response,
        headers=urllib3.HTTPHeaderDict(response.msg.items()),
        status=response.status,
        preload_content=False,
        original_response=response,
    )


def translated(fault: Exception, *, began: bool) -> TransportFault:
    """What the exception says about the attempt, above all whether the request was sent. `began`: it may have been."""
    known = OSError, ValueError, http.client.HTTPException, requests.RequestException, urllib3.exceptions.HTTPError
    if not isinstance(fault, known):
        raise fault
    told = _told(fault, began)
    if not began:
        told.sent = "no"
    return told


def _told(fault: Exception, began: bool) -> TransportFault:
    causes = _causes(fault)
    names = {type(cause).__name__ for cause in causes}
    certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        why = certificate.verify_message or "it does not verify"
        return TransportFault(
            f"the certificate was refused ({why}): possible interception", kind="tls", sent="no", final=True
        )
    if isinstance(fault, OSError) and not isinstance(fault, requests.RequestException):
        return _of_the_socket(fault, began)
    if isinstance(fault, requests.exceptions.ProxyError):
        return TransportFault("the proxy did not let the request through", sent="no")
    if "NameResolutionError" in names:
        return TransportFault("the host name could not be resolved", sent="no")
    if isinstance(fault, requests.exceptions.ConnectTimeout):
        return TransportFault("no connection in time", kind="timeout", sent="no")
    if "NewConnectionError" in names:
        return TransportFault("the connection was refused", sent="no")
    if isinstance(fault, requests.exceptions.ReadTimeout) or "ReadTimeoutError" in names:
        return TransportFault("no answer in time", kind="timeout")
    if isinstance(fault, requests.exceptions.SSLError):
        return TransportFault("TLS failed", kind="tls")
    if isinstance(fault, requests.exceptions.ChunkedEncodingError | urllib3.exceptions.ProtocolError):
        return TransportFault("the answer broke off", kind="unreadable", sent="yes")
    if isinstance(fault, requests.exceptions.ContentDecodingError | urllib3.exceptions.DecodeError):
        return TransportFault("the answer could not be decoded", kind="unreadable", sent="yes", answered=True)
    if not began:
        return TransportFault(f"the request could not be sent ({type(fault).__name__})")
    if any(isinstance(cause, http.client.HTTPException) for cause in causes) and not names & _NO_HEAD:
        return TransportFault("the answer's head is not HTTP", kind="unreadable", sent="yes", answered=True)
    return TransportFault("the connection broke")


def _of_the_socket(fault: OSError, began: bool) -> TransportFault:
    """What the operating system or TLS said of a connection that nobody else has wrapped."""
    if isinstance(fault, TimeoutError):
        return TransportFault("no answer in time" if began else "no connection in time", kind="timeout")
    if isinstance(fault, ssl.SSLError):
        return TransportFault("TLS failed", kind="tls")
    if began:
        return TransportFault("the connection broke")
    if isinstance(fault, socket.gaierror):
        return TransportFault("the host name could not be resolved", sent="no")
    if isinstance(fault, ConnectionResetError):
        return TransportFault(f"the request could not be sent ({type(fault).__name__})", sent="no")
    return TransportFault("the connection was refused", sent="no")


_NO_HEAD = {"BadStatusLine", "RemoteDisconnected"}
"""What came was no HTTP at all, or nothing."""


def _causes(fault: BaseException, depth: int = 0) -> list[BaseException]:
    """The exception and everything that it carries: causes, arguments, urllib3's `reason`."""
    found = [fault]
    if depth < 5:
        inner = [fault.__cause__, fault.__context__, getattr(fault, "reason", None), *fault.args]
        for cause in inner:
            if isinstance(cause, BaseException) and cause is not fault:
                found += _causes(cause, depth + 1)
    return found
