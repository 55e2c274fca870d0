"""How a profile's requests leave the machine: through which proxy, trusting whom; and what became of both."""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import ConfigError
from cancelall.core.profile import parts_of

if TYPE_CHECKING:
    import ssl
    import threading
    from urllib.parse import SplitResult

Host = tuple[str, str | None]
"""An origin, and the certificate authorities to trust there, None for the usual ones."""
NO_PROXY = "none"
"""What `proxy` says when requests are to go directly, whatever the environment says."""
PROXY_HINT = 'write http://HOST:PORT, https://HOST:PORT, or "none" to go directly'
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name a CA bundle, in the order in which they are obeyed."""
_SUPPORTED = ("http", "https")
_KNOWN = ("socks", "socks4", "socks4a", "socks5", "socks5h", "ftp")
"""Schemes of proxies that other programs have. Any other word before `://` may be a password, and is not repeated."""


class Passage:
    """What a proxy of the environment has done so far with the requests that were given to it."""

    def __init__(self) -> None:
        import threading  # most machines have no proxy

        self._known = threading.Event()
        self.let_through = False
        self.passed_by = False

    def __eq__(self, other: object) -> bool:
        """Two routes through it are one, whatever has become of their requests by now."""
        return isinstance(other, Passage)

    def __hash__(self) -> int:
        return hash(Passage)

    def through(self) -> None:
        """A request got through."""
        self.let_through = True
        self._known.set()

    def around(self) -> None:
        """A request did not, and goes directly."""
        self.passed_by = True
        self._known.set()

    def known(self, seconds: float) -> bool:
        """Whether it has done anything, within so many seconds."""
        return self._known.wait(seconds)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A proxy and a CA bundle; None means direct, and the bundle that comes with requests."""

    proxy: str | None = None
    ca_bundle: str | None = None
    ignored: str = ""
    """Why a proxy that is set is not used, in words for a warning; empty where none is set or it is used."""
    passage: Passage | None = field(default=None, repr=False)
    """What became of the requests, where the proxy is the environment's."""

    @property
    def proxy_from_environment(self) -> bool:
        """Whether nobody has named the proxy for this profile."""
        return self.passage is not None

    @property
    def shown_proxy(self) -> str:
        """The proxy without user name and password, and where it comes from; empty when there is none."""
        if not self.proxy:
            return ""
        return without_user(self.proxy) + (" (from the environment)" if self.proxy_from_environment else "")

    @property
    def proxy_password(self) -> str:
        """The proxy's password, which is a secret like any other; empty when there is none."""
        try:
            password = proxy_parts(self.proxy).password if self.proxy else None
        except ValueError:
            return ""
        if not password:
            return ""
        from urllib.parse import unquote

        return unquote(password)

    def noting(self, sent: Callable[[], None]) -> Callable[[], None]:
        """The same, and noted: a request that is out through the environment's proxy has got through it."""
        passage = self.passage
        if passage is None:
            return sent

        def note() -> None:
            passage.through()
            sent()

        return note

    def in_words(self, seconds: float) -> str:
        """Where requests really go, for a line that names it; empty when directly, as was to be expected.

        A proxy of the environment may be passed by: that is waited for, so many seconds at most.
        """
        if not self.proxy:
            return ""
        if self.passage is None:
            return f"through the proxy {self.shown_proxy}"
        self.passage.known(seconds)
        if self.passage.let_through:
            return f"through the proxy {self.shown_proxy}"
        lets = "lets nothing through" if self.passage.passed_by else "has not let anything through yet"
        return f"the proxy {self.shown_proxy} {lets}"

    def warnings(self) -> tuple[str, ...]:
        """What a trader should know of the way that the requests took."""
        if self.ignored:
            return (self.ignored,)
        if self.passage is None or not self.passage.passed_by:
            return ()
        some = "some requests" if self.passage.let_through else "anything"
        return (f"the proxy {self.shown_proxy} did not let {some} through: sent directly, from this machine's address",)


def without_user(proxy: str) -> str:
    """A proxy's address without user name and password."""
    scheme, slashes, rest = proxy.rpartition("//")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"


@functools.lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    if host in ("localhost", "ip6-localhost"):
        return True
    if ":" not in host and not host[:1].isdigit():  # a name
        return False
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def proxy_problem(proxy: str) -> str:
    """Why `proxy` cannot be obeyed, in words without anything secret; empty when it can."""
    if proxy.lower() == NO_PROXY:
        return ""
    scheme, slashes, _ = proxy.rpartition("://")
    scheme = scheme.lower()
    if slashes and scheme not in _SUPPORTED:
        named = f"a {scheme} proxy" if scheme in _KNOWN else "a proxy of this scheme"
        return f"{named} is not supported, only http and https are"
    try:
        parts = proxy_parts(proxy)
        fits = bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    return "" if fits else "it is not the address of a proxy"


def proxy_parts(proxy: str) -> SplitResult:
    """A proxy's address in parts; one without a scheme is meant as http. Raises ValueError."""
    from urllib.parse import urlsplit  # most machines have none

    return urlsplit(proxy if "//" in proxy else f"//{proxy}")


