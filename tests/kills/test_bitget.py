"""The kill on a Bitget account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.simulator import SimServer
from cancelall.venues.bitget.options import BitgetOptions
from kills.truth import BITGET
from kills.virtual import Faced, cleared, faced, ids
from support import a_run, kill, profile_table, swept

MIX, V3 = "/api/v2/mix/order", "/api/v3/trade"
CANCEL_ALL = f"{MIX}/cancel-all-orders"
FUTURES = ["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"]
# One product of the account: the venue's limits make a kill of all of it take four seconds.
ONE = BITGET.product
IN_ONE = ("USDT-FUTURES", "USDT-FUTURES plan", "unified USDT-FUTURES", "unified USDT-FUTURES strategy")

each_mode = pytest.mark.parametrize("mode", ["", "unified"], ids=["classic", "unified"])


def one(*faults: str, account: str = "", **more: Any) -> Faced:
    """A kill of one product."""
    return faced("bitget", *faults, account=account, **{"orders": 40, "options": ONE, **more})


def left(result: Faced, *segments: str) -> set[str]:
    return {order.id for order in result.left if not segments or order.segment in segments}


def bodies(result: Faced, end: str) -> list[Any]:
    return [json.loads(sent.request.body) for sent in result.log if sent.request.path.endswith(end)]


VARIANTS = {
    "a classic API that serves is not left out by another word": ("hybrid", ["account-mode=unified"]),
    "a key that may not read the settings is enough": ("unified", ["lacks=settings/40014"]),
    "even of an account with both": ("hybrid", ["lacks=settings/40014"]),
    "a mass cancel that took an order contradicts an empty listing": (
        "unified",
        ["partial", "forgets=1~unfilled-orders?"],
    ),
    "a unified mass cancel may answer this to nothing": ("unified", ["nothing=25204"]),
    "or this": ("unified", ["nothing=25578"]),
    "or anything": ("unified", ["nothing=99999"]),
    "a trigger that fires in between": ("", ["fires@2"]),
    "a strategy that fires in between": ("unified", ["fires@2"]),
    "strategies that the listing without a type leaves out": ("unified", ["tpsl-only"]),
    "types of strategies that an account does not know": ("unified", ["strategy-types=tpsl"]),
    **{
        f"pages that do not say where to read on: {value} {mode}": (mode, [f"no-way-on={value}"])
        for value in ("missing", "null", "empty")
        for mode in ("", "unified")
    },
}


@pytest.mark.parametrize(("mode", "faults"), VARIANTS.values(), ids=VARIANTS)
def test_what_the_venue_may_do_ends_clear(mode: str, faults: list[str]) -> None:
    cleared(one(*faults, account=mode, orders=60))
    if any("no-way-on" in fault for fault in faults):
        shown = one(*faults, account=mode, mode="dry-run")
        assert shown.ended("open") == left(shown, *IN_ONE)


def test_a_hybrid_account_is_open_when_one_half_is() -> None:
    result = one("ack-only~/api/v3", account="hybrid", orders=60, deadline=6.0)
    assert result.verdict is Verdict.OPEN
    assert not left(result, "USDT-FUTURES", "USDT-FUTURES plan")
    assert left(result, "unified USDT-FUTURES")


def test_orders_of_a_bot_are_named_with_the_reason() -> None:
    result = one("bot-orders", deadline=6.0)
    (stuck,) = left(result, "USDT-FUTURES")
    (row,) = [row for row in result.report.orders if row.state.value == "failed"]
    assert result.verdict is Verdict.OPEN
    assert (row.order.id, row.order.origin, row.reason) == (
        stuck,
        "strategy_positive",
        "45056 The current order type cannot be cancelled",
    )


@pytest.mark.parametrize("fault", ["listing-fails", "json:listing={}", "html:listing=404", "stall:listing"])
def test_plan_orders_that_no_listing_shows_are_cancelled_unseen(fault: str) -> None:
    result = one(f"{fault}~plan-pending", deadline=10.0)
    assert left(result, *IN_ONE) == set()
    assert result.report.exit_status == 11


@each_mode
def test_null_for_a_whole_listing_is_not_empty(mode: str) -> None:
    fault = 'json:listing={"code":"00000","msg":"success","requestTime":1,"data":null}'
    assert faced("bitget", fault, account=mode, deadline=10.0).verdict is Verdict.UNPROVEN


def test_margin_orders_of_a_classic_account_are_named_and_left() -> None:
    with simulator.start("bitget", orders=40, faults=["margin=2"]) as server:
        margin = {order.id for order in server.open_orders() if order.segment in ("crossed", "isolated")}
        report = kill("bitget", server)
        assert (report.verdict, {order.id for order in server.open_orders()}) == (Verdict.CLEAR, margin)
    assert any("margin orders of a classic account" in words for words in report.not_covered)


UNREADABLE = ("json:read=[]", "status:read=500", "empty-body:read")

# --- the account's mode ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "account", "verdict", "words"),
    [
        *(([fault], "hybrid", Verdict.UNPROVEN, "account mode") for fault in UNREADABLE),
        *(
            ([f"account-mode={mode}"], "unified", Verdict.UNPROVEN, mode)
            for mode in ("upgrading", "switching", "somethingnew")
        ),
        (["lacks=/api/v2/mix/40085", "lacks=/api/v3/40084"], "", Verdict.REFUSED, ""),
    ],
)
def test_while_the_mode_is_not_known_nothing_is_clear(
    faults: list[str], account: str, verdict: Verdict, words: str
) -> None:
    """It cannot be read; it is just being switched; both APIs refuse the account."""
    result = one(*faults, account=account, orders=60, deadline=10.0)
    assert (result.verdict, result.report.exit_status) == (verdict, verdict.exit_status)
    assert words in result.error.message
    assert left(result, "unified USDT-FUTURES") or account != "hybrid"
    assert result.error.kind == "mode" or verdict is not Verdict.REFUSED


def test_a_listing_reveals_the_mode_too() -> None:
    """Which answer comes first, the refused read or the listing, decides how the segments are called, not which."""
    result = one("lacks=settings/40014", account="unified", mode="dry-run")
    named = {name.removeprefix("unified "): verdict for name, verdict in result.segments.items()}
    assert named == {"USDT-FUTURES strategy orders": "open", "USDT-FUTURES": "open"}


# --- protective orders ----------------------------------------------------------------------------------------------


def test_keep_protective_is_exact_on_unified_futures() -> None:
    result = cleared(one(account="unified", mode="keep-protective", orders=60, options={"product_type": FUTURES}))
    segments = [f"unified {product}{end}" for product in FUTURES for end in ("", " strategy")]
    mine = [order for order in result.stock if order.segment in segments]
    assert left(result, *segments) == {order.id for order in mine if result.holds(order, "protective")}
    assert f"{V3}/cancel-symbol-order" not in {sent.request.path for sent in result.log}


def test_rows_of_hedge_mode_that_tell_neither_mode_nor_reduce_only() -> None:
    """What closes a position by its sides is kept, and what cannot be told; what opens one goes."""
    result = one("bare-rows", account="unified", mode="keep-protective", orders=60, deadline=10.0)
    mine = [order for order in result.stock if order.segment == "unified USDT-FUTURES"]
    sides = {order.id: (order.extra.get("posSide"), order.side) for order in mine}
    assert {("long", "sell"), ("short", "buy")} & set(sides.values())
    opening = {name for name, pair in sides.items() if pair in (("long", "buy"), ("short", "sell"))}
    assert opening
    assert (result.verdict, left(result, "unified USDT-FUTURES")) == (Verdict.OPEN, sides.keys() - opening)


def test_unified_spot_strategies_that_do_not_tell_their_side_are_kept_and_open() -> None:
    options = {"product_type": ["SPOT"]}
    result = one(account="unified", mode="keep-protective", orders=60, options=options, deadline=10.0)
    spot = [order for order in result.stock if order.segment == "unified SPOT strategy"]
    goes = {order.id for order in spot if order.kind == "twap"}
    assert (result.verdict, left(result, "unified SPOT strategy")) == (Verdict.OPEN, ids(spot) - goes)
    assert goes
    assert not left(result, "unified SPOT")


@pytest.mark.parametrize("fault", ["", "trailing=moving_plan", "trailing=normal_plan", "batch=20", "lower-case"])
def test_every_kind_of_plan_order_is_really_gone(fault: str) -> None:
    result = cleared(one(*filter(None, [fault]), orders=120))
    mine = [order for order in result.stock if order.segment == "USDT-FUTURES plan"]
    assert len({order.kind for order in mine}) == 7
    assert ids(mine) <= result.ended("cancelled")
    for body in bodies(result, "/cancel-plan-order"):
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
    named = [body for body in bodies(cleared(one(*faults)), "/cancel-plan-order") if "orderIdList" in body]
    assert {body.get("planType") for body in named} - {"track_plan", None} - ({"moving_plan"} - by_name) == by_name


def test_a_trailing_order_is_tried_by_its_own_word_before_the_others() -> None:
    """By type first; its other words go only for what is listed after that."""
    result = one("trailing=another", deadline=6.0)
    sent = bodies(result, "/cancel-plan-order")
    first = next(number for number, body in enumerate(sent) if "orderIdList" in body)
    assert {"productType": "USDT-FUTURES", "planType": "track_plan"} in sent[:first]
    named = [body for body in sent if "orderIdList" in body]
    assert {body.get("planType") for body in named} == {"track_plan", "moving_plan", None}
    mine = {order.id for order in result.stock if order.kind == "track_plan"}
    assert {each["orderId"] for body in named for each in body["orderIdList"]} <= mine


def test_a_batch_call_that_is_refused_has_a_single_one_in_its_place() -> None:
    result = one("lacks=batch-cancel-orders/40404", "lacks=cancel-all-orders/40404", deadline=8.0)
    assert left(result, "USDT-FUTURES") == set()


# --- proof ----------------------------------------------------------------------------------------------------------


def test_what_the_listing_hides_is_found_by_the_witness() -> None:
    """Listings that forget old orders, and cancels that take half: without the venue's own word this would be clear."""
    result = cleared(one("partial", "forgets=1~orders-pending?"))
    assert {order.id for order in result.stock if order.segment == "USDT-FUTURES"} <= result.ended("cancelled")
    assert sum(sent.request.path == CANCEL_ALL for sent in result.log) > 2


