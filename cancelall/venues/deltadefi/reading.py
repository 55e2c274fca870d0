"""DeltaDeFi: what its answers say: pages, acknowledgements, how orders ended, what exists."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Priority, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import Batch, Discovery
from cancelall.venues.deltadefi.calls import get, open_orders
from cancelall.venues.deltadefi.options import KNOWN, LAST_PAGE, PAGE_ROWS, Facts, Options
from cancelall.venues.payload import Row

_FINAL = frozenset({"cancelled", "partially_cancelled", "closed", "fully_filled", "failed"})
"""Documents and SDKs disagree on the set of statuses; every other one, also an unknown one, is alive."""


_KINDS = frozenset({"limit", "market"})
"""There are no others: https://docs.deltadefi.io, page "Order types"."""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows of a page of orders, the request for the next page, and why they cannot be all."""

    rows: tuple[object, ...]
    next: Request | None
    total: int | None
    unsure: str = ""
    full: bool = False
    null: bool = False


def _rows(request: Request, reply: Reply) -> _Rows:
    """The rows of a page, in either documented form: with totals, or as a bare list.

    The documents and two SDKs have the envelope, the python SDK's types a bare list. An empty list of Go may be null.
    """
    body = reply.json
    page = int(parse_qs(request.query)["page"][0])
    if isinstance(body, list):
        return _more(request, page, _Rows(rows=tuple(body), next=None, total=None), 0)
    answer = Row(body, "answer")
    entries, null = payload.null_or_list(answer.record, "data")
    total, pages = answer.number("total_count"), answer.number("total_page")
    if total is None or pages is None or min(total, pages) < 0:
        if null:
            raise Unreadable("data is not a list")
        answer.odd("total_count or total_page is missing", None)
        total = pages = None
    unsure = ", ".join(answer.oddities)
    found = _Rows(rows=tuple(entries), next=None, total=total, unsure=unsure, null=null)
    return _more(request, page, found, max(pages or 0, _pages(total or 0)))


