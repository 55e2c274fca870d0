"""DeltaDeFi: what its answers say: pages, acknowledgements, how orders ended, what exists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from cancelall import payload
from cancelall.declare import nearest
from cancelall.errors import Unreadable
from cancelall.model import Acknowledgement, Order, Page, Priority, Protection, Reply, Request, Settlement, State
from cancelall.venues.contract import Batch, Discovery
from cancelall.venues.deltadefi.calls import get, open_orders
from cancelall.venues.deltadefi.options import KNOWN, LAST_PAGE, PAGE_ROWS, Facts, Options

_FINAL = frozenset({"cancelled", "partially_cancelled", "closed", "fully_filled", "failed"})
"""Documents and SDKs disagree on the set of statuses; every other one, also an unknown one, is alive."""


_KINDS = frozenset({"limit", "market"})
"""There are no others: https://docs.deltadefi.io, page "Order types"."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of a page of orders, the request for the next page, and why they cannot be all."""

    rows: tuple[Any, ...]
    next: Request | None
    total: int | None
    unsure: str = ""


def _rows(request: Request, reply: Reply) -> _Rows:
    """The rows of a page, in either documented form: with totals, or as a bare list. A null list is neither.

    The documents and two SDKs have the envelope, the python SDK's types a bare list.
    """
    body = payload.parse(reply.body)
    page = int(parse_qs(request.query)["page"][0])
    if isinstance(body, list):
        return _more(request, page, tuple(body), None, len(body) >= PAGE_ROWS)
    answer = payload.as_object(body)
    rows = tuple(payload.as_list(answer.get("data"), "data"))
    total, pages = payload.number(answer, "total_count"), payload.number(answer, "total_page")
    if total is None or pages is None or min(total, pages) < 0:
        raise Unreadable("total_count or total_page is missing")
    return _more(request, page, rows, total, page < max(pages, _pages(total)))


def _pages(total: int) -> int:
    return -(-total // PAGE_ROWS)


def _more(request: Request, page: int, rows: tuple[Any, ...], total: int | None, more: bool) -> _Rows:
    ids = {payload.maybe(payload.as_object(row, "order"), "id") for row in rows}
    unsure = ""
    if total is not None and len(rows) != min(PAGE_ROWS, max(0, total - (page - 1) * PAGE_ROWS)):
        unsure = f"page {page} has {len(rows)} rows, which does not fit a total of {total}"
    elif len(ids) != len(rows):
        unsure = f"page {page} has the same order twice"
    elif more and page >= LAST_PAGE:
        unsure = f"more than {LAST_PAGE} pages"
    following = None
    if more and not unsure:
        kept = request.query.rpartition("page=")[0]
        following = get(request.path, f"{kept}page={page + 1}", request.bucket)
    return _Rows(rows=rows, next=following, total=total, unsure=unsure)


def read_page(symbol: str, request: Request, reply: Reply) -> Page:
    found = _rows(request, reply)
    orders = tuple(_order(symbol, row) for row in found.rows if _alive(row))
    total = found.total if len(orders) == len(found.rows) else None
    return Page(orders=orders, next=found.next, unsure=found.unsure, total=total)


def read_wide(symbol: str, request: Request, reply: Reply) -> Page:
    """The orders of one pair in a listing of all pairs. Several pages prove nothing: an order can slip between them."""
    found = _rows(request, reply)
    orders = tuple(_order(symbol, row) for row in found.rows if _alive(row) and _is_of(symbol, row))
    split = found.next is None and not request.query.endswith("page=1")
    several = "the orders of all pairs take more than one page" if split else ""
    return Page(orders=orders, next=found.next, unsure=found.unsure or several)


def _is_of(symbol: str, row: Any) -> bool:  # noqa: ANN401 - a JSON object
    return payload.field(row, "symbol").casefold() == symbol.casefold()


def _alive(row: Any) -> bool:  # noqa: ANN401 - a JSON object
    return payload.field(row, "status").lower() not in _FINAL


def _order(symbol: str, row: Any) -> Order:  # noqa: ANN401 - a JSON object
    told = payload.field(row, "symbol")
    if not _is_of(symbol, row):
        raise Unreadable(f"an order of {payload.words(told)} among those of {symbol}")
    kind = (payload.maybe(row, "type") or "").lower()
    return Order(
        id=_id(row, "id"),
        segment=symbol,
        symbol=told,
        side=(payload.maybe(row, "side") or "").lower() or None,
        type=kind or None,
        price=payload.maybe(row, "price"),
        quantity=payload.maybe(row, "base_qty"),
        remaining=payload.maybe(row, "ob_open_order_base_qty"),
        protection=Protection.NONE if kind in _KINDS else Protection.UNKNOWN,
    )


def _id(row: Any, key: str) -> str:  # noqa: ANN401 - a JSON object
    """An order's id. It becomes part of a path: an empty one is another path, and only plain ones are sent."""
    identity = payload.field(row, key)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity):
        raise Unreadable(f"{key} is no order id")
    return identity


