"""The kill on the embedded Bitget, over real sockets: the client's own signer against the exchange's own checks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.model import Request, Signed, Verdict
from cancelall.core.profile import Overrides
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Run
from cancelall.simulator import SimOrder, SimServer
from cancelall.venues.bitget import venue as bitget
from cancelall.venues.bitget.options import Options
from support import cancelall, kill, profile_table, states, swept, write_config

MIX, SPOT, V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"
CANCEL_ALL = f"{MIX}/cancel-all-orders"
PRODUCTS = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"]
CATEGORIES = [*PRODUCTS, "MARGIN"]
CLASSIC = [*PRODUCTS[:3], *(f"{product} plan orders" for product in PRODUCTS), "SPOT"]
UNIFIED = [*CATEGORIES, *(f"{category} strategy orders" for category in CATEGORIES)]
# One product of the account: the venue's limits make a kill of all of it take four seconds.
ONE = {"product_type": ["USDT-FUTURES"]}
IN_ONE = ("USDT-FUTURES", "USDT-FUTURES plan", "unified USDT-FUTURES", "unified USDT-FUTURES strategy")
ENOUGH = 20.0


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    with simulator.start("bitget", **getattr(request, "param", {})) as running:
        yield running


def with_faults(*faults: str, **more: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("server", [{"faults": faults, **more}], indirect=True, ids=["-".join(faults)])


MODES = pytest.mark.parametrize("server", [{}, {"faults": ["mode=unified"]}], indirect=True, ids=["classic", "unified"])


def left(server: SimServer, *segments: str) -> set[str]:
    return {order.id for order in server.open_orders() if not segments or order.segment in segments}


def others(server: SimServer, *segments: str) -> set[str]:
    return left(server) - left(server, *segments)


def verdicts(report: ProfileReport) -> dict[str, str]:
    return {segment.name: segment.verdict.value for segment in report.segments}


def bodies(server: SimServer, *ends: str) -> list[Any]:
    return [
        json.loads(one.body) for one in server.requests if one.method == "POST" and one.path.endswith(ends or ("",))
    ]


# --- the main command -----------------------------------------------------------------------------------------------


def test_the_command_empties_an_account_that_holds_every_kind(server: SimServer, home: Path) -> None:
    before = left(server)
    assert len({(order.segment, order.kind) for order in server.open_orders()}) > 20
    file = write_config(home / "c.toml", {"bitget": profile_table("bitget", server)})
    ran = cancelall("bitget", "--config", str(file), "--json", home=home)
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    line = ran.line
    assert (line["verdict"], line["exit_code"], line["error"]) == ("clear", 0, None)
    assert [(one["name"], one["verdict"]) for one in line["segments"]] == [(name, "clear") for name in CLASSIC]
    assert {row["id"] for row in line["orders"]} == before
    assert line["counts"]["cancelled"] == len(before)
    assert any("protective order(s)" in one for one in line["warnings"])
    assert "margin orders of a classic account (cross and isolated)" in line["not_covered"]
    for secret in server.credentials.values():
        assert secret not in ran.out + ran.err


@with_faults("mode=unified")
def test_a_unified_account_needs_no_option_that_says_so(server: SimServer, home: Path) -> None:
    before = left(server)
    file = write_config(home / "c.toml", {"bitget": profile_table("bitget", server)})
    ran = cancelall("bitget", "--config", str(file), "--json", home=home)
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    assert [(one["name"], one["verdict"]) for one in ran.line["segments"]] == [(name, "clear") for name in UNIFIED]
    assert {row["id"] for row in ran.line["orders"]} == before


@with_faults("mode=hybrid", orders=60)
def test_a_hybrid_account_is_clear_when_both_halves_are(server: SimServer) -> None:
    report = kill("bitget", server, deadline=ENOUGH)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    names = set(verdicts(report))
    assert names == {*CLASSIC, *(f"unified {name}" for name in UNIFIED)}


@with_faults("mode=hybrid", "ack-only~/api/v3", orders=60)
def test_a_hybrid_account_is_open_when_one_half_is(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=3)
    assert report.verdict is Verdict.OPEN
    assert not left(server, "USDT-FUTURES", "USDT-FUTURES plan")
    assert left(server, "unified USDT-FUTURES")


@with_faults("mode=hybrid", "account-mode=unified", orders=60)
def test_a_classic_api_that_serves_is_not_left_out_by_another_word(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@MODES
def test_the_first_request_is_a_cancel(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are signed: two requests on two connections may overtake each other on the way."""
    signed: list[str] = []

    def sign(request: Request, *more: Any) -> Signed:
        signed.append(request.path)
        return bitget.sign(request, *more)

    monkeypatch.setattr(bitget, "VENUE", replace(bitget.VENUE, sign=sign))
    kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert signed[0] == CANCEL_ALL
    assert len(signed) >= len(server.requests) > 5  # a read that the account's mode has overtaken is never sent


