"""The wallets of a fake Binance: their books, how a book's rows are written, the symbols, and an account's stock.

Rows as in the samples of https://developers.binance.com/docs/ and binance/binance-spot-api-docs (2026-07-21): numbers
of orders are unique within a symbol and a book, so an order's id is made of all of them here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..book import SimOrder
from ..positions import SimPosition
from ..rows import Table, tables
from ..stock import template, templates

PM = {"usdm": "pm usdm", "usdm algo": "pm usdm algo", "coinm": "pm coinm", "coinm algo": "pm coinm conditional"}
PM |= {"margin": "pm margin"}
"""Where the orders of these segments are once portfolio margin is on."""
_UNDERLYINGS = ("BTC", "ETH", "BNB", "SOL")
_COINS = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "LTC", "LINK", "DOT")


def number_of(order: SimOrder) -> str:
    return order.id.rpartition(":")[2]


def _status(order: SimOrder, _: object) -> str:
    partly = bool(order.executed)
    opened = "PARTIALLY_FILLED" if partly else order.extra.get("status", "NEW")
    return {"open": str(opened), "filled": "FILLED"}.get(order.status, "CANCELED")


def _algo_status(order: SimOrder, _: object) -> str:
    return {"open": "NEW", "filled": "TRIGGERED"}.get(order.status, "CANCELED")


_CELLS = {
    "number": lambda order, _: int(number_of(order)),
    "status": _status,
    "algo_status": _algo_status,
    "option_status": lambda order, view: _status(order, view).replace("NEW", "ACCEPTED").replace("ANCELED", "ANCELLED"),
    "parent_status": lambda order, _: "WORKING" if order.status == "open" else "CANCELLED",
    "upper": lambda order, _: order.side.upper(),
    "stop": lambda order, _: "90" if waits(order) else "0.00",
    "held": lambda order, _: order.extra.get("held", "BOTH"),
    "reduces": lambda order, _: order.reduce_only,
    "shrinks": lambda order, _: order.reduce_only or "closes" in order.extra,
    "closes": lambda order, _: order.extra.get("closes") is not None,
    "list": lambda order, _: int(str(order.extra.get("list", -1))),
}
_row_table = tables(_CELLS)
_SPOT = """symbol orderId=.number orderListId=.list clientOrderId=.client_id price origQty=.quantity
    executedQty=.executed cummulativeQuoteQty=0 status=.status timeInForce=GTC type=.kind side=.upper
    stopPrice=.stop icebergQty=0.0
    time=.created updateTime=.updated isWorking=#true workingTime=.created"""
_BOOK = """symbol orderId=.number clientOrderId=.client_id price origQty=.quantity executedQty=.executed avgPrice=0
    cumQuote=0 status=.status timeInForce=GTC type=.kind origType=.kind side=.upper stopPrice=.stop reduceOnly=.reduces
    closePosition=.closes positionSide=.held workingType=CONTRACT_PRICE priceMatch=NONE time=.created
    updateTime=.updated"""
ROWS: Mapping[str, Table] = {
    "spot": _row_table(_SPOT),
    "margin": _row_table(_SPOT + " isIsolated=?isolated|#false"),
    "book": _row_table(_BOOK),
    "algo": _row_table(
        """algoId=.number clientAlgoId=.client_id algoType=CONDITIONAL orderType=.kind symbol side=.upper
        positionSide=.held quantity algoStatus=.algo_status actualOrderId=?actual| triggerPrice=90 price
        workingType=CONTRACT_PRICE closePosition=.closes reduceOnly=.reduces createTime=.created updateTime=.updated
        triggerTime=#0"""
    ),
    "conditional": _row_table(
        """newClientStrategyId=.client_id strategyId=.number strategyStatus=.algo_status strategyType=.kind
        origQty=.quantity price stopPrice=90 side=.upper positionSide=.held reduceOnly=.shrinks symbol timeInForce=GTC
        bookTime=.created updateTime=.updated"""
    ),
    "option": _row_table(
        """orderId=.number symbol price quantity executedQty=.executed side=.upper type=.kind timeInForce=GTC
        reduceOnly=.reduces status=.option_status createTime=.created updateTime=.updated clientOrderId=.client_id"""
    ),
    "parent": _row_table(
        """algoId=.number symbol side=.upper positionSide=BOTH totalQty=.quantity executedQty=.executed executedAmt=0
        avgPrice=0 clientAlgoId=.client_id bookTime=.created endTime=#0 algoStatus=.parent_status algoType=.kind
        urgency=LOW"""
    ),
}


@dataclass(frozen=True)
class SimBook:
    """A book: its segment, the calls on it, the name of an order's number, and how its rows are written."""

    segment: str
    listing: str
    cancel_all: str
    cancel: str
    query: str
    key: str = "orderId"
    rows: str = "book"
    wants_symbol: bool = True


