"""The way to a host, step by step: name, connection, TLS, and who signed the certificate."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ConfigError, TransportFault
from cancelall.core.preflight import Area, Finding, failure, good, warning
from cancelall.core.profile import parts_of
from cancelall.net import dial, failures
from cancelall.net.route import Route, proxy_parts, tls_context

T = TypeVar("T")
SECONDS = 3.0
"""For each of connecting and TLS."""
_SLOW = 1.0
"""Seconds for one step after which it is worth a warning."""
_FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}


@dataclass(frozen=True, kw_only=True)
class Way:
    """What was found on the way to a host, and whether it leads there."""

    findings: tuple[Finding, ...]
    open: bool


class _Blocked(Exception):
    """The way ends here."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.detail)
        self.finding = finding


def way_to(origin: str, route: Route, label: str = "") -> Way:
    """Try the way to a host. Blocks for some seconds at most, name look-up aside; sends no request.

    A proxy from the environment that leads nowhere is a warning where the host can be reached without it: so would a
    kill, after it has tried.
    """
    way = _way(origin, route, label)
    if way.open or not route.proxy_from_environment or way.findings[-1].area is not Area.NETWORK:
        return way
    direct = _way(origin, Route(ca_bundle=route.ca_bundle), label)
    if not direct.open:
        return way
    last = way.findings[-1]
    detail = warning(last.check, f"{last.detail}; the direct way is open", last.fix)
    return Way(findings=(*way.findings[:-1], detail, *direct.findings), open=True)


def _way(origin: str, route: Route, label: str) -> Way:
    findings: list[Finding] = []
    try:
        _walk(origin, route, label, findings)
    except _Blocked as blocked:
        return Way(findings=(*findings, blocked.finding), open=False)
    return Way(findings=tuple(findings), open=True)


def _walk(origin: str, route: Route, label: str, findings: list[Finding]) -> None:
    parts = urlsplit(origin)
    secure = parts.scheme == "https"
    proxy = proxy_parts(route.proxy) if route.proxy else None
    first = proxy or parts
    host, port = first.hostname or "", first.port or (443 if first.scheme == "https" else 80)
    name = f"{label}{host}"
    addresses = _resolved(host, port, name, findings)
    with _connected(addresses, name, findings) as opened:
        made: socket.socket = opened
        if proxy is not None and secure:
            if proxy.scheme == "https":
                _shaken(made, host, route, name, findings).close()
                findings.append(warning("proxy", f"{name}: no tunnel inside TLS is measured", "see the reads below"))
                return
            _through(made, proxy, parts.hostname or "", parts.port or 443, name)
        if secure:
            target = parts.hostname or ""
            made = _shaken(made, target, route, f"{label}{target}", findings)
            findings.append(_issuer(made, f"{label}{target}"))
            made.close()
    if secure and route.ca_bundle is not None:
        findings += _interception(origin, route, label)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


def _measured(check: str, detail: str, seconds: float) -> Finding:
    shown = f"{detail} in {seconds * 1000:.0f} ms"
    if seconds > _SLOW:
        return warning(check, shown, "a kill has to wait for it: look for a nearer resolver, network or machine")
    return good(check, shown)


def _resolved(host: str, port: int, name: str, findings: list[Finding]) -> list[dial.Address]:
    try:
        addresses, seconds = _timed(lambda: dial.resolve(host, port))
    except (socket.gaierror, UnicodeError) as fault:
        detail = fault.strerror if isinstance(fault, socket.gaierror) else "not a host name"
        fix = "check the resolver of this machine (/etc/resolv.conf), the network, and the host name"
        raise _Blocked(failure("DNS", f"{name} cannot be resolved: {detail}", fix, Area.NETWORK)) from None
    findings.append(_measured("DNS", f"{name}: {len(addresses)} address(es)", seconds))
    return list(addresses)


