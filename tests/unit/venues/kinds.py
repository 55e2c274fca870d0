"""Documented rows of each venue's listings, and how a listing of them looks: what the tests of all readers go by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cancelall.core.model import Order, Page, Purpose, Reply, Request
from cancelall.core.preflight import load_preflight
from cancelall.venues.binance.options import BinanceFacts
from cancelall.venues.bitget import venue as bitget
from cancelall.venues.contract import Segment
from cancelall.venues.deltadefi.options import DeltadefiFacts
from cancelall.venues.deribit.segments import DeribitOrders
from cancelall.venues.hyperliquid.options import HyperliquidFacts
from cancelall.venues.okx.options import OkxFacts
from cancelall.venues.pacifica.api import TWAP
from cancelall.venues.registry import load, schema

Row = dict[str, Any]


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    """An answer; an underscore in a header's name stands for a dash."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=raw)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A listing: its segment, a row of it, and what becomes of rows."""

    venue: str
    segment: str
    row: Row
    key: str
    """The field with the order's id."""
    status: str
    ended: tuple[str, ...]
    """Statuses of orders that are over. Any other one is open."""
    shape: Callable[[object], object]
    """The whole answer, with this in the place of its list."""
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Any = None
    client_id: str = ""
    """The field with the client's own id; empty where rows have none."""
    names_all: bool = True
    """Whether rows of orders without a client id have the field all the same."""
    read: str
    """Fields of which an object or a list makes the page unsure."""
    by_symbol: bool = True
    """Whether an order without a symbol cannot be named."""
    pass_: int | None = None
    """Which pass of the listing it is, where that is not the usual one."""
    bare: bool = False
    """Whether the answer is the list itself."""
    log: bool = False
    """Whether one order may have several rows."""
    twice: bool = True
    """Whether null in the place of the list has to be read twice to be an empty one."""

    @property
    def one(self) -> Segment:
        """The segment."""
        return next(one for one in segments(self.venue, self.options, self.facts) if one.name == self.segment)

    @property
    def request(self) -> Request:
        """Its first listing; of Bybit the last, which is that of ordinary orders."""
        if self.pass_ is not None:
            return self.one.listings[0][self.pass_]
        return self.one.listings[-1 if self.venue == "bybit" else 0][0]

    def page(self, rows: object) -> Page:
        """What is made of an answer with these rows. Raises Unreadable."""
        return self.one.page(self.request, reply(self.shape(rows)))

    def named(self, orders: tuple[Order, ...]) -> set[str]:
        """The ids of those that cancels by name would name."""
        return {order.id for _, some in self.one.cancels(orders, None) for order in some}


GOOD_ANSWERS: Mapping[str, Callable[[object], object]] = {
    "bybit": lambda data: {"retCode": 0, "retMsg": "OK", "result": data},
    "bitget": lambda data: {"code": "00000", "msg": "success", "data": data},
    "ascendex": lambda data: {"code": 0, "data": data},
    "pacifica": lambda data: {"success": True, "data": data, "error": None, "code": None},
    "deltadefi": lambda data: data,
    "kraken": lambda data: {"error": [], "result": data},
    "deribit": lambda data: {"jsonrpc": "2.0", "id": 1, "result": data, "testnet": False},
    "hyperliquid": lambda data: data,
    "okx": lambda data: {"code": "0", "data": data, "msg": ""},
    "binance": lambda data: data,
}
"""Each venue's good answer with this in it."""


def segments(venue: str, options: Mapping[str, Any], facts: Any = None) -> tuple[Segment, ...]:
    """The segments of a scope."""
    about = load(venue)
    values = {"account_group": 6, **options} if venue == "ascendex" else options
    return tuple(about.segments(schema(venue).options(**values), facts or about.facts, "live"))


