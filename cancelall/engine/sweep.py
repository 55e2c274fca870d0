"""The sweep: fire, read back, fire again, until complete listings are empty, or the deadline.

Every segment of a profile at the same time. An accepted cancel is not a cancelled order: only what is read counts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from cancelall.core.attempts import Attempt, Watch
from cancelall.core.model import Answer, Listing, Order, Request
from cancelall.engine import proof
from cancelall.engine.cancels import Moves
from cancelall.engine.client import Client
from cancelall.engine.discovery import Discoveries
from cancelall.engine.listing import TRIES, read_listing
from cancelall.engine.progress import Progress, Word
from cancelall.engine.witnesses import hear_cancels, hear_reads

_LAST_WORDS = 0.1
"""Seconds that the tasks of a run get to note what they leave behind."""
_NOTHING_TO_READ = 6
"""Failed tries of a segment's listings in a row, after which one try is enough to see whether that has passed: what a
venue counts in requests is left for the proof."""
_ROUND_PAUSE = 1.5
"""Longest wait, in seconds, for a cancel to be answered before the next look."""
_INSTANT = 1e-6
"""Seconds that make sure that a gap is over, whatever floats do to sums."""
_HELD_PAUSE = 0.25
"""The same while the venue has asked cancels to wait: what rests is looked at meanwhile."""
_SECOND_LOOK = 4.0
"""Seconds after which a proven segment is read again, while others are still being cancelled: nothing else would show
what their orders have left there, or what its own listings had hidden."""
_LONGEST_REST = 2.0
"""Longest rest, in seconds, between two listings where nothing comes of them."""
_LONGEST_BLIND_REST = 3.0
"""The same while none can be read: what a venue counts in requests is left for the proof."""
_LONGEST_SILENCE = 2.0
"""Seconds that a read may wait, before the mass cancel of its segment is repeated."""


class Sweep:
    """One profile's sweep. `run` may be cancelled at any moment; what is known by then stays in `progresses`."""

    def __init__(
        self,
        client: Client,
        environment: str,
        *,
        keep_protective: bool = False,
        scale: float = 1.0,
        listed: Callable[[str, Listing], None] = lambda segment, listing: None,
    ) -> None:
        self.client = client
        self._listed = listed
        self.keep = keep_protective
        self.gap = client.venue.proof_gap * scale
        self.progresses: dict[str, Progress] = {}
        self.discoveries = Discoveries(
            client,
            environment,
            fired=self._fired,
            found_more=self._join_segments,
            needed=lambda: proof.unproven(self.progresses.values()),
            listed=self._listed_symbols,
            settled=self._settled,
        )
        self.bug: BaseException | None = None
        self.finished = False
        """Whether it came to its own end, not to that of its time."""
        self.held = False
        """Whether it went on after its first verdict."""
        self._pace: float | None = None
        """While it holds: seconds between two listings of a segment, whatever they show."""
        self._released = asyncio.Event()
        self._first_out = asyncio.Event()
        self._left_off: set[str] = set()
        """Segments whose clearing has ended before its end."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._clearing: dict[str, asyncio.Task[None]] = {}
        self._cancelling: dict[str, set[asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Clear every segment; then read again what other segments' last cancels may have changed."""
        self.finished = False
        try:
            self._join_segments()
            if self.held:
                self.client.over = False
                self._again()
            while self._tasks:
                done, _ = await asyncio.wait(self._tasks, timeout=_SECOND_LOOK, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for progress in self._unwatched():
                    self._clear_beside(progress)
                for task in done:
                    self.bug = self.bug or (None if task.cancelled() else task.exception())
                if not self._tasks and not self.client.ended:
                    for progress in self.stale():
                        self._clear_beside(progress)
                    for progress in self._given_up():
                        self._clear_beside(progress, after=self.gap)
            self.finished = not self.client.closed
        finally:
            self.client.over = True
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_LAST_WORDS)  # what was abandoned is to be told
            for progress in self.progresses.values():
                progress.cut_off()

    def hold(self, pace: float) -> None:
        """From now on no segment is ever done: each is read every `pace` seconds, and what appears is cancelled.

        To be said again from time to time: a segment that was done all the same is begun anew.
        """
        self.held, self._pace, self.client.over = True, pace, False
        for progress in self.progresses.values():
            progress.holding = progress.cancels.holding = True
        self._again()

    def release(self) -> None:
        """The hold is over: a fresh proof, from listings that begin after this, ends the sweep."""
        self._pace = None
        self._released.set()
        for progress in self.progresses.values():
            progress.renew()

    def untouched_since(self, moment: float) -> bool:
        """Whether every segment is still proven, and nothing was cancelled since then."""
        return self._disturbed() <= moment and all(one.proven for one in proof.live(self.progresses.values()))

    def _again(self) -> None:
        """Begin anew with every segment whose clearing has ended; cancel unseen where nothing is proven."""
        for name, progress in self.progresses.items():
            if self._clearing[name].done():
                if not progress.proven:
                    self._fire(progress, progress.cancels.blind(self.client.clock.monotonic()))
                self._clear_beside(progress)

    async def _clear(self, progress: Progress) -> None:
        """One segment whose blind cancels are on their way: list, cancel what is left, until it is proven."""
        await self._fired()
        if progress.proven:  # read again for the sake of another segment's cancel, a gap after it
            await asyncio.sleep(self._disturbed() + progress.proof_gap - self.client.clock.monotonic())
        fruitless = 0
        while not (self.client.refusal is not None or self.client.ended):
            listing, word = await asyncio.gather(self._read(progress), self._hear_beside(progress))
            self._listed(progress.segment.name, listing)
            before, last = progress.last, progress.left(listing)
            progress.saw(listing)
            if word is not None:
                progress.witnesses_say(word, cancels=False)
            self._act(progress, listing, word)
            if self._pace is None and (progress.proven or progress.exhausted(listing) or self._shut_out(progress)):
                return
            stuck = bool(last) and before is not None and last == progress.left(before)
            stalled = stuck or progress.unheard or not (listing.complete or listing.overtaken)
            fruitless = fruitless + 1 if stalled else 0
            await self._rest(progress, fruitless)
            if self._pace is not None:
                await self._keep_pace(listing.began + self._pace)
        self._left_off.add(progress.segment.name)

    def _shut_out(self, progress: Progress) -> bool:
        """Whether the venue blocks this address, and has said so to each request about the segment."""
        return all(self.client.gate.refusals.stops(request) for request in progress.whole)

    def _act(self, progress: Progress, listing: Listing, word: Word | None) -> None:
        """What a listing calls for: what it shows, what it hides, and refusals that are not believed yet."""
        now = self.client.clock.monotonic()
        unsure = not (listing.complete or listing.overtaken) and progress.unread == 0  # it was answered, and is odd
        if unsure or word is Word.OBJECT or self.client.gate.refusals.blocked is not None:  # who knows what rests
            self._fire(progress, progress.cancels.blind(now))
        self._fire(progress, progress.cancels.again(now))
        shown = progress.cancels.due(listing.orders, listing.began, complete=listing.complete)
        self._fire(progress, shown, known=True)

    async def _read(self, progress: Progress) -> Listing:
        return await read_listing(
            self.client,
            progress.segment,
            partial(self._shown, progress),
            partial(self._page_answered, progress),
            progress.cancels.outdated,
            tries=TRIES if progress.unread < _NOTHING_TO_READ else 1,
            fresh=progress.half is not None,
            waits=partial(self._waits, progress, self.client.clock.monotonic()),
        )

    async def _hear_beside(self, progress: Progress) -> Word | None:
        """What the witnesses that are mere reads say beside a listing that may end a proof; None if none is asked."""
        holding = self._pace is not None and progress.witnessed
        return None if progress.half is None or holding else await hear_reads(self.client, progress)

    async def _keep_pace(self, until: float) -> None:
        """While holding: wait for that moment, or the end of the hold."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - self.client.clock.monotonic())):
                await self._released.wait()

    async def look_again(self) -> None:
        """Nothing is cancelled any more: read once what is left of the segments that are not proven."""

        async def look(progress: Progress) -> None:
            progress.saw(await read_listing(self.client, progress.segment, lambda orders, began: None, progress.listed))

        if self.client.refusal is None:
            await asyncio.gather(*(look(one) for one in proof.live(self.progresses.values()) if not one.proven))

    def _shown(self, progress: Progress, orders: tuple[Order, ...], began: float) -> None:
        """What a page shows is cancelled at once: only the proof needs every page."""
        progress.shows(orders, began)
        self._fire(progress, progress.cancels.due(orders, began), known=True)

    def _page_answered(self, progress: Progress, attempt: Attempt) -> None:
        """While a listing cannot be read, the mass cancel is repeated: nobody knows whether it worked."""
        progress.listed(attempt)
        self.discoveries.learn_mode(attempt)
        if progress.unread > 1 and progress.first_empty is None:
            self._fire(progress, progress.cancels.blind(attempt.ended))

    def _waits(self, progress: Progress, since: float) -> None:
        """While a read has to wait, the mass cancel is repeated, as when it cannot be read."""
        now = self.client.clock.monotonic()
        if now - max(since, progress.cancels.quiet_since) >= _LONGEST_SILENCE and not progress.proven:
            self._fire(progress, progress.cancels.blind(now))

    def _fire(self, progress: Progress, moves: Moves, *, known: bool = False) -> None:
        """Send what is due. Blind cancels that were answered before go as long as a proof still fits behind them, those
        of orders that are known to be open until one round trip before the deadline; in a hold, to its end.
        """
        client, now = self.client, self.client.clock.monotonic()
        if client.reads_only or client.refusal is not None or client.closed:
            return
        late = not known and now > client.deadline - client.reserve and not self.held
        for request, orders in (*((request, ()) for request in moves.mass), *moves.named):
            if now > client.last_send or (late and not progress.cancels.unanswered(request)):
                continue
            progress.cancels.asking(request, orders)
            task = self._beside(self._cancel(progress, request, orders))
            self._cancelling.setdefault(progress.segment.name, set()).add(task)

    async def _fired(self) -> None:
        """No read of a run goes before its first cancels: wait until one of them is out, or has failed."""
        if self.progresses and any(self._cancelling.values()):
            await self._first_out.wait()

    async def _cancel(self, progress: Progress, request: Request, named: tuple[Order, ...]) -> None:
        watch = Watch(
            about=progress.segment.name,
            begins=progress.cancels.begins,
            sent=self._first_out.set,
            ended=partial(self._cancel_over, progress),
        )
        several = progress.cancels.for_several(request, named)
        outcome = await self.client.ask(
            request,
            progress.segment.acknowledge,
            watch=watch,
            wanted=progress.still_wanted,
            spared=partial(progress.superseded, request, named, self.client.clock.monotonic()),
            enough=(Answer.GATEWAY,) if several else (),
        )
        self._first_out.set()
        progress.asked(request, named, outcome)
        self.discoveries.learn_mode(outcome.attempt)
        self._fire(progress, progress.cancels.more(request))
        if several and outcome.attempt.sent and outcome.answer in (Answer.REFUSED, Answer.ABSENT, Answer.GATEWAY):
            self._fire(progress, progress.cancels.otherwise(named), known=True)

    def _cancel_over(self, progress: Progress, attempt: Attempt) -> None:
        self._first_out.set()
        progress.cancel_ended(attempt)

    async def _rest(self, progress: Progress, fruitless: int) -> None:
        """Wait for what the next listing needs: answered cancels, the gap between two empty ones, its feeders."""
        if tasks := self._running(self._cancelling.get(progress.segment.name, set())):
            held = any(self.client.holds(request) for request in progress.whole if request.changes)
            await asyncio.wait(tasks, timeout=_HELD_PAUSE if held else _ROUND_PAUSE)
        if progress.half is not None:
            await hear_cancels(self.client, progress)
            if progress.contradicted:
                await asyncio.sleep(progress.gap)
        if progress.half is not None:
            while progress.half is not None and (left := self._gap_left(progress, progress.half)) > 0:
                await asyncio.sleep(min(left, progress.gap))
                if left > 1.5 * progress.gap:  # where listings contradict each other, one looks more often than that
                    return
            holding = self._pace is not None  # then they never end
            if not holding and not progress.segment.spawns and (feeders := self._running(self._feeding())):
                await asyncio.wait(feeders, timeout=_ROUND_PAUSE)
        if fruitless and not (progress.witnesses and progress.witnessed):
            doubted = progress.doubted_until - self.client.clock.monotonic()
            longest = self.client.patience(_LONGEST_BLIND_REST if progress.unread else _LONGEST_REST)
            jitter = self.client.random() * min(longest, 0.25 * 2 ** min(fruitless, 6))
            await asyncio.sleep(doubted if doubted > 0 else jitter)

    def _gap_left(self, progress: Progress, first: Listing) -> float:
        """Seconds until a second empty listing counts, for the whole profile if its other segments soon fall silent."""
        gap = progress.proof_gap
        since = max(first.ended, min(self._disturbed(), first.ended + 1.5 * gap))
        return since + gap + _INSTANT - self.client.clock.monotonic()

    def stale(self) -> list[Progress]:
        """Proven segments that have to be read again for the sake of others; when only reading there are none."""
        return [] if self.client.reads_only else proof.stale(self.progresses.values())

    def _unwatched(self) -> list[Progress]:
        """Proven segments that nobody reads any more, though cancels have gone on elsewhere for a while since."""
        if self.client.reads_only or self.client.ended:
            return []
        late = self.client.clock.monotonic() - _SECOND_LOOK
        return [
            one
            for one in proof.live(self.progresses.values())
            if one.proven
            and self._clearing[one.segment.name].done()
            and (last := one.last_empty) is not None
            and last.began < min(late, self._disturbed())
        ]

    def _given_up(self) -> list[Progress]:
        """Segments that were left for a refusal which the venue has taken back since, or for a bug."""
        if self.client.refusal is not None:
            return []
        names, self._left_off = self._left_off, set()
        return [self.progresses[name] for name in names if name in self.progresses]

    def _listed_symbols(self) -> frozenset[str]:
        """Symbols of which the venue has listed an order: they exist."""
        return frozenset(
            order.symbol for progress in self.progresses.values() for order in progress.seen.values() if order.symbol
        )

    async def _settled(self) -> float:
        """Wait until all cancels of all segments have been over for a gap; since when they are."""
        while True:
            under_way = any(self._running(tasks) for tasks in self._cancelling.values())
            left = self.gap if under_way else self._disturbed() + self.gap - self.client.clock.monotonic()
            if left <= 0:
                return self._disturbed()
            await asyncio.sleep(left)

    def _disturbed(self) -> float:
        """When the last cancel of any segment was over."""
        return proof.disturbed(self.progresses.values())

    # --- segments and tasks ---

    def _join_segments(self) -> None:
        """Begin every segment that is new; forget those that the account lacks, or lists in another way."""
        known = self.discoveries.segments()
        listings = {segment.name: segment.listings for segment in known}
        before: dict[str, Progress] = {}
        for name, one in list(self.progresses.items()):
            if listings.get(name) != one.segment.listings:
                before[name] = self.progresses.pop(name)
                self._clearing.pop(name).cancel()
        new = [segment for segment in known if segment.name not in self.progresses]
        for segment in new:
            progress = Progress(
                segment=segment, gap=self.gap, keep=self.keep, reads_only=self.client.reads_only, holding=self.held
            )
            if segment.name in before:
                progress.take_over(before[segment.name])
            self.progresses[segment.name] = progress
            self._fire(progress, progress.cancels.blind(self.client.clock.monotonic()))
        for segment in new:
            self._clear_beside(self.progresses[segment.name])
        for read in self.discoveries.due():
            self._beside(read)

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    def _clear_beside(self, progress: Progress, after: float = 0.0) -> None:
        self._clearing[progress.segment.name] = self._beside(self._guarded(progress, after))

    async def _guarded(self, progress: Progress, after: float) -> None:
        """Clear a segment; a bug on the way is told, and costs no more than that."""
        await asyncio.sleep(after)
        try:
            await self._clear(progress)
        except Exception as bug:  # noqa: BLE001 - whatever it is, the other orders have to go
            self.bug = self.bug or bug
            self._left_off.add(progress.segment.name)

    def _feeding(self) -> set[asyncio.Task[None]]:
        return {self._clearing[name] for name, one in self.progresses.items() if one.segment.spawns}

    @staticmethod
    def _running(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        return {task for task in tasks if not task.done()}
