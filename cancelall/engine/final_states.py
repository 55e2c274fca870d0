"""After the verdict: how did the orders end, and what were those that no listing has shown? Bounded in time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cancelall.core.attempts import Watch
from cancelall.core.dataclass import dataclass
from cancelall.core.model import Order, Request
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep

SECONDS = 3.0
"""Longest time for these reads."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What the venue's history is to tell of one segment."""

    ledger: Ledger
    orders: tuple[Order, ...]
    """Those that were seen and are not listed any more."""
    unnamed: bool
    """Its mass cancels may have taken orders that nobody has seen; one of another segment, too."""


def missing(sweep: ProfileSweep) -> list[Missing]:
    """What no listing and no answer has told of how orders ended, of each segment of which there is any."""
    if sweep.client.reads_only or sweep.client.refusal is not None:
        return []
    fired = any(ledger.air.mass_accepted for ledger in sweep.ledgers.values())
    unread = []
    for ledger in sweep.ledgers.values():
        listed = {order.id for order in ledger.last.orders} if ledger.last else set()
        gone = tuple(one.order for one in ledger.seen if one.order.id not in listed)
        unread.append(Missing(ledger=ledger, orders=gone, unnamed=ledger.segment.unnamed and fired))
    return [one for one in unread if one.orders or one.unnamed]


async def read(client: Client, wanted: Sequence[Missing], since_ms: int) -> None:
    """Fill in final states and missing details from the venue's history, as far as the time goes."""
    left = min(SECONDS, client.deadline - client.clock.monotonic())
    if left <= 0:
        return
    try:
        async with asyncio.timeout(left):
            await asyncio.gather(*(_read_segment(client, one, since_ms) for one in wanted), return_exceptions=True)
    except TimeoutError:
        return


async def _read_segment(client: Client, wanted: Missing, since_ms: int) -> None:
    left = {order.id: order for order in wanted.orders}
    requests = wanted.ledger.segment.final_states(wanted.orders, since_ms)
    since = client.signer.venue_ms(since_ms) if wanted.unnamed else None
    await asyncio.gather(*(_read_pages(client, wanted.ledger, request, left, since) for request in requests))


async def _read_pages(
    client: Client, ledger: Ledger, first: Request, missing: dict[str, Order], since_ms: int | None
) -> None:
    """Page after page, newest first, until every order is there. With `since_ms`, also those that nobody had seen."""
    request: Request | None = first
    requested: set[Request] = set()
    watch = Watch(about=ledger.segment.name)
    for _ in range(4 + len(missing) // 20):
        if request is None or request in requested or not (missing or since_ms is not None):
            return
        requested.add(request)
        outcome = await client.ask(request, ledger.segment.final_page, watch=watch, most=2)
        if outcome.value is None:
            return
        if since_ms is not None and outcome.value.more:
            ledger.remarks.add(outcome.value.more)
        for order, state, note in outcome.value.orders:
            recent = since_ms is not None and not ledger.has_seen(order.id) and (order.ended_ms or 0) >= since_ms
            if missing.pop(order.id, None) is not None or recent:
                ledger.order_ended(order, state, note)
        request = outcome.value.next
