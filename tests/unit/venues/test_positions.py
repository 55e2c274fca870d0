"""The positions of each venue: which listings are read for which orders, what the documents answer, and any JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import Unreadable
from cancelall.core.model import Answer, Order, Protection, Request
from cancelall.core.positions import Position, ProtectiveOrder, Role
from cancelall.venues.binance.options import BinanceFacts
from cancelall.venues.positions import PositionListing, PositionPage, load_positions
from cancelall.venues.registry import VENUES, load, schema
from unit.venues.kinds import EVERY, Kind, reply, segments

UNIFIED = replace(load("bitget").facts, mode="unified")


def listed(venue: str, facts: Any = None, **options: Any) -> tuple[PositionListing, ...]:
    """The listings of positions for the orders of a scope."""
    values = {"account_group": 6, **options} if venue == "ascendex" else options
    orders = (one for segment in segments(venue, options, facts) for stage in segment.listings for one in stage)
    return load_positions(venue).listings(schema(venue).options(**values), tuple(orders))


def read(venue: str, body: object, facts: Any = None, at: int = 0, **options: Any) -> PositionPage:
    """What one of them makes of an answer."""
    listing = listed(venue, facts, **options)[at]
    return listing.read(listing.request, reply(body))


def protective(venue: str, segment: str, row: dict[str, Any], facts: Any = None) -> ProtectiveOrder | None:
    """What an order of this row does for a position, as its segment reads it."""
    one = next(one for one in segments(venue, {}, facts) if one.name == segment)
    kind = next(kind for kind in EVERY.values() if kind.venue == venue and kind.segment == segment)
    page = one.page(kind.request, reply(kind.shape([row])))
    (order,) = page.orders
    assert order.protection is Protection.PROTECTIVE
    return load_positions(venue).protective(order)


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "facts", "options", "targets"),
    [
        (
            "bybit",
            None,
            {},
            [
                "/v5/position/list?category=linear&limit=200&settleCoin=USDT",
                "/v5/position/list?category=linear&limit=200&settleCoin=USDC",
                "/v5/position/list?category=inverse&limit=200",
                "/v5/position/list?category=option&limit=200",
                "/v5/account/info",
            ],
        ),
        (
            "bybit",
            None,
            {"symbol": ("BTCUSDT",), "category": ("linear",)},
            ["/v5/position/list?category=linear&limit=200&symbol=BTCUSDT", "/v5/account/info"],
        ),
        (
            "bybit",
            None,
            {"base_coin": "BTC", "category": ("linear", "option")},
            [
                "/v5/position/list?category=linear&limit=200&settleCoin=USDT",
                "/v5/position/list?category=linear&limit=200&settleCoin=USDC",
                "/v5/position/list?baseCoin=BTC&category=option&limit=200",
                "/v5/account/info",
            ],
        ),
        ("bybit", None, {"category": ("spot", "spread", "strategy")}, []),
        (
            "bitget",
            None,
            {},
            [f"/api/v2/mix/position/all-position?productType={one}-FUTURES" for one in ("USDT", "COIN", "USDC")],
        ),
        (
            "bitget",
            UNIFIED,
            {"product_type": ("USDT-FUTURES", "SPOT")},
            ["/api/v3/position/current-position?category=USDT-FUTURES"],
        ),
        ("bitget", None, {"product_type": ("SPOT",)}, []),
        ("ascendex", None, {}, ["/6/api/pro/v2/futures/position"]),
        ("ascendex", None, {"account_category": ("cash", "margin")}, []),
        ("pacifica", None, {"account": "7" * 44}, [f"/api/v1/positions?account={'7' * 44}", "/api/v1/info/prices"]),
        ("deltadefi", None, {}, []),
        (
            "binance",
            BinanceFacts(mode="pm"),
            {},
            [
                *("/eapi/v1/position", "/fapi/v3/positionRisk", "/dapi/v1/positionRisk"),
                *("/papi/v1/um/positionRisk", "/papi/v1/cm/positionRisk"),
            ],
        ),
        ("binance", None, {"product": ("spot", "margin")}, []),
        ("deribit", None, {}, ["/api/v2/private/get_positions?currency=any"]),
        (
            "deribit",
            None,
            {"currency": ("BTC", "ETH"), "kind": "option"},
            [f"/api/v2/private/get_positions?currency={coin}&kind=option" for coin in ("BTC", "ETH")],
        ),
        ("deribit", None, {"kind": "spot"}, []),
        ("deribit", None, {"kind": "future_combo"}, []),
        ("okx", None, {}, ["/api/v5/account/positions"]),
        ("okx", None, {"underlying": "BTC-USD"}, ["/api/v5/account/positions"]),
        ("okx", None, {"instrument_type": ("SPOT", "SPREAD")}, []),
        ("okx", None, {"instrument": ("BTC-USDT_BTC-USDT-SWAP",)}, []),
    ],
)
def test_the_listings_follow_the_orders_of_the_scope(
    venue: str, facts: Any, options: dict[str, Any], targets: list[str]
) -> None:
    requests = [one.request for one in listed(venue, facts, **options)]
    assert [one.target for one in requests] == targets
    assert not any(one.changes or one.body for one in requests)


def test_a_venue_without_positions_says_so() -> None:
    assert load_positions("deltadefi").none == "DeltaDeFi has none: it trades spot only"
    assert [name for name in VENUES if load_positions(name).none] == ["deltadefi"]


# --- documented answers ---------------------------------------------------------------------------------------------

BYBIT = {
    "positionIdx": 0,
    "riskId": 1,
    "symbol": "BTCUSD",
    "side": "Sell",
    "size": "300",
    "avgPrice": "27464.50441675",
    "positionValue": "0.01092319",
    "tradeMode": 0,
    "leverage": "10",
    "markPrice": "28224.50",
    "liqPrice": "",
    "unrealisedPnl": "-0.00029413",
    "takeProfit": "0.00",
    "stopLoss": "0.00",
}
"""https://bybit-exchange.github.io/docs/v5/position#response-example"""
BITGET = {
    "marginCoin": "USDT",
    "symbol": "BTCUSDT",
    "holdSide": "long",
    "total": "0.01",
    "openPriceAvg": "25000",
    "marginMode": "isolated",
    "posMode": "hedge_mode",
    "unrealizedPL": "1",
    "liquidationPrice": "24144.1124161806977798",
    "markPrice": "25100",
    "takeProfit": "3",
    "stopLossId": "11111111",
}
"""https://www.bitget.com/api-doc/contract/position/get-all-position"""
BITGET_UNIFIED = {
    "category": "USDT-FUTURES",
    "symbol": "BTCUSDT",
    "marginCoin": "USDT",
    "holdMode": "hedge_mode",
    "posSide": "long",
    "marginMode": "crossed",
    "total": "119.2068",
    "avgPrice": "108674",
    "unrealisedPnl": "1124573.04243999",
    "liquidationPrice": "43099.9",
    "markPrice": "118097",
}
"""https://www.bitget.com/api-doc/uta/trade/Get-Position"""
PACIFICA = {
    "symbol": "AAVE",
    "side": "ask",
    "amount": "223.72",
    "entry_price": "279.283134",
    "margin": "0",
    "funding": "13.159593",
    "isolated": False,
    "liquidation_price": None,
    "created_at": 1754928414996,
}
"""https://docs.pacifica.fi/api-documentation/api/rest-api/account/get-positions"""
ASCENDEX = {
    "symbol": "BTC-PERP",
    "side": "SHORT",
    "position": "-1.06",
    "unrealizedPnl": "-12.5",
    "avgOpenPrice": "55180.03",
    "marginType": "isolated",
    "markPrice": "55200",
    "takeProfitPrice": "0",
    "stopLossPrice": "58000",
}
"""https://ascendex.github.io/ascendex-futures-pro-api-v2/#position"""


