"""The sweep of one segment: fire, list, act on what is listed, rest, and again, until it is proven empty.

An accepted cancel is not a cancelled order: only what is read counts. All segments of a profile are swept in parallel
(`profile_sweep`); what happens is written into the segment's `ledger`, and what is due follows from it (`firing`).
"""

from __future__ import annotations

import asyncio
import math
from functools import partial

from cancelall.core.attempts import INSTANT, Attempt, Watch
from cancelall.core.model import Answer, Listing, Order, Request
from cancelall.engine import firing
from cancelall.engine.around import Around, Tasks
from cancelall.engine.firing import Moves
from cancelall.engine.ledger import Ledger, Word
from cancelall.engine.listing import TRIES, read_listing
from cancelall.engine.witnesses import ask_cancels, ask_reads
from cancelall.venues.contract import Segment

_NOTHING_TO_READ = 6
"""Failed tries of a segment's listings in a row, after which one try is enough to see whether that has passed: what a
venue counts in requests is left for the proof."""
_ROUND_PAUSE = 1.5
"""Longest wait, in seconds, for a cancel to be answered before the next look."""
_HELD_PAUSE = 0.25
"""The same while the venue wants cancels to wait: what rests is looked at meanwhile."""
_LONGEST_REST = 2.0
"""Longest rest, in seconds, between two listings where nothing comes of them."""
_LONGEST_BLIND_REST = 3.0
"""The same while none can be read: what a venue counts in requests is left for the proof."""
_FREE_LISTINGS = 3
"""Listings of a segment that wait for nothing: what rests, a proof, and one that fails."""
_LAST_LISTING = 0.5
"""Seconds before the last moment for which a listing is not put off."""
_LONGEST_SILENCE = 2.0
"""Seconds that a read may wait, before the mass cancel of its segment is repeated."""