def test_plan_orders_that_the_listing_forgets_are_cancelled_unseen() -> None:
    """A position's TP/SL can be older than the three months that a listing may look back."""
    result = cleared(one("forgets=1~orders-plan-pending?"))
    plans = {order.id for order in result.stock if order.segment == "USDT-FUTURES plan"}
    rows = {row.order.id: row for row in result.report.orders if row.order.id in plans}
    assert rows.keys() == plans == plans & result.ended("cancelled")
    assert all(row.order.symbol for row in rows.values()), "the history tells of what only a cancel has named"
    some = one("forgets=1~orders-plan-pending?", options={**ONE, "symbol": ["BTCUSDT"]})
    assert {order.symbol for order in some.left if order.segment == "USDT-FUTURES plan"} == {"ETHUSDT"}
    assert {body["symbol"] for body in bodies(some, "cancel-plan-order")} == {"BTCUSDT"}


def test_plan_orders_that_are_kept_are_not_cancelled_unseen() -> None:
    """And nothing but the warning tells of those that no listing shows."""
    with simulator.start("bitget", orders=40, faults=["forgets=1~orders-plan-pending?"]) as server:
        report = kill("bitget", server, options={**ONE, "keep_protective": True})
        assert len([order for order in server.open_orders() if order.segment == "USDT-FUTURES plan"]) > 4
        assert not [request for request in server.requests if request.path.endswith("cancel-plan-order")]
    assert any("did not come" in warning for warning in report.warnings)


