"""The pre-flight against every embedded exchange: what it finds, that it only reads, what `--live` sends."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import ports
from cancelall import simulator
from cancelall.check import live, network
from cancelall.check.venue import sunset_finding
from cancelall.core.errors import ExitStatus
from cancelall.core.model import Listing
from cancelall.core.preflight import CheckReport, Level, load_preflight
from cancelall.engine.client import Client
from cancelall.engine.listing import read_listing
from cancelall.net import dial
from cancelall.net.route import Passage, Route
from cancelall.simulator import SimServer
from cancelall.simulator.fake import LoggedRequest
from cancelall.simulator.pacifica import Pacifica
from cancelall.venues.contract import Segment
from cancelall.venues.registry import VENUES, load, schema
from checking import bad, checked, checked_all, level, line_of, named, shown
from faults import raw
from support import kill, profile_table

NEVER_TAKES = ("pacifica", "deribit", "hyperliquid", "kraken", "okx")
"""Where a real cancel can be sent that never takes an order, whatever rests."""
OWN_KEY = {"pacifica": ExitStatus.REFUSED}
"""Venues where the key of the embedded exchange is the one that holds the funds."""


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def changes(server: SimServer) -> list[LoggedRequest]:
    """The requests that could change something."""
    return [request for request in server.requests if request.changes]


@pytest.fixture
def server(venue: str) -> Iterator[SimServer]:
    with simulator.start(venue, orders=30) as running:
        yield running


# --- every venue ----------------------------------------------------------------------------------------------------


def test_everything_is_found_good_and_nothing_is_changed(venue: str, server: SimServer) -> None:
    before = {order.id for order in server.open_orders()}
    report = checked(venue, server)
    assert not changes(server)
    assert {order.id for order in server.open_orders()} == before
    assert report.exit_status == OWN_KEY.get(venue, ExitStatus.CLEAR), report.failed
    counted = [finding.detail.rpartition(": ")[2] for finding in named(report, "open orders")]
    assert sum(int(count) for count in counted if count.isdigit()) >= len(before)
    assert {"config", "environment", "proxy", "CA bundle", "secret", "journal", "DNS", "TCP", "clock"} <= {
        finding.check for finding in report.findings
    }
    assert level(report, "clock") == "ok"


@pytest.mark.turns(0)
def test_what_is_not_good_says_what_to_do(venue: str, server: SimServer) -> None:
    addressed = [] if venue == "hyperliquid" else [["ip"]]  # where no key has a list of addresses
    for faults in ([], ["key"], *addressed, ["region"], ["html"], ["listing-refused"]):
        server.set_faults(faults)
        report = checked(venue, server, deadline=2)
        assert [one for one in report.findings if one.level is not Level.OK and not one.fix] == []
        assert [one for one in report.findings if one.level is Level.OK and one.fix] == []
        assert not faults or report.exit_status == ExitStatus.REFUSED, faults
        line = line_of(report)
        assert (line["schema"], line["profile"], line["ok"]) == (1, venue, report.ok)
        assert {key for finding in line["findings"] for key in finding} == {"check", "level", "detail", "fix"}


@pytest.mark.turns(1)
def test_no_secret_is_ever_shown(venue: str, server: SimServer) -> None:
    for faults in ([], ["key"], ["hostile"], ["json={}"]):
        server.set_faults(faults)
        report = checked(venue, server, deadline=1)
        told = shown(report) + shown(report, 40) + str(line_of(report)) + repr(report)
        for secret in server.credentials.values():
            assert secret not in told


def live_check(venue: str, server: SimServer) -> tuple[CheckReport, list[LoggedRequest], list[tuple[str, int]]]:
    """The report, the cancels that were sent, and what was announced after how many of them."""
    said: list[tuple[str, int]] = []

    async def announce(profile: str, words: str) -> None:
        said.append((words, len(changes(server))))

    report = checked(venue, server, live=True, announce=announce)
    return report, changes(server), said


def test_live_sends_only_where_nothing_rests(venue: str, server: SimServer) -> None:
    before = {order.id for order in server.open_orders()}
    report, sent, said = live_check(venue, server)
    assert {order.id for order in server.open_orders()} == before
    assert len(sent) == len(said) == (1 if venue in NEVER_TAKES else 0)
    assert "nothing was sent" in named(report, "live")[0].detail or venue in NEVER_TAKES


def test_live_says_so_before_it_sends(venue: str) -> None:
    with simulator.start(venue, orders=0) as server:
        report, sent, said = live_check(venue, server)
    assert level(report, "live") == "ok"
    harmless = bool(load_preflight(venue).probes(schema(venue).options(**server.account_options), "live"))
    assert harmless == (venue != "deltadefi")
    assert len(sent) == harmless
    assert [before for _, before in said] == [0] * harmless
    assert all(request.path in words for request, (words, _) in zip(sent, said, strict=True))


@pytest.mark.parametrize(
    ("venue", "options", "sends"),
    [
        ("bybit", {"settle_coin": "USDC"}, True),
        ("bybit", {"settle_coin": "ETH"}, True),
        ("bybit", {"symbol": ["ETHUSDT"]}, True),
        ("bybit", {"category": ["inverse"], "symbol": ["ETHBTC"]}, False),
        ("bybit", {"category": ["spot"]}, True),
        ("bybit", {"category": ["spot"], "order_filter": "StopOrder"}, False),
        ("bybit", {"category": ["linear"], "order_filter": "StopOrder", "stop_order_type": "Stop"}, False),
        ("bybit", {"base_coin": "ETH"}, False),
        ("bybit", {"category": ["option"]}, False),
        ("binance", {"product": ["spot"]}, True),
        ("binance", {"product": ["usdm"], "symbol": ["ETHUSDT"]}, True),
        ("binance", {"product": ["option"]}, False),
        ("bitget", {"product_type": ["USDT-FUTURES"]}, True),
        ("bitget", {"product_type": ["COIN-FUTURES"], "margin_coin": "BTC"}, False),
        ("bitget", {"product_type": ["USDT-FUTURES"], "symbol": ["ETHUSDT"]}, False),
        ("bitget", {"product_type": ["SPOT"]}, False),
        ("ascendex", {"account_category": ["cash"]}, True),
        ("ascendex", {"account_category": ["futures"]}, True),
        ("ascendex", {"symbol": ["ETH/USDT"]}, False),
    ],
)
def test_live_reaches_nothing_that_the_profile_does_not_list(
    venue: str, options: dict[str, object], sends: bool
) -> None:
    """The scope is empty, the rest of the account is not."""
    with simulator.start(venue, orders=60, limits=False) as server:
        if venue == "bybit":  # a running strategy would place orders in the others
            kill(venue, server, options={"category": ["strategy"]}, scale=0.05, deadline=15)
        kill(venue, server, options=options, scale=0.05, deadline=15)
        left = {order.id for order in server.open_orders()}
        before = len(changes(server))
        report = checked(venue, server, options, live=True)
        sent = changes(server)[before:]
        assert {order.id for order in server.open_orders()} == left
    assert left
    assert (len(sent), level(report, "live") == "fail") == (int(sends), False), report.failed


def test_live_looks_again_before_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that came after the first reading keeps the cancel from being sent."""
    with simulator.start("bybit", orders=0) as server, simulator.start("bybit", orders=30) as other:
        orders = [order for order in other.open_orders() if order.segment == "linear"]

        async def placed_meanwhile(client: Client, segment: Segment) -> Listing:
            for order in orders:
                server.fake.place(server.account, order)
            return await read_listing(client, segment)

        monkeypatch.setattr(live, "read_listing", placed_meanwhile)
        report = checked("bybit", server, {"category": ["linear"]}, live=True)
        assert not changes(server)
        assert len(server.open_orders()) == len(orders) > 0
    assert (level(report, "live"), "orders rest" in named(report, "live")[0].detail) == ("warn", True)


