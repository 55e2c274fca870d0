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
from cancelall.core.model import Verdict
from cancelall.core.profile import Overrides
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Run
from cancelall.simulator import SimOrder, SimServer
from cancelall.venues.bitget.options import Options
from support import kill, profile_table, swept

MIX, SPOT, V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"
CANCEL_ALL = f"{MIX}/cancel-all-orders"
PRODUCTS = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"]
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


def verdicts(report: ProfileReport) -> dict[str, str]:
    return {segment.name: segment.verdict.value for segment in report.segments}


def bodies(server: SimServer, *ends: str) -> list[Any]:
    return [
        json.loads(one.body) for one in server.requests if one.method == "POST" and one.path.endswith(ends or ("",))
    ]


# --- the main command -----------------------------------------------------------------------------------------------


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


# --- what cannot be cancelled, read or asked ------------------------------------------------------------------------


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
