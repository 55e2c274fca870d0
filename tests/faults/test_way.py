"""Rows 49 and 50: proxies, netrc, and a path to log session keys to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

import ports
from cancelall.core.model import Verdict
from cancelall.net import transport
from cancelall.simulator import SimServer
from faults import raw
from faults.harness import TO_ITS_DEADLINE, Case, shows
from faults.test_network import HOST, resolves
from support import profile_table


def secured(case: Case, venue: str) -> tuple[SimServer, dict[str, object]]:
    """A venue behind TLS under a name, since nothing on this machine goes through a proxy, and a profile for it."""
    authority = ports.Authority(case.home)
    server = case.server(venue, ssl_context=authority.context(HOST))
    resolves(case, lambda port: [("127.0.0.1", port)])
    origin = server.origin.replace("127.0.0.1", HOST)
    return server, {**profile_table(venue, server), "base_url": origin, "ca_bundle": str(authority.path)}


REFUSAL = raw.answering("407 Proxy Authentication Required", ["Proxy-Authenticate: Basic"])
TROUBLES: Mapping[str, raw.Behaviour | None] = {
    "dead": None,
    "407": REFUSAL,
    "silent": raw.stall,
    "closes": raw.finish,
    "no HTTP": raw.garbage,
}


def trouble(case: Case, kind: str) -> str:
    """A proxy that lets nothing through."""
    case.monkeypatch.setattr(transport, "CONNECT_TIMEOUT", 0.3)
    behaviour = TROUBLES[kind]
    if behaviour is None:
        return f"http://127.0.0.1:{case.stack.enter_context(ports.refusing())}"
    return case.raw(behaviour).origin()


@shows(
    49,
    "the proxy",
    injected="dead, answers 407, works, silent, SOCKS; from environment and profile; NO_PROXY; the word none",
    expected="obeyed; the environment's is passed by and named if nothing gets through, the profile's is not",
    codes=(0, 12),
)
@pytest.mark.parametrize("by", ["environment", "profile"])
def test_a_proxy_that_works(case: Case, venue: str, by: str) -> None:
    server, table = secured(case, venue)
    proxy = case.raw(raw.tunnel(to=("127.0.0.1", int(server.origin.rpartition(":")[2]))))
    case.secrets.add("CANARY%20word")
    case.secrets.add("CANARY word")
    address = f"http://somebody:CANARY%20word@127.0.0.1:{proxy.port}"
    environ = {"HTTPS_PROXY": address} if by == "environment" else {}
    more = {} if environ else {"proxy": address}
    ended = case.kill(venue, {**table, **more}, environ=environ, deadline=4, codes=[0])
    assert server.open_orders() == []
    assert proxy.received.startswith(f"CONNECT {HOST}:".encode())
    assert proxy.accepted >= len(server.requests) // 4
    where = " (from the environment)" if environ else ""
    assert f"through the proxy http://127.0.0.1:{proxy.port}{where}\n" in ended.said
    assert not any("proxy" in warning for warning in ended.report.warnings)


@shows(49, over={"kind": TROUBLES})
def test_a_proxy_of_the_environment_that_lets_nothing_through_is_passed_by(case: Case, venue: str, kind: str) -> None:
    server, table = secured(case, venue)
    proxy = trouble(case, kind)
    ended = case.kill(venue, table, environ={"HTTPS_PROXY": proxy}, deadline=12, codes=[0])
    assert server.open_orders() == []
    assert "through the proxy" not in ended.said
    words = f"the proxy {proxy} (from the environment) did not let anything through: sent directly"
    assert any(words in warning for warning in ended.report.warnings), ended.report.warnings


@shows(49)
def test_a_proxy_of_the_environment_of_a_kind_that_is_not_supported(case: Case, venue: str) -> None:
    server, table = secured(case, venue)
    proxy = case.raw(raw.finish)
    case.secrets.add("CANARY-of-the-proxy")
    environ = {"ALL_PROXY": f"socks5h://me:CANARY-of-the-proxy@127.0.0.1:{proxy.port}"}
    ended = case.kill(venue, table, environ=environ, deadline=4, codes=[0])
    assert (proxy.accepted, server.open_orders()) == (0, [])
    assert "through the proxy" not in ended.said
    assert ended.said.count("WARNING: the proxy of the environment (ALL_PROXY) cannot be used") >= 1
    assert any("a socks5h proxy is not supported" in warning for warning in ended.report.warnings)


@shows(49)
def test_the_way_around_every_proxy(case: Case, venue: str) -> None:
    """What the runbook says: the word `none` beats the profile's own proxy and the environment's."""
    server, table = secured(case, venue)
    dead = trouble(case, "dead")
    environ = {"HTTPS_PROXY": dead, f"CANCELALL_{venue.upper()}_PROXY": "none"}
    ended = case.kill(venue, {**table, "proxy": dead}, environ=environ, deadline=4, codes=[0])
    assert server.open_orders() == []
    assert "through the proxy" not in ended.said
    assert not any("proxy" in warning for warning in ended.report.warnings)


@shows(49, over={"kind": TROUBLES}, alone=TO_ITS_DEADLINE)
def test_a_proxy_of_the_profile_has_no_way_around_it(case: Case, venue: str, kind: str) -> None:
    server, table = secured(case, venue)
    ended = case.kill(venue, {**table, "proxy": trouble(case, kind)}, codes=[12])
    assert ended.report.verdict is Verdict.UNREACHABLE
    assert server.connections == 0
    assert ended.sent() == {"no"}


@shows(49)
def test_a_host_that_is_excepted_from_the_proxy(case: Case, venue: str) -> None:
    server, table = secured(case, venue)
    proxy = case.raw(REFUSAL)
    environ = {"ALL_PROXY": proxy.origin(), "NO_PROXY": f"localhost, .{HOST.partition('.')[2]}"}
    ended = case.kill(venue, table, environ=environ, deadline=4, codes=[0])
    assert (proxy.accepted, server.open_orders()) == (0, [])
    assert "through the proxy" not in ended.said


@shows(
    50,
    "netrc and SSLKEYLOGFILE",
    injected="an entry for the venue's host; a path to log session keys to",
    expected="no effect",
    codes=(0,),
)
def test_netrc_and_the_log_of_session_keys(case: Case, venue: str) -> None:
    authority = ports.Authority(case.home)
    server = case.server(venue, ssl_context=authority.context("127.0.0.1"))
    case.secrets.add("CANARY-of-netrc")
    netrc = case.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login thief password CANARY-of-netrc\n")
    netrc.chmod(0o600)
    keys = case.home / "keys.log"
    path = case.narrow(venue, server, ca_bundle=str(authority.path))
    ran = case.run(
        venue, "--json", "--config", str(path), deadline=9, env={"NETRC": str(netrc), "SSLKEYLOGFILE": str(keys)}
    )
    assert ran.line["verdict"] == "clear"
    assert not keys.exists()
    assert "WARNING: SSLKEYLOGFILE is set and was ignored" in ran.err
    sent = [value for request in server.requests for value in request.headers.values()]
    assert sent
    assert not any("Basic" in value or "CANARY" in value for value in sent)