def documented(name: str) -> Any:
    """A table of what each venue's documents have, next to this file."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))


# --- Bybit ----------------------------------------------------------------------------------------------------------

ROWS: Mapping[str, Row] = documented("rows")
BYBIT_ROW = ROWS["bybit"]
_BYBIT = tuple(
    Kind(
        venue="bybit",
        segment=name,
        row={**BYBIT_ROW, "orderId": "1"},
        key="orderId",
        client_id="orderLinkId",
        status="orderStatus",
        ended=("Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"),
        shape=lambda rows: GOOD_ANSWERS["bybit"]({"list": rows, "nextPageCursor": ""}),
        read="price qty leavesQty createdTime orderLinkId orderType side triggerPrice createType reduceOnly "
        "closeOnTrigger stopOrderType orderStatus symbol",
        by_symbol=False,
    )
    for name in ("linear USDT", "inverse", "spot", "option", "spread")
)
_BYBIT_STRATEGY = Kind(
    venue="bybit",
    segment="strategy",
    row={"strategyId": "a", "symbol": "BTCUSDT", "side": "Buy", "status": 2, "reduceOnly": False},
    key="strategyId",
    status="status",
    ended=("3", "4"),
    shape=lambda rows: GOOD_ANSWERS["bybit"]({"list": rows, "nextCursor": ""}),
    read="symbol side status reduceOnly",
    by_symbol=False,
)

# --- Bitget ---------------------------------------------------------------------------------------------------------

FUTURE = ROWS["bitget future"]
STOP = ROWS["bitget plan"]
SPOT_ROW = ROWS["bitget spot"]
SPOT_PLAN_ROW = ROWS["bitget spot plan"]
UNIFIED_ROW = ROWS["bitget unified"]
STRATEGY = ROWS["bitget strategy"]
CLASSIC, UNIFIED = bitget.BitgetFacts(mode="classic"), bitget.BitgetFacts(mode="unified")


def shaped(kind: str, rows: object, last: object = "11") -> object:
    """The data of a listing of Bitget."""
    if kind in ("future", "plan"):
        return {"entrustedList": rows, "endId": last if rows is not None else None}
    if kind == "spot plan":
        return {"orderList": rows, "nextFlag": last is not None, "idLessThan": last}
    return {"list": rows, "cursor": last} if kind == "unified" else rows


def _bitget(kind: str, segment: str, row: Row, status: str, ended: str, facts: Any = CLASSIC, **more: Any) -> Kind:
    return Kind(
        venue="bitget",
        segment=segment,
        facts=facts,
        row=row,
        key="orderId",
        client_id="clientOid",
        status=status,
        ended=tuple(ended.split()),
        shape=lambda rows: GOOD_ANSWERS["bitget"](shaped(kind, rows, None if rows == [] else "11")),
        read=f"{status} symbol clientOid side",
        **more,
    )


KINDS: Mapping[str, Kind] = {
    "future": _bitget("future", "USDT-FUTURES", FUTURE, "status", "filled canceled cancelled", twice=False),
    "plan": _bitget(
        "plan", "USDT-FUTURES plan orders", STOP, "planStatus", "executed fail_execute cancelled", twice=False
    ),
    "spot": _bitget("spot", "SPOT", SPOT_ROW, "status", "filled canceled cancelled", by_symbol=False),
    "spot plan": _bitget(
        "spot plan", "SPOT plan orders", SPOT_PLAN_ROW, "status", "executed fail_execute cancelled", by_symbol=False
    ),
    "unified": _bitget(
        "unified", "USDT-FUTURES", UNIFIED_ROW, "orderStatus", "filled canceled cancelled", UNIFIED, by_symbol=False
    ),
    "strategy": _bitget(
        "strategy",
        "USDT-FUTURES strategy orders",
        STRATEGY,
        "status",
        "success failed cancelled",
        UNIFIED,
        by_symbol=False,
    ),
}
"""Those of Bitget, by short names."""

# --- AscendEX -------------------------------------------------------------------------------------------------------

CASH_ROW = ROWS["ascendex cash"]
FUTURES_ROW = ROWS["ascendex futures"]
_ASCENDEX = tuple(
    Kind(
        venue="ascendex",
        segment=ledger,
        row={**{name: value for name, value in FUTURES_ROW.items() if name != "ac"}, "symbol": "X/Y"},
        key="orderId",
        status="status",
        ended=("Filled", "Canceled", "Rejected"),
        shape=GOOD_ANSWERS["ascendex"],
        read="orderType execInst side price orderQty stopPrice cumFilledQty time status symbol ac",
    )
    for ledger in ("cash", "margin", "futures")
)

# --- Pacifica -------------------------------------------------------------------------------------------------------


def order_row(**changes: object) -> Row:
    """The row of the document's own sample."""
    return {**ROWS["pacifica order"], **changes}