@with_faults(orders=1200)
def test_a_thousand_orders_within_the_limits(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=30)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
    assert 429 not in {request.status for request in server.requests}


# --- what cannot be cancelled, read or asked ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["classic", "unified"])
def test_a_success_that_cancels_nothing_is_open(mode: str) -> None:
    with simulator.start("bitget", faults=[f"mode={mode}", "ack-only"]) as server:
        report = kill("bitget", server, options=ONE, deadline=3)
        mine = left(server, *IN_ONE)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    assert {row.order.id for row in report.orders if row.state.value in ("open", "failed")} == mine


@with_faults("bot-orders")
def test_orders_of_a_bot_are_named_with_the_reason(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=3)
    (stuck,) = [order for order in server.open_orders() if order.segment == "USDT-FUTURES"]
    (row,) = [row for row in report.orders if row.state.value == "failed"]
    assert report.verdict is Verdict.OPEN
    assert (row.order.id, row.order.origin, row.reason) == (
        stuck.id,
        "strategy_positive",
        "45056 The current order type cannot be cancelled",
    )


@pytest.mark.parametrize("mode", ["classic", "unified"])
@pytest.mark.parametrize(
    "fault",
    "listing-fails json:listing=[] json:listing={} truncated:listing empty-body:listing html:listing "
    "duplicate-keys:listing status:listing=404".split(),
)
@pytest.mark.faults
def test_an_unreadable_listing_is_never_empty(mode: str, fault: str) -> None:
    with simulator.start("bitget", orders=20, faults=[f"mode={mode}", fault]) as server:
        report = kill("bitget", server, options=ONE, deadline=1.2)
        rest = left(server, *IN_ONE)
    if fault.startswith("duplicate-keys") and not rest:  # then there is nothing to write twice
        return
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)


@pytest.mark.parametrize("fault", ["listing-fails", "json:listing={}", "html:listing=404", "stall:listing"])
def test_plan_orders_that_no_listing_shows_are_cancelled_unseen(fault: str) -> None:
    with simulator.start("bitget", faults=[f"{fault}~plan-pending"]) as server:
        assert left(server, "USDT-FUTURES plan")
        report = kill("bitget", server, options=ONE, deadline=1.5)
        assert left(server, *IN_ONE) == set()
    assert report.exit_status == 11


@MODES
def test_null_for_a_whole_listing_is_not_empty(server: SimServer) -> None:
    server.set_faults(['json:listing={"code":"00000","msg":"success","requestTime":1,"data":null}'])
    report = kill("bitget", server, deadline=1.2)
    assert report.verdict is Verdict.UNPROVEN


