"""Deribit's instruments, an account full of orders in them, and how both are written down.

https://docs.deribit.com/articles/instrument-names and https://docs.deribit.com/api-reference/trading/private-get_open_orders
"""

import re
from dataclasses import dataclass

from ..book import SimOrder
from ..rows import fixed, tables
from ..stock import stock, template

CURRENCIES = ("BTC", "ETH", "SOL", "XRP", "USDC", "USDT", "EURR")
KINDS = ("future", "option", "spot", "future_combo", "option_combo")
TRIGGERED = dict(stop_market="SLMS", stop_limit="SLIS", take_market="TPMS", take_limit="TPIS", trailing_stop="SLTS")
"""Trigger orders, and what their ids hold."""
ACCOUNT = "account"
"""The only segment of the book: one listing shows all."""


@dataclass(frozen=True)
class Instrument:
    """One instrument, by its name."""

    name: str

    @property
    def kind(self) -> str:
        shapes = {"spot": "[^-]+", "option": ".+-[CP]", "future_combo": ".+-FS-.+", "option_combo": ".+-[A-Z]+-.+"}
        return next((kind for kind, shape in shapes.items() if re.fullmatch(shape, self.name)), "future")

    @property
    def pair(self) -> tuple[str, str]:
        """Base and quote currency."""
        base, _, quote = self.name.partition("-")[0].partition("_")
        return base, quote or ("USD" if self.kind == "future" else base)

    @property
    def settled_in(self) -> str:
        """Nothing for spot."""
        base, quote = self.pair
        return "" if self.kind == "spot" else base if quote == "USD" else quote

    def listed_under(self, currency: str) -> bool:
        """Which coins of a spot pair count is not documented: here both do."""
        return currency == self.settled_in or (self.kind == "spot" and currency in self.pair)

    def cancelled_under(self, currency: str) -> bool:
        """Here only the base coin of a spot pair counts when orders are cancelled: what is left has to be named."""
        return currency == (self.settled_in or self.pair[0])

    def row(self) -> dict[str, object]:
        """https://docs.deribit.com/api-reference/market-data/public-get_instruments"""
        base, quote = self.pair
        settled = {"settlement_currency": self.settled_in}
        option = {"strike": 100.0, "option_type": "call" if self.name.endswith("C") else "put"}
        expires = 32503708800000 if "PERPETUAL" in self.name or self.kind == "spot" else 1798185600000
        return {
            **fixed("tick_size=#0.5 taker_commission=#0.0005 maker_commission=#0.0 min_trade_amount=#10.0"),
            **fixed("contract_size=#10.0 is_active=#true creation_timestamp=#1534242287000 state=open"),
            **{"instrument_name": self.name, "kind": self.kind, "base_currency": base, "quote_currency": quote},
            **{"counter_currency": quote, "price_index": f"{base}_{quote}".lower(), "expiration_timestamp": expires},
            "settlement_period": "perpetual" if expires > 10**13 else "month",
            **(settled if self.kind != "spot" else {}),
            **(option if self.kind == "option" else {}),
        }


INSTRUMENTS = {
    name: Instrument(name)
    for name in (
        "BTC-PERPETUAL ETH-PERPETUAL BTC-25DEC26 BTC_USDC-PERPETUAL SOL_USDC-PERPETUAL BTC_USDC ETH_BTC "
        "BTC-25DEC26-100000-C ETH-25DEC26-4000-P XRP_USDC-25DEC26-0d625-C BTC-FS-25DEC26_PERP "
        "BTC-CS-25DEC26-100000_110000"
    ).split()
}


def _template(kind: str, name: str, way: str = "buy", left: str = "1", **extra: str) -> SimOrder:
    """The way is buy, sell, or closing: a sell that can only shrink a position. Triggers wait at 90."""
    cells: dict[str, object] = {key: int(value) if key in ("oco", "oto") else value for key, value in extra.items()}
    side = "sell" if way == "closing" else way
    price = "0" if kind in ("stop_market", "take_market", "trailing_stop") else "100"
    if kind in TRIGGERED:
        cells |= {"trigger_price": 90, "trigger": "mark_price"}
    return template(ACCOUNT, name, side, price, kind, cells, left=left, reduces=way == "closing")


STOCK = stock(__file__, _template)


def id_of(like: SimOrder, number: int) -> str:
    """Ids of three forms, as the documents' examples have them: `146062`, `ETH-331562`, `ETH-SLIS-12`."""
    instrument = INSTRUMENTS[like.symbol]
    prefix = "_".join(instrument.pair) if instrument.kind == "spot" else instrument.settled_in
    if code := TRIGGERED.get(like.kind):
        return f"{prefix}-{code}-{number}"
    return str(number) if prefix == "BTC" else f"{prefix}-{number}"


def number(text: str) -> object:
    return int(text) if text.isdecimal() else float(text)


_CELLS = {
    "state": lambda order, _: "untriggered" if order.status == "open" and order.kind in TRIGGERED else order.status,
    "price": lambda order, _: "market_price" if order.price == "0" and order.kind in TRIGGERED else number(order.price),
    "filled": lambda order, _: number(str(order.executed)),
    "amount": lambda order, _: number(order.remaining if order.kind == "quote" else order.quantity),
    "ended": lambda order, _: "triggered" if order.status == "filled" else order.status,
    "order_type": lambda order, _: "limit" if order.kind in ("quote", "market_limit") else order.kind,
}
_table = tables(_CELLS)
_ORDER = _table("""
    order_id=.id order_state=.state order_type time_in_force=good_til_cancelled instrument_name=.symbol
    creation_timestamp=.created last_update_timestamp=.updated direction=.side price label=.client_id
    post_only=#false api=#true web=#false replaced=#false mmp=#false average_price=#0.0 amount contracts=.amount
    filled_amount=.filled
""")
trigger_row = _table("""
    trigger_order_id=.id order_id=#null order_state=.ended instrument_name=.symbol request=cancel direction=.side price
    amount trigger=?trigger trigger_price=?trigger_price trigger_offset=#null order_type=limit timestamp=.updated
    last_update_timestamp=.updated reduce_only=#null post_only=#null label=.client_id source=api
""")
"""One entry of the history of trigger orders; what was `reduce_only` is not shown any more."""


def order_row(order: SimOrder, clock: object) -> dict[str, object]:
    """One order. Trigger orders at the market lack their amount, spot orders `reduce_only`."""
    row, extra = _ORDER(order, clock), order.extra
    if order.kind in ("stop_market", "take_market"):
        del row["amount"], row["filled_amount"]
    if INSTRUMENTS[order.symbol].kind != "spot":
        row |= {"reduce_only": order.reduce_only, "is_liquidation": False}
    row |= {name: extra[name] for name in ("trigger", "trigger_price", "advanced", "trigger_order_id") if name in extra}
    row |= {"triggered": False} if order.kind in TRIGGERED else {}
    row |= {"quote": True, "mmp": True, "quote_set_id": "1", "quote_id": order.id} if order.kind == "quote" else {}
    row |= {"original_order_type": "market_limit"} if order.kind == "market_limit" else {}
    if "oco" in extra:
        row["oco_ref"] = f"{order.symbol}-OCO"
    if "oto" in extra:
        row |= {"is_secondary_oto": True} if extra["oto"] == -1 else {"oto_order_ids": ["ETH-OTO-1"]}
    return {**row, "cancel_reason": "user_request"} if order.status == "cancelled" else row
