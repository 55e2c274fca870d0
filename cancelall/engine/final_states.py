"""After the verdict: how did the orders end, and what were those that the kill overtook? Bounded in time."""

from __future__ import annotations

import asyncio

from cancelall.core.attempts import Watch
from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Request
from cancelall.engine.client import Session
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep

SECONDS = 3.0
"""Longest time for these reads."""


async def read(sweep: ProfileSweep, since_ms: int) -> None:
    """Fill in final states and missing details from the venue's history, as far as the time goes."""
    session = sweep.session
    left = min(SECONDS, session.deadline - session.clock.monotonic())
    if session.reads_only or session.refusal is not None or left <= 0:
        return
    fired = any(ledger.air.mass_accepted for ledger in sweep.ledgers.values())
    work = [_read_segment(session, ledger, since_ms, fired=fired) for ledger in sweep.ledgers.values()]
    try:
        async with asyncio.timeout(left):
            await asyncio.gather(*work, return_exceptions=True)
    except TimeoutError:
        return


async def _read_segment(session: Session, ledger: Ledger, since_ms: int, *, fired: bool) -> None:
    """One segment. A mass cancel of another one may have taken its orders, too."""
    listed = {order.id for order in ledger.last.orders} if ledger.last else set()
    wanted = tuple(one.order for one in ledger.seen if one.order.id not in listed)
    unnamed = ledger.segment.unnamed and fired
    if wanted or unnamed:
        missing = {order.id: order for order in wanted}
        requests = ledger.segment.final_states(wanted, since_ms)
        since = session.venue_ms(since_ms) if unnamed else None
        await asyncio.gather(*(_read_pages(session, ledger, request, missing, since) for request in requests))


async def _read_pages(
    session: Session, ledger: Ledger, first: Request, missing: dict[str, Order], since_ms: int | None
) -> None:
    """Page after page, newest first, until every order is found. With `since_ms`, also those that nobody had seen."""
    request: Request | None = first
    asked: set[Request] = set()
    pages = 4 + len(missing) // 20
    watch = Watch(about=ledger.segment.name)
    while request is not None and (missing or since_ms is not None) and request not in asked and len(asked) < pages:
        asked.add(request)
        try:
            heard = await session.ask(request, ledger.segment.final_page, watch=watch, most=2)
        except Unreadable:
            return
        if heard.value is None:
            return
        if since_ms is not None and heard.value.more:
            ledger.remarks.add(heard.value.more)
        for order, state, note in heard.value.orders:
            recent = since_ms is not None and not ledger.has_seen(order.id) and (order.ended_ms or 0) >= since_ms
            if missing.pop(order.id, None) is not None or recent:
                ledger.order_ended(order, state, note)
        request = heard.value.next