def twap_row(**changes: object) -> Row:
    """The same of a TWAP."""
    return {**ROWS["pacifica twap"], **changes}


def strategy_row(kind: str = "conditional", params: object = None, **changes: object) -> Row:
    """The same of a strategy."""
    given = {"execution_symbol": "BTC", "side": "bid", "amount": "0.01", "reduce_only": False}
    return {
        "strategy_id": "0f8e7c2a-4b1d-4e5f-9a3b-2c1d0e9f8a7b",
        "revision": 1,
        "account": "FAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF",
        "strategy_type": kind,
        "definition": {"strategy_type": kind, "params": given if params is None else params},
        "lifecycle": "open",
        "created_at": "2026-10-20T08:00:00Z",
        **changes,
    }


_READ = "symbol side initial_amount filled_amount reduce_only client_order_id created_at"
_PACIFICA = (
    *(
        Kind(
            venue="pacifica",
            segment=segment,
            row=row,
            key="order_id",
            client_id="client_order_id",
            status="",
            ended=(),
            shape=GOOD_ANSWERS["pacifica"],
            read=_READ + more,
        )
        for segment, row, more in (("orders", order_row(), " price order_type"), ("TWAP", twap_row(), ""))
    ),
    Kind(
        venue="pacifica",
        segment="strategies",
        row=strategy_row(),
        key="strategy_id",
        status="lifecycle",
        ended=("cancelled", "expired", "completed", "failed"),
        shape=lambda rows: GOOD_ANSWERS["pacifica"]({"strategies": rows}),
        read="",
        by_symbol=False,
    ),
)

# --- DeltaDeFi ------------------------------------------------------------------------------------------------------


def pair_row(**changes: object) -> Row:
    """A row of the open orders, with the fields of the SDKs."""
    return {**ROWS["deltadefi"], **changes}


def _paged(rows: object) -> object:
    return {"data": rows, "total_count": len(rows) if isinstance(rows, list) else 0, "total_page": 1}


_DELTADEFI = Kind(
    venue="deltadefi",
    segment="ADAUSDM",
    row=pair_row(),
    key="id",
    status="status",
    ended=("cancelled", "partially_cancelled", "closed", "fully_filled", "failed", "CLOSED"),
    shape=_paged,
    read="status symbol side type price base_qty ob_open_order_base_qty",
    by_symbol=False,
)

# --- Binance --------------------------------------------------------------------------------------------------------

PM = BinanceFacts(mode="pm")
_BOOK_READ = "symbol side status type clientOrderId origQty time"


def _binance(segment: str, row: str, key: str, status: str, ended: str, read: str, **more: Any) -> Kind:
    own = next(name for name in ROWS[f"binance {row}"] if name.lower().startswith(("client", "newclient")))
    return Kind(
        venue="binance",
        client_id=own,
        segment=segment,
        row={**ROWS[f"binance {row}"], key: 1},
        key=key,
        status=status,
        ended=tuple(ended.split()),
        shape=GOOD_ANSWERS["binance"],
        bare=True,
        read=read,
        twice=False,
        **more,
    )


_FINAL = "CANCELED CANCELLED FILLED REJECTED EXPIRED EXPIRED_IN_MATCH"
_BINANCE = {
    f"binance {name}": kind
    for name, kind in {
        "spot": _binance("spot", "spot", "orderId", "status", _FINAL, f"{_BOOK_READ} orderListId"),
        "margin": _binance("margin", "spot", "orderId", "status", _FINAL, f"{_BOOK_READ} orderListId"),
        "usdm": _binance(
            "usdm", "book", "orderId", "status", _FINAL, f"{_BOOK_READ} reduceOnly closePosition", pass_=1
        ),
        "usdm algo": _binance(
            "usdm",
            "algo",
            "algoId",
            "algoStatus",
            f"{_FINAL} TRIGGERED FINISHED",
            "symbol side algoStatus orderType clientAlgoId quantity createTime reduceOnly closePosition",
            by_symbol=False,
        ),
        "pm coinm": _binance(
            "pm coinm",
            "conditional",
            "strategyId",
            "strategyStatus",
            f"{_FINAL} TRIGGERED FINISHED",
            "symbol side strategyStatus strategyType newClientStrategyId origQty bookTime reduceOnly",
            facts=PM,
        ),
        "option": _binance(
            "option",
            "option",
            "orderId",
            "status",
            _FINAL,
            "symbol side status type clientOrderId quantity createTime reduceOnly",
        ),
        "usdm TWAP/VP": replace(
            _binance(
                "usdm TWAP/VP",
                "parent",
                "algoId",
                "algoStatus",
                f"{_FINAL} FINISHED",
                "symbol side algoStatus algoType clientAlgoId totalQty bookTime",
                by_symbol=False,
            ),
            bare=False,
            shape=lambda rows: {"total": len(rows) if isinstance(rows, list) else 0, "orders": rows},
        ),
    }.items()
}