@pytest.mark.turns(1)
def test_live_tells_a_refused_cancel(venue: str) -> None:
    if venue == "deltadefi":
        return
    with simulator.start(venue, orders=0, faults=["permission"]) as server:
        report = checked(venue, server, live=True)
    assert (level(report, "live"), report.exit_status) == ("fail", ExitStatus.REFUSED)


@pytest.mark.turns(2)
def test_live_sends_nothing_when_something_else_is_wrong(venue: str) -> None:
    for faults in (["listing-fails"], ["key"]):
        with simulator.start(venue, orders=0, faults=faults) as server:
            report = checked(venue, server, live=True, deadline=2)
            sent = changes(server)
        if venue in NEVER_TAKES and faults == ["listing-fails"]:
            continue  # what it sends there can never take an order
        assert sent == []
        assert named(report, "live")[0].level is not Level.OK or venue == "deltadefi"


def test_the_questions_are_reads(venue: str) -> None:
    values = {"account_group": 1} if venue == "ascendex" else {}
    one = load(venue)
    for question in load_preflight(venue).questions(schema(venue).options(**values), 1_700_000_000_000):
        assert not question.request.changes
        assert "new-api-key" not in question.request.path
        assert not question.request.bucket or question.request.bucket in one.limits


# --- keys and accounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "faults", "check", "expected", "detail", "fix"),
    [
        ("bybit", ["rights=Spot.SpotTrade+Wallet.Withdraw"], "withdrawal", "fail", "can withdraw", "api-management"),
        ("bitget", ["rights=coow+stow+wwow"], "withdrawal", "fail", "can withdraw", "page of API keys"),
        ("bitget", ["mode", "rights=uta_mgt+uta_trade+withdraw"], "withdrawal", "fail", "can withdraw", "API keys"),
        ("pacifica", [], "withdrawal", "fail", "holds the funds", "app.pacifica.fi/apikey"),
        ("ascendex", [], "withdrawal", "warn", "does not show", "API management"),
        ("deribit", ["scope=trade:read_write wallet:read_write"], "withdrawal", "fail", "can withdraw", "BTC/api"),
        ("deribit", [], "withdrawal", "ok", "cannot withdraw", ""),
        ("deribit", ["permission"], "rights", "fail", "read-only", "right to trade"),
        ("deribit", ["scope=account:read"], "rights", "fail", "may not read", "right to view"),
        ("deribit", ["scope=trade:read_write ip:10.0.0.1"], "addresses", "ok", "certain addresses", ""),
        ("deribit", ["scope=trade:read_write account:read_write"], "key", "warn", "make and change", "BTC/api"),
        ("deribit", [], "key", "warn", "behind a second factor only", "account/BTC/api"),
        ("deribit", ["locked=ETH"], "key", "warn", "locked in ETH", "account/BTC/api"),
        ("deribit", ["key"], "key", "fail", "13004", "check client_id"),
        ("deribit", ["testnet"], "environment", "fail", "comes from testnet", "correct environment"),
        ("deribit", ["clock=70"], "clock", "fail", "s behind", "timedatectl"),
        ("deribit", ["clock=-12"], "clock", "fail", "s ahead", "timedatectl"),
        ("kraken", ["rights=close-trades+withdraw-funds"], "withdrawal", "fail", "can withdraw", "/api"),
        ("kraken", ["rights=query-open-trades"], "rights", "fail", "read-only", "right to trade"),
        ("kraken", ["rights=close-trades"], "rights", "fail", "may not read", "right to view"),
        ("kraken", ["rights=close-trades+query-open-trades", "snake"], "key", "warn", "query closed orders", "/api"),
        ("kraken", ["window"], "rights", "fail", "may not read", "right to view"),
        ("kraken", ["key-days=5", "snake"], "expiry", "warn", "5 day(s)", "renew it"),
        ("kraken", [], "expiry", "ok", "does not expire", ""),
        ("kraken", ["bound", "snake"], "addresses", "ok", "certain addresses", ""),
        ("kraken", [], "addresses", "warn", "any address", "bind it"),
        ("kraken", ["key"], "key", "fail", "EAPI:Invalid key", "not allowed from this address"),
        ("kraken", ["otp"], "key", "fail", "EAPI:Invalid signature", "two-factor"),
        ("kraken", ["nonces=ns"], "key", "warn", "finer or later nonces", "/api"),
        ("kraken", ["nonces=3600"], "key", "warn", "finer or later nonces", "/api"),
        ("kraken", ["invalid-nonce"], "clock", "fail", "Invalid nonce", "a key for this command alone"),
        ("kraken", ["engine=maintenance"], "account mode", "fail", "may not take cancels", "wait"),
        ("kraken", ["clock=60"], "clock", "warn", "does not mind", "timedatectl"),
        ("binance", ["rights=enableReading+enableWithdrawals"], "withdrawal", "fail", "can withdraw", "api-management"),
        ("binance", [], "withdrawal", "ok", "cannot withdraw", ""),
        ("binance", ["rights=enableReading"], "rights", "fail", "read-only", "right to trade"),
        ("binance", ["rights=enableReading+enableSpotAndMarginTrading"], "rights", "warn", "no right for margin", ""),
        ("binance", ["bound"], "addresses", "ok", "certain addresses", ""),
        ("binance", [], "addresses", "warn", "any address", "bind it"),
        ("binance", ["key-days=5"], "expiry", "warn", "5 day(s)", "renew it"),
        ("binance", ["key"], "key", "fail", "-2008", "no such key"),
        ("binance", ["ip"], "address", "fail", "-1011", "add this machine's address"),
        ("binance", ["clock=10"], "clock", "fail", "s behind", "timedatectl"),
        ("binance", ["clock=-10"], "clock", "fail", "10.0 s ahead", "timedatectl"),
        ("bybit", ["read-only"], "rights", "fail", "read-only", "right to trade"),
        ("bitget", ["rights=coor+stor"], "rights", "fail", "read-only", "right to trade"),
        ("bitget", ["mode", "rights=uta_mgt"], "rights", "fail", "read-only", "right to trade"),
        ("ascendex", ["rights=view"], "rights", "fail", "read-only", "right to trade"),
        ("ascendex", ["rights=trade"], "rights", "fail", "may not read", "right to view"),
        ("bybit", ["rights=Spot.SpotTrade"], "rights", "warn", "no right for linear, inverse", "narrow"),
        ("bitget", ["rights=coow"], "rights", "warn", "no right for SPOT", "narrow"),
        ("ascendex", ["rights=view+trade+transfer"], "transfer", "warn", "move money", "take that right away"),
        ("bybit", ["expired"], "key", "fail", "expired", "has expired"),
        ("ascendex", ["expired"], "key", "fail", "expired", "90 days"),
        ("bybit", ["key-days=0"], "expiry", "fail", "has expired", "renew it"),
        ("bybit", ["key-days=5"], "expiry", "warn", "5 day(s)", "renew it"),
        ("ascendex", ["key-days=13"], "expiry", "warn", "13 day(s)", "renew it"),
        ("ascendex", ["key-days=15"], "expiry", "ok", "15 day(s)", ""),
        ("ascendex", ["key-days=-1"], "expiry", "ok", "does not expire", ""),
        ("bybit", ["bound"], "addresses", "ok", "certain addresses", ""),
        ("bybit", [], "addresses", "warn", "any address", "bind it"),
        ("bitget", ["unbound"], "addresses", "warn", "any address", "bind it"),
        ("ascendex", ["unbound"], "addresses", "warn", "any address", "bind it"),
        ("bybit", ["ip"], "address", "fail", "10010", "add this machine's address"),
        ("bitget", ["ip"], "address", "fail", "40018", "add this machine's address"),
        ("bybit", ["key"], "key", "fail", "10003", "key and host do not match"),
        ("bitget", ["demo"], "environment", "fail", "40099", "environment demo"),
        ("deltadefi", ["key"], "key", "fail", "4010", "key and host do not match"),
        ("bybit", ["region~strategy"], "open orders", "fail", "HTTP 403", "refused region"),
        ("bitget", ["mode"], "account mode", "ok", "unified", ""),
        ("bitget", ["mode=hybrid"], "account mode", "ok", "hybrid", ""),
        ("bitget", [], "account mode", "ok", "classic", ""),
        ("bitget", ["mode", "account-mode=upgrading"], "account mode", "fail", "upgrading", "wait"),
        ("bybit", [], "account mode", "ok", "unified", ""),
        ("bybit", ["clock=10"], "clock", "fail", "s behind", "timedatectl"),
        ("bybit", ["clock=-10"], "clock", "fail", "10.0 s ahead", "timedatectl"),
        ("bitget", ["clock=10"], "clock", "warn", "10.0 s behind", "timedatectl"),
        ("ascendex", ["clock=-40"], "clock", "fail", "40.0 s ahead", "timedatectl"),
        ("pacifica", ["clock=-10"], "clock", "fail", "s ahead", "timedatectl"),
        ("deltadefi", ["clock=60"], "clock", "warn", "does not mind", "timedatectl"),
        ("hyperliquid", [], "withdrawal", "ok", "cannot withdraw", ""),
        ("hyperliquid", ["role=user"], "withdrawal", "fail", "holds the funds", "app.hyperliquid.xyz/API"),
        ("hyperliquid", ["key"], "key", "fail", "knows no account of this key", "approve it"),
        ("hyperliquid", ["clock=-100000"], "clock", "fail", "s ahead", "timedatectl"),
        ("hyperliquid", ["clock=10"], "clock", "warn", "10.0 s behind", "timedatectl"),
    ],
)  # fmt: skip
@pytest.mark.turns(0)
def test_each_trouble_has_its_cure(
    venue: str, faults: list[str], check: str, expected: str, detail: str, fix: str
) -> None:
    with simulator.start(venue, orders=8) as server:
        server.set_faults(faults)
        narrow = {"product_type": ["USDT-FUTURES", "SPOT"]} if venue == "bitget" else {}  # within its limits at once
        report = checked(venue, server, narrow, deadline=8)
        assert not changes(server)
    found = named(report, check)
    such = [one for one in found if detail in one.detail.replace("9.9 s", "10.0 s").replace("10.1 s", "10.0 s")]
    assert [one.level.value for one in such] == [expected], found
    assert fix in such[0].fix
    assert report.ok == (expected != "fail" and venue != "pacifica"), report.failed
    assert report.exit_status == (ExitStatus.CLEAR if report.ok else ExitStatus.REFUSED)


