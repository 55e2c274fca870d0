"""What really rested, and what a verdict may claim. All of it from the venue's side of the wire.

An order's life is an interval of steps: places in the one order of everything that happens in a schedule. A listing is
an interval too, from its first request to its last answer. `clear` is false when there is a part of the account in
scope that was not empty at any step of the last listing that covers it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from cancelall.simulator import Account, FakeVenue, Kind, SimOrder
from cancelall.simulator.binance import state as binance_state
from cancelall.simulator.binance import wallets as binance_wallets
from cancelall.simulator.bitget import kinds as bitget_kinds
from cancelall.simulator.book import Book
from cancelall.simulator.bybit import state as bybit_state
from cancelall.simulator.deltadefi import markets as deltadefi_markets
from cancelall.simulator.deribit import instruments as deribit_instruments
from cancelall.simulator.hyperliquid import markets as hyperliquid_markets
from cancelall.simulator.kraken import state as kraken_state
from cancelall.simulator.pacifica import markets as pacifica_markets
from tests.soak.virtual import Sent, true_ms

FOREVER = 1 << 60
CLIENT_IDS = frozenset({"client_id", "not_client_id"})
"""Options that select orders by their client ids."""
PAGING = frozenset({"cursor", "idLessThan", "page", "offset", "after", "endId"})


# --- lives ----------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Life:
    """One order, from the step at which it came to the step at which it went."""

    order: SimOrder
    born: int
    died: int = FOREVER
    end: str = ""
    heir: str = ""
    """The id of the order that it turned into, if it fired."""


class _RecordingBook(Book):
    """A book that also notes when orders came and went."""

    history: History

    def add(self, order: SimOrder) -> SimOrder:
        added = super().add(order)
        self.history.came(added)
        return added

    def close(self, order_id: str, status: Any, when_ms: int) -> SimOrder | None:
        after = super().close(order_id, status, when_ms)
        if after is not None:
            self.history.went(order_id, status)
        return after


@dataclass
class History:
    """Every order that ever rested in one account and its strategies."""

    step: Callable[[], int]
    lives: dict[str, Life] = field(default_factory=dict)
    _fired: tuple[int, str] = (-2, "")

    def watch(self, account: Account) -> None:
        """Note what happens to this account from now on. What rests now was always there."""
        book = account.book
        recording = _RecordingBook()
        recording.__dict__.update(book.__dict__)
        recording.history = self
        object.__setattr__(account, "book", recording)
        self.lives = {order.id: Life(order=order, born=0) for order in book.open()}

    def came(self, order: SimOrder) -> None:
        """An order rests."""
        at = self.step()
        self.lives[order.id] = Life(order=order, born=at)
        if self._fired[0] == at - 1:
            self.lives[self._fired[1]].heir = order.id

    def went(self, order_id: str, status: str) -> None:
        """An order does not rest any more."""
        at = self.step()
        life = self.lives[order_id]
        life.died, life.end = at, status
        if status == "filled":
            self._fired = (at, order_id)

    def alive(self, orders: Iterable[SimOrder]) -> None:
        """These strategies can still place orders; those that are missing ended just now."""
        now = {order.id: order for order in orders}
        for identity, order in now.items():
            if identity not in self.lives:
                self.lives[identity] = Life(order=order, born=0)
        for identity, life in self.lives.items():
            if life.order.segment == STRATEGY and life.died == FOREVER and identity not in now:
                life.died, life.end = self.step(), "cancelled"


STRATEGY = "strategy"
"""The segment under which Bybit's strategies, which are no orders of its book, are noted."""


def strategies_of(fake: FakeVenue, account: Account) -> list[SimOrder] | None:
    """Strategies that live outside of the book, as if they were orders; None where there are none of this sort."""
    alive = getattr(fake, "strategies_alive", None)
    if alive is None:
        return None
    return [
        SimOrder(id=one.id, symbol=one.symbol, segment=STRATEGY, kind=one.type, extra={"status": one.status})
        for one in alive(account)
    ]