@with_faults("null-lists")
def test_null_lists_inside_their_object_are_empty(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@pytest.mark.parametrize(
    ("fault", "kind", "hint"),
    [
        ("key", "auth", "wrong or deleted key"),
        ("ip", "ip", "add this machine's address"),
        ("demo", "environment", "environment demo"),
    ],
)
def test_a_refused_key_is_tried_no_further(fault: str, kind: str, hint: str, home: Path) -> None:
    with simulator.start("bitget", faults=[fault]) as server:
        file = write_config(home / "c.toml", {"bitget": profile_table("bitget", server)})
        ran = cancelall("bitget", "--config", str(file), "--json", home=home)
        sent = [(one.method, one.path, one.query, one.body) for one in server.requests]
        assert len(server.open_orders()) == 40
    assert (ran.code, ran.line["verdict"], ran.line["error"]["kind"]) == (4, "refused", kind)
    assert hint in ran.line["error"]["hint"]
    assert len(sent) == len(set(sent)), "the first volley, and nothing twice"


def test_a_wrong_secret_and_a_wrong_passphrase_are_refused(server: SimServer) -> None:
    for field, code in (("api_secret", "40009"), ("passphrase", "40012")):
        table = profile_table("bitget", server)
        table["credentials"] = {**server.credentials, field: "DUMMYwrong"}
        (report,) = swept({"bitget": table})
        assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
        assert report.error is not None
        assert code in report.error.message
    assert len(server.open_orders()) == 40


@with_faults("permission=USDC-FUTURES")
def test_a_product_that_the_key_may_not_trade_leaves_the_others_alone(server: SimServer) -> None:
    report = kill("bitget", server, options={"product_type": ["USDT-FUTURES", "USDC-FUTURES"]}, deadline=ENOUGH)
    assert report.exit_status in (4, 10)
    assert verdicts(report)["USDT-FUTURES"] == verdicts(report)["USDT-FUTURES plan orders"] == "clear"
    assert not left(server, *IN_ONE)
    assert left(server, "USDC-FUTURES")


@with_faults("lacks=COIN-FUTURES/40731")
def test_what_a_copy_trading_account_does_not_have_is_absent(server: SimServer) -> None:
    report = kill("bitget", server, options={"product_type": ["USDT-FUTURES", "COIN-FUTURES"]}, deadline=ENOUGH)
    assert report.verdict is Verdict.CLEAR
    assert verdicts(report)["COIN-FUTURES"] == verdicts(report)["COIN-FUTURES plan orders"] == "absent"


@pytest.mark.parametrize("code", ["40081", "40105", "40110", "22030", "40034", "40199", "40022", "40031"])
@pytest.mark.faults
def test_no_other_word_of_a_product_is_absence(code: str) -> None:
    """Neither demo trading's, on live, nor those of a parameter, a right or a ban: orders may rest there."""
    with simulator.start("bitget", faults=[f"lacks=COIN-FUTURES/{code}"]) as server:
        options = {"product_type": ["USDT-FUTURES", "COIN-FUTURES"]}
        report = kill("bitget", server, options=options, deadline=1.5)
        assert left(server, "COIN-FUTURES")
    assert report.verdict is not Verdict.CLEAR
    assert "absent" not in verdicts(report).values()


@with_faults("margin=2")
def test_margin_orders_of_a_classic_account_are_named_and_left(server: SimServer) -> None:
    margin = left(server, "crossed", "isolated")
    report = kill("bitget", server, deadline=ENOUGH)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, margin)
    assert any("margin orders of a classic account" in words for words in report.not_covered)


# --- the account's mode ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["json:read=[]", "status:read=500", "empty-body:read"])
@pytest.mark.faults
def test_while_the_mode_is_not_known_nothing_is_clear(fault: str) -> None:
    with simulator.start("bitget", faults=["mode=hybrid", fault], orders=60) as server:
        report = kill("bitget", server, options=ONE, deadline=3)
        assert left(server, "unified USDT-FUTURES")
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert report.error is not None
    assert "account mode" in report.error.message


@pytest.mark.parametrize("mode", ["unified", "hybrid"])
def test_a_key_that_may_not_read_the_settings_is_enough(mode: str) -> None:
    with simulator.start("bitget", faults=[f"mode={mode}", "lacks=settings/40014"], orders=60) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@pytest.mark.parametrize("word", ["upgrading", "switching", "somethingnew"])
def test_an_account_that_is_being_switched_is_not_called_clear(word: str) -> None:
    with simulator.start("bitget", faults=["mode=unified", f"account-mode={word}"]) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert report.verdict is Verdict.UNPROVEN
    assert report.error is not None
    assert word in report.error.message