OKX = {
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "posSide": "net",
    "pos": "-3",
    "posCcy": "",
    "avgPx": "2566.31",
    "markPx": "2353.849",
    "upl": "-1.5",
    "liqPx": "2352.8496681818233",
    "mgnMode": "isolated",
    "notionalUsd": "2314.35",
}
"""https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-positions"""


def okx(rows: object) -> object:
    return {"code": "0", "msg": "", "data": rows}


def bybit(rows: object, cursor: str = "", category: str = "inverse") -> object:
    return {"retCode": 0, "result": {"category": category, "list": rows, "nextPageCursor": cursor}, "time": 1}


def bitget(rows: object) -> object:
    return {"code": "00000", "msg": "success", "data": rows}


def unified(rows: object) -> object:
    return bitget({"list": rows})


def pacifica(rows: object) -> object:
    return {"success": True, "data": rows, "error": None, "code": None, "last_order_id": 1557431179}


def ascendex(rows: object) -> object:
    return {"code": 0, "data": {"ac": "FUTURES", "accountId": "x", "collaterals": [], "contracts": rows}}


DERIBIT = {
    "average_price": 7440.18, "delta": 0.006687487, "direction": "sell", "estimated_liquidation_price": 1.74,
    "floating_profit_loss": 0.0000125, "index_price": 7466.79, "instrument_name": "BTC-PERPETUAL", "kind": "future",
    "leverage": 34, "mark_price": 7476.65, "size": -50, "size_currency": -0.006687487, "total_profit_loss": 0.000032781,
}  # fmt: skip
"""https://docs.deribit.com/api-reference/account-management/private-get_positions"""


