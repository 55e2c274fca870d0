"""Bybit V5: everything that a unified account can have resting, by category.

Proof: two complete empty listings; Bybit has no second witness. `retCode 0` and `"success":"1"` only say that a request
was accepted, and they come for a misspelt symbol too, so selectors are checked against the public instrument list.

Handled on the safe side, because the documents leave it open:
- the listing is said to hold every kind by default; a second pass asks for the conditional kinds by name
- `inverse` is listed without a coin (documented since 2023-09-07); BTC and ETH are fired blind, other coins from it
- the cursor is sent as received, and signed as sent; a listing ends at an empty page
- an unknown order status is open, an unknown code is ambiguous, an unknown `stopOrderType` is never taken for plain
- a linear settle coin besides USDT and USDC (none is documented) is named as not covered

Documents: https://bybit-exchange.github.io/docs/v5/ (repository bybit-exchange/docs of 2026-07-24), read 2026-11-21.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, quote

from cancelall import payload
from cancelall.declare import Opt, Sec, nearest
from cancelall.errors import OptionError, SecretError, Unreadable
from cancelall.model import (
    Acknowledgement,
    Answer,
    Failure,
    Judgement,
    Order,
    Page,
    Priority,
    Protection,
    Reach,
    Reply,
    Request,
    Settlement,
    Signed,
    State,
)
from cancelall.secret import Secret
from cancelall.venues import Batch, Discovery, Limit, Segment, Venue

HOSTS = {
    "live": "https://api.bybit.com",
    "testnet": "https://api-testnet.bybit.com",
    "demo": "https://api-demo.bybit.com",
    "eu": "https://api.bybit.eu",
    "nl": "https://api.bybit.nl",
    "tr": "https://api.bybit.tr",
    "kz": "https://api.bybit.kz",
    "ge": "https://api.bybitgeorgia.ge",
    "ae": "https://api.bybit.ae",
    "id": "https://api.bybit.id",
    "jp": "https://api.manepa.jp",
}
"""Regional hosts change about twice a year: `base_url` replaces any of them. https://bybit-exchange.github.io/docs/v5/guide"""

