"""The only module that knows requests: exact bytes, bounded time and size, no redirects, TLS always.

requests and urllib3 never retry here: a retry needs a new signature. Each trap that is closed below was measured:
netrc entries replace an Authorization header, environment variables replace proxies and CA bundles, redirects resend
custom headers to other hosts (and are downloaded even when they are not followed), timeouts count per read only.
"""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable
from functools import partial
from typing import Any

import requests
import requests.adapters
import requests.exceptions
import urllib3
import urllib3.connection
import urllib3.exceptions

from cancelall import __version__, dial, tls
from cancelall.errors import ConfigError, TransportFault
from cancelall.model import Reply, Wire
from cancelall.route import Route, is_loopback

CONNECT_TIMEOUT = 2.0
"""Seconds for TCP and TLS."""
READ_TIMEOUT = 5.0
"""Seconds to the first byte and between reads."""
LARGE = 1 << 18
"""Bytes of a body beyond which few are read at a time from a host, so that many endless answers do not fill memory."""
_LARGE_AT_ONCE = 4
_KEPT = 64
"""Connections that are kept for further reads. A pool makes a place for each beforehand, so a cancel's has one."""


Ready = Callable[[str, str | None, float], socket.socket | None]
"""Gives a connection to an origin, under a CA bundle, that is already there; waits for it at most so many seconds."""


class _Attempt(threading.local):
    """What this thread sends: the target as it was signed, whether any of its bytes can have left, whom to tell."""

    target: str = ""
    began: bool = False
    sent: Callable[[], object] = int
    ready: Callable[[float], socket.socket | None] | None = None


_attempt = _Attempt()