class Steps:
    """Numbers everything that happens, and remembers when it did."""

    def __init__(self, loop: Any) -> None:
        self._loop, self._numbers = loop, count(1)
        self.times: list[int] = [0]

    def __call__(self) -> int:
        self.times.append(true_ms(self._loop))
        return next(self._numbers)

    def at(self, when_ms: int) -> int:
        """The last step that was over by then."""
        from bisect import bisect_right

        return max(0, bisect_right(self.times, when_ms) - 1)


# --- scope ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """What the words of a profile mean on one venue, in terms of the book."""

    fake: Any
    options: Mapping[str, Any]
    environment: str

    def in_scope(self, order: SimOrder) -> bool:
        """Whether the profile asks for this order to go."""
        raise NotImplementedError

    def wanted(self, order: SimOrder) -> bool:
        """Whether it is in scope, and its client id one of those that are to go."""
        return self.in_scope(order) and self.selected(order)

    def selected(self, order: SimOrder) -> bool:
        """Whether an order's client id is one of those that are to go."""
        own, only, but = order.client_id, self.many("client_id"), self.many("not_client_id")
        return (not only or own.startswith(only)) and not (but and own.startswith(but))

    @property
    def by_name(self) -> bool:
        """Whether client ids select orders."""
        return not self.options.keys().isdisjoint(CLIENT_IDS)

    def protective(self, order: SimOrder) -> bool:
        """Whether it can only shrink a position."""
        raise NotImplementedError

    def unsure(self, order: SimOrder) -> bool:
        """Whether nothing tells if it can only shrink a position: it stays with those that do, and is open."""
        return False

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        """Whether a listing with these parameters is about this order."""
        raise NotImplementedError

    def span(self, found: Sequence[tuple[Mapping[str, str], Window]]) -> Window:
        """When the listings that cover an order, each with its parameters, were read for the last time."""
        return Window(min(one.first for _, one in found), max(one.last for _, one in found))

    def listed(self, order: SimOrder) -> bool:
        """Whether the venue names the market of this order anywhere but in a listing of orders. DeltaDeFi may not."""
        return True

    def fired(self, order: SimOrder) -> SimOrder | None:
        """What rests after its price has come; None for an order that waits for none, as all of DeltaDeFi's."""
        return None

    def many(self, key: str) -> tuple[str, ...]:
        """A repeatable option."""
        value = self.options.get(key, ())
        return (value,) if isinstance(value, str) else tuple(value)

    def one(self, key: str) -> str:
        """An option with one value."""
        return str(self.options.get(key, "") or "")


class BybitTruth(Truth):
    """https://bybit-exchange.github.io/docs/v5/order/cancel-all"""

    def in_scope(self, order: SimOrder) -> bool:
        part = order.segment
        if self.environment == "demo" and part in ("spread", STRATEGY):
            return False
        categories = self.many("category")
        if categories and part not in categories:
            return False
        symbols = [one.upper() for one in self.many("symbol")]
        if symbols and order.symbol not in symbols:
            return False
        return self._of_coin(order, categories) and self._in_filter(order)

    def _of_coin(self, order: SimOrder, categories: tuple[str, ...]) -> bool:
        settle, base = self.one("settle_coin").upper(), self.one("base_coin").upper()
        if not settle and not base:
            return True
        if not categories:
            stable = settle in ("USDT", "USDC")
            allowed = ("linear", "inverse", "option") if base else ("linear",) if stable else ("inverse",)
            if order.segment not in allowed:
                return False
        if order.segment in ("spread", STRATEGY):
            return False
        instrument = self.fake.instruments.find(order.segment, order.symbol)
        if instrument is None:
            return False
        return bool(instrument.base == base if base else instrument.settle_coin == settle)

    def _in_filter(self, order: SimOrder) -> bool:
        wanted = self.one("order_filter")
        if not wanted:
            return True
        if wanted not in bybit_state.CANCEL_FILTERS.get(order.segment, ()):
            return False
        if self.one("stop_order_type") and (
            order.segment not in ("linear", "inverse") or order.kind != bybit_state.STOP
        ):
            return False
        return bybit_state.in_filter(order, wanted)

    def protective(self, order: SimOrder) -> bool:
        closing = {"TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss"}
        if order.reduce_only or order.extra.get("closeOnTrigger") is True or order.kind in closing:
            return True
        conditional = order.kind not in (bybit_state.ORDINARY,)
        return order.segment == "spot" and conditional and order.side == "sell"

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        if path == "/v5/strategy/list":
            status = str(order.extra.get("status"))
            return (
                order.segment == STRATEGY
                and parameters.get("status", status) == status
                and parameters.get("symbol", order.symbol) == order.symbol
            )
        if path == "/v5/spread/order/realtime":
            return order.segment == "spread" and parameters.get("symbol", order.symbol) == order.symbol
        if path != "/v5/order/realtime" or parameters.get("category") != order.segment:
            return False
        scope = bybit_state.read_scope(order.segment, dict(parameters), self.fake.instruments)
        return scope.covers(order)

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind == bybit_state.ORDINARY or order.segment == "spread":
            return None
        return replace(order, kind=bybit_state.ORDINARY, type="limit", price="100")