def _pages(total: int) -> int:
    return -(-total // PAGE_ROWS)


def _more(request: Request, page: int, found: _Rows, pages: int) -> _Rows:
    """The same with its way on, whatever does not fit the totals: a page that has rows, and is full or not the last."""
    rows, total = found.rows, found.total
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    full = len(rows) >= PAGE_ROWS
    more = bool(rows) and (page < pages or (full and total is None))
    whys = [found.unsure] if found.unsure else []
    if total is not None and len(rows) != min(PAGE_ROWS, max(0, total - (page - 1) * PAGE_ROWS)):
        whys.append(f"page {page} has {len(rows)} rows, which does not fit a total of {total}")
    if any(one == other for one, other in pairwise(sorted(map(repr, ids)))):
        whys.append(f"page {page} has the same order twice")
    if more and page >= LAST_PAGE:
        whys.append(f"more than {LAST_PAGE} pages")
    following = None
    if more and page < LAST_PAGE:
        kept = request.query.rpartition("page=")[0]
        following = get(request.path, f"{kept}page={page + 1}", request.bucket)
    return replace(found, next=following, unsure="; ".join(whys), full=full)


def read_page(symbol: str, request: Request, reply: Reply) -> Page:
    """The orders of one pair. What names another pair is left out: the answer is not just about this one."""
    found = _rows(request, reply)
    orders, odd = payload.orders(found.rows, partial(_listed, symbol))
    total = found.total if len(orders) == len(found.rows) else None
    unsure = "; ".join(filter(None, (found.unsure, odd)))
    return Page(orders=orders, next=found.next, unsure=unsure, total=total, full=found.full, null=found.null)


def read_wide(symbol: str, everything: bool, request: Request, reply: Reply) -> Page:  # noqa: FBT001 - a partial
    """The orders of one pair in a listing of all pairs. Several pages prove nothing: an order can slip between them.

    One whose pair cannot be read may be of this one: it is taken along where `everything` is in scope.
    """
    found = _rows(request, reply)
    orders, odd = payload.orders(found.rows, partial(_picked, symbol, everything))
    split = found.next is None and not request.query.endswith("page=1")
    several = "the orders of all pairs take more than one page" if split else ""
    unsure = "; ".join(filter(None, (found.unsure, odd, several)))
    return Page(orders=orders, next=found.next, unsure=unsure, full=found.full, null=found.null)


def _is_of(symbol: str, told: str | None) -> bool:
    """Whether this is the pair, as far as can be read."""
    return told is None or told.casefold() == symbol.casefold()


def _pair_of(row: Row) -> str | None:
    """The pair of an order; None, and odd, where it cannot be read."""
    told = row.text("symbol", needed=True)
    return None if told == payload.UNREADABLE else told


def _alive(row: Row) -> bool:
    status = row.text("status", needed=True)
    return status is None or status.lower() not in _FINAL


def _listed(symbol: str, row: Row) -> Order | None:
    if not _alive(row):
        return None
    order = _order(symbol, row)
    if _is_of(symbol, order.symbol):
        return order
    return row.odd(f"an order of {payload.words(order.symbol)} among those of {symbol}", None)


def _picked(symbol: str, everything: bool, row: Row) -> Order | None:  # noqa: FBT001 - a partial
    told = row.record.get("symbol")
    if isinstance(told, str) and told and not _is_of(symbol, told):
        return None
    if not _alive(row):
        return None
    order = _order(symbol, row)
    return order if order.symbol is not None or everything else None


def _order(symbol: str, row: Row) -> Order:
    """One order, whatever else is wrong with its row. Raises Unreadable without an id."""
    identity = _id(row.record.get("id"), "id")
    kind, side = (row.text("type") or "").lower(), row.text("side")
    return Order(
        id=identity,
        segment=symbol,
        symbol=_pair_of(row),
        side=side.lower() if side else None,
        type=kind or None,
        price=row.text("price"),
        quantity=row.text("base_qty"),
        remaining=row.text("ob_open_order_base_qty"),
        protection=Protection.NONE if kind in _KINDS else Protection.UNKNOWN,
    )


def _id(value: object, key: str) -> str:
    """An order's id. It becomes part of a path: an empty one is another path, and only plain ones are sent."""
    identity = Row({key: value}).identity(key)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", identity):
        raise Unreadable(f"{key} is no order id")
    return identity


def acknowledge(symbol: str, request: Request, reply: Reply) -> Acknowledgement:
    """The ids that the venue claims. A single cancel repeats its id; a list may be null, as empty lists of Go are.

    An id that cannot be read hides no other one. Ids of another pair are not this one's.
    """
    answer = Row(reply.json, "answer")
    if request.path != "/order/cancel-all":
        identity = _id(answer.record.get("order_id"), "order_id")
        if request.path != f"/order/{identity}/cancel":
            raise Unreadable("the answer is about another order")
        return Acknowledgement(cancelled=(identity,))
    entries, _ = payload.null_or_list(answer.record, "order_ids")
    told = answer.text("symbol")
    if told not in (None, payload.UNREADABLE) and not _is_of(symbol, told):
        return Acknowledgement(remark=f"{symbol}: the answer to its cancel is about {payload.words(told)}")
    found = []
    for entry in entries:
        with contextlib.suppress(Unreadable):
            found.append(_id(entry, "order_ids"))
    return Acknowledgement(cancelled=tuple(found))


def final_page(symbol: str, request: Request, reply: Reply) -> FinalStates:
    """How orders ended. A partly filled order that was cancelled is `cancelled` too: what was filled stands beside it.

    A record that still says alive, of an order that is not listed any more, claims nothing: the order is gone, with
    the record's word beside it.
    """
    if request.path == "/accounts/trade-orders":
        found = _rows(request, reply)
        ends = (_end(symbol, row) for row in found.rows if isinstance(row, dict) and not _alive(Row(row)))
        return FinalStates(orders=tuple(end for end in ends if end is not None), next=found.next)
    end = _end(symbol, reply.json)
    if end is None:
        raise Unreadable("the record names no order")
    return FinalStates(orders=(end,))


def _end(symbol: str, entry: object) -> tuple[Order, State, str] | None:
    """How an order ended; None for a row that names none, or one of another pair."""
    try:
        row = Row(entry)
        order = _order(symbol, row)
    except Unreadable:
        return None
    if not _is_of(symbol, order.symbol):
        return None
    status, executed = (row.text("status") or "nothing").lower(), row.text("executed_base_qty") or "0"
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
    """Pairs, each named twice. An odd one hides no other one, but then they are not all."""
    answer = payload.as_object(reply.json)
    pairs, assets = _listed_in(answer, "trading_pairs"), _listed_in(answer, "assets")
    told = [pair.get("symbol") if isinstance(pair, dict) else None for pair in pairs]
    for asset in assets:
        told += _listed_in(asset, "trading_pairs") if isinstance(asset, dict) else []
    names = [f"symbol {one}" for one in map(_symbol, told) if one is not None]
    if not names:
        raise Unreadable("the market config names no trading pair")
    odd = [ODD_MARKET] if None in map(_symbol, told) else []
    return Batch(names=tuple(dict.fromkeys((*names, *odd))))


ODD_MARKET = "odd market"


def _listed_in(record: Mapping[str, Any], key: str) -> list[Any]:
    """A list; an empty one in the place of anything else."""
    value = record.get(key)
    return value if isinstance(value, list) else []


def _listed_symbols(request: Request, reply: Reply) -> Batch:
    found = _rows(request, reply)
    told = [_symbol(row.get("symbol")) for row in found.rows if isinstance(row, dict) and _alive(Row(row))]
    names = tuple(dict.fromkeys(f"symbol {one}" for one in told if one is not None))
    odd = "the pair of an order cannot be read" if None in told or len(told) < len(found.rows) else ""
    return Batch(names=names, next=found.next, unsure=found.unsure or odd)


def _symbol(value: object) -> str | None:
    """A symbol that can be sent back, in any script; None for anything else."""
    if not isinstance(value, str) or not 2 <= len(value) <= 40 or not value.isprintable():
        return None
    return None if set(value) & set(" \"'\\{}<>") else value


def _learn_markets(facts: Facts, names: tuple[str, ...]) -> Facts:
    known = _symbols(names)
    delisted = [one for one in facts.symbols if one in KNOWN and one not in known]
    return Facts(symbols=_union(facts.symbols, known), markets=known, apart=_union(facts.apart, delisted))


def _learn_held(facts: Facts, names: tuple[str, ...]) -> Facts:
    """What is apart stays so, even if the market config names it later: its segment is under way."""
    known = _symbols(names)
    apart = [one for one in known if one not in (facts.markets or KNOWN)]
    return Facts(symbols=_union(facts.symbols, known), markets=facts.markets, apart=_union(facts.apart, apart))


def _symbols(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.removeprefix("symbol ") for name in names if name.startswith("symbol "))


def _union(known: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def doubts(options: Options, names: frozenset[str]) -> tuple[str, ...]:
    """Symbols that neither the market config nor a listing has; without selectors, pairs that it does not name well."""
    told = sorted(_symbols(names))
    known = {name.casefold() for name in told}
    found = [
        f"DeltaDeFi lists no --symbol {symbol}{nearest(symbol, told)}"
        for symbol in options.symbol
        if symbol.casefold() not in known
    ]
    odd = ODD_MARKET in names and not options.symbol
    return (*found, "a trading pair of the market config cannot be read") if odd else tuple(found)