class _Plain(urllib3.connection.HTTPConnection):
    """Races a host's addresses, sends the target that was signed, and says how far its request has come."""

    def connect(self) -> None:
        """Take the connection that is already there, else make one."""
        made = _attempt.ready(self._seconds) if _attempt.ready is not None else None
        if made is None:
            super().connect()
        else:
            self.sock = made
            self.is_verified = isinstance(made, ssl.SSLSocket)

    @property
    def _seconds(self) -> float:
        return float(self.timeout) if isinstance(self.timeout, int | float) else CONNECT_TIMEOUT

    def _new_conn(self) -> socket.socket:
        """A connection to the first address that answers, in the time that one address would get."""
        seconds = self._seconds
        try:
            made = dial.connect(self._dns_host, self.port or self.default_port, seconds)
        except socket.gaierror as fault:
            raise urllib3.exceptions.NameResolutionError(self.host, self, fault) from fault
        except TimeoutError as fault:
            raise urllib3.exceptions.ConnectTimeoutError(self, f"no connection to {self.host} in time") from fault
        except OSError as fault:
            raise urllib3.exceptions.NewConnectionError(self, f"no connection to {self.host}: {fault}") from fault
        made.settimeout(seconds)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The request line. urllib3 has escaped the target by now, and written `%3a` as `%3A`."""
        super().putrequest(method, _attempt.target if url.startswith("/") else url, *args, **kwargs)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.client's own signature
        """The head; from here on nobody knows what the venue has got."""
        _attempt.began = True
        super().endheaders(*args, **kwargs)

    def getresponse(self) -> Any:  # noqa: ANN401 - urllib3's answer, not http.client's
        """The answer; before it, the news that the request is out."""
        _attempt.sent()
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


class _Session(requests.Session):
    """A session that obeys nothing but its arguments."""

    def __init__(self, route: Route, context: ssl.SSLContext, kept: int = 1) -> None:
        super().__init__()
        self.route = route
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


class Transport:
    """Sends signed requests to one host, from several threads at once; every call is bounded by its deadline."""

    def __init__(
        self, route: Route, monotonic: Callable[[], float] = time.monotonic, ready: Ready | None = None
    ) -> None:
        self.route = route
        self._ready = ready
        self._monotonic = monotonic
        self._session = _Session(route, tls.context(route.ca_bundle), _KEPT)
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)

    def send(self, wire: Wire, deadline: float, sent: Callable[[], None] = lambda: None) -> Reply:
        """One attempt; `sent` is called as soon as its bytes are out. Raises TransportFault without a complete answer.

        An attempt through a proxy from the environment that was not sent is tried once directly.
        """
        try:
            return self._through(self.route, wire, deadline, sent)
        except TransportFault as fault:
            if not (self.route.proxy_from_environment and fault.sent == "no" and not fault.final):
                raise
        return self._through(Route(ca_bundle=self.route.ca_bundle), wire, deadline, sent, fresh=True)

    def _through(
        self, route: Route, wire: Wire, deadline: float, sent: Callable[[], None], *, fresh: bool = False
    ) -> Reply:
        """A cancel gets a session, and so a connection, of its own.

        A pooled one may just have been closed by the venue, and then nobody knows whether the cancel arrived.
        """
        if not (fresh or wire.fresh_connection):
            return self._send(self._session, wire, deadline, sent)
        with _Session(route, tls.context(route.ca_bundle)) as session:
            return self._send(session, wire, deadline, sent)

    def _send(self, session: _Session, wire: Wire, deadline: float, sent: Callable[[], None]) -> Reply:
        parts = urllib.parse.urlsplit(wire.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ConfigError("only https leaves this machine", "correct base_url")
        left = deadline - self._monotonic()
        if left <= 0:
            raise TransportFault("no time left to send", kind="timeout", sent="no")
        headers = {
            "User-Agent": f"cancelall/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close" if wire.fresh_connection else "keep-alive",
            **dict(wire.headers),
        }
        origin = f"{parts.scheme}://{parts.netloc}"
        _attempt.target = wire.url.removeprefix(origin)
        _attempt.began, _attempt.sent = False, sent
        direct = self._ready if session.route.proxy is None else None
        _attempt.ready = partial(direct, origin, session.route.ca_bundle) if direct else None
        try:
            prepared = requests.Request(wire.method, wire.url, data=wire.body or None).prepare()
            # requests normalises paths and escapes; the bytes that were signed are the bytes that must go out.
            prepared.url = wire.url
            prepared.headers = requests.structures.CaseInsensitiveDict(headers)
            if wire.body or wire.method in ("POST", "DELETE"):
                prepared.headers["Content-Length"] = str(len(wire.body))
            response = session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                verify=True,
                proxies=session.proxies,
                timeout=(min(CONNECT_TIMEOUT, left), min(READ_TIMEOUT, left)),
            )
            return self._read(response, wire.body_limit, deadline)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as fault:
            raise _translate(fault, began=_attempt.began) from fault
        except (OSError, ValueError, http.client.HTTPException) as fault:  # a socket that broke in mid-read
            raise TransportFault(
                f"the connection broke ({type(fault).__name__})", sent="maybe" if _attempt.began else "no"
            ) from fault

    def _left(self, deadline: float) -> float:
        return max(0.0, deadline - self._monotonic())

    def _read(self, response: requests.Response, limit: int, deadline: float) -> Reply:
        """The body, up to its limit and the deadline. `read1` returns with what is there, so a slow drip is seen."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        if 300 <= response.status_code < 400:
            response.close()
            return Reply(status=response.status_code, headers=headers, body=b"")
        parts, size = [], 0
        with contextlib.ExitStack() as turn:
            while chunk := response.raw.read1(65536, decode_content=True):
                parts.append(chunk)
                size += len(chunk)
                if size > limit:
                    response.close()
                    raise TransportFault(
                        f"the answer is larger than {limit} bytes", kind="unreadable", sent="yes", answered=True
                    )
                if size - len(chunk) <= LARGE < size and self._large.acquire(timeout=self._left(deadline)):
                    turn.callback(self._large.release)
                if self._monotonic() > deadline:
                    response.close()
                    raise TransportFault("the answer did not end in time", kind="timeout", sent="yes")
        return Reply(status=response.status_code, headers=headers, body=b"".join(parts))


def _translate(fault: Exception, *, began: bool) -> TransportFault:
    """What the exception says about the attempt, above all whether the request was sent. `began`: it may have been."""
    told = _told(fault, began)
    if not began:
        told.sent = "no"
    return told


def _told(fault: Exception, began: bool) -> TransportFault:
    causes = list(_causes(fault))
    names = {type(cause).__name__ for cause in causes}
    certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        why = certificate.verify_message or "it does not verify"
        return TransportFault(
            f"the certificate was refused ({why}): possible interception", kind="tls", sent="no", final=True
        )
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