@pytest.mark.turns(0)
def test_a_key_of_another_environment(venue: str) -> None:
    """Not a fault that is switched on: the key is another exchange's."""
    with simulator.start(venue, orders=2) as here, simulator.start(venue, orders=2, seed=7) as there:
        table = profile_table(venue, here) | {"credentials": dict(there.credentials)}
        (report,) = checked_all({venue: table}, deadline=5)
    assert report.exit_status == ExitStatus.REFUSED
    assert {finding.check for finding in report.failed} & {"key", "environment", "account"} or venue == "pacifica"


def test_an_agent_key_is_proven_by_live_alone() -> None:
    with simulator.start("pacifica", orders=3) as server:
        fake = server.fake
        credentials, options = fake.bind_agent(server.account)  # type: ignore[attr-defined]
        table = {"venue": "pacifica", "base_url": server.origin, **options, "credentials": dict(credentials)}
        (read,) = checked_all({"pacifica": table})
        (sent,) = checked_all({"pacifica": table}, live=True)
        stranger = fake.add_account(orders=0)
        other = table | {"account": stranger.key}
        (wrong,) = checked_all({"pacifica": other}, live=True)
        assert len(server.open_orders(server.account)) == 3
    assert (read.ok, level(read, "key"), level(read, "withdrawal")) == (True, "warn", "warn")
    assert "--live" in named(read, "key")[0].detail
    assert level(sent, "live") == "ok"
    assert level(wrong, "live") == "fail"
    assert "not authorized" in named(wrong, "live")[0].detail.lower()