Category = Literal["linear", "inverse", "spot", "option", "spread", "strategy"]
SPOT_FILTERS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
"""Spot cancels only `Order` unless told: https://bybit-exchange.github.io/docs/v5/order/cancel-all"""
CAP = 500
"""Futures: one cancel-all takes at most 500 orders, picked at random."""
LINEAR_COINS = ("USDT", "USDC")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Bybit profile can say. With no selector: everything."""

    category: Annotated[tuple[Category, ...], Opt(help="Only this product category.", selector=True)] = ()
    symbol: Annotated[
        tuple[str, ...], Opt(help="Only this symbol.", metavar="SYMBOL", selector=True, example="BTCUSDT")
    ] = ()
    base_coin: Annotated[
        str | None, Opt(help="Only orders of this base coin.", metavar="COIN", selector=True, example="BTC")
    ] = None
    settle_coin: Annotated[
        str | None,
        Opt(
            help="Only orders settled in this coin: USDT and USDC mean linear contracts, another coin inverse ones.",
            metavar="COIN",
            selector=True,
            example="USDT",
        ),
    ] = None
    order_filter: Annotated[
        Literal["Order", "StopOrder", "OpenOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder"] | None,
        Opt(help="Only this kind of order.", selector=True),
    ] = None
    stop_order_type: Annotated[
        Literal["Stop"] | None,
        Opt(help="With --order-filter StopOrder: conditional orders, but no TP/SL and trailing stops.", selector=True),
    ] = None
    recv_window: Annotated[
        int, Opt(help="How long a signed request stays valid, in ms.", metavar="MS", minimum=1000, maximum=60000)
    ] = 10000

    def __post_init__(self) -> None:
        for name in ("symbol", "base_coin", "settle_coin"):
            value = getattr(self, name)
            upper = tuple(one.upper() for one in value) if isinstance(value, tuple) else value and value.upper()
            object.__setattr__(self, name, upper)
        narrowed = [name for name in ("symbol", "base_coin", "settle_coin") if getattr(self, name)]
        if len(narrowed) > 1:
            first, second = ("--" + name.replace("_", "-") for name in narrowed[:2])
            raise OptionError(
                f"{first} and {second} cannot be combined: Bybit would use {first} alone and silently ignore the other",
                "run the command once for each",
            )
        coin = "--base-coin" if self.base_coin else "--settle-coin" if self.settle_coin else ""
        for category in ("spot", "spread", "strategy"):
            if coin and category in self.category:
                raise OptionError(f"{coin} does not narrow {category}: Bybit has no such filter there")
        if self.settle_coin and "option" in self.category and self.settle_coin not in LINEAR_COINS:
            raise OptionError("options are settled in USDT or USDC")
        if self.stop_order_type and self.order_filter != "StopOrder":
            raise OptionError("--stop-order-type needs --order-filter StopOrder")
        if not _chosen(self):
            raise OptionError(
                "these selectors leave nothing that Bybit could cancel", "drop one of them, or use --everything"
            )


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """An API key with the right to trade. A secret that is a PEM private key makes it an RSA key."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[
        Secret, Sec(help="API secret, or the PEM private key of an RSA key.", form="token or pem")
    ] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Nothing is learnt about a Bybit account during a run."""


# --- segments -------------------------------------------------------------------------------------------------------

_FILTERS: dict[Category, tuple[str, ...]] = {
    "linear": ("Order", "StopOrder", "OpenOrder"),
    "inverse": ("Order", "StopOrder", "OpenOrder"),
    "spot": SPOT_FILTERS,
    "option": ("Order", "StopOrder"),
    "spread": (),
    "strategy": (),
}


def _holds(category: Category, symbol: str) -> bool:
    """Whether a symbol of this shape can exist in the category. https://bybit-exchange.github.io/docs/v5/enum#symbol"""
    if "_" in symbol:  # a combination of two legs
        return category == "spread"
    if re.fullmatch(r".+-\d{1,2}[A-Z]{3}\d{2}-[\d.]+-[CP](-[A-Z]+)?", symbol):
        return category == "option"
    if "-" in symbol or symbol.endswith("PERP"):
        return category in ("linear", "strategy")
    if re.fullmatch(r".+USD([HMUZ]\d{2})?", symbol):
        return category in ("inverse", "spot", "strategy")
    return (
        category in ("linear", "spot", "strategy")
        if symbol.endswith(LINEAR_COINS)
        else category in ("spot", "strategy")
    )


def _chosen(options: Options) -> tuple[Category, ...]:
    """The categories that the selectors leave."""
    every: tuple[Category, ...] = ("linear", "inverse", "spot", "option", "spread", "strategy")
    left = [one for one in every if not options.category or one in options.category]
    if not options.category:
        if options.symbol:
            left = [one for one in left if any(_holds(one, symbol) for symbol in options.symbol)]
        if options.settle_coin:
            left = ["linear"] if options.settle_coin in LINEAR_COINS else ["inverse"]
        if options.base_coin:
            left = [one for one in left if one in ("linear", "inverse", "option")]
    if options.order_filter:
        left = [one for one in left if options.order_filter in _FILTERS[one]]
    if options.stop_order_type:
        left = [one for one in left if one in ("linear", "inverse")]
    return tuple(left)


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """The segments in scope, strategies first: a running strategy places new orders in the others.

    Demo trading has no spread and no strategy calls: https://bybit-exchange.github.io/docs/v5/demo
    """
    found = []
    for category in _chosen(options):
        if environment == "demo" and category in ("spread", "strategy"):
            continue
        symbols = tuple(one for one in options.symbol if options.category or _holds(category, one))
        if category == "strategy":
            found.append(_strategy(symbols))
        elif category == "spread":
            found.append(_spread(symbols))
        elif category == "linear" and not (symbols or options.base_coin or options.settle_coin):
            found += [
                _orders(category, f"linear {coin}", ({"settleCoin": coin},), options, environment)
                for coin in LINEAR_COINS
            ]
        else:
            coin = options.settle_coin if category == "linear" else None
            found.append(
                _orders(
                    category, f"linear {coin}" if coin else category, _narrow(options, symbols), options, environment
                )
            )
    if not found:
        raise OptionError(
            "demo trading has none of the selected categories", "choose other categories for this profile"
        )
    return tuple(sorted(found, key=lambda segment: not segment.feeds))


