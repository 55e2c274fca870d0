"""The wallets of a fake Binance: their books, how a book's rows are written, the symbols, and an account's stock.

Rows as in the samples of https://developers.binance.com/docs/ and binance/binance-spot-api-docs (2026-07-21): numbers
of orders are unique within a symbol and a book, so an order's id is made of all of them here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..book import SimOrder
from ..positions import SimPosition
from ..rows import tables, written
from ..stock import stock, template

PM = {"usdm": "pm usdm", "usdm algo": "pm usdm algo", "coinm": "pm coinm", "coinm algo": "pm coinm conditional"}
PM |= {"margin": "pm margin"}
"""Where the orders of these segments are once portfolio margin is on."""
_STRIKES = {"BTC": 100000, "ETH": 4000, "BNB": 600, "SOL": 200}
_COINS = ("BTC", "ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "LTC", "LINK", "DOT")


def number_of(order: SimOrder) -> str:
    return order.id.rpartition(":")[2]


def _status(order: SimOrder, _: object) -> str:
    partly = bool(order.executed)
    opened = "PARTIALLY_FILLED" if partly else order.extra.get("status", "NEW")
    return {"open": str(opened), "filled": "FILLED"}.get(order.status, "CANCELED")


_CELLS = {
    "number": lambda order, _: int(number_of(order)),
    "status": _status,
    "algo_status": lambda order, _: {"open": "NEW", "filled": "TRIGGERED"}.get(order.status, "CANCELED"),
    "option_status": lambda order, view: _status(order, view).replace("NEW", "ACCEPTED").replace("ANCELED", "ANCELLED"),
    "parent_status": lambda order, _: "WORKING" if order.status == "open" else "CANCELLED",
    "upper": lambda order, _: order.side.upper(),
    "stop": lambda order, _: "90" if waits(order) else "0.00",
    "held": lambda order, _: order.extra.get("held", "BOTH"),
    "reduces": lambda order, _: order.reduce_only,
    "shrinks": lambda order, _: order.reduce_only or "closes" in order.extra,
    "closes": lambda order, _: order.extra.get("closes") is not None,
    "long_or_short": lambda position, _: "LONG" if position.long else "SHORT",
    "list": lambda order, _: int(str(order.extra.get("list", -1))),
}
ROWS = {name: tables(_CELLS)(text) for name, text in written(__file__).items()}
"""How the rows of each kind of book are written, by its name, and positions."""


@dataclass(frozen=True)
class SimBook:
    """A book: its segment, the calls on it, the name of an order's number, and how its rows are written."""

    segment: str
    listing: str
    cancel_all: str
    cancel: str
    query: str
    history: str = ""
    key: str = "orderId"
    rows: str = "book"

    @property
    def wants_symbol(self) -> bool:
        return self.rows != "algo"


def _book(line: str) -> SimBook:
    """One by its calls: the listing, the cancels of a symbol and of one order, the query of one, and the history."""
    segment, path, calls, rows, key = (word.strip() for word in line.split("|"))
    return SimBook(segment, *(f"{path}/{call}" for call in calls.split()), rows=rows, key=key)  # type: ignore[misc]


BOOKS = tuple(map(_book, Path(__file__).with_name("books.txt").read_text(encoding="utf-8").splitlines()))
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
            "option": [f"{coin}-{self.expiry}-{_STRIKES[coin]}-{side}" for coin in _STRIKES for side in "CP"],
        }

    def known(self, segment: str, symbol: str) -> bool:
        return symbol in self.of.get(product_of(segment), self.of["spot"])

    def stock(self, mode: str) -> list[SimOrder]:
        """One of each. The first eleven reach every part of the account."""
        classic = stock(__file__, _template, expiry=self.expiry)
        return [replace(one, segment=PM.get(one.segment, one.segment)) for one in classic] if mode == "pm" else classic


def _template(
    segment: str, symbol: str, side: str, price: str, kind: str, left: str = "1", reduces: str = "", **more: str
) -> SimOrder:
    extra = {**more, "isolated": True} if segment == "isolated" else more
    where = f"isolated {symbol}" if segment == "isolated" else segment.replace(":", " ")
    return template(where, symbol, side, price, kind, extra, left=left, reduces=reduces)


def closes(order: SimOrder) -> SimPosition | None:
    """The position that an order of futures closes; None for one that closes none."""
    product = product_of(order.segment)
    if product not in ("usdm", "coinm", "option") or not (order.reduce_only or order.extra.get("closes")):
        return None
    segment = order.segment.removesuffix(" algo").removesuffix(" conditional")
    return SimPosition(symbol=order.symbol, long=order.side == "sell", segment=segment)