@pytest.mark.parametrize("status", [200, 400])
def test_the_last_word_is_22001_with_either_status(status: int) -> None:
    result = cleared(one(f"empty={status}"))
    assert [sent.status for sent in result.log if sent.request.path == CANCEL_ALL][-1] == status


def test_without_the_witness_nothing_is_clear() -> None:
    result = one("lacks=cancel-all-orders/99999", deadline=10.0)
    assert left(result, *IN_ONE) == set()
    assert result.segments == {"USDT-FUTURES plan orders": "clear", "USDT-FUTURES": "unproven"}


def test_partly_filled_orders_that_the_listing_of_live_ones_leaves_out_are_seen() -> None:
    result = one("live-only", mode="dry-run", orders=120)
    partly = {order.id for order in result.stock if order.segment == "USDT-FUTURES" and order.remaining != "1"}
    assert partly
    assert partly <= result.ended("open")


def test_an_order_is_named_once_in_a_second_at_most() -> None:
    result = one("ack-only~batch-cancel-orders", "lacks=cancel-all-orders/40404", deadline=8.0)
    struck: dict[str, list[float]] = {}
    for sent in result.log:
        if sent.request.path == f"{MIX}/batch-cancel-orders":
            for each in json.loads(sent.request.body)["orderIdList"]:
                struck.setdefault(each["orderId"], []).append(sent.at)
    assert max(map(len, struck.values())) >= 3
    assert all(after - before >= 1.0 for times in struck.values() for before, after in pairwise(times))


