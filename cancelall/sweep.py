"""The sweep: fire, read back, fire again, until complete listings are empty, or the deadline.

Every segment of a profile at the same time. An accepted cancel is not a cancelled order: only what is read counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from cancelall.model import Answer, Order, Page, Request
from cancelall.progress import Listing, Moves, Progress
from cancelall.session import Attempt, Session, Watch
from cancelall.venues import Discovery, Segment

_LISTING_TRIES = 3
"""Tries of one page before the rest of the segment is read all the same."""
_ROUND_PAUSE = 1.0
"""Longest wait, in seconds, for a cancel to be answered before the next look."""


class Sweep:
    """One profile's sweep. `run` may be cancelled at any moment; what is known by then stays in `progresses`."""

    def __init__(
        self, session: Session, environment: str, *, keep_protective: bool = False, scale: float = 1.0
    ) -> None:
        self.session = session
        self.environment = environment
        self.keep = keep_protective
        self.gap = session.venue.settle_gap * scale
        self.facts: Any = session.venue.facts
        self.progresses: dict[str, Progress] = {}
        self.doubts: tuple[str, ...] = ()
        self.remarks: tuple[str, ...] = ()
        self.undiscovered: list[str] = []
        self.discovering: Attempt | None = None
        """The last answer to a discovery read, or the last attempt while there is no answer."""
        self.unread: list[str] = []
        """Optional discovery reads that failed."""
        self.bug: BaseException | None = None
        self._first_out = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clearing: dict[str, asyncio.Task[None]] = {}
        self._cancelling: dict[str, set[asyncio.Task[None]]] = {}
        self._begun: set[str] = set()
        self._names: set[str] = set()

    async def run(self) -> None:
        """Clear every segment; then read again what other segments' last cancels may have changed."""
        try:
            self._join_segments()
            self._discover_all()
            while self._tasks:
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for task in done:
                    self.bug = self.bug or (None if task.cancelled() else task.exception())
                if not self._tasks:
                    for progress in self.stale():
                        self._clear_beside(progress)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _clear(self, progress: Progress) -> None:
        """One segment whose blind cancels are on their way: list, cancel what is left, until it is proven."""
        await self._fired()
        fruitless = 0
        while not self.session.refusal:
            listing = await self._list(progress)
            before, last = progress.last, progress.left(listing)
            progress.saw(listing)
            self._fire(progress, progress.due(listing.orders, listing.began, complete=listing.complete))
            if progress.proven(self.gap) or progress.exhausted(listing):
                return
            stalled = not listing.complete or (bool(last) and before is not None and last == progress.left(before))
            fruitless = fruitless + 1 if stalled else 0
            await self._rest(progress, fruitless)

    async def _list(self, progress: Progress) -> Listing:
        """Every pass and page, trigger kinds before the ordinary ones. What a page shows is cancelled at once."""
        began = self.session.clock.monotonic()
        orders: dict[str, Order] = {}
        whys: list[str] = []
        for stage in progress.segment.listings:
            for found, why in await asyncio.gather(*(self._list_pass(progress, first, began) for first in stage)):
                orders.update((order.id, order) for order in found if order.id not in orders)
                whys += [why] if why else []
        return Listing(
            began=began,
            ended=self.session.clock.monotonic(),
            orders=tuple(orders.values()),
            complete=not whys,
            why="; ".join(dict.fromkeys(whys)),
        )

    async def _list_pass(self, progress: Progress, first: Request, began: float) -> tuple[list[Order], str]:
        """The orders of one pass, and why it is incomplete if it is."""
        found: list[Order] = []
        asked: set[Request] = set()
        totals: set[int | None] = set()
        request: Request | None = first
        while request is not None:
            if request in asked:
                return found, "its pages repeat"
            asked.add(request)
            watch = Watch(ended=partial(self._page_answered, progress))
            heard = await self.session.ask(request, progress.segment.page, watch=watch, most=_LISTING_TRIES)
            page: Page | None = heard.value
            if page is None:
                judgement, fault = heard.attempt.judgement, heard.attempt.fault
                return found, judgement.words if judgement else fault.message if fault else "no answer"
            found += page.orders
            totals.add(page.total)
            self._fire(progress, progress.due(page.orders, began))
            if page.unsure:
                return found, page.unsure
            request = page.next
        counted = len({order.id for order in found})
        if None not in totals and totals != {counted}:
            return found, f"its pages hold {counted} orders, which is not the total that they tell"
        return found, ""

    def _page_answered(self, progress: Progress, attempt: Attempt) -> None:
        """While a listing cannot be read, the mass cancel is repeated: nobody knows whether it worked."""
        progress.listed(attempt)
        if progress.unread > 1 and progress.first_empty is None:
            self._fire(progress, progress.blind(attempt.ended))

    def _fire(self, progress: Progress, moves: Moves) -> None:
        """Send what is due, as long as a proof still fits behind it."""
        now = self.session.clock.monotonic()
        late = progress.cancel_answered > 0 and now > self.session.deadline - self.session.reserve
        if self.session.reads_only or self.session.refusal or late:
            return
        for request, orders in (*((request, ()) for request in moves.mass), *moves.named):
            progress.asking(request, orders)
            task = self._beside(self._cancel(progress, request, orders))
            self._cancelling.setdefault(progress.segment.name, set()).add(task)

    async def _fired(self) -> None:
        """No read of a run goes before its first cancels: wait until one of them is out, or has failed."""
        if self.progresses and any(self._cancelling.values()):
            await self._first_out.wait()

    async def _cancel(self, progress: Progress, request: Request, named: tuple[Order, ...]) -> None:
        watch = Watch(
            begins=progress.cancel_begins, sent=self._first_out.set, ended=partial(self._cancel_over, progress)
        )
        heard = await self.session.ask(
            request,
            progress.segment.acknowledge,
            watch=watch,
            wanted=progress.still_wanted,
            spared=partial(progress.overtaken, named, self.session.clock.monotonic()),
        )
        self._first_out.set()
        progress.asked(request, named, heard)
        if heard.attempt.judgement is not None and heard.attempt.judgement.mode:
            self.facts = self.session.venue.learn_mode(self.facts, heard.attempt.judgement.mode)
            self._join_segments()
        if heard.value is not None and heard.value.capped:
            self._fire(progress, Moves(mass=(request,)))

    def _cancel_over(self, progress: Progress, attempt: Attempt) -> None:
        self._first_out.set()
        progress.cancel_ended(attempt)

    async def _rest(self, progress: Progress, fruitless: int) -> None:
        """Wait for what the next listing needs: answered cancels, the gap between two empty ones, its feeders."""
        if tasks := self._running(self._cancelling.get(progress.segment.name, set())):
            await asyncio.wait(tasks, timeout=_ROUND_PAUSE)
        if progress.first_empty is not None:
            await self._hear_witnesses(progress)
            if progress.contradicted:
                await asyncio.sleep(self.gap)
        if progress.first_empty is not None:
            await asyncio.sleep(progress.first_empty.ended + self.gap - self.session.clock.monotonic())
            if not progress.segment.feeds and (feeders := self._running(self._feeding())):
                await asyncio.wait(feeders, timeout=_ROUND_PAUSE)
        elif fruitless:
            await asyncio.sleep(self.session.random() * min(2.0, 0.25 * 2 ** min(fruitless, 6)))

    async def _hear_witnesses(self, progress: Progress) -> None:
        """Ask the venue's own witnesses, once for each pair of empty listings. One contradiction is enough."""
        kept = progress.first_empty.orders if progress.first_empty else ()
        if progress.witnessed:
            return
        for witness in progress.witnesses:
            read = partial(witness.fits, kept) if witness.fits else witness.read
            heard = await self.session.ask(witness.request, read, most=_LISTING_TRIES)
            at = heard.attempt.ended
            if heard.value is False:
                progress.heard_witness(False, witness.request, at)
                if not witness.request.changes:  # the listing hides something: cancel it unseen
                    self._fire(progress, progress.blind(at))
            silent = heard.value is None and witness.optional
            if heard.value is not True and heard.answer is not Answer.NOTHING_OPEN and not silent:
                return
        if progress.witnesses:
            progress.heard_witness(True, progress.witnesses[-1].request, at)

    def stale(self) -> list[Progress]:
        """Proven segments whose last listing began before the last cancel of another one was answered.

        Orders move between segments: what feeds others is read before them.
        """
        live = [one for one in self.progresses.values() if not (one.absent and not one.present)]
        if self.session.reads_only or not all(one.proven(self.gap) for one in live):
            return []
        cancelled = max((one.cancel_answered for one in live), default=0.0)
        old = [one for one in live if one.last_empty and one.last_empty.began < cancelled]
        if feeders := [one for one in old if one.segment.feeds]:
            return feeders
        fed = max((one.last_empty.ended for one in live if one.segment.feeds and one.last_empty), default=0.0)
        fresh_from = max(cancelled, fed)
        return [one for one in live if not one.segment.feeds and one.last_empty and one.last_empty.began < fresh_from]

    # --- discovery: it may reveal segments, and never holds up what is known ---

    def _join_segments(self) -> None:
        """Begin every segment that is new; forget those that the account turned out not to have."""
        venue = self.session.venue
        known: tuple[Segment, ...] = venue.segments(self.session.options, self.facts, self.environment)
        for name in set(self.progresses) - {segment.name for segment in known}:
            del self.progresses[name]
            self._clearing.pop(name).cancel()
        new = [segment for segment in known if segment.name not in self.progresses]
        for segment in new:
            progress = Progress(segment=segment, keep=self.keep, reads_only=self.session.reads_only)
            self.progresses[segment.name] = progress
            self._fire(progress, progress.blind(self.session.clock.monotonic()))
        for segment in new:
            self._clear_beside(self.progresses[segment.name])

    def _discover_all(self) -> None:
        """Begin every read that the facts allow by now."""
        for discovery in self.session.venue.discoveries(self.session.options, self.facts):
            if discovery.name not in self._begun:
                self._begun.add(discovery.name)
                self.undiscovered += [] if discovery.optional else [discovery.name]
                self._beside(self._discover(discovery))

    async def _discover(self, discovery: Discovery[Any]) -> None:
        await self._fired()
        found: list[str] = []
        request: Request | None = discovery.request
        asked: set[Request] = set()
        while request is not None:
            asked.add(request)
            wanted = self._unproven if discovery.optional else lambda: True
            heard = await self.session.ask(request, discovery.read, wanted=wanted, watch=Watch(ended=self._read_over))
            if heard.value is None or heard.value.next in asked:
                if not discovery.optional:
                    return
                self.unread.append(discovery.name)
                break  # what it has shown so far still counts
            found += heard.value.names
            request = heard.value.next
        self.undiscovered = [name for name in self.undiscovered if name != discovery.name]
        self.facts = discovery.learn(self.facts, tuple(found))
        self._join_segments()
        self._discover_all()
        self._names.update(found)
        self.remarks = self.session.venue.remarks(self.session.options, frozenset(self._names))
        if not self.undiscovered:  # whatever an optional read may still show
            self.doubts = self.session.venue.doubts(self.session.options, frozenset(self._names))

    def _read_over(self, attempt: Attempt) -> None:
        if attempt.answered or self.discovering is None or not self.discovering.answered:
            self.discovering = attempt

    def _unproven(self) -> bool:
        """Whether a known segment is still in question. As long as that is so, an optional read costs nothing."""
        return any(not one.proven(self.gap) for one in self.progresses.values() if one.present or one.absent is None)

    # --- tasks ---

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    def _clear_beside(self, progress: Progress) -> None:
        self._clearing[progress.segment.name] = self._beside(self._clear(progress))

    def _feeding(self) -> set[asyncio.Task[None]]:
        return {self._clearing[name] for name, one in self.progresses.items() if one.segment.feeds}

    @staticmethod
    def _running(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        return {task for task in tasks if not task.done()}
