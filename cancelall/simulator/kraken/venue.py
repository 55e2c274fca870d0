"""The fake Kraken: its private calls about orders and the key, its public reads, and its routes.

https://docs.kraken.com/api-reference/trading/cancel-all-orders, .../cancel-order, .../cancel-order-batch,
.../add-order, .../account-data/get-open-orders, .../get-closed-orders, .../get-orders-info, .../get-open-positions,
.../get-api-key-info, and .../market-data/get-tradable-asset-pairs, .../get-server-time, .../get-system-status.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..book import SimOrder
from ..pages import by_offset
from ..positions import SimPosition, held
from ..refusals import positive, string, whole
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import fixed, iso
from .countdown import cancel_all_after
from .state import ARGUMENTS, NO_ORDER, PAIRS, SPOT, State, closed_row, make, open_row, pair_named, refused

_BATCH, _IDS, _PAGE, _DAY_MS = 50, 50, 50, 86_400_000
_RIGHTS = "query-funds+query-open-trades+query-closed-trades+close-trades"
_KEY = fixed("nonceWindow=#0 queryFrom=0 queryTo=0 apiKeyName=kill createdTime=1700000000 modifiedTime=1700000000")
_PAIR = fixed(
    """aclass_base=currency aclass_quote=currency lot=unit cost_decimals=#5 pair_decimals=#1 lot_decimals=#8
    lot_multiplier=#1 leverage_buy=#[2,3,4,5] leverage_sell=#[2,3,4,5] fees=#[[0,0.4]] fees_maker=#[[0,0.25]]
    fee_volume_currency=ZUSD margin_call=#80 margin_stop=#40 ordermin=0.0001 costmin=0.5 tick_size=0.1 status=online"""
)

# --- cancels --------------------------------------------------------------------------------------------------------


def _taken(venue: State, call: Call, orders: Sequence[SimOrder]) -> dict[str, object]:
    """Cancel them. With the fault `close` one of them has filled, and its conditional close comes to rest later."""
    filled, close = next((one for one in orders if "close" in one.extra), None), None
    if filled is not None and (close := venue.fault("close", call.request)):
        venue.accounts[call.account.key].book.close(filled.id, "filled", venue.now_ms())
        order = replace(filled, kind="stop-loss", side="sell", remaining=filled.quantity, extra={})
        due_ms = venue.now_ms() + round(close.number * 1000)
        venue.later(due_ms, lambda at_ms: venue.place_like(call.account, order, at_ms))
    left = [one for one in orders if not (close and one is filled)]
    taken = len(venue.cancel(call.account, left, call.request).accepted)
    return {} if venue.fault("no-count", call.request) else {"count": taken}


def cancel_all(venue: State, call: Call) -> object:
    """Every order, whatever else is in the body: a pair there is ignored. https://github.com/ccxt/ccxt/issues/26926"""
    return _taken(venue, call, list(call.account.book.open()))


def cancel_order(venue: State, call: Call) -> object:
    order = _named(call, string(call.payload, "txid", ARGUMENTS), string(call.payload, "cl_ord_id", ARGUMENTS))
    if order is None:
        raise NO_ORDER
    return {**_taken(venue, call, [order]), **({"pending": True} if venue.fault("pending", call.request) else {})}


def cancel_batch(venue: State, call: Call) -> object:
    """From 2 to 50 ids. What an unknown one does to the others is not documented: here all of them fail."""
    ids = call.payload.get("orders")
    if not isinstance(ids, list) or not 2 <= len(ids) <= _BATCH or not all(isinstance(one, str) for one in ids):
        raise ARGUMENTS
    if fault := venue.fault("no-batch", call.request):
        raise refused(str(fault.value))
    found = [_named(call, one, one) for one in ids]
    if None in found:
        raise NO_ORDER
    return _taken(venue, call, [one for one in found if one is not None])


def _named(call: Call, identity: str, client_id: str) -> SimOrder | None:
    book = call.account.book
    order = book.find(identity) if identity and book.find(identity) else book.find(client_id=client_id)
    return order if order is not None and order.status == "open" else None


def add_order(venue: State, call: Call) -> object:
    """Resting orders only: no balance, no market."""
    values, pair = call.payload, pair_named(string(call.payload, "pair", ARGUMENTS))
    kind, side = string(values, "ordertype", ARGUMENTS), string(values, "type", ARGUMENTS)
    if pair is None:
        raise refused("EQuery:Unknown asset pair")
    if side not in ("buy", "sell") or not kind:
        raise ARGUMENTS
    extra = {"leverage": f"{values['leverage']}:1"} if values.get("leverage") not in (None, "none") else {}
    order = make(kind, pair.altname, side, **extra)
    price = positive(values, "price", ARGUMENTS) if kind != "market" else "0"
    volume, client_id = positive(values, "volume", ARGUMENTS), string(values, "cl_ord_id", ARGUMENTS)
    placed = venue.accept(call.account, replace(order, price=price), volume, client_id, fills=kind == "market")
    return {"descr": {"order": f"{side} {volume} {pair.altname} @ {kind} {price}"}, "txid": [placed.id]}


# --- reads ----------------------------------------------------------------------------------------------------------


def open_orders(venue: State, call: Call) -> object:
    shown = {one.id: open_row(one, venue.to_server) for one in venue.listed(call.account, call.request, SPOT)}
    fault = venue.fault("counted", call.request)
    return {"open": shown, **({"count": len(shown) + round(fault.number)} if fault else {})}