class AscendexTruth(Truth):
    """Three ledgers; a symbol narrows."""

    def in_scope(self, order: SimOrder) -> bool:
        ledgers, symbols = self.many("account_category"), self.many("symbol")
        return (not ledgers or order.segment in ledgers) and (not symbols or order.symbol in symbols)

    def protective(self, order: SimOrder) -> bool:
        waits = order.kind in ("stop_limit", "stop_market")
        return order.reduce_only or (order.segment == "cash" and waits and order.side == "sell")

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        match = re.fullmatch(r"/\d+/api/pro/v[12]/(\w+)/order/open", path)
        return bool(match and match[1] == order.segment)

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind not in ("stop_limit", "stop_market"):
            return None
        return replace(order, type="limit", kind="limit", price="100")


class BitgetTruth(Truth):
    """Product types in a classic account, categories in a unified one, plan and strategy orders with both."""

    @staticmethod
    def product(order: SimOrder) -> str:
        """The product type or category; empty for the margin accounts of a classic account, which are not covered."""
        name = order.segment.removeprefix("unified ").removesuffix(" plan").removesuffix(" strategy")
        return name if name in bitget_kinds.CATEGORIES else ""

    def in_scope(self, order: SimOrder) -> bool:
        product, products, coin = self.product(order), self.many("product_type"), self.one("margin_coin").upper()
        if not product or (products and product not in products):
            return False
        symbols = [one.upper() for one in self.many("symbol")]
        if symbols and order.symbol not in symbols:
            return False
        if not coin:
            return True
        if not products and product != {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}.get(coin, "COIN-FUTURES"):
            return False
        if product not in bitget_kinds.FUTURES:
            return False
        if not order.segment.startswith("unified"):
            return order.extra.get("marginCoin") == coin
        own = {"USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC"}.get(product)
        return own == coin if own else bool(re.match(f"{coin}USD", order.symbol))

    def protective(self, order: SimOrder) -> bool:
        product, extra = self.product(order), order.extra
        if order.segment.endswith(" strategy"):
            sells = order.side == "sell" and order.kind not in (bitget_kinds.ICEBERG, bitget_kinds.TWAP)
            against = (extra.get("posSide"), order.side) in (("long", "sell"), ("short", "buy"))
            closes = order.reduce_only or (order.kind in bitget_kinds.YOUNG_TYPES and against)
            return order.kind == bitget_kinds.TPSL or closes if product in bitget_kinds.FUTURES else sells
        if product in ("SPOT", "MARGIN"):
            waits = order.segment.endswith(" plan") or order.kind == bitget_kinds.TPSL
            return waits and order.side == "sell"
        if order.kind in ("profit_plan", "loss_plan", "pos_profit", "pos_loss", "moving_plan"):
            return True
        closing = (extra.get("posSide"), order.side) in (("long", "sell"), ("short", "buy"))
        hedged = order.segment.startswith("unified") and extra.get("posMode") == "hedge_mode" and closing
        return order.reduce_only or extra.get("tradeSide") == "close" or hedged

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        product, category = parameters.get("productType", ""), parameters.get("category", "")
        if parameters.get("symbol", order.symbol) != order.symbol:
            return False
        match path:
            case "/api/v2/mix/order/orders-pending":
                partly = order.remaining != order.quantity
                return order.segment == product and (not parameters.get("status") or partly)
            case "/api/v2/mix/order/orders-plan-pending":
                listed = bitget_kinds.LISTED_UNDER.get(order.kind)
                return order.segment == bitget_kinds.plan_segment(product) and listed == parameters.get("planType")
            case "/api/v2/spot/trade/unfilled-orders":
                kind = parameters.get("tpslType") or bitget_kinds.NORMAL
                return order.segment == bitget_kinds.SPOT and order.kind == kind
            case "/api/v2/spot/trade/current-plan-order":
                return order.segment == bitget_kinds.plan_segment(bitget_kinds.SPOT)
            case "/api/v3/trade/unfilled-orders":
                return order.segment == bitget_kinds.unified_segment(category)
            case "/api/v3/trade/unfilled-strategy-orders":
                wanted = parameters.get("type", "")
                return order.segment == bitget_kinds.strategy_segment(category) and wanted in ("", order.kind)
        return False

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind == bitget_kinds.NORMAL or not self.product(order):
            return None
        place = order.segment.removesuffix(" plan").removesuffix(" strategy")
        closing = self.protective(order) and self.product(order) in bitget_kinds.FUTURES
        return replace(order, segment=place, kind=bitget_kinds.NORMAL, type="limit", price="100", reduce_only=closing)