# --- Deribit --------------------------------------------------------------------------------------------------------

_DERIBIT = Kind(
    venue="deribit",
    segment="account",
    row=ROWS["deribit"],
    key="order_id",
    client_id="label",
    status="order_state",
    ended=("filled", "cancelled", "rejected"),
    shape=GOOD_ANSWERS["deribit"],
    read="price amount filled_amount creation_timestamp label order_type direction reduce_only order_state "
    "instrument_name trigger_price quote is_liquidation app_name",
    by_symbol=False,
)

# --- Hyperliquid ----------------------------------------------------------------------------------------------------


def dex_row(**changes: object) -> Row:
    """A row of the open orders, with the fields of the documents' sample."""
    return {**ROWS["hyperliquid order"], **changes}


HYPERLIQUID_FACTS = HyperliquidFacts(
    signer=f"0x{7:040x}", dexes=("xyz",), assets=(("BTC", 0), ("ETH", 1), ("PURR/USDC", 10_000), ("xyz:TSLA", 110_000))
)
_HYPERLIQUID = (
    *(
        Kind(
            venue="hyperliquid",
            segment=segment,
            facts=HYPERLIQUID_FACTS,
            row=dex_row(coin=coin),
            key="oid",
            status="",
            ended=(),
            shape=GOOD_ANSWERS["hyperliquid"],
            client_id="cloid",
            read="coin side limitPx sz origSz timestamp cloid orderType reduceOnly isTrigger isPositionTpsl",
            bare=True,
        )
        for segment, coin in (("core", "BTC"), ("xyz", "xyz:TSLA"))
    ),
    Kind(
        venue="hyperliquid",
        segment="TWAPs",
        facts=HYPERLIQUID_FACTS,
        row=ROWS["hyperliquid twap"],
        key="twapId",
        status="",
        ended=(),
        shape=GOOD_ANSWERS["hyperliquid"],
        read="state",
        bare=True,
        log=True,
    ),
)

# --- Kraken ---------------------------------------------------------------------------------------------------------


def _mapped(rows: object) -> object:
    """The listing is a map by ids. What has none that can be one gets a name that none is; two alike do not stay so."""
    if not isinstance(rows, list):
        return {"error": [], "result": {"open": [] if rows == {} else rows}}
    shown: dict[str, object] = {}
    for row in rows:
        identity = row.get("txid") if isinstance(row, dict) else None
        good = isinstance(identity, str | int) and not isinstance(identity, bool)
        name = str(identity) if good else "\n"
        while name in shown:
            name += "2" if good else "\n"
        shown[name] = {key: one for key, one in row.items() if key != "txid"} if isinstance(row, dict) else row
    return {"error": [], "result": {"open": shown}}


_KRAKEN = Kind(
    venue="kraken",
    segment="spot",
    row={**ROWS["kraken"], "txid": "1"},
    key="txid",
    status="status",
    ended=("closed", "canceled", "expired"),
    shape=_mapped,
    client_id="cl_ord_id",
    names_all=False,
    read="status cl_ord_id vol vol_exec opentm descr margin",
    by_symbol=False,
)

# --- OKX ------------------------------------------------------------------------------------------------------------

LEVEL = OkxFacts(level="2")
"""An account whose mode has reduce-only orders."""


