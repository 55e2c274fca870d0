"""How a profile's requests leave the machine: its proxy and CA bundle, chosen on purpose."""

from __future__ import annotations

import ipaddress
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Route:
    """A proxy and a CA bundle; None means direct, and the bundle that comes with requests."""

    proxy: str | None = None
    proxy_from_environment: bool = False
    ca_bundle: str | None = None

    @property
    def shown_proxy(self) -> str:
        """The proxy without user name and password, and where it comes from; empty when there is none."""
        if not self.proxy:
            return ""
        scheme, slashes, rest = self.proxy.rpartition("//")
        return f"{scheme}{slashes}{rest.rpartition('@')[2]}" + (
            " (from the environment)" if self.proxy_from_environment else ""
        )

    @property
    def proxy_password(self) -> str:
        """The proxy's password, which is a secret like any other; empty when there is none."""
        address = self.proxy or ""
        try:
            parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
            return urllib.parse.unquote(parts.password or "")
        except ValueError:
            return ""


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    if host in ("localhost", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def route_for(origin: str, proxy: str | None, ca_bundle: str | None, environ: Mapping[str, str]) -> Route:
    """The profile's proxy and CA bundle, else what command-line tools take from the environment."""
    ca_bundle = ca_bundle or environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE") or None
    if proxy:
        return Route(proxy=proxy, ca_bundle=ca_bundle)
    parts = urllib.parse.urlsplit(origin)
    host = parts.hostname or ""
    excluded = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    names = [name.strip().lower().lstrip(".").split(":")[0] for name in excluded.split(",") if name.strip()]
    if is_loopback(host) or "*" in names or any(host == name or host.endswith(f".{name}") for name in names):
        return Route(ca_bundle=ca_bundle)
    variables = [f"{parts.scheme}_proxy", "all_proxy"]
    found = next(
        (value for name in variables for value in (environ.get(name), environ.get(name.upper())) if value), None
    )
    return Route(proxy=found, proxy_from_environment=found is not None, ca_bundle=ca_bundle)