class PacificaTruth(Truth):
    """Orders, TWAPs and strategies."""

    def in_scope(self, order: SimOrder) -> bool:
        symbols = self.many("symbol")
        if self.options.get("exclude_reduce_only") and order.reduce_only:
            return False
        return not symbols or order.symbol in symbols

    def protective(self, order: SimOrder) -> bool:
        sells_spot = "-" in order.symbol and order.side == "sell" and pacifica_markets.is_stop(order)
        return order.reduce_only or sells_spot

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        listed = {"/orders": "orders", "/orders/twap": "twap", "/order_strategies": "strategies"}
        return listed.get(path.removeprefix("/api/v1")) == order.segment

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind not in pacifica_markets.WAITING or order.extra.get("lifecycle") != "open":
            return None
        return replace(order, segment=pacifica_markets.ORDERS, kind="limit", price="100", extra={"strategy": order.id})


class DeltadefiTruth(Truth):
    """Pairs. The listing of all pairs finds pairs, and is read on for those that the market config may lack."""

    def in_scope(self, order: SimOrder) -> bool:
        symbols = [one.casefold() for one in self.many("symbol")]
        return not symbols or order.symbol.casefold() in symbols

    def protective(self, order: SimOrder) -> bool:
        return False

    def listed(self, order: SimOrder) -> bool:
        return deltadefi_markets.MARKETS[order.symbol].listed

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        return path == "/accounts/open-orders" and parameters.get("symbol", order.symbol) == order.symbol

    def span(self, found: Sequence[tuple[Mapping[str, str], Window]]) -> Window:
        """That of its own; if the listing of all pairs was read after it, either may be the proof."""
        own = [window for parameters, window in found if "symbol" in parameters]
        wide = [window for parameters, window in found if "symbol" not in parameters]
        if not own or not wide:
            return (own or wide)[0]
        return Window(own[0].first, wide[0].last) if wide[0].first > own[0].first else own[0]


