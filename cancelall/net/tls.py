"""Whom this program trusts: one verifying context per CA bundle and process. Loading a bundle costs 40 ms.

A bundle may lie where reading hangs: on a network mount that is gone. Whoever may not wait for that asks whether it is
`loaded`, and has it loaded in a thread that can be left behind. One bundle that hangs keeps none of the others.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
import threading

from cancelall.core.errors import ConfigError

_HASHED = r"[0-9a-f]{8}\.[0-9]+"
"""How OpenSSL names a certificate in a directory: https://docs.openssl.org/master/man1/openssl-rehash/"""
_HINT = "correct ca_bundle, or the variable of the environment that names it"


_contexts: dict[str | None, ssl.SSLContext] = {}
_loading: dict[str | None, threading.Lock] = {}


def loading(ca_bundle: str | None) -> threading.Lock:
    """Held by whoever loads a bundle."""
    return _loading.setdefault(ca_bundle, threading.Lock())


def loaded(ca_bundle: str | None) -> bool:
    """Whether the context is there, so that asking for it takes no time."""
    return ca_bundle in _contexts


def context(ca_bundle: str | None) -> ssl.SSLContext:
    """The context of a bundle; None is the one that comes with requests. Whoever asks second waits for the first.

    Blocks for as long as reading it takes. Session keys are never logged, whatever SSLKEYLOGFILE says. Raises
    ConfigError when the bundle cannot be read.
    """
    if ca_bundle not in _contexts:
        with loading(ca_bundle):
            if ca_bundle not in _contexts:
                _contexts[ca_bundle] = _loaded(ca_bundle)
    return _contexts[ca_bundle]


def _loaded(ca_bundle: str | None) -> ssl.SSLContext:
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
        raise ConfigError(f"the CA bundle {path} cannot be read", _HINT) from fault
    return made


def _trust(made: ssl.SSLContext, path: str) -> None:
    """Trust a file, or one or more directories as SSL_CERT_DIR names them. Raises ConfigError, OSError, ValueError.

    Opening a pipe would hang, so what it is is looked at first.
    """
    if not os.path.lexists(path) and os.pathsep in path:  # pathlib would be one more import
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
        raise ConfigError(f"the CA bundle {path} is {kind}, not a file or a directory", _HINT)


def _trust_directory(made: ssl.SSLContext, path: str) -> None:
    """The certificates of a directory: OpenSSL finds those that `openssl rehash` has named, others are loaded.

    One that is empty trusts nobody.
    """
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