def deribit(rows: object) -> object:
    return {"jsonrpc": "2.0", "id": 1, "result": rows, "testnet": False}


HYPERLIQUID = {
    "coin": "ETH",
    "cumFunding": {"allTime": "514.085417"},
    "entryPx": "2986.3",
    "leverage": {"rawUsd": "-95.059824", "type": "isolated", "value": 20},
    "liquidationPx": "2866.26936529",
    "positionValue": "100.02765",
    "szi": "0.0335",
    "unrealizedPnl": "-0.0134",
}
"""https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals"""


def hyperliquid(rows: object) -> object:
    held = [{"type": "oneWay", "position": row} for row in rows] if isinstance(rows, list) else rows
    return {"assetPositions": held, "time": 1}


BINANCE = {
    "symbol": "ADAUSDT", "positionSide": "BOTH", "positionAmt": "-30", "entryPrice": "0.385", "breakEvenPrice": "0.38",
    "markPrice": "0.41047590", "unRealizedProfit": "0.76427700", "liquidationPrice": "0", "isolatedMargin": "0",
    "notional": "12.31427700", "marginAsset": "USDT", "updateTime": 1720736417660,
}  # fmt: skip
"""https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Position-Information-V3"""


CASES: dict[str, tuple[str, Any, int, Any, dict[str, Any], str, Position]] = {
    "bybit": (
        "bybit", None, 2, bybit, BYBIT, "size",
        Position(symbol="BTCUSD", side="short", size="300", entry="27464.50441675", mark="28224.50",
                 notional="0.01092319", unrealised="-0.00029413", market="BTCUSD"),
    ),
    "bitget": (
        "bitget", None, 0, bitget, BITGET, "total",
        Position(symbol="BTCUSDT", side="long", size="0.01", entry="25000", mark="25100", unrealised="1",
                 liquidation="24144.1124161806977798", margin_mode="isolated", market="BTCUSDT USDT"),
    ),
    "bitget unified": (
        "bitget", UNIFIED, 0, unified, BITGET_UNIFIED, "total",
        Position(symbol="BTCUSDT", side="long", size="119.2068", entry="108674", mark="118097",
                 unrealised="1124573.04243999", liquidation="43099.9", margin_mode="crossed", market="BTCUSDT"),
    ),
    "pacifica": (
        "pacifica", None, 0, pacifica, PACIFICA, "amount",
        Position(symbol="AAVE", side="short", size="223.72", entry="279.283134", margin_mode="cross", market="AAVE"),
    ),
    "binance": (
        "binance", None, 1, lambda rows: rows, BINANCE, "positionAmt",
        Position(symbol="ADAUSDT", side="short", size="-30", entry="0.385", mark="0.41047590",
                 unrealised="0.76427700", market="ADAUSDT"),
    ),
    "deribit": (
        "deribit", None, 0, deribit, DERIBIT, "size",
        Position(symbol="BTC-PERPETUAL", side="short", size="-50", entry="7440.18", mark="7476.65",
                 unrealised="1.25e-05", liquidation="1.74", market="BTC-PERPETUAL"),
    ),
    "hyperliquid": (
        "hyperliquid", None, 0, hyperliquid, HYPERLIQUID, "szi",
        Position(symbol="ETH", side="long", size="0.0335", entry="2986.3", mark="2985.9", notional="100.02765",
                 unrealised="-0.0134", liquidation="2866.26936529", margin_mode="isolated", market="ETH"),
    ),
    "ascendex": (
        "ascendex", None, 0, ascendex, ASCENDEX, "position",
        Position(symbol="BTC-PERP", side="short", size="-1.06", entry="55180.03", mark="55200", unrealised="-12.5",
                 margin_mode="isolated", stop_loss="58000", market="BTC-PERP"),
    ),
    "okx": (
        "okx", None, 0, okx, OKX, "pos",
        Position(symbol="BTC-USDT-SWAP", side="short", size="-3", entry="2566.31", mark="2353.849", notional="2314.35",
                 unrealised="-1.5", liquidation="2352.8496681818233", margin_mode="isolated", market="BTC-USDT-SWAP"),
    ),
}  # fmt: skip
"""Venue, facts, which listing, the shape of its answer, a documented row, the field of its size, what it is."""
each = pytest.mark.parametrize("case", CASES)


