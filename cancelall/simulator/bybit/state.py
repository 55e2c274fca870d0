"""What the handlers of Bybit's requests share: what the fake remembers, answers, refusals, and which orders are meant.

https://bybit-exchange.github.io/docs/v5/enum, .../v5/order/cancel-all and .../v5/error (as of 2026-07-24). HTTP 200
with a `retCode` is the normal case, for errors too. Where the document names a code without its words, the words here
are made up.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..refusals import Refused, string
from ..routes import Call
from .instruments import CATEGORIES, ORDINARY, Instruments

STOP, TPSL, OCO, BIDIRECTIONAL = "Stop", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"
FUTURES = ("linear", "inverse")
_FILTERS: Mapping[str, Collection[str]] = {
    **dict.fromkeys(CATEGORIES, ("Order", "StopOrder")),
    "spot": ("Order", "StopOrder", TPSL, OCO, BIDIRECTIONAL),
}
CANCEL_FILTERS = {**_FILTERS, **dict.fromkeys(FUTURES, ("Order", "StopOrder", "OpenOrder"))}
Values = Mapping[str, object]
RUNNING, TERMINATED, TERMINATED_WITH_ORDERS, PAUSED, UNTRIGGERED = 2, 3, 4, 5, 6


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler answers. The document says that a success may read OK, success, SUCCESS or be empty."""

    result: Mapping[str, object] = field(default_factory=dict)
    code: int | str = 0
    status: int = 200
    ext: Mapping[str, object] = field(default_factory=dict)
    message: str = "OK"


@dataclass(frozen=True)
class Strategy:
    """One strategy of an account; `create_type` is the mark that its orders carry."""

    id: str
    created_ms: int
    type: str
    create_type: str
    category: str
    symbol: str
    status: int

    @property
    def alive(self) -> bool:
        return self.status in (RUNNING, PAUSED, UNTRIGGERED)


class State(FakeVenue):
    def begin(self) -> None:
        self.instruments = Instruments(self.now_ms())
        self.strategies: dict[str, dict[str, Strategy]] = defaultdict(dict)
        """Each account's, by the account's key and their id."""

    def strategies_alive(self, account: Account) -> list[Strategy]:
        with self.lock:
            return [strategy for strategy in self.strategies[account.key].values() if strategy.alive]

    def new_id(self, like: SimOrder) -> str:
        """Digits on spot, a UUID elsewhere."""
        return str(self.random.randrange(10**18, 2 * 10**18)) if like.segment == "spot" else self.uuid()


def bad(what: str) -> Refused:
    return Refused(10001, f"params error: {what}")


def bad_filter(segment: str) -> Refused:
    """The refusal of an `orderFilter` that the category does not have; spot has a code of its own."""
    return Refused(170201 if segment == "spot" else 10001, "params error: orderFilter is invalid")


def text(values: Values, name: str) -> str:
    return string(values, name, bad(f"{name} is not a string"))


def product_of(call: Call) -> str:
    """The product that a request is about: what its path says, else its category, whatever that is."""
    named = call.path.split("/")[2]
    return named if named in ("spread", "strategy") else str(call.payload.get("category", ""))


def segment_of(call: Call) -> str:
    """Whose orders a request is about: those of a category, or spread orders (two legs traded as one) by its path."""
    product = product_of(call)
    if product not in CATEGORIES and not call.path.startswith("/v5/spread/"):
        raise bad("Category is invalid")
    return product


def triggered(order: SimOrder) -> bool:
    """Whether the order works on the market's book now: an ordinary one, or one whose trigger has fired."""
    return order.kind == ORDINARY or order.extra.get("triggered") is True


def in_filter(order: SimOrder, order_filter: str) -> bool:
    """Whether an `orderFilter` reaches this order; the empty filter reaches every kind.

    Only the Chinese page says that `OpenOrder` takes orders which open a position. How it treats conditional orders is
    not written anywhere. Here it takes those that could open one.
    """
    if not order_filter:
        return True
    if order_filter == "OpenOrder":
        reduces = order.reduce_only or order.extra.get("closeOnTrigger") is True
        return not reduces and order.kind in (ORDINARY, STOP)
    if triggered(order):
        return order_filter == "Order"
    return order_filter == (order.kind if order.segment == "spot" and order.kind != STOP else "StopOrder")


@dataclass(frozen=True)
class Scope:
    segment: str
    symbol: str
    base_coin: str
    settle_coin: str
    order_filter: str
    instruments: Instruments

    def covers(self, order: SimOrder) -> bool:
        """Whether the order is in scope. Of several selectors one counts: symbol, else base coin, else settle coin.

        A symbol or coin that does not exist is no error: it matches nothing, and the answer is a success.
        """
        if not in_filter(order, self.order_filter):
            return False
        if self.symbol or not (self.base_coin or self.settle_coin):
            return self.symbol in ("", order.symbol)
        instrument = self.instruments.find(order.segment, order.symbol)
        if instrument is None:
            return False
        return instrument.base == self.base_coin if self.base_coin else instrument.settle_coin == self.settle_coin


def read_scope(
    segment: str, values: Values, known: Instruments, *, coin_for: Collection[str] = (), cancels: bool = False
) -> Scope:
    """Check the selectors. `coin_for` are the categories that need one of symbol, base coin or settle coin.

    A cancel knows more filters than a listing, and one of spot without a filter is about its ordinary orders.
    """
    symbol, base, settle_coin = (text(values, name) for name in ("symbol", "baseCoin", "settleCoin"))
    order_filter = text(values, "orderFilter") or ("Order" if cancels and segment == "spot" else "")
    if segment == "spot" and settle_coin:
        # The words are from another call's real answer.
        raise bad("settle_coin not support")
    if segment in coin_for and not (symbol or base or settle_coin):
        raise bad("symbol, baseCoin or settleCoin is required")
    if order_filter and order_filter not in (CANCEL_FILTERS if cancels else _FILTERS).get(segment, ()):
        raise bad_filter(segment)
    return Scope(segment, symbol, base, settle_coin, order_filter, known)
