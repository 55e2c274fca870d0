"""The fake Deribit: its calls by method, what it says of keys and accounts, its instruments and positions.

https://docs.deribit.com/articles/json-rpc-overview: a path below `/api/v2` (of https://www.deribit.com, in
real life), as a GET, or a POST with a JSON-RPC body.
"""

from collections.abc import Callable

from ..book import SimOrder
from ..positions import SimPosition, held
from ..refusals import Refused
from ..routes import Call, Route, Routes, cancel, create, listing, public, read
from . import orders
from .instruments import CURRENCIES, INSTRUMENTS, KINDS, Instrument
from .state import State, invalid, params_of

_SCOPE = "account:read block_rfq:none block_trade:none trade:read_write wallet:read"
_BARE = SimPosition(symbol="ETH-PERPETUAL", long=False)


def log_in(venue: State, call: Call) -> object:
    """A token, and what the key may do. The fault `permission` takes the right to cancel."""
    token = f"{venue.now_ms()}.TOKEN-DUMMY-{venue.random_of_keys.getrandbits(64):016x}"
    venue.tokens[token] = call.account.key
    scope = venue.setting("scope", call.request, _SCOPE)
    if venue.has_fault("permission"):
        scope = scope.replace("trade:read_write", "trade:read")
    more = {"expires_in": 31536000, "token_type": "bearer", "scope": f"{scope} mainaccount", "enabled_features": []}
    return {"access_token": token, "refresh_token": f"{token}-R", **more}


def _chosen(call: Call) -> Callable[[Instrument], bool]:
    """Whether an instrument is of the currency and the kind that a read names, if it names any."""
    params = params_of(call)
    currency, kind = str(params.get("currency", "any")), str(params.get("kind", "any"))
    if currency not in (*CURRENCIES, "any") or kind not in (*KINDS, "any"):
        raise invalid("currency" if kind in (*KINDS, "any") else "kind")
    return lambda one: kind in ("any", one.kind) and (currency == "any" or one.listed_under(currency))


def instruments(venue: State, call: Call) -> object:
    return [one.row() for one in filter(_chosen(call), INSTRUMENTS.values())]


def locks(venue: State, call: Call) -> object:
    locked = venue.setting("locked", call.request, "")
    return [{"currency": one, "locked": one == locked, "message": ""} for one in CURRENCIES]


def on_disconnect(venue: State, call: Call) -> object:
    """https://docs.deribit.com/api-reference/session-management/private-get_cancel_on_disconnect"""
    scope = str(params_of(call).get("scope", "connection"))
    if scope != "account":
        raise Refused(10030, "not_supported_over_http")
    return {"scope": scope, "enabled": venue.fault("disconnect", call.request) is not None}


def _closes(order: SimOrder) -> SimPosition | None:
    closing = order.reduce_only and INSTRUMENTS[order.symbol].kind in ("future", "option")
    return SimPosition(symbol=order.symbol, long=order.side == "sell") if closing else None


def positions(venue: State, call: Call) -> object:
    """https://docs.deribit.com/api-reference/account-management/private-get_positions"""
    chosen, held_now = _chosen(call), held(call.account, _closes, _BARE)
    return [_position(one) for one in held_now if chosen(INSTRUMENTS[one.symbol])]


def _position(one: SimPosition) -> dict[str, object]:
    return {
        **{"instrument_name": one.symbol, "kind": INSTRUMENTS[one.symbol].kind, "leverage": 50},
        **{"size": float(one.signed), "direction": "buy" if one.long else "sell", "average_price": float(one.entry)},
        **{"mark_price": float(one.mark), "index_price": float(one.mark), "floating_profit_loss": 0.5},
        **{"estimated_liquidation_price": float(one.liquidation), "total_profit_loss": 0.5},
    }


def _methods() -> dict[str, Route]:
    mass = cancel(orders.cancel_many, 1, "matching")
    listed = listing(orders.open_orders, 1, "reads")
    return {
        "private/cancel_all": cancel(orders.cancel_many, 1, "cancel_all"),
        **{f"private/cancel_all_by_{one}": mass for one in ("currency", "kind_or_type", "instrument")},
        **{f"private/cancel_{one}": mass for one in ("by_label", "quotes")},
        "private/cancel": cancel(orders.cancel_one, 1, "matching"),
        **{f"private/get_open_orders{end}": listed for end in ("", "_by_currency", "_by_instrument")},
        "private/get_order_history_by_currency": read(orders.history, 1, "reads"),
        "private/get_trigger_order_history": read(orders.trigger_history, 1, "reads"),
        "private/get_user_locks": read(locks, 1, "reads"),
        "private/get_cancel_on_disconnect": read(on_disconnect, 1, "reads"),
        "private/get_positions": read(positions, 1, "reads"),
        **dict.fromkeys(("private/buy", "private/sell"), create(orders.place, 1, "matching")),
        "public/auth": read(log_in),
        "public/get_time": public(lambda venue, _: venue.server_now()),
        "public/get_currencies": public(lambda *_: [{"currency": one, "fee_precision": 4} for one in CURRENCIES]),
        "public/get_instruments": public(instruments),
    }


class Deribit(State):
    routes = Routes({f"{verb} /api/v2/{name}": route for name, route in _methods().items() for verb in ("GET", "POST")})


FAKE = Deribit
