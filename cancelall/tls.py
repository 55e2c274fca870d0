"""Whom this program trusts: one verifying context per CA bundle and process. Loading a bundle costs 40 ms."""

from __future__ import annotations

import os
import ssl
import threading

from cancelall.errors import ConfigError

_contexts: dict[str | None, ssl.SSLContext] = {}
_loading = threading.Lock()


def context(ca_bundle: str | None) -> ssl.SSLContext:
    """The context of a bundle; None is the one that comes with requests. Whoever asks second waits for the first.

    Session keys are never logged, whatever SSLKEYLOGFILE says. Raises ConfigError when the bundle cannot be read.
    """
    with _loading:
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
        if os.path.isdir(path):  # noqa: PTH112 - pathlib would be one more import
            made.load_verify_locations(capath=path)
        else:
            made.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as fault:
        raise ConfigError(f"the CA bundle {path} cannot be read", "correct ca_bundle") from fault
    return made