def route_for(origin: str, proxy: str | None, ca_bundle: str | None, environ: Mapping[str, str]) -> Route:
    """The profile's proxy and CA bundle, else what command-line tools take from the environment.

    Plain http stays on this machine: what goes there is never given to a proxy, which could read the keys.
    """
    ca_bundle = ca_bundle or next((value for name in BUNDLES if (value := environ.get(name))), None)
    direct = Route(ca_bundle=ca_bundle)
    if proxy and proxy.lower() == NO_PROXY:
        return direct
    scheme, host, _ = parts_of(origin)
    if proxy:
        if scheme == "http":
            reason = f"proxy is not used for {origin}: it would see the key and the signatures in clear"
            return Route(ca_bundle=ca_bundle, ignored=reason)
        return Route(proxy=proxy, ca_bundle=ca_bundle)
    chosen = _of_the_environment(scheme, environ)
    if chosen is None or _excepted(host, environ):
        return direct
    variable, address = chosen
    if problem := proxy_problem(address):
        reason = f"the proxy of the environment ({variable}) cannot be used: {problem}; sent directly"
        return Route(ca_bundle=ca_bundle, ignored=f"{reason}, from this machine's address")
    return Route(proxy=address, passage=Passage(), ca_bundle=ca_bundle)


def _excepted(host: str, environ: Mapping[str, str]) -> bool:
    """Whether a host is not to be reached through the environment's proxy."""
    excluded = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name.strip().lower().lstrip(".").split(":")[0] for name in excluded.split(",") if name.strip()]
    return is_loopback(host) or "*" in names or any(host == name or host.endswith(f".{name}") for name in names)


def _of_the_environment(scheme: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that names the proxy for a scheme, and what it says."""
    names = [spelled for name in (f"{scheme}_proxy", "all_proxy") for spelled in (name, name.upper())]
    return next(((name, value) for name in names if (value := environ.get(name))), None)


# --- trust ---
#
# One verifying context per CA bundle and process: loading a bundle costs 40 ms. It may lie where reading hangs, on a
# network mount that is gone. Whoever may not wait for that looks whether it `is_loaded`, and has it loaded in a thread
# that can be left behind. One bundle that hangs keeps none of the others.

_HASHED = r"[0-9a-f]{8}\.[0-9]+"
"""How OpenSSL names a certificate in a directory: https://docs.openssl.org/master/man1/openssl-rehash/"""
_BUNDLE_HINT = "correct ca_bundle, or the variable of the environment that names it"


_contexts: dict[str | None, ssl.SSLContext] = {}
_loading: dict[str | None, threading.Lock] = {}
"""Each is held by whoever loads that bundle."""


def is_loaded(ca_bundle: str | None) -> bool:
    """Whether the context is there, so that getting it takes no time."""
    return ca_bundle in _contexts


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """The context of a bundle; None is the one that comes with requests. Whoever comes second waits for the first.

    Blocks for as long as reading it takes. Session keys are never logged, whatever SSLKEYLOGFILE says. Raises
    ConfigError when the bundle cannot be read.
    """
    import threading

    if ca_bundle not in _contexts:
        with _loading.setdefault(ca_bundle, threading.Lock()):
            if ca_bundle not in _contexts:
                _contexts[ca_bundle] = _loaded(ca_bundle)
    return _contexts[ca_bundle]


def _loaded(ca_bundle: str | None) -> ssl.SSLContext:
    import ssl  # in the background of the first step of the connections, like the bundle

    os.environ.pop("SSLKEYLOGFILE", None)
    path = ca_bundle
    if path is None:
        import certifi

        path = certifi.where()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    try:
        _trust(made, path)
    except (OSError, ValueError) as fault:  # ssl.SSLError is an OSError
        raise ConfigError(f"the CA bundle {path} cannot be read", _BUNDLE_HINT) from fault
    return made


def _trust(made: ssl.SSLContext, path: str) -> None:
    """Trust a file, or one or more directories as SSL_CERT_DIR names them. Raises ConfigError, OSError, ValueError.

    Opening a pipe would hang, so what it is is looked at first.
    """
    if not os.path.lexists(path) and os.pathsep in path:
        for part in filter(None, path.split(os.pathsep)):
            _trust(made, part)
        return
    mode = os.stat(path).st_mode  # noqa: PTH116 - the same
    if stat.S_ISDIR(mode):
        _trust_directory(made, path)
    elif stat.S_ISREG(mode):
        made.load_verify_locations(cafile=path)
    else:
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"
        raise ConfigError(f"the CA bundle {path} is {kind}, not a file or a directory", _BUNDLE_HINT)


def _trust_directory(made: ssl.SSLContext, path: str) -> None:
    """A directory's certificates: OpenSSL finds those of `openssl rehash`, others are loaded. Empty: trusts none."""
    import re

    names = os.listdir(path)  # noqa: PTH208 - pathlib would be one more import
    if any(re.fullmatch(_HASHED, name) for name in names):
        made.load_verify_locations(capath=path)
        return
    for name in sorted(names):
        file = os.path.join(path, name)  # noqa: PTH118 - the same
        with contextlib.suppress(OSError):  # a file of another kind, or a link to one that is gone
            if stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 - the same
                made.load_verify_locations(cafile=file)