class DeribitTruth(Truth):
    """One account; a currency, a kind or instruments narrow. A spot pair counts under both of its coins."""

    def in_scope(self, order: SimOrder) -> bool:
        instrument = deribit_instruments.INSTRUMENTS[order.symbol]
        names, coins, kind = self.many("instrument"), [one.upper() for one in self.many("currency")], self.one("kind")
        if names and order.symbol not in names:
            return False
        return (not coins or any(map(instrument.listed_under, coins))) and kind in ("", instrument.kind)

    def protective(self, order: SimOrder) -> bool:
        spot = deribit_instruments.INSTRUMENTS[order.symbol].kind == "spot"
        return order.reduce_only or (spot and order.kind in deribit_instruments.TRIGGERED and order.side == "sell")

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        instrument = deribit_instruments.INSTRUMENTS[order.symbol]
        if not path.startswith("/api/v2/private/get_open_orders"):
            return False
        coin = parameters.get("currency", "")
        return parameters.get("kind", instrument.kind) == instrument.kind and (
            not coin or instrument.listed_under(coin)
        )

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind not in deribit_instruments.TRIGGERED:
            return None
        return replace(order, kind="limit", type="limit", price="100", extra={"trigger_order_id": order.id})


class HyperliquidTruth(Truth):
    """The first dex with spot and outcomes, further dexes, TWAPs of all of them."""

    @staticmethod
    def dex(order: SimOrder) -> str:
        """The dex of its market."""
        return order.symbol.partition(":")[0] if ":" in order.symbol else hyperliquid_markets.CORE

    def selected(self, order: SimOrder) -> bool:
        """Hexadecimal numbers, with 0x or without."""
        own = order.client_id.lower().removeprefix("0x")
        only, but = (
            tuple(one.lower().removeprefix("0x") for one in self.many(key)) for key in ("client_id", "not_client_id")
        )
        return (not only or own.startswith(only)) and not (bool(own) and but != () and own.startswith(but))

    def in_scope(self, order: SimOrder) -> bool:
        coins, dexes = self.many("coin"), self.many("dex")
        return (not coins or order.symbol in coins) and (not dexes or self.dex(order) in dexes)

    def protective(self, order: SimOrder) -> bool:
        spot = order.symbol in hyperliquid_markets.SPOT or order.symbol.startswith("#")
        waits, parent = "trigger" in order.extra, str(order.extra.get("parent", ""))
        if parent and not any(one.id == parent for one in self.fake.closed_orders() if one.status == "filled"):
            return False  # it goes with the order that it belongs to
        return order.reduce_only or (spot and waits and order.side == "sell")

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        if order.segment == hyperliquid_markets.TWAPS:
            return parameters.get("type") == "twapHistory"
        listed = parameters.get("dex") or hyperliquid_markets.CORE
        return parameters.get("type") == "frontendOpenOrders" and listed == order.segment

    def fired(self, order: SimOrder) -> SimOrder | None:
        if "trigger" not in order.extra:
            return None
        return replace(order, kind="Limit", extra={})


class KrakenTruth(Truth):
    """One listing of everything; pairs in any spelling narrow it."""

    def in_scope(self, order: SimOrder) -> bool:
        pair = kraken_state.PAIRS[order.symbol]
        site = pair.wsname.replace("XBT", "BTC").replace("XDG", "DOGE")
        spellings = {pair.id, pair.altname, pair.wsname, site, site.replace("/", "")}
        return not self.many("pair") or any(one.upper() in spellings for one in self.many("pair"))

    def unsure(self, order: SimOrder) -> bool:
        return "leverage" in order.extra and order.kind != "limit"

    def protective(self, order: SimOrder) -> bool:
        waits = order.kind.startswith(("stop-loss", "take-profit", "trailing-stop"))
        return self.unsure(order) or ("leverage" not in order.extra and waits and order.side == "sell")

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        return path == "/0/private/OpenOrders"

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind in ("limit", "iceberg"):
            return None
        return replace(order, kind="limit", price="100")