@with_faults("lacks=/api/v2/mix/40085", "lacks=/api/v3/40084")
def test_an_account_that_both_apis_refuse_is_refused(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert report.error.kind == "mode"


# --- reading only ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["classic", "unified", "hybrid"])
def test_a_dry_run_changes_nothing(mode: str, home: Path) -> None:
    with simulator.start("bitget", faults=[f"mode={mode}"]) as server:
        before = server.open_orders()
        file = write_config(home / "c.toml", {"bitget": profile_table("bitget", server)})
        ran = cancelall("bitget", "--config", str(file), "--dry-run", "--json", home=home)
        assert server.open_orders() == before
        assert not any(request.changes for request in server.requests)
    assert (ran.code, ran.line["verdict"]) == (0, "open"), ran.err
    assert {row["id"] for row in ran.line["orders"]} == {order.id for order in before}
    assert any("nothing was cancelled" in words for words in ran.line["warnings"])


@with_faults("mode=unified", "lacks=settings/40014")
def test_a_listing_reveals_the_mode_too(server: SimServer) -> None:
    """Which answer comes first, the refused read or the listing, decides how the segments are called, not which."""
    report = kill("bitget", server, options=ONE, dry_run=True)
    named = {name.removeprefix("unified "): verdict for name, verdict in verdicts(report).items()}
    assert named == {"USDT-FUTURES strategy orders": "open", "USDT-FUTURES": "open"}


# --- protective orders ----------------------------------------------------------------------------------------------


def protective(order: SimOrder) -> bool:
    """What can only shrink a position, written down once more and not by the client."""
    closing = order.reduce_only or order.extra.get("tradeSide") == "close"
    if order.segment.startswith("unified"):
        hedged = order.extra.get("posMode") == "hedge_mode" or order.kind in ("oco", "trailing_stop", "iceberg", "twap")
        against = (order.extra.get("posSide"), order.side) in (("long", "sell"), ("short", "buy"))
        return closing or order.kind == "tpsl" or (hedged and against)
    if order.segment in ("SPOT", "SPOT plan"):
        return order.side == "sell" and (order.segment == "SPOT plan" or order.kind == "tpsl")
    return closing or order.kind in ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan")


def test_keep_protective_is_exact(server: SimServer) -> None:
    keep = {order.id for order in server.open_orders() if protective(order)}
    assert len(keep) > 12
    report = kill("bitget", server, options={"keep_protective": True}, deadline=ENOUGH)
    assert left(server) == keep
    assert report.verdict is Verdict.CLEAR
    assert {row.order.id for row in report.orders if row.state.value == "kept"} == keep
    assert CANCEL_ALL not in {request.path for request in server.requests}, "not even as a witness"
    assert any("protective orders are kept" in words for words in report.warnings)


@with_faults("mode=unified", orders=60)
def test_keep_protective_is_exact_on_unified_futures(server: SimServer) -> None:
    futures = {"product_type": PRODUCTS[:3], "keep_protective": True}
    segments = [f"unified {one}{end}" for one in PRODUCTS[:3] for end in ("", " strategy")]
    keep = {order.id for order in server.open_orders() if order.segment in segments and protective(order)}
    report = kill("bitget", server, options=futures, deadline=ENOUGH)
    assert (report.verdict, left(server, *segments)) == (Verdict.CLEAR, keep)
    assert f"{V3}/cancel-symbol-order" not in {request.path for request in server.requests}


@with_faults("mode=unified", "bare-rows", orders=60)
def test_rows_of_hedge_mode_that_tell_neither_mode_nor_reduce_only(server: SimServer) -> None:
    """What closes a position by its sides is kept, and what cannot be told; what opens one goes."""
    options = {"product_type": ["USDT-FUTURES"], "keep_protective": True}
    mine = [order for order in server.open_orders() if order.segment == "unified USDT-FUTURES"]
    sides = {order.id: (order.extra.get("posSide"), order.side) for order in mine}
    closing = {one for one, pair in sides.items() if pair in (("long", "sell"), ("short", "buy"))}
    opening = {one for one, pair in sides.items() if pair in (("long", "buy"), ("short", "sell"))}
    assert closing
    assert opening
    report = kill("bitget", server, options=options, deadline=2)
    assert (report.verdict, left(server, "unified USDT-FUTURES")) == (Verdict.OPEN, sides.keys() - opening)


@with_faults("mode=unified", orders=60)
def test_unified_spot_strategies_that_do_not_tell_their_side_are_kept_and_open(server: SimServer) -> None:
    goes = {order.id for order in server.open_orders() if order.kind == "twap"}
    before = left(server, "unified SPOT strategy")
    report = kill("bitget", server, options={"product_type": ["SPOT"], "keep_protective": True}, deadline=2)
    assert (report.verdict, left(server, "unified SPOT strategy")) == (Verdict.OPEN, before - goes)
    assert before & goes
    assert not left(server, "unified SPOT")


@pytest.mark.parametrize("fault", ["", "trailing=moving_plan", "trailing=normal_plan", "batch=20", "lower-case"])
def test_every_kind_of_plan_order_is_really_gone(fault: str) -> None:
    with simulator.start("bitget", orders=120, faults=[fault] if fault else []) as server:
        mine = [order for order in server.open_orders() if order.segment == "USDT-FUTURES plan"]
        assert len({order.kind for order in mine}) == 7
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
        ended = {row.order.id: row.state.value for row in report.orders}
        assert {ended[order.id] for order in mine} == {"cancelled"}
        for body in bodies(server, "/cancel-plan-order"):
            assert body.get("planType") != "profit_loss"
            assert ("symbol" in body) == ("orderIdList" in body), "by type, or by name"
            assert len(body.get("orderIdList", ())) <= 20


@pytest.mark.parametrize(
    ("faults", "by_name"),
    [
        ([], set()),
        (["hedge"], {"moving_plan"}),
        (["wants-symbol"], {"normal_plan", "loss_plan", "pos_loss", "profit_plan", "pos_profit", "moving_plan"}),
    ],
)
def test_what_the_cancel_of_a_type_leaves_goes_by_name(faults: list[str], by_name: set[str]) -> None:
    with simulator.start("bitget", faults=faults) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
        named = [body for body in bodies(server, "/cancel-plan-order") if "orderIdList" in body]
    assert {body.get("planType") for body in named} - {"track_plan", None} - ({"moving_plan"} - by_name) == by_name


def test_a_trailing_order_is_tried_by_its_own_word_before_the_others() -> None:
    """By type first; its other words go only for what is listed after that."""
    with simulator.start("bitget", faults=["trailing=another"]) as server:
        mine = {order.id for order in server.open_orders() if order.kind == "track_plan"}
        kill("bitget", server, options=ONE, deadline=2)
        sent = [body for body in bodies(server, "/cancel-plan-order")]
    first = next(number for number, body in enumerate(sent) if "orderIdList" in body)
    assert {"productType": "USDT-FUTURES", "planType": "track_plan"} in sent[:first]
    named = [body for body in sent if "orderIdList" in body]
    assert {body.get("planType") for body in named} == {"track_plan", "moving_plan", None}
    assert {one["orderId"] for body in named for one in body["orderIdList"]} <= mine


@with_faults("lacks=batch-cancel-orders/40404", "lacks=cancel-all-orders/40404")
def test_a_batch_call_that_is_refused_has_a_single_one_beside_it(server: SimServer) -> None:
    kill("bitget", server, options=ONE, deadline=3)
    assert left(server, "USDT-FUTURES") == set()


# --- selectors ------------------------------------------------------------------------------------------------------


def of_coin(order: SimOrder, coin: str) -> bool:
    return order.segment in ("COIN-FUTURES", "COIN-FUTURES plan") and order.extra["marginCoin"] == coin


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
@pytest.mark.parametrize("keep", [False, True])
def test_a_margin_coin_never_widens_a_cancel(coin: str, keep: bool) -> None:
    with simulator.start("bitget", orders=80) as server:
        mine = {order.id for order in server.open_orders() if of_coin(order, coin)}
        kept = {order.id for order in server.open_orders() if of_coin(order, coin) and protective(order)}
        rest = left(server) - mine
        assert len(mine) >= 4
        options = {"margin_coin": coin, "keep_protective": keep}
        report = kill("bitget", server, options=options, deadline=ENOUGH)
        assert (report.verdict, left(server)) == (Verdict.CLEAR, rest | (kept if keep else set()))
        assert {row.order.id for row in report.orders} == mine


@with_faults("mode=unified", orders=60)
def test_a_margin_coin_never_widens_a_cancel_of_a_unified_account(server: SimServer) -> None:
    mine = {
        order.id
        for order in server.open_orders()
        if order.segment.startswith("unified COIN-FUTURES") and order.symbol.startswith("BTC")
    }
    rest = left(server) - mine
    assert rest & left(server, "unified COIN-FUTURES")
    report = kill("bitget", server, options={"margin_coin": "BTC"}, deadline=ENOUGH)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, rest)
    assert f"{V3}/cancel-symbol-order" not in {request.path for request in server.requests}


