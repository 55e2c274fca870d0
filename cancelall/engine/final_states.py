"""After the verdict: how did the orders end, and what were those that the kill overtook? Bounded in time."""

from __future__ import annotations

import asyncio

from cancelall.core.attempts import Watch
from cancelall.core.errors import Unreadable
from cancelall.core.model import Order, Request
from cancelall.engine.client import Client
from cancelall.engine.progress import Progress
from cancelall.engine.sweep import Sweep

SECONDS = 3.0
"""Longest time for these reads."""


async def read(sweep: Sweep, since_ms: int) -> None:
    """Fill in final states and missing details from the venue's history, as far as the time goes."""
    client = sweep.client
    left = min(SECONDS, client.deadline - client.clock.monotonic())
    if client.reads_only or client.refusal is not None or left <= 0:
        return
    fired = any(progress.cancels.mass_accepted for progress in sweep.progresses.values())
    work = [_read_segment(client, progress, since_ms, fired=fired) for progress in sweep.progresses.values()]
    try:
        async with asyncio.timeout(left):
            await asyncio.gather(*work, return_exceptions=True)
    except TimeoutError:
        return


async def _read_segment(client: Client, progress: Progress, since_ms: int, *, fired: bool) -> None:
    """One segment. A mass cancel of another one may have taken its orders, too."""
    listed = {order.id for order in progress.last.orders} if progress.last else set()
    wanted = tuple(order for order in progress.seen.values() if order.id not in listed)
    unnamed = progress.segment.unnamed and fired
    if wanted or unnamed:
        missing = {order.id: order for order in wanted}
        requests = progress.segment.final_states(wanted, since_ms)
        since = client.venue_ms(since_ms) if unnamed else None
        await asyncio.gather(*(_read_pages(client, progress, request, missing, since) for request in requests))


async def _read_pages(
    client: Client, progress: Progress, first: Request, missing: dict[str, Order], since_ms: int | None
) -> None:
    """Page after page, newest first, until every order is found. With `since_ms`, also those that nobody had seen."""
    request: Request | None = first
    asked: set[Request] = set()
    pages = 4 + len(missing) // 20
    watch = Watch(about=progress.segment.name)
    while request is not None and (missing or since_ms is not None) and request not in asked and len(asked) < pages:
        asked.add(request)
        try:
            outcome = await client.ask(request, progress.segment.final_page, watch=watch, most=2)
        except Unreadable:
            return
        if outcome.value is None:
            return
        if since_ms is not None and outcome.value.more:
            progress.remarks.add(outcome.value.more)
        for order, state, note in outcome.value.orders:
            known = missing.pop(order.id, None)
            if known is not None:
                progress.ends[order.id] = (state, note)
                progress.seen[order.id] = known if known.symbol is not None else order
            elif since_ms is not None and order.id not in progress.seen and (order.ended_ms or 0) >= since_ms:
                progress.ends[order.id] = (state, note)
                progress.seen[order.id] = order
        request = outcome.value.next