class OkxTruth(Truth):
    """Ordinary orders, event contracts, algo orders by their types, spread orders; a type, a name, or an underlying."""

    CONTRACTS = ("MARGIN", "SWAP", "FUTURES")
    TRIGGERED = ("conditional", "oco", "trigger", "move_order_stop")

    def in_scope(self, order: SimOrder) -> bool:
        types, names = self.many("instrument_type"), [one.upper() for one in self.many("instrument")]
        underlying, type_ = self.one("underlying").upper(), str(order.extra["instType"])
        if type_ == "SPREAD" and not (types or names) and self.environment not in ("live", "demo"):
            return False
        if underlying and type_ not in ("SWAP", "FUTURES", "OPTION"):
            return False
        if underlying and not re.match(rf"{underlying}(_[A-Z]+)*-", order.symbol):
            return False
        return (not types or type_ in types) and (not names or order.symbol in names)

    def protective(self, order: SimOrder) -> bool:
        type_, extra = order.extra["instType"], order.extra
        if type_ == "SPOT":
            return order.side == "sell" and order.kind in ("conditional", "oco", "move_order_stop")
        if type_ not in self.CONTRACTS:
            return False
        hedged = (extra.get("posSide"), order.side) in (("long", "sell"), ("short", "buy"))
        return order.reduce_only or hedged or extra.get("closeFraction") == "1" or extra.get("isTpLimit") == "true"

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        name = parameters.get("instId") or parameters.get("sprdId") or order.symbol
        type_ = parameters.get("instType", "")
        if name != order.symbol or type_ not in ("", order.extra["instType"]):
            return False
        match path:
            case "/api/v5/trade/orders-pending":
                return order.segment == ("events" if type_ == "EVENTS" else "orders")
            case "/api/v5/trade/orders-algo-pending":
                return order.kind in parameters.get("ordType", "").split(",")
            case "/api/v5/sprd/orders-pending":
                return order.segment == "spreads"
        return False

    def fired(self, order: SimOrder) -> SimOrder | None:
        if order.kind not in self.TRIGGERED:
            return None
        extra = {name: value for name, value in order.extra.items() if name != "closeFraction"}
        closes = self.protective(order) and order.extra["instType"] in self.CONTRACTS
        turned = replace(order, segment="orders", kind="limit", type="limit", price="100", extra=extra)
        return replace(turned, reduce_only=closes)


class BinanceTruth(Truth):
    """Wallets. Where portfolio margin is on, those of `papi` are in the place of others, by the same words."""

    @staticmethod
    def product(order: SimOrder) -> str:
        """The product of an order; TWAP and VP orders belong to the one in which they trade."""
        name = binance_wallets.product_of(order.segment)
        return {"algo-spot": "spot", "algo-futures": "usdm"}.get(name, name)

    def in_scope(self, order: SimOrder) -> bool:
        products, symbols = self.many("product"), [one.upper() for one in self.many("symbol")]
        by_pm = "pm" in products and order.segment.startswith(("pm ", "algo-futures"))
        chosen = not products or self.product(order) in products or by_pm
        return chosen and (not symbols or order.symbol in symbols)

    def protective(self, order: SimOrder) -> bool:
        product = self.product(order)
        if order.segment.startswith("algo-"):
            return False
        if product in ("spot", "margin", "isolated"):
            working = order.extra.get("status") != "PENDING_NEW"
            return order.side == "sell" and working and (binance_wallets.waits(order) or "list" in order.extra)
        against = (order.extra.get("held"), order.side) in (("LONG", "sell"), ("SHORT", "buy"))
        return order.reduce_only or "closes" in order.extra or against

    def covers(self, path: str, parameters: Mapping[str, str], order: SimOrder) -> bool:
        if order.segment.startswith("algo-"):
            return path == f"/sapi/v1/algo/{order.segment.removeprefix('algo-')}/openOrders"
        if parameters.get("symbol", order.symbol) != order.symbol:
            return False
        if order.segment.startswith("isolated"):
            return path == "/sapi/v1/margin/openOrders" and "isIsolated" in parameters
        return path == binance_wallets.book_of(order).listing and "isIsolated" not in parameters

    def fired(self, order: SimOrder) -> SimOrder | None:
        return binance_state.fired(order) if binance_wallets.conditional(order) else None