class SegmentSweep:
    """The sweep of one segment. It may be cancelled at any moment; what is known by then stays in its ledger."""

    def __init__(self, ledger: Ledger, around: Around) -> None:
        self.ledger = ledger
        self.around = around
        self.client = around.client
        self._now = around.client.clock.monotonic
        self.cancelling: Tasks = set()
        """Cancels under way."""
        self.listings = 0
        """How many pages were read, or could not be."""

    async def run(self) -> bool:
        """List, act and rest until the segment is proven, or nothing can change any more; False if time ran out."""
        await self.around.fired()
        ledger = self.ledger
        if ledger.proven:  # read again for the sake of another segment's cancel, a gap after it
            await asyncio.sleep(self.around.disturbed() + ledger.proof_gap - self._now())
        fruitless = 0
        await self.around.keep_pace(ledger.segment, -math.inf if ledger.last is None else ledger.last.began)
        while not (self.client.refusal is not None or self.client.ended):
            before = ledger.last
            listing, word = await asyncio.gather(self._list(), self._ask_reads())
            self._take_in(listing, word)
            self._act(listing, word)
            if self.around.pace is None and (ledger.proven or firing.exhausted(ledger, listing) or self._shut_out()):
                return True
            stuck = before is not None and bool(left := ledger.left(listing)) and left == ledger.left(before)
            stalled = stuck or ledger.unwitnessed or not (listing.complete or listing.superseded)
            fruitless = fruitless + 1 if stalled else 0
            await self._rest(fruitless)
            await self.around.keep_pace(ledger.segment, listing.began)
            await self._make_last(listing.began)
        return False

    # --- fire ---

    def fire_blind(self) -> None:
        """Send the cancels that need to know nothing."""
        self._fire(firing.blind(self.ledger, self._now()))

    def learn(self, segment: Segment) -> None:
        """From now on the segment is this one, which may name orders that the one before it could not."""
        self.ledger.segment = segment
        if (last := self.ledger.last) is not None:
            self._fire(firing.due(self.ledger, last.orders, last.began, complete=last.complete), known=True)

    def _fire(self, moves: Moves, *, known: bool = False) -> None:
        """Send what is due. Blind cancels that were answered before go as long as a proof still fits behind them, those
        of orders that are known to be open until one round trip before the deadline; in a hold, to its end.
        """
        client, now = self.client, self._now()
        if client.reads_only or client.refusals.believed is not None or client.closed or now > client.last_send:
            return
        late = not known and now > client.deadline - client.reserve and not self.around.held
        for request, orders in (*((request, ()) for request in moves.mass), *moves.named):
            if late and not firing.never_answered(self.ledger, request):
                continue
            self.ledger.cancel_begins(request, orders)
            task = self.around.background(self._cancel(request, orders))
            self.cancelling.add(task)
            task.add_done_callback(self.cancelling.discard)

    async def _cancel(self, request: Request, named: tuple[Order, ...]) -> None:
        ledger, sent = self.ledger, self.around.first_out.set
        watch = Watch(about=ledger.segment.name, begins=ledger.attempt_begins, sent=sent, ended=self._attempt_over)
        several = ledger.for_several(request, named)
        try:
            outcome = await self.client.ask(
                request,
                ledger.segment.acknowledge,
                watch=watch,
                wanted=ledger.still_wanted,
                superseded=partial(firing.superseded, ledger, request, named, self._now()),
                enough=(Answer.GATEWAY,) if several else (),
            )
        except Exception:  # whatever it is, the same cancel may go again, and others do not wait for it
            sent()
            ledger.cancel_broken(request, named, self._now())
            raise
        sent()
        ledger.cancel_over(request, named, outcome)
        self.around.learn(outcome.attempt)
        self._fire(firing.more(ledger, request))
        if several and outcome.attempt.sent and outcome.answer in (Answer.REFUSED, Answer.ABSENT, Answer.GATEWAY):
            self._fire(firing.otherwise(ledger, named), known=True)

    def _attempt_over(self, attempt: Attempt) -> None:
        self.around.first_out.set()  # or it has failed
        self.ledger.attempt_over(attempt)

    # --- list ---

    async def _list(self) -> Listing:
        ledger = self.ledger
        scarce = self.client.venue.listings is not None and self.listings > 0
        return await read_listing(
            self.client,
            ledger.segment,
            self._page_shows,
            self._page_answered,
            ledger.outdated,
            tries=TRIES if ledger.unread < _NOTHING_TO_READ and not scarce else 1,
            fresh=ledger.half is not None,
            proves=scarce and ledger.unread == 0,
            waits=partial(self._page_waits, self._now()),
        )

    def _page_shows(self, orders: tuple[Order, ...], began: float) -> None:
        """What a page shows is cancelled at once: only the proof needs every page."""
        self.ledger.page_shows(orders, began)
        self._fire(firing.due(self.ledger, orders, began), known=True)

    def _page_answered(self, attempt: Attempt) -> None:
        """While a listing cannot be read, the mass cancel is repeated: nobody knows whether it worked."""
        self.listings += 1
        self.ledger.page_answered(attempt)
        self.around.learn(attempt)
        if self.ledger.unread > 1 and self.ledger.proof.first is None:
            self._fire(firing.blind(self.ledger, attempt.ended))

    def _page_waits(self, since: float) -> None:
        """While a read has to wait, the mass cancel is repeated, as when it cannot be read. Not within a proof: that
        would end it, and for ever where limits make each read wait.
        """
        known = self.ledger.proven or self.ledger.half is not None
        if self._now() - max(since, self.ledger.air.quiet_since) >= _LONGEST_SILENCE and not known:
            self.fire_blind()

    async def _ask_reads(self) -> Word | None:
        """What the witnesses that are mere reads say, read in the background of a listing that may end a proof."""
        holding = self.around.pace is not None and self.ledger.witnessed
        return None if self.ledger.half is None or holding else await ask_reads(self.client, self.ledger)

    # --- act ---

    def _take_in(self, listing: Listing, word: Word | None) -> None:
        self.around.listed(self.ledger.segment.name, listing)
        self.ledger.listing_over(listing)
        if word is not None:
            self.ledger.witnesses_say(word, cancels=False)

    def _act(self, listing: Listing, word: Word | None) -> None:
        """What a listing calls for: what it shows, what it hides, and refusals that are not believed yet."""
        ledger, now = self.ledger, self._now()
        unsure = not (listing.complete or listing.superseded) and ledger.unread == 0  # it was answered, and is odd
        stopped = self.client.refusals.stopped_of(ledger.whole) is not None
        if unsure or stopped or word is Word.OBJECT:  # who knows what rests
            self.fire_blind()
        self._fire(firing.again(ledger, now))
        self._fire(firing.due(ledger, listing.orders, listing.began, complete=listing.complete), known=True)

    def _shut_out(self) -> bool:
        """Whether the venue blocks this address, and has said so to each request about the segment."""
        return all(self.client.stops(request) for request in self.ledger.whole)

    # --- rest, and prove ---

    async def _rest(self, fruitless: int) -> None:
        """Wait for what the next listing needs: answered cancels, the gap after an empty one, what spawns orders."""
        ledger, client = self.ledger, self.client
        if self.cancelling:
            held = any(client.backs_off(request) for request in ledger.whole if request.changes)
            await asyncio.wait(set(self.cancelling), timeout=_HELD_PAUSE if held else _ROUND_PAUSE)
        if ledger.half is not None:
            await ask_cancels(client, ledger)
            if ledger.contradicted:
                await asyncio.sleep(ledger.gap)
        if ledger.half is not None and not await self._gap_is_over():
            return
        if fruitless and not (ledger.closed or (ledger.witnesses and ledger.witnessed)):
            doubted = ledger.doubted_until - self._now()
            longest = client.patience(_LONGEST_BLIND_REST if ledger.unread else _LONGEST_REST)
            jitter = client.random() * min(longest, 0.25 * 2 ** min(fruitless, 6))
            await asyncio.sleep(doubted if doubted > 0 else jitter)

    async def _gap_is_over(self) -> bool:
        """Wait until a second empty listing counts; False to look again before, where listings contradicted."""
        ledger = self.ledger
        while (first := ledger.half) is not None and (left := self._gap_left(first)) > 0:
            await asyncio.sleep(min(left, ledger.gap))
            if left > 1.5 * ledger.gap:
                return False
        holding = self.around.pace is not None  # then those that spawn orders never end
        if not holding and not ledger.segment.spawns and (tasks := self.around.spawning()):
            await asyncio.wait(tasks, timeout=_ROUND_PAUSE)
        return True

    def _gap_left(self, first: Listing) -> float:
        """Seconds until a second empty listing counts, for the whole profile if its other segments soon fall silent."""
        gap = self.ledger.proof_gap
        since = max(first.ended, min(self.around.disturbed(), first.ended + 1.5 * gap))
        return since + gap + INSTANT - self._now()

    async def _make_last(self, began: float) -> None:
        """Where listings are scarce: wait until the next one is due. The first ones (after a hold too), the second of a
        proof and the last go at once; unread they come half as often, but for the end, when a proof only just fits.
        """
        free = self.listings < _FREE_LISTINGS or began < self.ledger.fresh_from or self.ledger.half is not None
        if not free and self.around.pace is None:
            last, spacing = self.client.last_send - _LAST_LISTING, self.around.spacing(self.ledger.segment)
            if self.ledger.unread:
                spacing = min(2 * spacing, (last - began) / 3)
            await asyncio.sleep(max(0.0, min(began + spacing, last) - self._now()))