def test_a_selector_that_the_venue_does_not_know() -> None:
    with simulator.start("bybit", orders=5) as server:
        report = checked("bybit", server, {"symbol": ["BTCUSDTT"]}, live=True)
        assert not changes(server)
    assert level(report, "scope") == "fail"
    assert "BTCUSDT" in named(report, "scope")[0].detail
    assert report.exit_status == ExitStatus.UNCONFIGURED


def test_a_busy_venue_is_waited_for() -> None:
    """Bots use the same limits: an answer that only asks to wait is no finding."""
    sent = []
    for faults in ([], ["rate-limit=2"]):
        with simulator.start("bybit", orders=3, faults=faults) as server:
            report = checked("bybit", server, {"settle_coin": "USDT"}, deadline=20)
            sent.append(len(server.requests))
        assert report.ok, report.failed
    assert sent[0] < sent[1]


def test_when_a_venue_closes_is_told() -> None:
    with simulator.start("ascendex", orders=3) as server:
        (found,) = named(checked("ascendex", server), "sunset")
    assert (found.level, "2026-07" in found.detail) == (Level.WARN, True)
    with simulator.start("bybit", orders=3) as server:
        assert named(checked("bybit", server), "sunset") == []
    before, after = (int(time.mktime((2026, month, 15, 0, 0, 0, 0, 0, 0)) * 1000) for month in (6, 7))
    assert sunset_finding("2026-07", before).detail == "it closes in 2026-07"
    assert "has closed" in sunset_finding("2026-07", after).detail