def page_of(case: str, rows: object) -> PositionPage:
    venue, facts, at, shape, *_ = CASES[case]
    return read(venue, shape(rows), facts, at)


@each
def test_a_documented_answer(case: str) -> None:
    venue, facts, at, shape, row, _, position = CASES[case]
    page = page_of(case, [row])
    assert (page.positions, page.next, page.unsure) == ((position,), None, "")
    judged = load(venue).judge(listed(venue, facts)[at].request, reply(shape([row])))
    assert judged.answer is Answer.ACCEPTED


@each
def test_an_empty_listing_and_an_empty_position_are_none(case: str) -> None:
    *_, row, size, _ = CASES[case]
    assert page_of(case, []) == PositionPage()
    for nothing in ("0", "0.00", "-0", 0):
        assert page_of(case, [{**row, size: nothing, "side": "", "holdSide": "", "posSide": ""}]) == PositionPage()


@each
def test_a_null_in_the_place_of_the_list_is_marked(case: str) -> None:
    assert page_of(case, None) == PositionPage(null=True)


@each
def test_a_field_that_cannot_be_read_is_shown_as_that_and_the_row_stays(case: str) -> None:
    *_, row, size, position = CASES[case]
    for key in row:
        page = page_of(case, [{**row, key: {}}, row])
        assert page.positions[1] == position, key
        assert len(page.positions) == 2, key
        names = ("symbol", "side", "holdSide", "posSide", "instrument_name", "direction", "instId", "coin")
        decisive = key == size or key in names
        assert bool(page.unsure) == decisive, key
        if decisive:
            assert "?" in (page.positions[0].symbol, page.positions[0].side, page.positions[0].size)


@each
def test_a_row_that_is_none_makes_the_page_unsure(case: str) -> None:
    *_, row, _, position = CASES[case]
    page = page_of(case, [None, row, 7, "x"])
    assert page.positions == (position,)
    assert page.unsure == "3 position(s) cannot be read"