def _narrow(options: Options, symbols: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """The one parameter that narrows a request; never two, Bybit would rank them silently."""
    if symbols:
        return tuple({"symbol": symbol} for symbol in symbols)
    if options.base_coin:
        return ({"baseCoin": options.base_coin},)
    return ({"settleCoin": options.settle_coin},) if options.settle_coin else ({},)


def _orders(
    category: Category, name: str, narrow: tuple[dict[str, str], ...], options: Options, environment: str
) -> Segment:
    """Linear, inverse, spot and option orders: the same calls with other parameters."""
    chosen = (options.order_filter,) if options.order_filter else ()
    return Segment(
        name=name,
        mass_cancels=partial(_mass_cancels, category, narrow, chosen, options.stop_order_type),
        listings=_listings(category, narrow, chosen),
        page=partial(_page, name),
        acknowledge=_acknowledge,
        cancels=partial(_cancels, category, environment == "demo"),
        settle=lambda orders, since_ms: tuple(
            _get("/v5/order/history", _query(category=category, **part, limit="50"), f"history {category}")
            for part in narrow
        ),
        settled=partial(_settled, name),
        spares=partial(_spares, options),
    )


def _spread(symbols: tuple[str, ...]) -> Segment:
    bodies: tuple[dict[str, object], ...] = tuple({"symbol": symbol} for symbol in symbols) or ({"cancelAll": True},)
    narrow = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    path = "/v5/spread/order"
    return Segment(
        name="spread",
        mass_cancels=lambda survivors: tuple(_post(f"{path}/cancel-all", body, "spread cancel-all") for body in bodies),
        listings=(tuple(_get(f"{path}/realtime", _query(**part, limit="50"), "spread realtime") for part in narrow),),
        page=partial(_page, "spread"),
        acknowledge=_acknowledge,
        cancels=lambda orders, others: tuple(
            (_post(f"{path}/cancel", {"orderId": order.id}, "spread cancel", Priority.CANCEL), (order,))
            for order in orders
        ),
        settle=lambda orders, since_ms: tuple(
            _get(f"{path}/history", _query(**part, limit="50"), "spread realtime") for part in narrow
        ),
        settled=partial(_settled, "spread"),
    )


def _strategy(symbols: tuple[str, ...]) -> Segment:
    """TWAP, iceberg, chase and POV strategies. There is no call that stops all: list, then stop each.

    https://bybit-exchange.github.io/docs/v5/strategy/strategy-list - 2 running, 6 untriggered, 5 paused.
    """
    narrow = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    return Segment(
        name="strategy",
        mass_cancels=lambda survivors: (),
        listings=(
            tuple(
                _get("/v5/strategy/list", _query(status=status, **part, pageSize="50"), "strategy list")
                for status in ("2", "6", "5")
                for part in narrow
            ),
        ),
        page=_strategy_page,
        acknowledge=_acknowledge,
        cancels=lambda orders, others: tuple(
            (_post("/v5/strategy/stop", {"strategyId": order.id}, "strategy stop", Priority.CANCEL), (order,))
            for order in orders
        ),
        settle=lambda orders, since_ms: (),
        settled=partial(_settled, "strategy"),
        feeds=True,
    )


# --- requests -------------------------------------------------------------------------------------------------------


def _post(path: str, body: object, bucket: str, priority: Priority = Priority.MASS_CANCEL) -> Request:
    text = json.dumps(body, separators=(",", ":"))
    return Request(method="POST", path=path, body=text.encode(), changes=True, priority=priority, bucket=bucket)


def _get(path: str, query: str, bucket: str, *, signed: bool = True) -> Request:
    return Request(method="GET", path=path, query=query, signed=signed, priority=Priority.LISTING, bucket=bucket)


def _query(**values: str) -> str:
    """Sorted, as Bybit's own SDK sends it; values are encoded once."""
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(values.items()))