@pytest.mark.parametrize("shown", ["shown", "hidden"])
def test_an_agent_s_key_without_its_account_is_no_account(shown: str) -> None:
    with simulator.start("pacifica", orders=3, faults=[f"strangers={shown}"]) as server:
        assert isinstance(server.fake, Pacifica)
        keys, _ = server.fake.bind_agent(server.account)
        table = {"venue": "pacifica", "base_url": server.origin, "credentials": dict(keys)}
        (report,) = checked_all({"agent": table}, deadline=4)
    assert report.exit_status is not ExitStatus.CLEAR
    told = " ".join(finding.detail + finding.fix for finding in report.failed)
    assert "account" in told


def test_an_account_group() -> None:
    with simulator.start("ascendex", orders=3) as server:
        free = profile_table("ascendex", server)
        group = free.pop("account_group")
        (unknown,) = checked_all({"asc": free})
        (stored,) = checked_all({"asc": free | {"account_group": group}})
        (wrong,) = checked_all({"asc": free | {"account_group": 5}}, deadline=4)
    assert (level(unknown, "account group"), unknown.account_group, unknown.ok) == ("warn", group, True)
    assert "--store-account-group" in named(unknown, "account group")[0].fix
    assert (level(stored, "account group"), stored.account_group) == ("ok", None)
    assert wrong.exit_status in (ExitStatus.REFUSED, ExitStatus.UNCONFIGURED)
    assert "account_group is 5" in " ".join(finding.detail for finding in wrong.failed)