@MODES
def test_a_symbol_leaves_the_others_alone(server: SimServer) -> None:
    rest = {order.id for order in server.open_orders() if order.symbol != "ETHUSDT"}
    report = kill("bitget", server, options={"symbol": ["ethusdt"]}, deadline=ENOUGH)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, rest)
    assert dict(report.scope) == {"symbol": ("ETHUSDT",)}
    assert CANCEL_ALL not in {request.path for request in server.requests}
    assert any("does not go by symbol" in words for words in report.warnings)


@MODES
def test_a_symbol_of_another_script_is_a_symbol_like_others(server: SimServer) -> None:
    """As it stands in bodies, and in no query."""
    name = "币安人生USDT"
    like = [order for order in server.open_orders() if order.symbol == "BTCUSDT" and order.segment in IN_ONE]
    for order in like:
        new = replace(order, id=server.fake.new_id(order), client_id="", symbol=name)
        server.fake.place(server.account, new)
    rest = {order.id for order in server.open_orders() if order.symbol != name}
    document = Document(path=Path("config.toml"), data={"profiles": {"bitget": profile_table("bitget", server)}})
    profile = loader.profile(document, "bitget", {}, Overrides(deadline=ENOUGH))
    named = replace(profile, options=Options(symbol=(name,)))
    (report,) = asyncio.run(Run(profiles=[named], environ={}, started=time.monotonic(), scale=0.1).all())
    assert (report.verdict, left(server)) == (Verdict.CLEAR, rest)
    assert len(report.orders) == len(like)
    assert all(request.query.isascii() and "%" not in request.query for request in server.requests)


