"""What is particular to Binance: several hosts, wallets that only the account tells, a memory, and -2011."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.errors import TransportFault
from cancelall.core.model import Reply, SignedRequest, Verdict
from cancelall.core.profile import Profile
from cancelall.engine.client import Send
from cancelall.engine.run import Run, over_the_network
from cancelall.simulator import Account, FakeVenue, Kind, SimOrder, SimServer
from cancelall.simulator.binance.wallets import BOOKS
from kills.virtual import cleared, faced, ids
from soak.virtual import Weather
from support import LONG, cancelall, environment, kill, profile_table, profiles_of, swept, write_config

HOSTS = ("", "sapi", "fapi", "dapi", "eapi", "papi")


# --- several hosts --------------------------------------------------------------------------------------------------


@pytest.fixture
def servers() -> Iterator[dict[str, SimServer]]:
    """One server a host, with one account on all of them."""
    with ExitStack() as stack:
        first = simulator.start("binance", orders=0)
        stack.callback(first.stop)
        found = {"": first}
        for host in HOSTS[1:]:
            server = simulator.start("binance", orders=0)
            stack.callback(server.stop)
            server.fake.accounts.clear()
            server.fake.add_account(first.credentials, orders=0)
            found[host] = server
        for book in BOOKS:
            path = book.listing.split("/")[1]
            if not book.segment.startswith("pm "):
                one = found["" if path == "api" else path]
                symbol = {"coinm": "BTCUSD_PERP", "option": one.fake.symbols.of["option"][0]}.get(  # type: ignore[attr-defined]
                    book.segment.split()[0], "BTCUSDT"
                )
                kind = "STOP_MARKET" if book.segment.endswith("algo") else "LIMIT"
                order = SimOrder(segment=book.segment, symbol=symbol, kind=kind, price="100")
                one.fake.accept(one.account, order, "1", "", fills=False)
        yield found


def on_hosts(servers: dict[str, SimServer], **keys: object) -> Profile:
    """A profile whose hosts are these servers."""
    (made,) = profiles_of({"binance": profile_table("binance", servers[""], **keys)})
    return replace(made, further={host: server.origin for host, server in servers.items() if host})


def run(profile: Profile, deadline: float = LONG) -> Any:
    limited = replace(profile, common=replace(profile.common, deadline=deadline))
    made = Run(profiles=[limited], environ={}, started=time.monotonic(), scale=0.1)
    (report,) = asyncio.run(made.all())
    return report


def test_each_host_gets_what_is_its_own(servers: dict[str, SimServer]) -> None:
    report = run(on_hosts(servers))
    assert report.verdict is Verdict.CLEAR, report.error
    assert all(server.open_orders() == [] for server in servers.values())
    for host, server in servers.items():
        names = {request.path.split("/")[1] for request in server.requests}
        assert names == ({host or "api"} if host != "papi" else set())
    assert report.host == ", ".join(server.origin for server in servers.values())


@pytest.mark.parametrize("host", ["fapi", pytest.param("eapi", marks=pytest.mark.faults)])
def test_a_host_that_is_gone_ends_only_its_own_wallet(servers: dict[str, SimServer], host: str) -> None:
    servers[host].stop()
    report = run(on_hosts(servers), deadline=8.0)
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    lost = {"fapi": "usdm", "eapi": "option"}[host]
    assert verdicts.pop(lost) is Verdict.UNREACHABLE
    assert set(verdicts.values()) == {Verdict.CLEAR}
    assert report.verdict is Verdict.UNPROVEN
    assert all(server.open_orders() == [] for name, server in servers.items() if name != host)


def test_a_ban_on_one_host_leaves_the_others_their_proof(servers: dict[str, SimServer]) -> None:
    servers["dapi"].set_faults(["refused=host"])
    report = run(on_hosts(servers), deadline=8.0)
    verdicts = {segment.name: segment.verdict for segment in report.segments}
    assert verdicts.pop("coinm") is Verdict.REFUSED
    assert set(verdicts.values()) == {Verdict.CLEAR}
    assert report.verdict is Verdict.REFUSED
    assert report.error is not None
    assert "banned until" in report.error.message
    assert servers["dapi"].open_orders() != []


@pytest.mark.faults
@pytest.mark.alone("it has 8 s of wall time, of which a host takes 3")
def test_a_host_that_hangs_holds_up_no_cancel_on_the_others(servers: dict[str, SimServer]) -> None:
    """The first cancels, unseen, all go to the host of options: what has to be listed first is on the others."""
    profile, events = on_hosts(servers), []

    def connect(profile: Profile) -> Send:
        good = over_the_network(profile, {})

        async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
            if signed.origin == servers["eapi"].origin:
                await asyncio.sleep(3.0)
                events.append("given up")
                raise TransportFault("no connection", kind="timeout", sent="no")
            events.append("sent")
            return await good(signed, until, sent)

        return send

    limited = replace(profile, common=replace(profile.common, deadline=8.0))
    made = Run(profiles=[limited], environ={}, started=time.monotonic(), scale=0.1, connect=connect)
    (report,) = asyncio.run(made.all())
    assert events[0] == "sent"
    assert report.verdict is Verdict.UNPROVEN
    assert all(server.open_orders() == [] for name, server in servers.items() if name != "eapi")


# --- what the account has -------------------------------------------------------------------------------------------


def test_portfolio_margin_takes_the_place_of_other_wallets_without_a_pause() -> None:
    result = cleared(faced("binance", account="pm", weather=Weather(latency=0.1)))
    assert [result.segments[name] for name in ("usdm", "coinm", "margin")] == ["absent"] * 3
    read = next(sent for sent in result.log if sent.request.path == "/sapi/v1/account/info")
    spot = next(sent for sent in result.log if sent.request.path == "/api/v3/openOrders")
    assert spot.at < read.at + 0.1, "what is known does not wait for it"


def test_while_nobody_knows_whether_portfolio_margin_is_on_nothing_is_clear() -> None:
    for account in ("", "pm"):
        result = faced("binance", "edge=403~account/info", account=account, deadline=8.0)
        assert result.verdict in (Verdict.UNPROVEN, Verdict.REFUSED)
        others = [one for one in result.resting if not one.segment.startswith("pm ")]
        assert others == [], "but everything that is known goes"


def test_a_wallet_that_has_shown_an_order_is_there_whatever_the_account_says() -> None:
    result = cleared(faced("binance", "never=isFutureEnabled"))
    assert "usdm" in result.segments
    assert not [one for one in result.left if one.segment.startswith("usdm")]


def test_an_account_that_never_had_futures_is_clear_without_them() -> None:
    def only_spot(fake: FakeVenue, account: Account) -> None:
        for order in list(account.book.open()):
            if order.segment != "spot":
                account.book.close(order.id, "filled", order.created_ms)

    faults = ("never=isFutureEnabled", "lacks=usdm/-2015", "lacks=coinm/-2015", "refused=product~algo/futures")
    result = faced("binance", *faults, before=only_spot, options={"product": None})
    assert result.verdict is Verdict.CLEAR
    assert [result.segments[name] for name in ("usdm", "coinm", "usdm TWAP/VP")] == ["absent"] * 3
    alone = faced("binance", *faults[1:], before=only_spot, options={"product": None})
    assert alone.verdict is Verdict.REFUSED, "a refusal without that word"
    named = faced("binance", *faults, before=only_spot, options={"product": ["usdm"]})
    assert named.verdict is Verdict.REFUSED


def test_portfolio_margin_that_is_named_is_absent_where_it_is_off() -> None:
    result = faced("binance", options={"product": ["pm"]}, orders=0)
    assert {name: verdict for name, verdict in result.segments.items() if name.startswith("pm ")} == dict.fromkeys(
        ("pm margin", "pm usdm", "pm coinm"), "absent"
    )


def test_pairs_that_the_account_shows_late_are_swept() -> None:
    result = cleared(faced("binance", "slow-listing:read=1.5~isolated/account", "absent:read@1~isolated/account"))
    assert "isolated BTCUSDT" in result.segments


# --- books, lists, parents ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["no-mass=algoOpenOrders/404", "no-mass=algoOpenOrders/-5000"])
def test_conditional_orders_go_by_name_where_their_cancel_by_symbol_does_not_exist(fault: str) -> None:
    """That of COIN-M is in no document."""
    result = faced("binance", fault, deadline=25.0, options={"product": ["coinm"]})
    assert not [one for one in result.left if one.segment.startswith("coinm")]
    assert any(path == "DELETE /dapi/v1/algoOrder" for path in result.paths)


def test_a_path_that_was_given_up_is_no_word_on_the_orders_behind_it() -> None:
    """On a host that has moved on, every call of a product may be answered so: the product is there."""
    result = faced("binance", 'json={"code":-5000,"msg":"Path is invalid"}~/fapi/', "status=404~/fapi/", deadline=8.0)
    assert result.segments["usdm"] == "refused"
    assert result.verdict is Verdict.REFUSED


def test_unknown_order_is_no_proof() -> None:
    """-2011 is what a cancel in the wrong wallet says, too."""
    lie = 'json:cancel={"code":-2011,"msg":"Unknown order sent."}'
    result = faced("binance", lie, "status:cancel=400", deadline=6.0, options={"product": ["spot"]})
    assert result.verdict is not Verdict.CLEAR
    assert result.resting


def test_parents_are_stopped_before_what_they_place() -> None:
    """A parent that works places the next order in the place of the one that was cancelled."""
    result = cleared(faced("binance", options={"product": ["usdm"]}, weather=Weather(latency=0.05)))
    children = [one for one in result.world.owners[0].account.book.closed() if "child" in one.extra]
    assert children


def test_a_list_that_stays_open_is_a_contradiction() -> None:
    result = faced("binance", "lists-stay", deadline=10.0, options={"product": ["spot"]})
    assert result.verdict is Verdict.UNPROVEN
    assert "another answer of the venue says" in result.error.message
    assert result.resting == ()


def test_an_answer_about_another_conditional_order_is_told() -> None:
    result = faced("binance", "other-id", mode="keep-protective")
    assert any("the answer is about" in warning for warning in result.report.warnings)


@pytest.mark.parametrize("seconds", [-600, -7, 7, 600])
def test_a_timestamp_is_corrected_in_both_directions(seconds: int) -> None:
    result = cleared(faced("binance", f"clock={seconds}", options={"product": ["spot"]}))
    assert any(sent.status == 400 for sent in result.log)


def test_weights_keep_a_crowded_address_off_the_ban() -> None:
    """What others have used up stands in the headers; the limit is that of the address, over all profiles."""
    result = cleared(faced("binance", "used=0.9", accounts=1, orders=60))
    assert 418 not in result.statuses


# --- the memory -----------------------------------------------------------------------------------------------------


def test_symbols_of_the_last_run_are_fired_at_before_anything_is_read(home: Path) -> None:
    state = home / "state"
    with simulator.start("binance", orders=40) as server:
        file = write_config(home / "c.toml", {"binance": profile_table("binance", server)})
        env = {"XDG_STATE_HOME": str(state)}
        first = cancelall("binance", "--config", str(file), "--dry-run", "--json", home=home, env=env)
        assert first.code == 0, first.err
        (kept,) = (state / "cancelall" / "open-symbols").iterdir()
        said = json.loads(kept.read_text())
        assert {"usdm", "spot", "isolated BTCUSDT"} <= set(said["segments"])
        words = kept.read_text()
        assert not [one for one in (*server.credentials.values(), '"id"', "quantity") if one in words]
        before = len(server.requests)
        second = cancelall("binance", "--config", str(file), "--json", home=home, env=env)
        assert (second.code, server.open_orders()) == (0, []), second.err
        blind = [one.path for one in server.requests[before : before + 12] if one.kind is Kind.CANCEL]
        assert "/fapi/v1/allOpenOrders" in blind or "/api/v3/openOrders" in blind, blind


@pytest.mark.faults
def test_orders_that_went_before_a_listing_showed_them_are_told_with_their_stops(home: Path) -> None:
    """The symbols of the last run are fired at blind, and the listings come late: answers and histories name all."""
    with simulator.start("binance", orders=40) as server:
        file = write_config(home / "c.toml", {"binance": profile_table("binance", server)})
        env = {"XDG_STATE_HOME": str(home / "state")}
        assert cancelall("binance", "--config", str(file), "--dry-run", home=home, env=env).code == 0
        server.set_faults(["slow-listing=0.5~openAlgoOrders", "slow-listing=0.5~openOrders"])
        stock = {one.id: one for one in server.open_orders() if not one.segment.startswith("algo-")}
        ran = cancelall("binance", "--config", str(file), "--json", home=home, env=env)
        assert (ran.code, server.open_orders()) == (0, []), ran.err
    said = json.loads(ran.out)
    rows = {row["id"]: row for row in said["orders"] if row["id"] in stock}
    assert set(rows) == set(stock)
    assert {(row["symbol"], row["state"]) for row in rows.values()} == {
        (one.symbol, "cancelled") for one in stock.values()
    }
    assert {one.client_id for one in stock.values()} == {row["client_id"] or "" for row in rows.values()}
    assert any("protective order(s)" in one for one in said["warnings"])
    stops = [row for row in rows.values() if row["symbol"] == "BTCUSD_PERP" and row["type"] == "stop_market"]
    assert stops
    assert all(row["protective"] for row in stops)


@pytest.mark.parametrize("text", ["{", *(pytest.param(one, marks=pytest.mark.faults) for one in ("", '{"schema":1}'))])
def test_a_spoilt_memory_is_none(home: Path, text: str) -> None:
    folder = home / "state" / "cancelall" / "open-symbols"
    folder.mkdir(parents=True)
    (folder / "binance.json").write_text(text)
    with simulator.start("binance", orders=12) as server:
        env = {**environment("binance", server), "XDG_STATE_HOME": str(home / "state")}
        ran = cancelall("binance", "--json", home=home, env=env)
    assert ran.code == 0, ran.err
    assert "usdm" in json.loads((folder / "binance.json").read_text())["segments"], "it is written anew"


def test_what_is_remembered_and_gone_is_harmless() -> None:
    from unittest.mock import patch

    from cancelall.engine import memory

    old = (("usdm", ("GONEUSDT", "BTCUSDT")), ("spot", ("GONEUSDT",)), ("isolated GONEUSDT", ("GONEUSDT",)))
    with patch.object(memory, "recall", lambda profile, environ: old):
        result = cleared(faced("binance"))
    first = [sent.request for sent in result.log if sent.kind is Kind.CANCEL][:6]
    assert any("GONEUSDT" in request.query for request in first)
    assert result.segments["isolated GONEUSDT"] == "absent"


def test_what_others_use_up_holds_up_no_cancel_by_name_while_there_is_room() -> None:
    """With --keep-protective every cancel is one: orders must not rest until just before the deadline."""
    result = faced("binance", "used=0.9", mode="keep-protective", options={"product": ["usdm"]})
    named = [sent.at for sent in result.log if sent.request.method == "DELETE" and "/fapi/" in sent.request.path]
    assert named[0] - result.log[0].at < 1.0
    assert 418 not in result.statuses


def test_two_profiles_share_the_weights_of_one_address() -> None:
    with simulator.start("binance", orders=12) as server:
        second = server.fake.add_account(orders=12)
        tables = {
            "one": profile_table("binance", server),
            "two": {**profile_table("binance", server), "credentials": dict(second.credentials)},
        }
        reports = swept(tables)
        assert [report.verdict for report in reports] == [Verdict.CLEAR] * 2
        assert server.open_orders() == []


@pytest.mark.faults
def test_other_keys_sign_as_well() -> None:
    """https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security"""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    edwards = ed25519.Ed25519PrivateKey.generate()
    raw = edwards.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for key, known in ((edwards, {"ed25519_public_key": raw}), (other, {"rsa_public_key": public})):
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        with simulator.start("binance", orders=0) as server:
            server.fake.accounts.clear()
            server.fake.add_account({"api_key": "SIMKEY", "api_secret": "unused", **known}, orders=12)
            table = {"venue": "binance", "base_url": server.origin}
            credentials = {"api_key": "SIMKEY", "api_secret": text}
            (report,) = swept({"binance": {**table, "credentials": credentials}})
            assert report.verdict is Verdict.CLEAR, report.error
            assert server.open_orders() == []


def test_kill_is_over_sockets_what_it_is_in_virtual_time() -> None:
    with simulator.start("binance", orders=20, faults=["mode=pm"]) as server:
        before = ids(server.open_orders())
        report = kill("binance", server)
        assert server.open_orders() == []
    assert report.verdict is Verdict.CLEAR, report.error
    assert before