# --- the way to the venue -------------------------------------------------------------------------------------------


def test_dead_dns(venue: str, server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*words: object, **more: object) -> list[dial.Address]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(dial.socket, "getaddrinfo", nobody)
    report = checked(venue, server)
    assert report.exit_status == ExitStatus.UNREACHABLE
    assert level(report, "DNS") == "fail"
    assert "resolv.conf" in named(report, "DNS")[0].fix
    assert server.requests == []


def test_a_resolver_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def silent(*words: object, **more: object) -> list[dial.Address]:
        over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    with simulator.start("bybit", orders=1) as server:
        monkeypatch.setattr(dial.socket, "getaddrinfo", silent)
        began = time.monotonic()
        report = checked("bybit", server, deadline=0.5)
        assert time.monotonic() - began < 5
        over.set()
    assert (level(report, "DNS"), report.exit_status) == ("fail", ExitStatus.UNREACHABLE)


def test_a_port_that_refuses() -> None:
    with ports.refusing() as port, simulator.start("bybit", orders=1) as server:
        table = profile_table("bybit", server) | {"base_url": f"http://127.0.0.1:{port}"}
        (report,) = checked_all({"bybit": table})
    assert (level(report, "TCP"), report.exit_status) == ("fail", ExitStatus.UNREACHABLE)
    assert "open orders" not in bad(report)


@pytest.mark.turns(2)
def test_a_host_that_hangs_ends_with_the_deadline(venue: str, server: SimServer) -> None:
    server.set_faults(["stall"])
    began = time.monotonic()
    report = checked(venue, server, deadline=1.0)
    assert time.monotonic() - began < 10
    assert report.exit_status == ExitStatus.UNREACHABLE


def test_tls_and_who_signed_the_certificate(tmp_path: Path) -> None:
    authority = ports.Authority(tmp_path)
    with simulator.start("bybit", orders=3, ssl_context=authority.context("127.0.0.1")) as server:
        mine = profile_table("bybit", server)
        (trusted,) = checked_all({"a": mine | {"ca_bundle": str(authority.path)}})
        (foreign,) = checked_all({"a": mine})
    assert level(trusted, "TLS") == "ok"
    signed, suspicious = named(trusted, "certificate")
    assert "trustme" in signed.detail.lower()
    assert (suspicious.level, "only the configured CA bundle" in suspicious.detail) == (Level.WARN, True)
    assert trusted.ok
    assert (level(foreign, "certificate"), foreign.exit_status) == ("fail", ExitStatus.REFUSED)
    assert "interception" in named(foreign, "certificate")[0].detail
    assert "ca_bundle or SSL_CERT_FILE" in named(foreign, "certificate")[0].fix


