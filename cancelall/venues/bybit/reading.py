"""Bybit: what its answers say: pages, acknowledgements, how orders ended, what exists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from cancelall import payload
from cancelall.declare import nearest
from cancelall.errors import Unreadable
from cancelall.model import Acknowledgement, Failure, Order, Page, Protection, Reply, Request, Settlement, State
from cancelall.venues.bybit.calls import get, query_string
from cancelall.venues.bybit.options import CAP, LINEAR_COINS, SPOT_FILTERS, Facts, Options, selected
from cancelall.venues.contract import Batch, Discovery

_CLOSED = frozenset({"Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"})
"""Every other status, also an unknown one, is open: https://bybit-exchange.github.io/docs/v5/enum#orderstatus"""


_PLAIN = frozenset({"", "UNKNOWN"})


_CLOSING = frozenset({"TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss", "MmRateClose"})
"""Stop types that belong to a position: they can only shrink it."""


_SPOT_KINDS = {"Stop": "StopOrder", "tpslOrder": "tpslOrder", "OcoOrder": "OcoOrder"} | {
    "BidirectionalTpslOrder": "BidirectionalTpslOrder"
}


def _result(reply: Reply) -> Any:  # noqa: ANN401 - a JSON object
    return payload.as_object(payload.as_object(payload.parse(reply.body)).get("result"), "result")


def _rows(request: Request, result: Any) -> tuple[list[Any], Request | None]:  # noqa: ANN401
    """The rows of a page and the request for the next one.

    `nextPageCursor` is set even on the last page: a listing ends at an empty page. The cursor comes percent-encoded and
    goes back as received. https://bybit-exchange.github.io/docs/v5/order/open-order
    """
    asked = parse_qs(request.query).get("category", [""])[0]
    answered = payload.maybe(result, "category")
    if answered and asked and answered != asked and not asked.startswith("UTA"):
        raise Unreadable(f"the listing is of {payload.words(answered)}, not of {asked}")
    rows = payload.as_list(result.get("list"), "list")
    cursor = payload.maybe(result, "nextPageCursor") or payload.maybe(result, "nextCursor")
    if not rows or not cursor:
        return rows, None
    if not re.fullmatch(r"(?:[A-Za-z0-9._~!$'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+", cursor):
        raise Unreadable("the cursor cannot be sent back")
    cursor = re.sub("%..", lambda escape: escape[0].upper(), cursor)  # urllib3 would, after the signature
    kept = [part for part in request.query.split("&") if not part.startswith("cursor=")]
    return rows, get(request.path, "&".join([*kept, f"cursor={cursor}"]), request.bucket)


def read_page(segment: str, request: Request, reply: Reply) -> Page:
    rows, following = _rows(request, _result(reply))
    asked = parse_qs(request.query)
    kind = asked.get("orderFilter", [""])[0]
    found = []
    for entry in rows:
        row = payload.as_object(entry, "order")
        if payload.field(row, "orderStatus") not in _CLOSED:
            found.append(_order(segment, asked.get("category", [""])[0], kind, row))
    return Page(orders=tuple(found), next=following)


def _order(segment: str, category: str, kind: str, row: Any) -> Order:  # noqa: ANN401 - a JSON object
    stop_type = payload.maybe(row, "stopOrderType") or ""
    triggers = stop_type not in _PLAIN or (category == "spot" and kind in SPOT_FILTERS[1:])
    price = payload.maybe(row, "price")
    created = payload.number(row, "createdTime")
    return Order(
        id=payload.field(row, "orderId"),
        client_id=payload.maybe(row, "orderLinkId"),
        symbol=payload.maybe(row, "symbol"),
        side=(payload.maybe(row, "side") or "").lower() or None,
        type=(stop_type if stop_type not in _PLAIN else payload.maybe(row, "orderType") or "").lower() or None,
        price=payload.maybe(row, "triggerPrice") if price in (None, "0") else price,
        quantity=payload.maybe(row, "qty"),
        remaining=payload.maybe(row, "leavesQty"),
        segment=segment,
        protection=_protection(category, stop_type, triggers, row),
        kind=_kind(kind or _SPOT_KINDS.get(stop_type, "Order"), row) if category == "spot" else "",
        origin=(payload.maybe(row, "createType") or "").removeprefix("CreateByUser"),
        created_ms=created,
    )