@MODES
def test_a_product_leaves_the_others_alone(server: SimServer) -> None:
    rest = others(server, *IN_ONE)
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server)) == (Verdict.CLEAR, rest)


@pytest.mark.parametrize(
    ("options", "right"),
    [({"symbol": ["BTCUSTD"]}, "BTCUSDT"), ({"symbol": ["BTCPREP"]}, "BTCPERP"), ({"margin_coin": "BCT"}, "BTC")],
)
@MODES
def test_a_misspelt_selector_is_never_clear(server: SimServer, options: dict[str, object], right: str) -> None:
    chosen = {**options, "product_type": ["COIN-FUTURES" if "margin_coin" in options else "USDC-FUTURES"]}
    if right == "BTCUSDT":
        chosen["product_type"] = ["SPOT"]
    before = left(server)
    report = kill("bitget", server, options=chosen, deadline=ENOUGH)
    assert (report.verdict, left(server)) == (Verdict.UNPROVEN, before)
    assert report.error is not None
    assert f'did you mean "{right}"' in report.error.message


# --- proof ----------------------------------------------------------------------------------------------------------


@with_faults("partial", "forgets=1~orders-pending?")
def test_what_the_listing_hides_is_found_by_the_witness(server: SimServer) -> None:
    """Listings that forget old orders, and cancels that take half: without the venue's own word this would be clear."""
    mine = left(server, "USDT-FUTURES")
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
    assert mine <= {row.order.id for row in report.orders if row.state.value == "cancelled"}
    assert sum(request.path == CANCEL_ALL for request in server.requests) > 2


@with_faults("forgets=1~orders-plan-pending?")
def test_plan_orders_that_the_listing_forgets_are_cancelled_unseen(server: SimServer) -> None:
    """A position's TP/SL can be older than the three months that a listing may look back."""
    plans = left(server, "USDT-FUTURES plan")
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
    rows = {row.order.id: row for row in report.orders if row.order.id in plans}
    assert rows.keys() == plans
    assert {row.state.value for row in rows.values()} == {"cancelled"}
    assert all(row.order.symbol for row in rows.values()), "the history tells of what only a cancel has named"


@with_faults("forgets=1~orders-plan-pending?")
def test_plan_orders_that_are_kept_are_not_cancelled_unseen(server: SimServer) -> None:
    before = left(server, "USDT-FUTURES plan")
    report = kill("bitget", server, options={**ONE, "keep_protective": True}, deadline=ENOUGH)
    assert any("was not heard" in warning for warning in report.warnings)
    assert (bodies(server, "cancel-plan-order"), left(server, "USDT-FUTURES plan")) == ([], before)


@with_faults("forgets=1~orders-plan-pending?")
def test_plan_orders_of_a_symbol_are_cancelled_unseen_by_that_symbol(server: SimServer) -> None:
    plans = {order.id: order.symbol for order in server.open_orders() if order.segment == "USDT-FUTURES plan"}
    kill("bitget", server, options={**ONE, "symbol": ["BTCUSDT"]}, deadline=ENOUGH)
    assert {plans[one] for one in left(server, "USDT-FUTURES plan")} == {"ETHUSDT"}
    assert {body["symbol"] for body in bodies(server, "cancel-plan-order")} == {"BTCUSDT"}