def acknowledge(symbol: str, request: Request, reply: Reply) -> Acknowledgement:
    """The ids that the venue claims. A single cancel repeats its id; a list may be null, as empty lists of Go are."""
    answer = payload.as_object(payload.parse(reply.body))
    if request.path != "/order/cancel-all":
        identity = _id(answer, "order_id")
        if request.path != f"/order/{identity}/cancel":
            raise Unreadable("the answer is about another order")
        return Acknowledgement(cancelled=(identity,))
    told = payload.field(answer, "symbol")
    if told.casefold() != symbol.casefold():
        raise Unreadable(f"the answer is about {payload.words(told)}, not {symbol}")
    if "order_ids" in answer and answer["order_ids"] is None:
        return Acknowledgement()
    identities = payload.as_list(answer.get("order_ids"), "order_ids")
    return Acknowledgement(cancelled=tuple(_id({"order_ids": one}, "order_ids") for one in identities))


def settled(symbol: str, request: Request, reply: Reply) -> Settlement:
    """How orders ended. A partly filled order that was cancelled is `cancelled` too: what was filled stands beside it.

    A record that still says alive, of an order that is not listed any more, claims nothing: the order is gone, with
    the record's word beside it.
    """
    if request.path == "/accounts/trade-orders":
        found = _rows(request, reply)
        return Settlement(orders=tuple(_end(symbol, row) for row in found.rows if not _alive(row)), next=found.next)
    return Settlement(orders=(_end(symbol, payload.as_object(payload.parse(reply.body))),))


def _end(symbol: str, row: Any) -> tuple[Order, State, str]:  # noqa: ANN401 - a JSON object
    order, status = _order(symbol, row), payload.field(row, "status").lower()
    executed = payload.maybe(row, "executed_base_qty") or "0"
    if status not in _FINAL:
        return order, State.GONE, f"not listed any more, but its record says {payload.words(status)}"
    if status in ("closed", "fully_filled"):
        return order, State.FILLED, ""
    if status == "failed":
        return order, State.GONE, "its record says failed"
    return order, State.CANCELLED, f"{executed} filled before" if executed.strip("0.") else ""


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """Which pairs are there? A pair can leave the market config and still hold orders: a listing of all pairs shows it.

    https://docs.deltadefi.io/start-trading/developers/trading-pairs-symbols says that the market config needs no key.
    """
    markets = Request(method="GET", path="/app/market-config", signed=False, priority=Priority.LISTING)
    return (
        Discovery(name="market config", request=markets, read=_markets, learn=_learn_markets),
        Discovery(
            name="open orders of pairs outside the market config",
            request=open_orders(1),
            read=_listed_symbols,
            learn=_learn_held,
            optional=True,
            shows_orders=True,
        ),
    )


def _markets(request: Request, reply: Reply) -> Batch:
    answer = payload.as_object(payload.parse(reply.body))
    pairs = payload.as_list(answer.get("trading_pairs"), "trading_pairs")
    names = [_symbol(payload.as_object(pair, "trading pair")) for pair in pairs]
    for asset in payload.as_list(answer.get("assets") or [], "assets"):
        listed = payload.as_list(payload.as_object(asset, "asset").get("trading_pairs") or [], "trading_pairs")
        names += [_symbol({"symbol": one}) for one in listed]
    if not names:
        raise Unreadable("the market config names no trading pair")
    return Batch(names=tuple(dict.fromkeys(names)))


def _listed_symbols(request: Request, reply: Reply) -> Batch:
    found = _rows(request, reply)
    names = tuple(dict.fromkeys(_symbol(row) for row in found.rows if _alive(row)))
    if found.unsure and not names:
        raise Unreadable(found.unsure)
    return Batch(names=names, next=found.next)


def _symbol(row: Any) -> str:  # noqa: ANN401 - a JSON object
    symbol = payload.field(row, "symbol")
    if not re.fullmatch(r"[A-Za-z0-9._/-]{2,40}", symbol):
        raise Unreadable("a symbol cannot be sent back")
    return symbol


def _learn_markets(facts: Facts, names: tuple[str, ...]) -> Facts:
    delisted = [one for one in facts.symbols if one in KNOWN and one not in names]
    return Facts(symbols=_union(facts.symbols, names), markets=names, apart=_union(facts.apart, delisted))


def _learn_held(facts: Facts, names: tuple[str, ...]) -> Facts:
    """What is apart stays so, even if the market config names it later: its segment is under way."""
    apart = [one for one in names if one not in (facts.markets or KNOWN)]
    return Facts(symbols=_union(facts.symbols, names), markets=facts.markets, apart=_union(facts.apart, apart))


def _union(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def doubts(options: Options, names: frozenset[str]) -> tuple[str, ...]:
    """Symbols that neither the market config nor a listing has."""
    known = {name.casefold() for name in names}
    return tuple(
        f"DeltaDeFi lists no --symbol {symbol}{nearest(symbol, sorted(names))}"
        for symbol in options.symbol
        if symbol.casefold() not in known
    )