def _kind(kind: str, row: Any) -> str:  # noqa: ANN401
    """The order filter that reaches a spot order. One that has triggered is an ordinary order from then on."""
    return kind if payload.maybe(row, "orderStatus") in ("Untriggered", *_CLOSED) else "Order"


def _protection(category: str, stop_type: str, triggers: bool, row: Any) -> Protection:  # noqa: ANN401
    """Protective: what can only shrink a position; on spot a triggered sell. Unknown kinds are never called plain."""
    if payload.flag(row, "reduceOnly") or payload.flag(row, "closeOnTrigger") or stop_type in _CLOSING:
        return Protection.PROTECTIVE
    if category == "spot" and triggers:
        if stop_type not in _PLAIN and stop_type not in _SPOT_KINDS:
            return Protection.UNKNOWN
        return Protection.PROTECTIVE if payload.field(row, "side") == "Sell" else Protection.NONE
    return Protection.NONE if stop_type in _PLAIN or stop_type == "Stop" else Protection.UNKNOWN


def spares(options: Options, order: Order) -> bool:
    """`OpenOrder` leaves what closes a position, `stopOrderType=Stop` leaves TP/SL and trailing stops."""
    if options.order_filter == "OpenOrder":
        return order.protection is Protection.PROTECTIVE
    return bool(options.stop_order_type) and (order.type or "") in {one.lower() for one in _CLOSING}


def strategy_page(request: Request, reply: Reply) -> Page:
    rows, following = _rows(request, _result(reply))
    found = []
    for entry in rows:
        row = payload.as_object(entry, "strategy")
        found.append(
            Order(
                id=payload.field(row, "strategyId"),
                symbol=payload.maybe(row, "symbol"),
                side=(payload.maybe(row, "side") or "").lower() or None,
                type=(payload.maybe(row, "strategyType") or "strategy").lower(),
                price=payload.maybe(row, "triggerPrice"),
                quantity=payload.maybe(row, "size"),
                segment="strategy",
                protection=Protection.PROTECTIVE if payload.flag(row, "reduceOnly") else Protection.NONE,
                created_ms=payload.number(row, "createdTimeE3"),
            )
        )
    return Page(orders=tuple(found), next=following)


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """Ids that the venue took. `list` may be absent (documents before 2024-02-08); `success` "0" was judged before."""
    answer = payload.as_object(payload.parse(reply.body))
    result = answer.get("result")
    if not isinstance(result, dict) or result.get("list") is None:
        single = isinstance(result, dict) and (payload.maybe(result, "orderId") or payload.maybe(result, "strategyId"))
        return Acknowledgement(cancelled=(single,) if single else ())
    rows = [payload.as_object(row, "order") for row in payload.as_list(result["list"], "list")]
    outcomes = payload.as_object(answer.get("retExtInfo") or {}, "retExtInfo").get("list")
    cancelled, failed, client_ids = [], [], {}
    for index, row in enumerate(rows):
        identity = payload.maybe(row, "orderId")
        if identity is None:
            continue
        client_id = payload.maybe(row, "orderLinkId")
        if client_id:
            client_ids[identity] = client_id
        outcome = outcomes[index] if isinstance(outcomes, list) and index < len(outcomes) else {}
        code = payload.number(payload.as_object(outcome, "outcome"), "code") or 0
        if code == 0:
            cancelled.append(identity)
        elif code not in GONE:  # a finished order is settled by the listing
            failed.append(Failure(id=identity, reason=f"{code} {payload.words(outcome.get('msg'))}".strip()))
    capped = len(rows) >= CAP and request.bucket == "cancel-all futures"  # spot and options know no cap
    return Acknowledgement(cancelled=tuple(cancelled), client_ids=client_ids, failed=tuple(failed), capped=capped)