def _bucket(call: str, category: str) -> str:
    return f"{call} futures" if category in ("linear", "inverse") else f"{call} {category}"


def _mass_cancels(
    category: Category,
    narrow: tuple[dict[str, str], ...],
    chosen: tuple[str, ...],
    stop_order_type: str | None,
    survivors: tuple[Order, ...],
) -> tuple[Request, ...]:
    parts = list(narrow)
    if category == "inverse" and parts == [{}]:
        # Inverse needs a coin. Its contracts are named BASE + USD (+ expiry) and settled in the base coin.
        coins = {
            match[1] for order in survivors if (match := re.fullmatch(r"(.+)USD([HMUZ]\d{2})?", order.symbol or ""))
        }
        parts = [{"settleCoin": coin} for coin in dict.fromkeys(["BTC", "ETH", *sorted(coins)])]
        strange = {
            order.symbol for order in survivors if order.symbol and not re.match(r".+USD([HMUZ]\d{2})?$", order.symbol)
        }
        parts += [{"symbol": symbol} for symbol in sorted(strange)]
    if len(survivors) > CAP and category in ("linear", "inverse") and not any("symbol" in part for part in parts):
        parts += [{"symbol": symbol} for symbol in sorted({order.symbol for order in survivors if order.symbol})]
    filters: Sequence[str | None] = chosen or (SPOT_FILTERS if category == "spot" else (None,))
    requests = []
    for part in parts:
        for kind in filters:
            body = {"category": category, **part}
            if kind:
                body["orderFilter"] = kind
            if stop_order_type:
                body["stopOrderType"] = stop_order_type
            requests.append(_post("/v5/order/cancel-all", body, _bucket("cancel-all", category)))
    return tuple(requests)


def _listings(
    category: Category, narrow: tuple[dict[str, str], ...], chosen: tuple[str, ...]
) -> tuple[tuple[Request, ...], ...]:
    """Conditional kinds by name first, then the default pass, which is said to hold every kind.

    NautilusTrader found the second pass necessary: https://github.com/nautechsystems/nautilus_trader (2026-03-23).
    `OpenOrder` is no filter of the listing: all kinds are listed and the protective ones spared.
    """
    by_name: tuple[str, ...] = {"linear": ("StopOrder",), "inverse": ("StopOrder",), "spot": SPOT_FILTERS[1:]}.get(
        category, ()
    )
    stages: list[tuple[str, ...]] = [by_name, ("",)] if by_name else [("",)]
    if chosen and chosen != ("OpenOrder",):
        stages = [chosen]
    return tuple(
        tuple(
            _get(
                "/v5/order/realtime",
                _query(category=category, limit="50", openOnly="0", **part, **({"orderFilter": kind} if kind else {})),
                _bucket("realtime", category),
            )
            for kind in stage
            for part in narrow
        )
        for stage in stages
    )


