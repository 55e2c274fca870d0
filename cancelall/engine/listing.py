"""Reading a segment's open orders: every pass and every page, trigger kinds before the ordinary ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from cancelall.core.attempts import Attempt, Watch
from cancelall.core.model import Listing, Order, Page, Priority, Request
from cancelall.engine.client import Client
from cancelall.venues.contract import Segment

TRIES = 3
"""Tries of one page before the rest of the segment is read all the same."""
MOST_PAGES = 500
MOST_ORDERS = 50_000
"""Pages and orders of one pass; no account of any venue may hold so many open orders."""
EMPTY_PAGES = 3
"""Empty pages in a row that name a next one, after which the pass is not read on."""


async def read_listing(
    client: Client,
    segment: Segment,
    shown: Callable[[tuple[Order, ...], float], None] = lambda orders, began: None,
    answered: Callable[[Attempt], None] = lambda attempt: None,
    outdated: Callable[[float], bool] = lambda began: False,
    *,
    tries: int = TRIES,
    fresh: bool = False,
    proves: bool = False,
    waits: Callable[[], None] = lambda: None,
) -> Listing:
    """One reading of a segment. `shown` gets each page's orders at once, `answered` sees every attempt.

    Whatever is missing, short, odd or inconsistent makes it incomplete, and then it proves nothing: what can be read is
    shown all the same. One that is outdated and has shown nothing yet is not read to the end: it would not count, and
    the next one does. `fresh` pages come on connections that nothing else uses; those that only prove (`proves`) go
    after all that may show an order for the first time; `waits` is called while a page waits.
    It begins when its first request leaves, however long that had to wait for its turn.
    """
    began, sent = client.clock.monotonic(), False
    orders: dict[str, Order] = {}
    whys: list[str] = []
    serials: list[int] = []

    def begins(at: float) -> None:
        nonlocal began, sent
        began, sent = began if sent else at, True

    watch = Watch(about=segment.name, begins=begins, ended=answered, waits=waits)

    async def one_page(request: Request) -> tuple[Page | None, str]:
        """A page, or why there is none. A null in the place of an array is read twice, and then empty."""
        request = replace(request, priority=Priority.PROOF) if proves else request
        for _ in range(2):
            outcome = await client.ask(request, segment.page, watch=watch, most=tries, fresh=fresh)
            page: Page | None = outcome.value
            if page is None:
                judgement, fault = outcome.attempt.judgement, outcome.attempt.fault
                return None, judgement.message if judgement else fault.message if fault else "no answer"
            if not page.null:
                break
        return page, ""

    async def one_pass(first: Request) -> tuple[list[Order], list[str]]:
        """The orders of one pass, and everything that makes it incomplete."""
        orders_read: list[Order] = []
        ids: set[str] = set()
        doubts: list[str] = []
        requested: set[Request] = set()
        totals: set[int | None] = set()
        empty = 0
        request: Request | None = first
        while request is not None:
            requested.add(request)
            page, why = await one_page(request)
            if page is None:
                return orders_read, [*doubts, why]
            shown(page.orders, began)
            news = {order.id for order in page.orders} - ids
            orders_read += page.orders
            ids |= news
            totals.add(page.total)
            serials.extend(() if page.serial is None else (page.serial,))
            doubts += [page.unsure] if page.unsure else []
            empty = 0 if page.orders or page.full else empty + 1  # rows out of scope are none of its orders
            request = page.next
            if request is None:
                break
            repeats = request in requested or bool(page.orders and len(requested) > 1 and not news)
            if repeats or empty >= EMPTY_PAGES:
                if page.full or not repeats:  # a short page that leads to itself is the last one
                    doubts.append("its pages repeat" if repeats else "its pages do not end")
                break
            if len(requested) >= MOST_PAGES or len(ids) >= MOST_ORDERS:
                doubts.append(f"more than {len(requested)} pages or {len(ids)} orders")
                break
        if None not in totals and totals != {len(ids)}:
            doubts.append(f"its pages hold {len(ids)} orders, which is not the total that they tell")
        return orders_read, doubts

    superseded = False
    for stage in segment.listings:
        superseded = stage is not segment.listings[0] and outdated(began) and not (orders or whys)
        if superseded:
            whys.append("cancels have superseded it")
            break
        for shown_orders, doubts in await asyncio.gather(*(one_pass(first) for first in stage)):
            orders.update((order.id, order) for order in shown_orders if order.id not in orders)
            whys += [doubt or "no answer" for doubt in doubts]
    return Listing(
        began=began,
        ended=client.clock.monotonic(),
        orders=tuple(orders.values()),
        complete=not whys,
        why="; ".join(dict.fromkeys(whys)),
        superseded=superseded,
        serial=min(serials, default=None),
    )
