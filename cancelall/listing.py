"""Reading a segment's open orders: every pass and every page, trigger kinds before the ordinary ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cancelall.attempts import Attempt, Watch
from cancelall.model import Order, Page, Request
from cancelall.progress import Listing
from cancelall.session import Session
from cancelall.venues.contract import Segment

TRIES = 3
"""Tries of one page before the rest of the segment is read all the same."""


async def read_listing(
    session: Session,
    segment: Segment,
    shown: Callable[[tuple[Order, ...], float], None],
    answered: Callable[[Attempt], None],
    outdated: Callable[[float], bool] = lambda began: False,
    *,
    tries: int = TRIES,
) -> Listing:
    """One reading of a segment. `shown` gets each page's orders at once, `answered` sees every attempt.

    Whatever is missing, short or inconsistent makes it incomplete, and then it proves nothing. One that is outdated and
    has shown nothing yet is not read to the end: it would not count, and the next one does.
    """
    began = session.clock.monotonic()
    orders: dict[str, Order] = {}
    whys: list[str] = []
    serials: list[int] = []
    watch = Watch(about=segment.name, ended=answered)

    async def one_pass(first: Request) -> tuple[list[Order], str]:
        """The orders of one pass, and why it is incomplete if it is."""
        found: list[Order] = []
        asked: set[Request] = set()
        totals: set[int | None] = set()
        request: Request | None = first
        while request is not None:
            if request in asked:
                return found, "its pages repeat"
            asked.add(request)
            heard = await session.ask(request, segment.page, watch=watch, most=tries)
            page: Page | None = heard.value
            if page is None:
                judgement, fault = heard.attempt.judgement, heard.attempt.fault
                return found, judgement.words if judgement else fault.message if fault else "no answer"
            found += page.orders
            totals.add(page.total)
            serials.extend(() if page.serial is None else (page.serial,))
            shown(page.orders, began)
            if page.unsure:
                return found, page.unsure
            request = page.next
        counted = len({order.id for order in found})
        if None not in totals and totals != {counted}:
            return found, f"its pages hold {counted} orders, which is not the total that they tell"
        return found, ""

    overtaken = False
    for stage in segment.listings:
        overtaken = stage is not segment.listings[0] and outdated(began) and not (orders or whys)
        if overtaken:
            whys.append("cancels have overtaken it")
            break
        for found, why in await asyncio.gather(*(one_pass(first) for first in stage)):
            orders.update((order.id, order) for order in found if order.id not in orders)
            whys += [why] if why else []
    return Listing(
        began=began,
        ended=session.clock.monotonic(),
        orders=tuple(orders.values()),
        complete=not whys,
        why="; ".join(dict.fromkeys(whys)),
        overtaken=overtaken,
        serial=min(serials, default=None),
    )