def _okx(name: str, row: Row, key: str, ended: str, read: str, **more: Any) -> Kind:
    return Kind(
        venue="okx",
        segment=name,
        facts=LEVEL,
        row=row,
        key=key,
        status="state",
        ended=tuple(ended.split()),
        shape=GOOD_ANSWERS["okx"],
        client_id="algoClOrdId" if key == "algoId" else "clOrdId",
        read=f"state {read}",
        **more,
    )


_OKX_READ = "instId instType side ordType sz posSide reduceOnly cTime"
_OKX = (
    *(
        _okx(name, row, "ordId", "filled canceled mmp_canceled", f"{read} px clOrdId category accFillSz")
        for name, row, read in (
            ("orders", ROWS["okx order"], f"{_OKX_READ} isTpLimit"),
            ("events", {**ROWS["okx order"], "instType": "EVENTS"}, "instId instType side ordType sz cTime"),
        )
    ),
    *(
        _okx(
            name,
            {**ROWS["okx algo"], "ordType": type_},
            "algoId",
            "effective canceled order_failed",
            _OKX_READ + " triggerPx",
        )
        for name, type_ in (("TP/SL", "conditional"), ("triggers", "trigger"), ("trailing stops", "move_order_stop"))
    ),
    _okx(
        "spreads",
        ROWS["okx spread"],
        "ordId",
        "filled canceled",
        "sprdId side sz px ordType clOrdId cTime",
        by_symbol=False,
    ),
)

EVERY: Mapping[str, Kind] = {
    f"{one.venue} {one.segment}{' unified' if one.facts is UNIFIED else ''}": one
    for one in (
        *_BYBIT,
        _BYBIT_STRATEGY,
        *KINDS.values(),
        *_ASCENDEX,
        *_PACIFICA,
        _DELTADEFI,
        _KRAKEN,
        _DERIBIT,
        *_HYPERLIQUID,
        *_OKX,
    )
} | _BINANCE
"""All listings."""

SCOPES: Mapping[str, tuple[tuple[Mapping[str, Any], Any], ...]] = {
    "kraken": (({}, None), ({"pair": ("XBTUSD",)}, None)),
    "bybit": (({}, None), ({"symbol": ("BTCUSDT",)}, None)),
    "bitget": tuple(
        (options, facts)
        for facts in (CLASSIC, UNIFIED)
        for options in ({}, {"symbol": ("BTCUSDT",), "margin_coin": "USDT"})
    ),
    "ascendex": (({"futures_api": "v1"}, None), ({"symbol": ("BTC/USDT", "A-PERP")}, None)),
    "pacifica": (({}, None), ({"symbol": ("BTC",)}, None)),
    "hyperliquid": (({}, HYPERLIQUID_FACTS), ({"coin": ("BTC",), "vault": f"0x{9:040x}"}, HYPERLIQUID_FACTS)),
    "okx": (
        ({}, None),
        ({"instrument": ("BTC-USDT-SWAP",)}, LEVEL),
        ({"instrument": ("BTC-USDT", "BTC-USDT_BTC-USDT-SWAP", "BTC-USD-260327-80000-C")}, None),
        ({"underlying": "BTC-USD"}, LEVEL),
    ),
    "binance": tuple(
        (options, facts)
        for facts in (None, BinanceFacts(mode="pm", pairs=("BTCUSDT",)))
        for options in ({}, {"symbol": ("BTCUSDT", "BTCUSD_PERP")})
    ),
    "deltadefi": (({}, None), ({"symbol": ("ADAUSDX",)}, DeltadefiFacts(symbols=("ADAUSDX",), apart=("ADAUSDX",)))),
    "deribit": tuple(
        (options, None)
        for options in (
            {},
            {"currency": ("BTC",), "kind": "option"},
            {"kind": "spot"},
            {"instrument": ("BTC-PERPETUAL",)},
        )
    ),
}
"""Options and facts with which each venue has every kind of segment and of discovery read."""