def _connected(addresses: list[dial.Address], name: str, findings: list[Finding]) -> socket.socket:
    """A connection by the fastest family; each family is tried by itself."""
    made: list[tuple[float, str, socket.socket]] = []
    faults = []
    for family, words in _FAMILIES.items():
        mine = [address for address in addresses if address[0] == family]
        if not mine:
            continue
        try:
            opened, seconds = _timed(lambda mine=mine: dial.race(mine, time.monotonic() + SECONDS))  # type: ignore[misc]
            made.append((seconds, words, opened))
        except OSError as fault:
            faults.append(f"{words}: {fault.strerror or fault}")
    if not made:
        detail = "; ".join(faults) or "no address"
        fix = "check the network, the firewall and the proxy; a kill would be unreachable"
        raise _Blocked(failure("TCP", f"{name} does not answer ({detail})", fix, Area.NETWORK))
    made.sort(key=lambda one: one[0])
    for _, _, other in made[1:]:
        other.close()
    seconds, words, best = made[0]
    slower = [f"{other} {spent * 1000:.0f} ms" for spent, other, _ in made[1:]] + faults
    finding = _measured("TCP", f"{name}: {words}", seconds)
    findings.append(good("TCP", f"{finding.detail} ({'; '.join(slower)})") if slower and not finding.fix else finding)
    best.settimeout(SECONDS)
    return best


def _through(made: socket.socket, proxy: SplitResult, host: str, port: int, name: str) -> None:
    """Have a proxy open a tunnel, as a kill does."""
    from cancelall.net import proxied

    try:
        proxied.ask_tunnel(made, proxy, host, port, time.monotonic() + SECONDS)
    except TransportFault as fault:
        fix = "correct proxy, HTTPS_PROXY or NO_PROXY, or allow this host in the proxy"
        raise _Blocked(
            failure("proxy", f"{name} opens no tunnel to {host}: {fault.message}", fix, Area.NETWORK)
        ) from None


def _shaken(made: socket.socket, host: str, route: Route, name: str, findings: list[Finding]) -> ssl.SSLSocket:
    try:
        context = tls_context(route.ca_bundle)
        secured, seconds = _timed(lambda: context.wrap_socket(made, server_hostname=host))
    except ConfigError as error:
        raise _Blocked(failure("CA bundle", error.message, error.hint, Area.OURS)) from None
    except ssl.SSLCertVerificationError as fault:
        fix = (
            "something between here and the venue may be reading along: do not work around it, ask who runs the network"
        )
        if cure := failures.cure_of(fault):
            fix = f"{cure}; otherwise {fix}"
        detail = f"the certificate of {name} was refused ({fault.verify_message}): possible interception"
        raise _Blocked(failure("certificate", detail, fix, Area.VENUE)) from None
    except OSError as fault:
        detail = fault.strerror or "it did not end in time"
        fix = "check the firewall and the proxy: the host takes connections, but does not speak TLS"
        raise _Blocked(failure("TLS", f"{name}: no TLS ({detail})", fix, Area.NETWORK)) from None
    findings.append(_measured("TLS", f"{name}: {secured.version()}", seconds))
    return secured


def _issuer(made: socket.socket, name: str) -> Finding:
    assert isinstance(made, ssl.SSLSocket)  # noqa: S101 - it has just been wrapped
    certificate: dict[str, Any] = dict(made.getpeercert() or {})
    names = {key: value for part in certificate.get("issuer", ()) for key, value in part}
    issuer = ", ".join(names[key] for key in ("organizationName", "commonName") if key in names) or "nobody named"
    until = certificate.get("notAfter", "")
    return good("certificate", f"{name}: issued by {issuer}, until {until}")


def _interception(origin: str, route: Route, label: str) -> list[Finding]:
    """A certificate that only the configured bundle trusts was made by whoever made the bundle."""
    if route.proxy is not None:
        return []
    _, host, port = parts_of(origin)
    try:
        with dial.connect(host, port, SECONDS) as opened:
            opened.settimeout(SECONDS)
            _shaken(opened, host, Route(), host, []).close()
    except _Blocked:
        detail = f"{label}{host}: only the configured CA bundle trusts this certificate, no public authority does"
        return [warning("certificate", detail, "whoever made the bundle can read the keys: is that meant?")]
    except OSError:
        return []
    return []