TRUTHS: Mapping[str, Callable[[Any, Mapping[str, Any], str], Truth]] = {
    "ascendex": AscendexTruth,
    "binance": BinanceTruth,
    "bitget": BitgetTruth,
    "bybit": BybitTruth,
    "deltadefi": DeltadefiTruth,
    "kraken": KrakenTruth,
    "deribit": DeribitTruth,
    "hyperliquid": HyperliquidTruth,
    "okx": OkxTruth,
    "pacifica": PacificaTruth,
}


# --- the oracle -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Window:
    """From the first request of a listing to its last answer."""

    first: int
    last: int


def listings(log: Sequence[Sent], steps: Steps) -> dict[tuple[str, tuple[tuple[str, str], ...]], Window]:
    """The last reading of each pass: all pages that followed the last first page. What was not answered does not count.

    A listing that may lag shows the book as it was so long ago.
    """
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Window] = {}
    for sent in log:
        if sent.kind is not Kind.LISTING or not sent.lists or sent.answered is None or sent.processed is None:
            continue
        parameters = dict(parse_qsl(sent.request.query, keep_blank_values=True))
        if sent.request.body.startswith(b"{"):  # a form holds a nonce and nothing else
            parameters |= {key: str(value) for key, value in json.loads(sent.request.body).items()}
        rest = tuple(sorted((key, value) for key, value in parameters.items() if key not in PAGING))
        key = (sent.request.path, rest)
        paging = PAGING & parameters.keys()
        first_page = not paging or parameters.get("page") == "1" or parameters.get("offset") == "0"
        shown = steps.at(sent.processed_ms - sent.lag_ms - 1) if sent.lag_ms else sent.began
        if first_page:
            found[key] = Window(min(sent.began, shown), sent.answered)
        elif key in found:
            found[key] = Window(min(found[key].first, shown), max(found[key].last, sent.answered))
    return found


def never_empty(lives: Iterable[Life], window: Window) -> bool:
    """Whether at each step of the window at least one of them rested."""
    reached = window.first
    for life in sorted(lives, key=lambda one: one.born):
        if life.born <= reached < life.died:
            reached = life.died
        if reached > window.last:
            return True
    return False


def false_claims(
    history: History, wanted: Callable[[SimOrder], bool], truth: Truth, log: Sequence[Sent], steps: Steps, until: int
) -> list[str]:
    """Why it is not true that everything wanted was gone at some moment of the last listing that covers it."""
    passes = listings(log, steps)
    cells: dict[frozenset[int], list[Life]] = {}
    windows: dict[str, Window] = {}
    keys = list(passes)
    for life in history.lives.values():
        if not wanted(life.order):
            continue
        covering = frozenset(
            number for number, (path, rest) in enumerate(keys) if truth.covers(path, dict(rest), life.order)
        )
        cells.setdefault(covering, []).append(life)
        spans = [(dict(keys[number][1]), passes[keys[number]]) for number in covering]
        windows[life.order.id] = truth.span(spans or [({}, Window(0, until))])
    found = []
    for covering, lives in cells.items():
        window = windows[lives[0].order.id]
        if never_empty(lives, window):
            named = [life for life in lives if life.born <= window.last and life.died > window.first]
            where = " and ".join(f"{keys[one][0]} {dict(keys[one][1])}" for one in sorted(covering)) or "no listing"
            found.append(f"never empty in {window}, read by {where}: {', '.join(_told(one) for one in named[:4])}")
    for life in history.lives.values():
        heir = history.lives.get(life.heir)
        if heir is None or life.order.id not in windows or heir.order.id not in windows:
            continue
        one, other = windows[life.order.id], windows[heir.order.id]
        both = Window(min(one.first, other.first), max(one.last, other.last))
        if life.born <= both.first and heir.died > both.last:
            found.append(f"fired during {both} and rests: {_told(life)}, {_told(heir)}")
    return found


def _told(life: Life) -> str:
    order = life.order
    died = "" if life.died == FOREVER else f"{life.end} at {life.died}"
    return f"{order.segment} {order.kind} {order.symbol} {order.side} {order.id} [{life.born}, {died})"