def readers(venue: str) -> Iterator[tuple[str, Request, Callable[[Request, Reply], object]]]:
    """Every function that reads what the venue sends, with each request that it reads the answers of."""
    about = load(venue)
    for options, facts in SCOPES[venue]:
        for one in segments(venue, options, facts):
            order = Order(id="1", segment=one.name, symbol="@1" if venue == "hyperliquid" else "BTCUSDT")
            named = (*one.cancels((order,), None), *(one.singly((order,), None) if one.singly else ()))
            for request in (request for stage in one.listings for request in stage):
                yield f"{one.name} page", request, one.page
            for request in (*one.mass_cancels(()), *(request for request, _ in named)):
                yield f"{one.name} acknowledge", request, one.acknowledge
            for request in one.final_states((order,), 0):
                yield f"{one.name} final states", request, one.final_page
            for witness in one.witnesses:
                yield f"{one.name} witness", witness.request, witness.read
                if witness.twice:
                    yield f"{one.name} witness that answers twice", witness.request, witness.twice
                if witness.fits:
                    yield f"{one.name} witness of what stays", witness.request, _of_nothing(witness.fits)
        values = {"account_group": 6, **options} if venue == "ascendex" else options
        for discovery in about.discoveries(schema(venue).options(**values), facts or about.facts):
            yield discovery.name, discovery.request, discovery.read


def _of_nothing(fits: Callable[..., bool]) -> Callable[[Request, Reply], bool]:
    return lambda request, said: fits((), request, said)


def requests(venue: str) -> Mapping[str, Request]:
    """Requests of each sort, by the names that `answers.json` has for them."""
    facts = {"bitget": CLASSIC, "hyperliquid": HYPERLIQUID_FACTS}.get(venue)
    known = segments(venue, {}, facts)
    first = next((one for one in known if one.mass_cancels(())), known[-1])
    if venue == "bitget":
        first = KINDS["future"].one
    order = Order(
        id="1",
        segment=first.name,
        symbol="xyz:TSLA" if venue == "hyperliquid" else "BTCUSDT",
        kind="" if venue == "binance" else "limit",
    )
    by_name = first.cancels((order,), None)[0][0]
    found = {
        "cancel": next(iter(first.mass_cancels(())), by_name),
        "listing": first.listings[-1][0],
        "by name": by_name,
    }
    if venue == "bitget":
        found["unified cancel"] = next(
            one.mass_cancels(())[0] for one in segments(venue, {}, UNIFIED) if one.name == "SPOT"
        )
    if venue == "kraken":
        two = (order, Order(id="2", segment=first.name))
        found["batch"] = first.cancels(two, None)[0][0]
    if venue == "okx":
        there = {one.name: one for one in segments(venue, {})}
        found = {
            "cancel": there["spreads"].mass_cancels(())[0],
            "listing": there["orders"].listings[0][0],
            "some": there["events"].listings[0][0],
            "spreads": there["spreads"].listings[0][0],
            "by name": there["orders"].cancels((order,), None)[0][0],
            "advance": there["TWAP"].cancels((order,), None)[1][0],
            "of one": segments(venue, {"instrument": ("BTC-USDT",)})[0].listings[0][0],
        }
    if venue == "binance":
        spot = next(one for one in segments(venue, {"symbol": ("BTCUSDT",)}) if one.name == "spot")
        found["cancel"] = spot.mass_cancels(())[0]
        found["listing"] = spot.listings[0][0]
        found["by name"] = spot.cancels((order,), None)[0][0]
        for name in ("margin", "pm margin"):
            own = next(one for one in segments(venue, {"product": (name.split()[0],)}) if one.name == name)
            found |= {name: own.listings[-1][0], f"{name} cancel": own.cancels((order,), None)[0][0]}
    if venue == "pacifica":
        found |= {
            word: Request(method="POST", path=f"/api/v1{path}", body=b"{}", changes=True, purpose=purpose)
            for word, path, purpose in (
                ("stop", "/orders/stop/cancel", Purpose.CANCEL),
                ("twap", "/orders/twap/cancel", TWAP),
                ("strategy", "/order_strategies/cancel", Purpose.CANCEL),
            )
        }
    if venue == "deribit":
        some = DeribitOrders(name="", testnet=False, instruments=("BTC-PERPETUAL",))
        found["instrument cancel"], found["quotes"] = some.mass_cancels((replace(order, kind="quote"),))
        found["question"] = load_preflight(venue).questions(None, 0)[-1].request
    return found