def settled(segment: str, request: Request, reply: Reply) -> Settlement:
    """How orders ended. https://bybit-exchange.github.io/docs/v5/order/order-list (cancelled ones stay 24 h)."""
    rows, following = _rows(request, _result(reply))
    category = parse_qs(request.query).get("category", [""])[0]
    found = []
    for entry in rows:
        row = payload.as_object(entry, "order")
        status = payload.field(row, "orderStatus")
        if status in _CLOSED:
            executed = payload.maybe(row, "cumExecQty") or "0"
            partly = status != "Filled" and executed.strip("0.") != ""
            state = State.FILLED if status == "Filled" else State.CANCELLED
            note = f"{executed} filled before" if partly else ""
            found.append((_order(segment, category, "", row), state, note))
    return Settlement(orders=tuple(found), next=following)


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Is every selector known to the venue? Bybit answers success to a misspelt one.

    USDT and USDC need no look-up: the documents name them. Pre-market contracts are in no list unless asked for.
    """
    found = []
    categories = [one for one in selected(options) if one not in ("strategy", "spread")]
    coin = options.base_coin or (options.settle_coin if options.settle_coin not in LINEAR_COINS else None)
    if options.symbol or coin:
        for category in categories:
            for words, values in _instrument_reads(category, options):
                query = query_string(category=category, limit="1000", **values)
                request = get("/v5/market/instruments-info", query, "instruments", signed=False)
                found.append(Discovery(name=f"{category} {words}", request=request, read=_instruments, learn=_keep))
        if options.symbol and "linear" in categories:
            query = query_string(category="linear", limit="1000", status="PreLaunch")
            request = get("/v5/market/instruments-info", query, "instruments", signed=False)
            name = "pre-market contracts"
            found.append(Discovery(name=name, request=request, read=_instruments, learn=_keep, optional=True))
        if "spread" in selected(options):
            request = get("/v5/spread/instrument", query_string(limit="500"), "instruments", signed=False)
            found.append(Discovery(name="spread instruments", request=request, read=_instruments, learn=_keep))
    return tuple(found)


def _instrument_reads(category: str, options: Options) -> tuple[tuple[str, dict[str, str]], ...]:
    """What to call a read of a category's instruments, and what narrows it.

    Options come one base coin at a time, BTC by default: https://bybit-exchange.github.io/docs/v5/market/instrument
    """
    if category != "option":
        return (("instruments", {}),)
    named = (options.base_coin,) if options.base_coin else tuple(one.partition("-")[0] for one in options.symbol)
    coins = dict.fromkeys(("BTC", *(coin for coin in named if coin)))
    return tuple((f"instruments of {coin}", {"baseCoin": coin}) for coin in coins)


def _instruments(request: Request, reply: Reply) -> Batch:
    rows, following = _rows(request, _result(reply))
    names = []
    for entry in rows:
        row = payload.as_object(entry, "instrument")
        names.append(f"symbol {payload.field(row, 'symbol')}")
        names += [f"{key} {value}" for key in ("baseCoin", "settleCoin") if (value := payload.maybe(row, key))]
    return Batch(names=tuple(names), next=following and Request(**{**following.__dict__, "signed": False}))


def _keep(facts: Facts, names: tuple[str, ...]) -> Facts:
    return facts


def doubts(options: Options, names: frozenset[str]) -> tuple[str, ...]:
    """Selectors that none of the venue's instruments has, each with the nearest right spelling."""
    asked = [("symbol", one) for one in options.symbol]
    asked += [("baseCoin", options.base_coin)] if options.base_coin else []
    asked += [("settleCoin", options.settle_coin)] if options.settle_coin not in (None, *LINEAR_COINS) else []
    found = []
    for key, word in asked:
        known = [name.partition(" ")[2] for name in names if name.startswith(f"{key} ")]
        if word and word not in known:
            flag = {"symbol": "--symbol", "baseCoin": "--base-coin", "settleCoin": "--settle-coin"}[key]
            found.append(f"Bybit knows no {flag} {word}{nearest(word, known)}")
    return tuple(found)


GONE = frozenset({110001, 170213, 175007, 110008, 110010, 170139, 170142, 170190})
"""The order is finished or unknown: a cancel by name has nothing left to do. The listing decides."""