@pytest.mark.parametrize("wrong", [{"expired": True}, {"later": True}])
def test_a_certificate_out_of_its_time_may_be_this_machines_clock(tmp_path: Path, wrong: dict[str, bool]) -> None:
    authority = ports.Authority(tmp_path)
    with simulator.start("bybit", orders=1, ssl_context=authority.context(**wrong)) as server:
        report = checked("bybit", server, {"ca_bundle": str(authority.path)})
    assert level(report, "certificate") == "fail"
    fix = named(report, "certificate")[0].fix
    assert "this machine's clock says" in fix
    assert "do not work around it" in fix


def test_a_host_without_tls() -> None:
    with raw.Raw(raw.garbage) as server, simulator.start("bybit", orders=1) as other:
        table = profile_table("bybit", other) | {"base_url": server.origin("https")}
        (report,) = checked_all({"bybit": table})
    assert (level(report, "TLS"), report.exit_status) == ("fail", ExitStatus.UNREACHABLE)


def test_through_a_proxy(tmp_path: Path) -> None:
    authority = ports.Authority(tmp_path)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            simulator.start("bybit", orders=3, ssl_context=authority.context("api.venue.test"))
        )
        port = int(server.origin.rpartition(":")[2])
        proxy = stack.enter_context(raw.Raw(raw.tunnel(("127.0.0.1", port))))
        closed = stack.enter_context(raw.Raw(raw.answering("407 Proxy Authentication Required")))
        table = profile_table("bybit", server) | {
            "base_url": "https://api.venue.test",
            "ca_bundle": str(authority.path),
        }
        password = proxy.origin().replace("//", "//me:CANARYPASSWORD@")
        (open_,) = checked_all({"a": table | {"proxy": password}})
        (shut,) = checked_all({"a": table | {"proxy": closed.origin()}}, deadline=4)
    assert open_.ok, open_.failed
    assert "***@127.0.0.1" in named(open_, "proxy")[0].detail
    assert "CANARYPASSWORD" not in shown(open_) + str(line_of(open_))
    assert b"Proxy-Authorization: Basic" in proxy.received
    assert shut.exit_status == ExitStatus.UNREACHABLE
    assert "407" in named(shut, "proxy")[1].detail


def test_a_dead_proxy_of_the_environment_is_gone_around() -> None:
    """As the kill does it; one that the profile names is the only way."""
    with ports.refusing() as port, simulator.start("bybit", orders=1) as server:
        dead = f"http://127.0.0.1:{port}"
        around = network.way_to(server.origin, Route(proxy=dead, passage=Passage()))
        only = network.way_to(server.origin, Route(proxy=dead))
        nowhere = network.way_to(dead, Route(proxy=dead, passage=Passage()))
    assert (around.open, only.open, nowhere.open) == (True, False, False)
    assert [one.level for one in around.findings if "does not answer" in one.detail] == [Level.WARN]
    assert only.findings[-1].level is nowhere.findings[-1].level is Level.FAIL


def test_the_second_host_is_no_must(monkeypatch: pytest.MonkeyPatch) -> None:
    with ports.refusing() as port, simulator.start("bybit", orders=1) as server:
        monkeypatch.setitem(load("bybit").alternates, server.origin, f"http://127.0.0.1:{port}")  # type: ignore[arg-type]
        report = checked("bybit", server)
    second = [finding for finding in report.findings if "second host" in finding.detail]
    assert [finding.level for finding in second if finding.check == "TCP"] == [Level.WARN]
    assert report.ok


@pytest.mark.alone("the profile that answers has 1.5 s of wall time")
def test_all_profiles_at_once_and_each_by_itself() -> None:
    """A profile that hangs is no reason to wait with the others: the deadline is one for all."""
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(simulator.start(name, orders=4)) for name in ("bybit", "deltadefi")}
        servers["bybit"].set_faults(["stall"])
        reports = checked_all({name: profile_table(name, one) for name, one in servers.items()}, deadline=1.5)
        broken = checked_all(
            {"good": profile_table("deltadefi", servers["deltadefi"]), "bad": {"venue": "bybit", "symbl": "X"}}
        )
    assert [report.exit_status for report in reports] == [ExitStatus.UNREACHABLE, ExitStatus.CLEAR]
    assert [report.exit_status for report in broken] == [ExitStatus.CLEAR, ExitStatus.UNCONFIGURED]
    assert "symbol" in named(broken[1], "config")[1].detail