def closed_orders(venue: State, call: Call) -> object:
    """What has ended since `start`, by the time of its end, the last first, 50 a page."""
    start = float(positive(call.payload, "start", ARGUMENTS)) * 1000 if "start" in call.payload else 0.0
    ended = [one for one in call.account.book.closed(SPOT) if venue.to_server(one.updated_ms) > start]
    offset = whole(str(call.payload.get("ofs", "0")), ARGUMENTS)
    page = by_offset(ended, offset, _PAGE)
    return {"closed": _records(venue, page.items), "count": page.total}


def query_orders(venue: State, call: Call) -> object:
    ids = string(call.payload, "txid", ARGUMENTS).split(",")
    if not 1 <= len(ids) <= _IDS:
        raise ARGUMENTS
    found = (call.account.book.find(one) for one in ids)
    return _records(venue, [one for one in found if one is not None])


def _records(venue: State, orders: Iterable[SimOrder]) -> dict[str, object]:
    rows = {True: open_row, False: closed_row}
    return {one.id: rows[one.status == "open"](one, venue.to_server) for one in orders}


def _closes(order: SimOrder) -> SimPosition | None:
    """On margin, what waits for a trigger closes something."""
    if "leverage" not in order.extra or order.kind == "limit":
        return None
    return SimPosition(symbol=PAIRS[order.symbol].id, long=order.side == "sell")


def open_positions(venue: State, call: Call) -> object:
    """One row for each position; what is left is the volume less what was closed. Consolidated, they are a list."""
    found = held(call.account, _closes, SimPosition(symbol="SOLUSD", long=False))
    row = fixed("posstatus=open ordertype=limit vol=1 vol_closed=0.5 margin=10 terms=0.01%_per_4_hours misc= oflags=")
    rows = {
        f"T{number:05}-AAAAA-AAAAAA": {
            "ordertxid": "OAAAAA-BBBBB-CCCCCC",
            **row,
            "pair": one.symbol,
            "type": "buy" if one.long else "sell",
            "time": venue.server_now() / 1000,
            "cost": one.entry,
            "fee": "0.1",
            "value": str(float(one.mark) * float(one.size)),
            "net": "+0.5",
        }
        for number, one in enumerate(found)
    }
    return list(rows.values()) if "consolidation" in call.payload else rows


def balance(venue: State, call: Call) -> object:
    return {"ZUSD": "1000.0000", "XXBT": "1.0000000000"}


def key_info(venue: State, call: Call) -> object:
    """The names of the fields are those of the document; clients have seen others. `0` stands for no end."""
    request, refused_right = call.request, venue.has_fault("permission")
    rights = venue.setting("rights", request, "query-open-trades" if refused_right else _RIGHTS)
    days, window = venue.fault("key-days", request), venue.fault("window", request)
    ends_s = (venue.server_now() + round(days.number * _DAY_MS)) // 1000 if days else 0
    info = _KEY | {
        "apiKey": call.account.key,
        "nonce": str(venue.nonces.get(call.account.key, 0)),
        "permissions": rights.split("+"),
        "validUntil": str(ends_s),
        "ipAllowlist": [venue.setting("bound", request, "")],
        "lastUsed": iso(venue.server_now()),
    }
    if window:
        info["queryFrom"] = str(venue.server_now() // 1000 - round(window.number))
    if not venue.fault("snake", request):
        return info
    return {"".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name): one for name, one in info.items()}


def pairs(venue: State, call: Call) -> object:
    """All of them, or those that are named, which have to exist."""
    names = [name for name in call.query.get("pair", "").split(",") if name]
    found = [pair_named(name) for name in names] if names else list(PAIRS.values())
    if None in found:
        raise refused("EQuery:Unknown asset pair")
    rows = {}
    for one in [each for each in found if each is not None]:
        base, _, quote = one.wsname.partition("/")
        known = {"altname": one.altname, "wsname": one.wsname, "base": _asset(base), "quote": _asset(quote)}
        rows[one.id] = _PAIR | known
    return rows


def assets(venue: State, call: Call) -> object:
    coins = {coin for one in PAIRS.values() for coin in one.wsname.split("/")}
    row = fixed("aclass=currency decimals=#10 display_decimals=#5 status=enabled")
    return {_asset(coin): row | {"altname": coin} for coin in sorted(coins)}


def _asset(coin: str) -> str:
    """Coins of the first years have a letter before them."""
    return {"XBT": "XXBT", "ETH": "XETH", "XDG": "XXDG", "USD": "ZUSD"}.get(coin, coin)


def server_time(venue: State, call: Call) -> object:
    return {"unixtime": venue.server_now() // 1000, "rfc1123": iso(venue.server_now())}


def system_status(venue: State, call: Call) -> object:
    return {"status": venue.setting("engine", call.request, "online"), "timestamp": iso(venue.server_now())}


class Kraken(State):
    routes = Routes(
        {
            "POST /0/private/CancelAll": cancel(cancel_all, detail=1),
            "POST /0/private/CancelOrder": cancel(cancel_order),
            "POST /0/private/CancelOrderBatch": cancel(cancel_batch),
            "POST /0/private/CancelAllOrdersAfter": create(cancel_all_after, detail=1),
            "POST /0/private/AddOrder": create(add_order),
            "POST /0/private/OpenOrders": listing(open_orders, detail=1),
            "POST /0/private/ClosedOrders": read(closed_orders, detail=2),
            "POST /0/private/QueryOrders": read(query_orders, detail=1),
            "POST /0/private/OpenPositions": read(open_positions, detail=1),
            "POST /0/private/Balance": read(balance, detail=1),
            "POST /0/private/BalanceEx": read(balance, detail=1),
            "POST /0/private/GetApiKeyInfo": read(key_info, detail=1),
            "GET /0/public/AssetPairs": public(pairs),
            "GET /0/public/Assets": public(assets),
            "GET /0/public/Time": public(server_time),
            "GET /0/public/SystemStatus": public(system_status),
        }
    )


FAKE = Kraken