@with_faults("mode=unified", "partial", "forgets=1~unfilled-orders?")
def test_a_unified_mass_cancel_that_took_an_order_contradicts_an_empty_listing(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@pytest.mark.parametrize("status", [200, 400])
def test_the_last_word_is_22001_with_either_status(status: int) -> None:
    with simulator.start("bitget", faults=[f"empty={status}"]) as server:
        assert kill("bitget", server, options=ONE, deadline=ENOUGH).verdict is Verdict.CLEAR
        assert [one.status for one in server.requests if one.path == CANCEL_ALL][-1] == status


@with_faults("lacks=cancel-all-orders/99999")
def test_without_the_witness_nothing_is_clear(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=4)
    assert left(server, *IN_ONE) == set()
    assert verdicts(report) == {"USDT-FUTURES plan orders": "clear", "USDT-FUTURES": "unproven"}


@pytest.mark.parametrize("code", ["25204", "25578", "99999"])
def test_a_unified_mass_cancel_may_answer_anything_to_nothing(code: str) -> None:
    with simulator.start("bitget", faults=["mode=unified", f"nothing={code}"]) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@pytest.mark.parametrize("mode", ["classic", "unified"])
def test_a_trigger_that_fires_in_between_is_cancelled_too(mode: str) -> None:
    with simulator.start("bitget", faults=[f"mode={mode}", "fires@2"]) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@with_faults("hidden=0.8")
def test_orders_that_the_listing_hides_for_less_than_the_gap_are_caught(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, scale=1.0, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@with_faults("live-only", orders=120)
def test_partly_filled_orders_that_the_plain_listing_leaves_out_are_seen(server: SimServer) -> None:
    partly = {order.id for order in server.open_orders() if order.segment == "USDT-FUTURES" and order.remaining != "1"}
    report = kill("bitget", server, options=ONE, dry_run=True, deadline=ENOUGH)
    assert partly
    assert partly <= {row.order.id for row in report.orders}


@with_faults("mode=unified", "tpsl-only")
def test_strategies_that_the_plain_listing_leaves_out_are_seen(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


# --- troubles that pass ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["classic", "unified"])
@pytest.mark.parametrize(
    "fault",
    "html@3 maintenance@3 error-500=0.2 error-after:cancel@4 reset-after:cancel@3 fin-after:cancel@2 "
    "truncated:cancel@2 json:cancel=[]@2 partial@2 late-cancel=0.3 lag=0.3 error-status=200".split(),
)
@pytest.mark.faults
def test_troubles_that_pass_end_clear(mode: str, fault: str) -> None:
    with simulator.start("bitget", faults=[f"mode={mode}", fault]) as server:
        report = kill("bitget", server, options=ONE, scale=0.5, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set()), report


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_wrong_clock_is_repaired_from_the_refusal(seconds: int) -> None:
    with simulator.start("bitget", faults=[f"clock={seconds}"]) as server:
        report = kill("bitget", server, options=ONE, deadline=ENOUGH)
        assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@with_faults("ack-only~batch-cancel-orders", "lacks=cancel-all-orders/40404")
def test_an_order_is_named_once_in_a_second_at_most(server: SimServer) -> None:
    kill("bitget", server, options=ONE, deadline=5)
    struck: dict[str, list[float]] = {}
    for request in server.requests:
        if request.path == f"{MIX}/batch-cancel-orders":
            for one in json.loads(request.body)["orderIdList"]:
                struck.setdefault(one["orderId"], []).append(request.arrived)
    assert max(map(len, struck.values())) >= 3
    assert all(after - before >= 1.0 for times in struck.values() for before, after in pairwise(times))


@MODES
def test_orders_that_filled_meanwhile_are_told_apart(server: SimServer) -> None:
    server.set_faults(["fill=2~cancel-all-orders", "fill=2~cancel-symbol-order"])
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    filled = {order.id for order in server.closed_orders() if order.status == "filled"}
    assert filled
    assert {row.order.id for row in report.orders if row.state.value == "filled"} == filled


@with_faults("reappear=0.05@3", orders=20)
def test_orders_that_come_back_are_cancelled(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@MODES
def test_a_status_that_nobody_documented_is_open(server: SimServer) -> None:
    server.set_faults(["unknown-status"])
    report = kill("bitget", server, options=ONE, dry_run=True)
    assert report.verdict is Verdict.OPEN
    assert states(report) == {"open": len(left(server, *IN_ONE))}


FIELDS = ("price", "size", "side", "symbol", "status", "planStatus", "planType", "cTime", "reduceOnly", "clientOid")


@pytest.mark.parametrize("field", [*FIELDS, "orderId", "qty", "orderStatus", "posSide", "createdTime"])
@MODES
@pytest.mark.faults
def test_one_odd_row_keeps_no_order_from_being_cancelled(server: SimServer, field: str) -> None:
    """Named or not: what is shown beside it goes; and once nothing odd is shown any more, it is clear."""
    server.set_faults([f"odd-field={field}", "lacks=cancel-all-orders/40404", "lacks=cancel-symbol-order/40404"])
    before = left(server, *IN_ONE)
    kill("bitget", server, options=ONE, deadline=3)
    assert len(left(server, *IN_ONE)) <= (3 if field in ("orderId", "symbol") else 0) < len(before)


@pytest.mark.parametrize("value", ["missing", "null", "empty"])
@MODES
def test_pages_that_do_not_say_where_to_read_on_are_acted_on(server: SimServer, value: str) -> None:
    server.set_faults([f"no-way-on={value}"])
    report = kill("bitget", server, options=ONE, dry_run=True)
    assert {row.order.id for row in report.orders} == left(server, *IN_ONE)
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@with_faults("mode=unified", "strategy-types=tpsl")
def test_types_of_strategy_orders_that_an_account_does_not_know_cost_nothing(server: SimServer) -> None:
    report = kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())


@pytest.mark.parametrize("code", ["25200", "25002", "25240"])
def test_categories_without_strategies_are_optional(code: str) -> None:
    faults = ["mode=unified", f"lacks=unfilled-strategy-orders?category=SPOT/{code}"]
    with simulator.start("bitget", orders=4, faults=faults) as server:
        report = kill("bitget", server, options={"product_type": ["SPOT"]}, deadline=ENOUGH)
        assert (report.verdict, left(server, "unified SPOT")) == (Verdict.CLEAR, set())


@with_faults("hollow")
def test_a_cancel_of_everything_that_does_not_say_that_there_was_nothing_contradicts_no_listing(
    server: SimServer,
) -> None:
    """Two such answers a gap apart may be as good as 22001; one is no word at all."""
    report = kill("bitget", server, options=ONE, deadline=3)
    assert left(server, *IN_ONE) == set()
    assert report.verdict in (Verdict.UNPROVEN, Verdict.CLEAR)
    assert not any("says otherwise" in (segment.detail or "") for segment in report.segments)


@MODES
def test_pages_that_go_in_circles_prove_nothing(server: SimServer) -> None:
    server.set_faults(["cursor-loop", "ack-only"])
    report = kill("bitget", server, options=ONE, deadline=2)
    assert report.verdict in (Verdict.OPEN, Verdict.UNPROVEN)


# --- what is sent ---------------------------------------------------------------------------------------------------


@with_faults("demo")
def test_demo_trading_sends_its_header(server: SimServer) -> None:
    report = kill("bitget", server, options={**ONE, "environment": "demo"}, deadline=ENOUGH)
    assert (report.verdict, left(server, *IN_ONE)) == (Verdict.CLEAR, set())
    assert {request.headers.get("paptrading") for request in server.requests} == {"1"}


def test_live_trading_does_not(server: SimServer) -> None:
    kill("bitget", server, options=ONE, deadline=ENOUGH)
    assert {request.headers.get("paptrading") for request in server.requests} == {None}
    assert {request.headers.get("locale") for request in server.requests if request.key_hint} == {"en-US"}


@MODES
def test_bodies_are_compact_and_hold_no_null(server: SimServer) -> None:
    kill("bitget", server, deadline=ENOUGH)
    sent = [request.body for request in server.requests if request.method == "POST"]
    assert len(sent) > 8
    for body in sent:
        assert b"null" not in body
        assert json.dumps(json.loads(body), separators=(",", ":")).encode() == body


def test_an_rsa_key_signs_for_the_same_account(server: SimServer) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key, passphrase = "bg_SIMrsa0123456789", "DUMMYphrase"
    other = server.add_account({"api_key": key, "passphrase": passphrase, "rsa_public_key": public})
    table = profile_table("bitget", server, **ONE)
    table["credentials"] = {"api_key": key, "api_secret": pem, "passphrase": passphrase}
    (report,) = swept({"bitget": table}, deadline=ENOUGH)
    assert report.verdict is Verdict.CLEAR
    assert {order.segment for order in server.open_orders(other)}.isdisjoint(IN_ONE)
    assert len(server.open_orders(server.account)) == 40