def _cancels(
    category: Category, demo: bool, orders: tuple[Order, ...], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """Cancels by name: batches of 20 (10 on spot) where the documents allow them, else one by one.

    Batches do not take an order filter, so conditional spot orders go singly; older unified accounts and demo trading
    have no batch for inverse, demo none for spot. https://bybit-exchange.github.io/docs/v5/order/batch-cancel
    """
    batched, single, grouped = [], [], []
    for order in orders:
        if category == "spot" and order.kind in ("OcoOrder", "BidirectionalTpslOrder"):
            grouped.append(order)
        elif category == "inverse" or (category == "spot" and (demo or order.kind not in ("", "Order"))):
            single.append(order)
        else:
            batched.append(order)
    found: list[tuple[Request, tuple[Order, ...]]] = []
    size = 10 if category == "spot" else 20
    for start in range(0, len(batched), size):
        chunk = tuple(batched[start : start + size])
        named = [{"symbol": order.symbol, "orderId": order.id} for order in chunk]
        body: dict[str, object] = {"category": category, "request": named}
        found.append((_post("/v5/order/cancel-batch", body, _bucket("cancel-batch", category), Priority.CANCEL), chunk))
    for order in single:
        body = {"category": category, "symbol": order.symbol, "orderId": order.id}
        if order.kind:
            body["orderFilter"] = order.kind
        found.append((_post("/v5/order/cancel", body, _bucket("cancel", category), Priority.CANCEL), (order,)))
    return (*found, *_cancel_groups(grouped, others))


def _cancel_groups(
    orders: Sequence[Order], others: tuple[Order, ...] | None
) -> tuple[tuple[Request, tuple[Order, ...]], ...]:
    """OCO and bidirectional orders have no cancel by id: all of a symbol and kind go, if none of them is to be kept."""
    if others is None:
        return ()
    kept = {(order.symbol, order.kind) for order in others}
    found = []
    for symbol, kind in dict.fromkeys((order.symbol, order.kind) for order in orders):
        if (symbol, kind) not in kept:
            body = {"category": "spot", "symbol": symbol, "orderFilter": kind}
            group = tuple(order for order in orders if (order.symbol, order.kind) == (symbol, kind))
            found.append((_post("/v5/order/cancel-all", body, "cancel-all spot", Priority.CANCEL), group))
    return tuple(found)


# --- reading --------------------------------------------------------------------------------------------------------

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
    return rows, _get(request.path, "&".join([*kept, f"cursor={cursor}"]), request.bucket)


def _page(segment: str, request: Request, reply: Reply) -> Page:
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


def _spares(options: Options, order: Order) -> bool:
    """`OpenOrder` leaves what closes a position, `stopOrderType=Stop` leaves TP/SL and trailing stops."""
    if options.order_filter == "OpenOrder":
        return order.protection is Protection.PROTECTIVE
    return bool(options.stop_order_type) and (order.type or "") in {one.lower() for one in _CLOSING}


def _strategy_page(request: Request, reply: Reply) -> Page:
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


def _acknowledge(request: Request, reply: Reply) -> Acknowledgement:
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
        elif code not in _GONE:  # a finished order is settled by the listing
            failed.append(Failure(id=identity, reason=f"{code} {payload.words(outcome.get('msg'))}".strip()))
    capped = len(rows) >= CAP and request.path == "/v5/order/cancel-all"
    return Acknowledgement(cancelled=tuple(cancelled), client_ids=client_ids, failed=tuple(failed), capped=capped)


def _settled(segment: str, request: Request, reply: Reply) -> Settlement:
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


# --- discovery ------------------------------------------------------------------------------------------------------


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Is every selector known to the venue? Bybit answers success to a misspelt one.

    USDT and USDC need no look-up: the documents name them.
    """
    found = []
    categories = [one for one in _chosen(options) if one not in ("strategy", "spread")]
    coin = options.base_coin or (options.settle_coin if options.settle_coin not in LINEAR_COINS else None)
    if options.symbol or coin:
        for category in categories:
            request = _get(
                "/v5/market/instruments-info", _query(category=category, limit="1000"), "instruments", signed=False
            )
            found.append(
                Discovery(name=f"{category} instruments", request=request, read=_instruments, learn=_learn_nothing)
            )
        if "spread" in _chosen(options):
            request = _get("/v5/spread/instrument", _query(limit="500"), "instruments", signed=False)
            found.append(Discovery(name="spread instruments", request=request, read=_instruments, learn=_learn_nothing))
    return tuple(found)


def _instruments(request: Request, reply: Reply) -> Batch:
    rows, following = _rows(request, _result(reply))
    names = []
    for entry in rows:
        row = payload.as_object(entry, "instrument")
        names.append(f"symbol {payload.field(row, 'symbol')}")
        names += [f"{key} {value}" for key in ("baseCoin", "settleCoin") if (value := payload.maybe(row, key))]
    return Batch(names=tuple(names), next=following and Request(**{**following.__dict__, "signed": False}))


def _learn_nothing(facts: Facts, names: tuple[str, ...]) -> Facts:
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


# --- judging --------------------------------------------------------------------------------------------------------

_GONE = frozenset({110001, 170213, 175007, 110008, 110010, 170139, 170142, 170190})
"""The order is finished or unknown: a cancel by name has nothing left to do. The listing decides."""

_AGAIN = {10006: None, 10014: 0.0, 30034: 1.0, 30035: 1.0, 130035: 1.0, 130150: 1.0, 110079: 0.5, 170212: 0.5} | {
    code: 0.5 for code in (170143, 170144, 170150, 170191, 429, 10429)
}
"""Seconds to wait; None = the limit header says."""

_AMBIGUOUS = frozenset({10000, 10016, 10019, 170001, 170005, 170007, 170032, 170146, 170147, 170222, 170234, 500000})
_CLOCK = frozenset({10002, -1})
_ABSENT = frozenset({10028, 100028, 110132, 110110, 110111, 110112, 110113})

_KEY_PAGE = "https://www.bybit.com/app/user/api-management"
_REFUSED: dict[int, tuple[Literal["auth", "permission", "ip", "region", "mode", "parameter"], Reach, str]] = {
    10001: ("parameter", Reach.REQUEST, "check the selectors of this profile"),
    10003: (
        "auth",
        Reach.KEY,
        "key and host do not match? A key works only where it was made: live, testnet, demo or a regional site",
    ),
    10004: ("auth", Reach.KEY, "the secret does not belong to this key; if it does, make a new key"),
    10005: ("permission", Reach.REQUEST, f"give the key the right to trade this product: {_KEY_PAGE}"),
    10007: ("auth", Reach.KEY, "check key and secret"),
    10008: ("mode", Reach.KEY, "the account is banned or in another mode: log in to the site"),
    10009: (
        "region",
        Reach.KEY,
        "this region is refused: run from another place, or use the site of your region (environment)",
    ),
    10010: (
        "ip",
        Reach.KEY,
        f"add this machine's address to the key: {_KEY_PAGE}; bybit.eu keys are bound to applications",
    ),
    10017: ("parameter", Reach.REQUEST, "host or path is wrong: check base_url"),
    10018: ("ip", Reach.HOST, "stop what else calls Bybit from this address; the block lifts after 10 minutes"),
    10024: ("region", Reach.KEY, "trading is restricted for compliance: use the site or support"),
    10027: ("permission", Reach.KEY, "trading is banned on this account: use the site or support"),
    10029: ("permission", Reach.REQUEST, f"the symbol is not on the key's list: {_KEY_PAGE}"),
    33004: ("auth", Reach.KEY, f"the key has expired: {_KEY_PAGE}"),
    -2015: ("auth", Reach.KEY, f"the key has expired: {_KEY_PAGE}"),
    110095: (
        "mode",
        Reach.REQUEST,
        "a pre-market contract in its call auction cannot be cancelled now: try again after it",
    ),
    110115: ("parameter", Reach.REQUEST, "a leg of a spread order: cancel the combination (category spread)"),
    170145: ("parameter", Reach.REQUEST, "Bybit does not cancel this type of order"),
    170201: ("parameter", Reach.REQUEST, "Bybit refused the order filter"),
}
"""https://bybit-exchange.github.io/docs/v5/error"""


def judge(request: Request, reply: Reply) -> Judgement:
    """Bybit answers errors with HTTP 200 and a `retCode`; without one the HTTP status decides."""
    try:
        answer = payload.as_object(payload.parse(reply.body))
        code = payload.number(answer, "retCode" if "retCode" in answer else "ret_code")
        server_ms = payload.number(answer, "time")
    except Unreadable:
        code = server_ms = None
        answer = {}
    if code is None or 300 <= reply.status < 400:
        return _by_status(reply)
    words = _clean(payload.words(answer.get("retMsg", answer.get("ret_msg"))))
    said = partial(Judgement, words=f"{code} {words}".strip(), server_ms=server_ms)
    if code == 0:
        if reply.status != 200:
            return said(answer=Answer.AMBIGUOUS, kind="unreadable")
        return _accepted(request, answer, said)
    if code in _CLOCK:
        told = re.search(r"server_timestamp\[(\d{13})\]", str(answer.get("retMsg")))
        return said(
            answer=Answer.CLOCK,
            kind="clock",
            server_ms=int(told[1]) if told else server_ms,
            hint="set this machine's clock",
        )
    if code in _GONE:
        return said(answer=Answer.NOTHING_OPEN)
    if code in _AGAIN:
        return said(answer=Answer.AGAIN, kind="rate_limit", after=_reset_after(reply, server_ms) or _AGAIN[code])
    if code in _ABSENT:
        return said(answer=Answer.ABSENT, kind="mode")
    if code in _REFUSED:
        kind, reach, hint = _REFUSED[code]
        return said(answer=Answer.REFUSED, kind=kind, reach=reach, hint=hint)
    return said(answer=Answer.AMBIGUOUS, kind=None if code in _AMBIGUOUS else "unreadable")


def _accepted(request: Request, answer: Any, said: Callable[..., Judgement]) -> Judgement:  # noqa: ANN401
    result = answer.get("result")
    success = result.get("success") if isinstance(result, dict) else None
    # For spread orders the documents say to ignore `success`; elsewhere "0" is a failure, its absence is not.
    if request.path == "/v5/order/cancel-all" and success not in (None, "", "1", 1, True):
        return said(answer=Answer.AMBIGUOUS, words=f'success "{payload.words(str(success))}"')
    return said(answer=Answer.ACCEPTED)


def _by_status(reply: Reply) -> Judgement:
    """403 is the address block, a region, or a US/China address: more attempts make it worse.

    https://bybit-exchange.github.io/docs/v5/rate-limit
    """
    if reply.status == 403:
        hint = "too many requests from this address (other programs count too: wait 10 minutes), or a refused region"
        return Judgement(answer=Answer.REFUSED, kind="region", words="HTTP 403", hint=hint, reach=Reach.HOST)
    if reply.status == 404:
        return Judgement(answer=Answer.ABSENT, kind="mode", words="HTTP 404")
    return payload.by_status(reply)


def _reset_after(reply: Reply, server_ms: int | None) -> float | None:
    """Seconds until the limit header's reset time, which is missing on some 10006 answers."""
    reset = reply.headers.get("x-bapi-limit-reset-timestamp", "")
    if not (reset.isascii() and reset.isdigit() and len(reset) == 13) or server_ms is None:
        return None
    return min(max((int(reset) - server_ms) / 1000, 0.0), 60.0) or None


def _clean(message: str) -> str:
    """10004 repeats what was signed, and that holds the API key."""
    return re.sub(r"origin_string\[.*?(\]|$)", "origin_string[…]", message, flags=re.DOTALL)


# --- signing --------------------------------------------------------------------------------------------------------


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """timestamp + key + window + (query or body). https://bybit-exchange.github.io/docs/v5/guide#authentication"""
    window = str(options.recv_window * widen)
    payload_bytes = request.query.encode() if request.method == "GET" else request.body
    prehash = f"{timestamp_ms}{secrets.api_key.reveal()}{window}".encode() + payload_bytes
    headers = [
        ("X-BAPI-API-KEY", secrets.api_key.reveal()),
        ("X-BAPI-TIMESTAMP", str(timestamp_ms)),
        ("X-BAPI-RECV-WINDOW", window),
        ("X-BAPI-SIGN-TYPE", "2"),
        ("X-BAPI-SIGN", _signature(secrets.api_secret, prehash)),
    ]
    if request.method != "GET":  # a GET with a body or its content type is one cause of HTTP 403
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def _signature(secret: Secret, prehash: bytes) -> str:
    if "PRIVATE KEY" not in secret.reveal():
        return hmac.new(secret.reveal().encode(), prehash, hashlib.sha256).hexdigest()
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.b64encode(_rsa_key(secret).sign(prehash, padding.PKCS1v15(), hashes.SHA256())).decode()


def _rsa_key(secret: Secret) -> Any:  # noqa: ANN401 - an RSAPrivateKey; the type would import cryptography
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SecretError("api_secret is a PEM block that does not hold an unencrypted private key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SecretError("api_secret is a private key, but not an RSA one")
    return key


def check_secrets(secrets: Secrets, options: Options) -> None:
    """A PEM secret must be an RSA private key that can be read."""
    if "PRIVATE KEY" in secrets.api_secret.reveal():
        _rsa_key(secrets.api_secret)


def account(secrets: Secrets, options: Options) -> str:
    """The API key stands for the account."""
    return secrets.api_key.reveal()


# --- what is left out -----------------------------------------------------------------------------------------------


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """https://bybit-exchange.github.io/docs/v5/bot (closing a bot also closes its positions, so none is touched)."""
    chosen = _chosen(options)
    found = ["trading bots (grid, DCA, martingale)", "RFQs and quotes"]
    if "strategy" not in chosen or environment == "demo":
        found.insert(0, "running strategies (TWAP, iceberg, chase, POV)")
    if options.settle_coin in LINEAR_COINS and "option" not in chosen:
        found.append(f"options settled in {options.settle_coin}")
    if options.base_coin and not options.category:
        found.append("spot and spread orders (no base-coin filter there)")
    if not any((options.category, options.symbol, options.base_coin, options.settle_coin, options.order_filter)):
        found.append("linear contracts settled in a coin besides USDT and USDC (none is documented)")
    if environment == "demo" and not options.category:
        found.append("spread orders (not in demo trading)")
    return tuple(found)


def _limits() -> Iterable[tuple[str, Limit]]:
    """https://bybit-exchange.github.io/docs/v5/rate-limit (defaults, per user and second, rolling)."""
    for call in ("cancel-all", "cancel", "cancel-batch"):
        yield f"{call} futures", Limit(count=10)
        yield f"{call} spot", Limit(count=20)
        yield f"{call} option", Limit(count=1 if call == "cancel-all" else 10)
    for product in ("futures", "spot", "option"):
        yield f"realtime {product}", Limit(count=50)
    for category in ("linear", "inverse", "spot", "option"):
        yield f"history {category}", Limit(count=25)
    yield "spread cancel-all", Limit(count=5)
    yield "spread cancel", Limit(count=5)
    yield "spread realtime", Limit(count=50)
    yield "strategy list", Limit(count=50)
    yield "strategy stop", Limit(count=10)


VENUE = Venue(
    name="bybit",
    title="Bybit",
    hosts=HOSTS,
    options=Options,
    secrets=Secrets,
    facts=Facts(),
    segments=segments,
    discoveries=discoveries,
    doubts=doubts,
    learn_mode=lambda facts, mode: facts,
    sign=sign,
    check_secrets=check_secrets,
    judge=judge,
    account=account,
    not_covered=not_covered,
    settle_gap=1.0,
    limits=dict(_limits()),
    address_limit=Limit(count=600, seconds=5.0),
    block_seconds=600.0,
    late_ms=lambda options: options.recv_window,
    clock_lead_ms=200,
)