FIELDS = ("price", "size", "side", "symbol", "status", "planStatus", "planType", "cTime", "reduceOnly", "clientOid")


@pytest.mark.parametrize("field", [*FIELDS, "orderId", "qty", "orderStatus", "posSide", "createdTime"])
@each_mode
def test_one_odd_row_keeps_no_order_from_being_cancelled(mode: str, field: str) -> None:
    """Named or not: what is shown with it goes; and once nothing odd is shown any more, it is clear."""
    lacks = ("lacks=cancel-all-orders/40404", "lacks=cancel-symbol-order/40404")
    result = one(f"odd-field={field}", *lacks, account=mode, deadline=10.0)
    assert len(left(result, *IN_ONE)) <= (3 if field in ("orderId", "symbol") else 0)


@pytest.mark.parametrize("code", ["25200", "25002", "25240"])
def test_categories_without_strategies_are_optional(code: str) -> None:
    options = {"product_type": ["SPOT"]}
    faults = f"lacks=unfilled-strategy-orders?category=SPOT/{code}"
    result = one(faults, account="unified", orders=4, options=options, absent="unified SPOT strategy")
    assert (result.verdict, left(result, "unified SPOT")) == (Verdict.CLEAR, set())


def test_a_cancel_of_everything_that_does_not_say_that_there_was_nothing_contradicts_no_listing() -> None:
    """Two such answers a gap apart may be as good as 22001; one is no word at all."""
    result = one("hollow", deadline=8.0)
    assert left(result, *IN_ONE) == set()
    assert result.verdict in (Verdict.UNPROVEN, Verdict.CLEAR)
    assert not any("says otherwise" in (segment.detail or "") for segment in result.report.segments)


# --- what is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("environment", "header"), [("live", None), ("demo", "1")])
def test_demo_trading_sends_its_header_and_live_trading_does_not(environment: str, header: str | None) -> None:
    result = cleared(one(*(["demo"] if header else []), environment=environment))
    assert {sent.request.headers.get("paptrading") for sent in result.log} == {header}
    signed = [sent.request.headers for sent in result.log if "access-key" in sent.request.headers]
    assert {headers.get("locale") for headers in signed} == {"en-US"}


# --- over sockets ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    with simulator.start("bitget", orders=40, **getattr(request, "param", {})) as running:
        yield running


@pytest.mark.parametrize("server", [{}, {"faults": ["mode=unified"]}], indirect=True, ids=["classic", "unified"])
def test_a_symbol_of_another_script_is_a_symbol_like_others(server: SimServer) -> None:
    """As it stands in bodies, and in no query."""
    name = "币安人生USDT"
    like = [order for order in server.open_orders() if order.symbol == "BTCUSDT" and order.segment in IN_ONE]
    for order in like:
        server.fake.place(server.account, replace(order, id=server.fake.new_id(order), client_id="", symbol=name))
    rest = {order.id for order in server.open_orders() if order.symbol != name}
    run = a_run({"bitget": profile_table("bitget", server)})
    named = replace(run.profiles[0], options=BitgetOptions(symbol=(name,)))
    (report,) = asyncio.run(replace(run, profiles=[named]).all())
    assert (report.verdict, {order.id for order in server.open_orders()}) == (Verdict.CLEAR, rest)
    assert len(report.orders) == len(like)
    assert all(request.query.isascii() and "%" not in request.query for request in server.requests)


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
    (report,) = swept({"bitget": table})
    assert report.verdict is Verdict.CLEAR
    assert {order.segment for order in server.open_orders(other)}.isdisjoint(IN_ONE)
    assert len(server.open_orders(server.account)) == 40