def _book(segment: str, path: str, calls: str, rows: str = "book", key: str = "orderId") -> SimBook:
    """One whose calls are named: the listing, the cancels of a symbol and of one order, and the query of one."""
    listed, all_of, one, query = (f"{path}/{call}" for call in calls.split())
    return SimBook(segment, listed, all_of, one, query, key, rows, wants_symbol=rows != "algo")


_ORDERS = "openOrders allOpenOrders order order"
_SAME = "openOrders openOrders order order"
_ALGO = "openAlgoOrders algoOpenOrders algoOrder algoOrder"
BOOKS = (
    _book("spot", "/api/v3", _SAME, "spot"),
    _book("margin", "/sapi/v1/margin", _SAME, "margin"),
    _book("usdm algo", "/fapi/v1", _ALGO, "algo", "algoId"),
    _book("usdm", "/fapi/v1", _ORDERS),
    _book("coinm algo", "/dapi/v1", _ALGO, "algo", "algoId"),
    _book("coinm", "/dapi/v1", _ORDERS),
    _book("option", "/eapi/v1", _ORDERS, "option"),
    _book("pm usdm algo", "/papi/v1/um/algo", "openAlgoOrders allOpenOrders order algoOrder", "algo", "algoId"),
    _book("pm usdm", "/papi/v1/um", _ORDERS),
    _book(
        "pm coinm conditional",
        "/papi/v1/cm/conditional",
        "openOrders allOpenOrders order orderHistory",
        "conditional",
        "strategyId",
    ),
    _book("pm coinm", "/papi/v1/cm", _ORDERS),
    _book("pm margin", "/papi/v1/margin", _ORDERS, "margin"),
)
BY_SEGMENT = {book.segment: book for book in BOOKS}


def book_of(order: SimOrder) -> SimBook:
    """The book of an order; all isolated accounts are behind the calls of the cross one."""
    return BY_SEGMENT["margin" if order.segment.startswith("isolated") else order.segment]


def product_of(segment: str) -> str:
    """The product of a segment, whoever lists it."""
    return segment.removeprefix("pm ").partition(" ")[0]


def conditional(order: SimOrder) -> bool:
    """Whether it is in a book of its own until its price comes."""
    return order.segment.endswith((" algo", " conditional"))


def waits(order: SimOrder) -> bool:
    return order.kind.startswith(("STOP", "TAKE_PROFIT", "TRAILING"))


class Symbols:
    """What trades, by product. Options and dated futures expire in the winter after `now_ms`."""

    def __init__(self, now_ms: int) -> None:
        day = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(days=200)
        self.expiry = f"{day:%y%m%d}"
        coins = [f"{coin}USDT" for coin in _COINS]
        self.of: Mapping[str, list[str]] = {
            "spot": [*coins, "BTCUSDC", "这是测试币456"],
            "usdm": [*coins, "测试USDT", f"BTCUSDT_{self.expiry}"],
            "coinm": [f"{coin}USD_PERP" for coin in _COINS],
            "option": [
                f"{coin}-{self.expiry}-{strike}-{side}"
                for coin, strike in zip(_UNDERLYINGS, (100000, 4000, 600, 200), strict=True)
                for side in "CP"
            ],
        }

    def known(self, segment: str, symbol: str) -> bool:
        return symbol in self.of.get(product_of(segment), self.of["spot"])

    def stock(self, mode: str) -> list[SimOrder]:
        """One of each. The first eleven reach every part of the account."""
        text = Path(__file__).with_name("stock.txt").read_text(encoding="utf-8")
        return [_moved(one) if mode == "pm" else one for one in templates(text.format(expiry=self.expiry), _template)]


def _template(segment: str, symbol: str, side: str, price: str, kind: str, **more: str) -> SimOrder:
    left, reduces = more.pop("left", "1"), more.pop("reduces", "")
    extra: dict[str, object] = {**more, "isolated": True} if segment == "isolated" else dict(more)
    where = f"isolated {symbol}" if segment == "isolated" else segment.replace(":", " ")
    return template(where, symbol, side, price, kind, extra, left=left, reduces=reduces)


def _moved(order: SimOrder) -> SimOrder:
    from dataclasses import replace

    return replace(order, segment=PM.get(order.segment, order.segment))


def closes(order: SimOrder) -> SimPosition | None:
    """The position that an order of futures closes; None for one that closes none."""
    product = product_of(order.segment)
    if product not in ("usdm", "coinm", "option") or not (order.reduce_only or order.extra.get("closes")):
        return None
    return SimPosition(
        symbol=order.symbol,
        long=order.side == "sell",
        segment=order.segment.removesuffix(" algo").removesuffix(" conditional"),
    )