@each
@pytest.mark.parametrize("rows", [{}, "x", 7, True])
def test_another_shape_is_unreadable_and_never_none(case: str, rows: object) -> None:
    with pytest.raises(Unreadable):
        page_of(case, rows)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["0", "-1", "Buy", "long", "?"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@each
@given(data=st.data())
def test_any_json_gives_a_page_or_is_unreadable(case: str, data: st.DataObject) -> None:
    venue, facts, _, shape, row, *_ = CASES[case]
    strange = data.draw(st.dictionaries(st.sampled_from(sorted(row)), ANY, max_size=4))
    body = data.draw(st.sampled_from([shape([{**row, **strange}]), shape(data.draw(ANY)), data.draw(ANY)]))
    for listing in listed(venue, facts):
        try:
            page = listing.read(listing.request, reply(body))
        except Unreadable:
            continue
        assert all(isinstance(text, str) for one in page.positions for text in (one.symbol, one.side, one.size))


# --- what is particular ---------------------------------------------------------------------------------------------


def test_bybit_follows_cursors() -> None:
    (listing, *_) = listed("bybit", category=("inverse",))
    page = listing.read(listing.request, reply(bybit([BYBIT] * 200, "a%3A1")))
    assert page.next is not None
    assert page.next.target == "/v5/position/list?category=inverse&limit=200&cursor=a%3A1"
    last = listing.read(page.next, reply(bybit([BYBIT], "a%3A1")))
    assert (last.next, last.unsure) == (None, "")
    assert listing.read(listing.request, reply(bybit([BYBIT] * 200, {"x": 1}))).unsure != ""  # type: ignore[arg-type]


def test_bybit_names_no_other_category() -> None:
    page = read("bybit", bybit([BYBIT], category="spot"), category=("inverse",))
    assert (page.positions, page.unsure) == ((), "the listing is of spot, not of inverse")


def test_bybit_looks_for_a_base_coin_among_all_linear_contracts() -> None:
    rows = [{**BYBIT, "symbol": one} for one in ("BTCUSDT", "ETHUSDT", "BTCPERP")] + [{**BYBIT, "symbol": []}]
    page = read("bybit", bybit(rows, category="linear"), base_coin="BTC", category=("linear",))
    assert [one.symbol for one in page.positions] == ["BTCUSDT", "BTCPERP", "?"]


def test_bybits_margin_mode_is_the_accounts() -> None:
    *_, mode = listed("bybit")
    assert mode.optional
    for word, shown in (("REGULAR_MARGIN", "cross"), ("ISOLATED_MARGIN", "isolated"), ("NEW_MARGIN", "NEW_MARGIN")):
        page = mode.read(mode.request, reply({"retCode": 0, "result": {"marginMode": word}}))
        assert page.margin_mode == shown


def test_pacificas_mark_prices_come_from_a_listing_of_their_own() -> None:
    _, prices = listed("pacifica")
    assert prices.optional
    body = pacifica([{"symbol": "BTC", "mark": "61000", "mid": "1"}, {"symbol": [], "mark": "1"}, 7, {"symbol": "X"}])
    assert prices.read(prices.request, reply(body)).marks == {"BTC": "61000"}


@pytest.mark.parametrize(
    ("case", "options", "wanted"),
    [
        ("bitget", {"symbol": ("ETHUSDT",)}, False),
        ("bitget", {"symbol": ("BTCUSDT",)}, True),
        ("bitget", {"margin_coin": "USDT"}, True),
        ("pacifica", {"symbol": ("BTC",)}, False),
        ("pacifica", {"symbol": ("AAVE",)}, True),
        ("ascendex", {"symbol": ("ETH-PERP",)}, False),
        ("hyperliquid", {"coin": ("ETH",)}, True),
        ("hyperliquid", {"coin": ("BTC",)}, False),
        ("okx", {"instrument": ("ETH-USDT-SWAP", "X-Y")}, False),
        ("okx", {"instrument_type": ("SWAP",)}, True),
        ("okx", {"underlying": "ETH-USDT"}, False),
    ],
)
def test_a_selector_narrows_positions_too(case: str, options: dict[str, Any], wanted: bool) -> None:
    venue, facts, at, shape, row, *_ = CASES[case]
    assert bool(read(venue, shape([row]), facts, at, **options).positions) is wanted
    unreadable = read(venue, shape([{**row, "symbol": {}, "coin": {}, "instId": {}}]), facts, at, **options)
    assert len(unreadable.positions) == 1, "whose symbol cannot be read may be in scope"


def test_okxs_side_is_told_by_the_sign_the_side_or_the_currency_that_is_held() -> None:
    rows: list[tuple[dict[str, Any], str]] = [
        ({"pos": "3"}, "long"),
        ({"pos": "3", "posSide": "short"}, "short"),
        ({"instType": "MARGIN", "instId": "BTC-USDT", "posCcy": "BTC", "pos": "1"}, "long"),
        ({"instType": "MARGIN", "instId": "BTC-USDT", "posCcy": "USDT", "pos": "1"}, "short"),
        ({"posSide": "both"}, "?"),
        ({"pos": {}}, "?"),
        ({"pos": {}, "posSide": "short"}, "short"),
    ]
    page = read("okx", okx([{**OKX, **changes} for changes, _ in rows]))
    assert [one.side for one in page.positions] == [side for _, side in rows]


def test_a_margin_coin_picks_its_positions_of_a_symbol() -> None:
    rows = [{**BITGET, "symbol": "BTCUSD", "marginCoin": coin} for coin in ("BTC", "ETH")]
    page = read("bitget", bitget(rows), margin_coin="ETH", product_type=("COIN-FUTURES",))
    assert [one.market for one in page.positions] == ["BTCUSD ETH"]


def test_ascendexs_answer_about_another_ledger_is_unsure() -> None:
    body: Any = ascendex([ASCENDEX])
    body["data"]["ac"] = "CASH"
    assert read("ascendex", body).unsure == "the answer is about another ledger"


# --- what an order does for a position ------------------------------------------------------------------------------


def kind_row(venue: str, segment: str) -> dict[str, Any]:
    return next(dict(kind.row) for kind in EVERY.values() if (kind.venue, kind.segment) == (venue, segment))


@pytest.mark.parametrize(
    ("venue", "segment", "facts", "fields", "expected"),
    [
        ("bybit", "linear USDT", None, {"stopOrderType": "StopLoss", "side": "Sell", "triggerPrice": "90"},
         (Role.STOP, "long", "90")),
        ("bybit", "linear USDT", None, {"stopOrderType": "TrailingStop", "side": "Buy", "triggerPrice": "0"},
         (Role.STOP, "short", None)),
        ("bybit", "linear USDT", None, {"stopOrderType": "PartialTakeProfit", "side": "Sell", "triggerPrice": "95"},
         (Role.TAKE_PROFIT, "long", "95")),
        ("bybit", "linear USDT", None, {"stopOrderType": "Stop", "side": "Sell", "triggerPrice": "90",
                                        "triggerDirection": 2, "reduceOnly": True}, (Role.STOP, "long", "90")),
        ("bybit", "linear USDT", None, {"stopOrderType": "Stop", "side": "Sell", "triggerPrice": "90",
                                        "triggerDirection": 1, "reduceOnly": True}, (Role.TAKE_PROFIT, "long", "90")),
        ("bybit", "linear USDT", None, {"stopOrderType": "Stop", "side": "Buy", "triggerPrice": "90",
                                        "triggerDirection": 1, "closeOnTrigger": True}, (Role.STOP, "short", "90")),
        ("bybit", "linear USDT", None, {"stopOrderType": "Stop", "side": "Sell", "triggerPrice": "90",
                                        "triggerDirection": {}, "reduceOnly": True}, (Role.UNKNOWN, "long", "90")),
        ("bybit", "linear USDT", None, {"stopOrderType": "", "side": "Sell", "triggerPrice": "",
                                        "reduceOnly": True}, (Role.ORDINARY, "long", None)),
        ("bitget", "USDT-FUTURES plan orders", None, {"planType": "pos_loss", "side": "sell", "posSide": "net",
                                                      "triggerPrice": "90"}, (Role.STOP, "long", "90")),
        ("bitget", "USDT-FUTURES plan orders", None, {"planType": "profit_plan", "side": "buy", "posSide": "long",
                                                      "posMode": "hedge_mode", "triggerPrice": "95"},
         (Role.TAKE_PROFIT, "long", "95")),
        ("bitget", "USDT-FUTURES plan orders", None, {"planType": "normal_plan", "side": "buy", "posSide": "net",
                                                      "reduceOnly": "YES", "tradeSide": "", "triggerPrice": "95"},
         (Role.UNKNOWN, "short", "95")),
        ("bitget", "USDT-FUTURES", None, {"side": "sell", "posSide": "net", "reduceOnly": "YES"},
         (Role.ORDINARY, "long", None)),
        ("bitget", "USDT-FUTURES strategy orders", UNIFIED, {"type": "tpsl", "posSide": "long", "stopLoss": "90",
                                                             "takeProfit": "110"}, (Role.STOP, "long", "90")),
        ("bitget", "USDT-FUTURES strategy orders", UNIFIED, {"type": "tpsl", "posSide": "short", "stopLoss": "",
                                                             "takeProfit": "80"}, (Role.TAKE_PROFIT, "short", "80")),
        ("pacifica", "orders", None, {"order_type": "stop_loss_market", "side": "ask", "stop_price": "50000",
                                      "reduce_only": True}, (Role.STOP, "long", "50000")),
        ("pacifica", "orders", None, {"order_type": "take_profit_limit", "side": "bid", "stop_price": "40000",
                                      "reduce_only": True}, (Role.TAKE_PROFIT, "short", "40000")),
        ("pacifica", "orders", None, {"order_type": "limit", "side": "ask", "stop_price": None, "reduce_only": True},
         (Role.ORDINARY, "long", None)),
        ("binance", "usdm", None, {"type": "STOP_MARKET", "side": "SELL", "closePosition": True, "stopPrice": "90"},
         (Role.STOP, "long", "90")),
        ("binance", "usdm", None, {"type": "TAKE_PROFIT", "side": "BUY", "positionSide": "SHORT", "stopPrice": "120"},
         (Role.TAKE_PROFIT, "short", "120")),
        ("binance", "usdm", None, {"side": "SELL", "reduceOnly": True}, (Role.ORDINARY, "long", None)),
        ("deribit", "account", None, {"order_type": "stop_market", "direction": "sell", "trigger_price": 90,
                                      "reduce_only": True, "price": "market_price"}, (Role.STOP, "long", "90")),
        ("deribit", "account", None, {"order_type": "take_limit", "direction": "buy", "trigger_price": 95,
                                      "reduce_only": True, "price": 94}, (Role.TAKE_PROFIT, "short", "95")),
        ("deribit", "account", None, {"order_type": "limit", "direction": "sell", "reduce_only": True, "price": 7},
         (Role.ORDINARY, "long", None)),
        ("hyperliquid", "core", None, {"orderType": "Stop Market", "isTrigger": True, "triggerPx": "90",
                                       "reduceOnly": True}, (Role.STOP, "long", "90")),
        ("hyperliquid", "core", None, {"orderType": "Take Profit Limit", "isTrigger": True, "triggerPx": "120",
                                       "side": "B", "reduceOnly": True}, (Role.TAKE_PROFIT, "short", "120")),
        ("hyperliquid", "core", None, {"reduceOnly": True}, (Role.ORDINARY, "long", None)),
        ("ascendex", "futures", None, {"orderType": "StopMarket", "side": "Sell", "stopPrice": "90",
                                       "execInst": "ReduceOnlyMark", "status": "PendingNew"},
         (Role.UNKNOWN, "long", "90")),
        ("ascendex", "futures", None, {"orderType": "Limit", "side": "Buy", "stopPrice": "0",
                                       "execInst": "ReduceOnly"}, (Role.ORDINARY, "short", None)),
        ("okx", "TP/SL", None, {"slTriggerPx": "90", "side": "sell"}, (Role.STOP, "long", "90")),
        ("okx", "TP/SL", None, {"slTriggerPx": "", "tpTriggerPx": "80", "side": "buy"},
         (Role.TAKE_PROFIT, "short", "80")),
        ("okx", "TP/SL", None, {"ordType": "oco", "tpTriggerPx": "110", "slTriggerPx": "90", "posSide": "long"},
         (Role.STOP, "long", "90")),
        ("okx", "trailing stops", None, {"ordType": "move_order_stop", "slTriggerPx": "", "side": "buy"},
         (Role.STOP, "short", None)),
        ("okx", "triggers", None, {"ordType": "trigger", "triggerPx": "95", "slTriggerPx": "", "side": "sell"},
         (Role.UNKNOWN, "long", "95")),
        ("okx", "orders", None, {"reduceOnly": "true", "side": "sell"}, (Role.ORDINARY, "long", None)),
        ("okx", "orders", None, {"isTpLimit": "true", "side": "buy"}, (Role.TAKE_PROFIT, "short", None)),
    ],
)  # fmt: skip
def test_what_an_order_does_for_a_position(
    venue: str, segment: str, facts: Any, fields: dict[str, Any], expected: tuple[Role, str, str | None]
) -> None:
    row = {**kind_row(venue, segment), **fields}
    found = protective(venue, segment, row, facts)
    assert found is not None
    assert (found.role, found.closes, found.trigger_price) == expected
    assert found.row == row, "the venue's own row is complete"
    assert found.market.split(" ")[0] == found.symbol


@pytest.mark.parametrize(
    ("venue", "segment", "symbol"),
    [
        ("bybit", "spot", "BTCUSDT"),
        ("bybit", "spread", "BTCUSDT_BTC/USDT"),
        ("bitget", "SPOT plan orders", "BTCUSDT"),
        ("bitget", "unified MARGIN strategy orders", "BTCUSDT"),
        ("ascendex", "cash", "BTC/USDT"),
        ("pacifica", "orders", "SOL-USDC"),
        ("deltadefi", "ADAUSDM", "ADAUSDM"),
        ("binance", "spot", "BTCUSDT"),
        ("binance", "isolated BTCUSDT", "BTCUSDT"),
        ("deribit", "account", "BTC_USDC"),
        ("okx", "spreads", "BTC-USDT_BTC-USDT-SWAP"),
    ],
)
def test_an_order_of_a_product_without_positions_protects_none(venue: str, segment: str, symbol: str) -> None:
    """Symbols of spot are those of contracts, too."""
    order = Order(id="1", segment=segment, symbol=symbol, side="sell", protection=Protection.PROTECTIVE)
    assert load_positions(venue).protective(order) is None


def test_of_two_legs_the_stop_is_the_one_that_loses() -> None:
    legs = {"legs": [{"trigger_price": "70000"}, {"trigger_price": "50000"}]}
    for side, stop in (("sell", "50000"), ("buy", "70000"), (None, "70000")):
        row = {"definition": {"params": legs}}
        order = Order(id="1", segment="strategies", symbol="BTC", side=side, type="oco", row=row)
        found = load_positions("pacifica").protective(order)
        assert found is not None
        assert (found.role, found.trigger_price) == (Role.STOP, stop)


SEGMENTS = {"bybit": "linear USDT", "bitget": "USDT-FUTURES plan orders", "ascendex": "futures", "pacifica": "orders"}
SEGMENTS |= {"deribit": "account", "binance": "usdm"}


@pytest.mark.parametrize("venue", SEGMENTS)
@given(data=st.data())
def test_any_row_says_something_of_its_order(venue: str, data: st.DataObject) -> None:
    kinds: list[Kind] = [kind for kind in EVERY.values() if kind.venue == venue]
    kind = data.draw(st.sampled_from(kinds))
    row = {**kind.row, **data.draw(st.dictionaries(st.sampled_from(sorted(kind.row)), ANY, max_size=4))}
    row |= data.draw(st.dictionaries(st.sampled_from(["definition", "stop_price", "triggerPrice", "posSide"]), ANY))
    order = Order(id="1", segment=SEGMENTS[venue], symbol="X", side="sell", type="oco", row=json.loads(json.dumps(row)))
    found = load_positions(venue).protective(order)
    assert found is not None
    assert isinstance(found.role, Role)
    assert load_positions(venue).protective(Order(id="1", segment=SEGMENTS[venue])) is not None


def test_a_request_says_what_it_is_for() -> None:
    requests: list[Request] = [one.request for name in VENUES for one in listed(name)]
    assert all(one.purpose for one in requests)
