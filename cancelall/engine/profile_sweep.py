"""The sweep of one profile: its segments in parallel, again what others' last cancels may have changed, and holds."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from cancelall.core.model import ClientIds, Listing, Request
from cancelall.engine import proof
from cancelall.engine.around import Around, Tasks
from cancelall.engine.client import Client
from cancelall.engine.discovery import Discoveries
from cancelall.engine.ledger import Ledger
from cancelall.engine.listing import read_listing
from cancelall.engine.records import Proof
from cancelall.engine.sweep import SegmentSweep
from cancelall.venues.contract import Segment
from cancelall.venues.registry import segments

_LAST_WORDS = 0.1
"""Seconds that the tasks of a run get to note what they leave behind."""
_FIRST_OUT = 0.5
"""Longest wait of reads, in seconds, for the first cancels where the venue has several hosts: the one that they go to
may hang, and the others are none of it.
"""
_FIRST_LOOK, _GLANCE = 2.0, 0.05
"""Seconds for which reads that only a proof needs wait for those that may show an order, and between two looks."""
_SECOND_LOOK = 4.0
"""Seconds after which a proven segment is read again, while others are still being cancelled: nothing else would show
what their orders have left there, or what its own listings had hidden."""


class ProfileSweep:
    """One profile's sweep. `run` may be cancelled at any moment; what is known by then stays in `ledgers`."""

    def __init__(
        self,
        client: Client,
        environment: str,
        *,
        facts: Any = None,
        keep_protective: bool = False,
        client_ids: ClientIds | None = None,
        scale: float = 1.0,
        listed: Callable[[str, Listing], None] = lambda segment, listing: None,
    ) -> None:
        self.client = client
        self.environment = environment
        self.ledgers: dict[str, Ledger] = {}
        """What is known of each segment, by its name."""
        self.keep = keep_protective
        self.client_ids = client_ids
        self.gap = client.venue.proof_gap * scale
        self.discoveries = Discoveries(
            client,
            client.venue.with_key(client.venue.facts, client.signer.secrets) if facts is None else facts,
            fired=self._fired,
            listed_once=self._listed_once,
            found_more=self._join_segments,
            needed=lambda: proof.unproven(self.ledgers.values()),
            listed=self._listed_symbols,
            at_rest=self._at_rest,
        )
        self.bug: BaseException | None = None
        self.finished = False
        """Whether it came to its own end, not to that of its time."""
        self._around = Around(
            client=client,
            listed=listed,
            learn=self.discoveries.learn_mode,
            fired=self._fired,
            disturbed=self._disturbed,
            spawning=self._spawning,
            background=self._in_background,
            spacing=self._spacing,
        )
        self.hold_until = -math.inf
        """When the hold ends that is going on, or follows; infinite where nobody knows."""
        self._began = client.clock.monotonic()
        self._sweeps: dict[str, SegmentSweep] = {}
        self._sweeping: dict[str, asyncio.Task[None]] = {}
        self._dropped: list[Ledger] = []
        """Of segments that the account has not, as it turned out. Their cancels may still be in the air."""
        self._tasks: Tasks = set()
        self._left_off: set[str] = set()
        """Segments whose sweep has ended before its end."""

    @property
    def held(self) -> bool:
        """Whether it went on after its first verdict."""
        return self._around.held

    async def run(self) -> None:
        """Sweep every segment; then read again what other segments' last cancels may have changed."""
        self.finished = False
        try:
            self._join_segments()
            if self.held:
                self.client.over = False
                self._again()
            while self._tasks:
                done, _ = await asyncio.wait(self._tasks, timeout=_SECOND_LOOK, return_when=asyncio.FIRST_COMPLETED)
                self._tasks -= done
                for ledger in self._unwatched():
                    self._begin(ledger)
                for task in done:
                    self.bug = self.bug or (None if task.cancelled() else task.exception())
                if not self._tasks and not self.client.ended:
                    for ledger in self.stale():
                        self._begin(ledger)
                    for ledger in self._given_up():
                        self._begin(ledger, after=self.gap)
            self.finished = not self.client.closed
        finally:
            self.client.finish(stays=self.client.clock.monotonic() < self.hold_until)
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_LAST_WORDS)  # what was abandoned is to be noted
            for ledger in self.ledgers.values():
                ledger.cut_off()

    def hold(self, pace: float) -> None:
        """From now on no segment is ever done: each is read every `pace` seconds, and what appears is cancelled.

        To be called again from time to time: a segment that was done all the same is begun anew.
        """
        self._around.held, self._around.pace, self.client.over = True, pace, False
        for ledger in self.ledgers.values():
            ledger.holding = True
        self._again()

    def release(self) -> None:
        """The hold is over: a fresh proof, from listings that begin after this, ends the sweep."""
        self._around.pace = None
        self._around.released.set()
        for ledger in self.ledgers.values():
            ledger.proof, ledger.fresh_from = Proof(), self.client.clock.monotonic()
            ledger.holding = False  # what is refused again and again would disturb a proof for ever

    async def look_again(self) -> None:
        """Nothing is cancelled any more: read once what is left of the segments that are not proven."""

        async def look(ledger: Ledger) -> None:
            ledger.listing_over(await read_listing(self.client, ledger.segment, answered=ledger.page_answered))

        if self.client.refusal is None:
            await asyncio.gather(*(look(one) for one in proof.live(self.ledgers.values()) if not one.proven))

    @property
    def reading(self) -> list[Request]:
        """The first pages of a listing of everything."""
        return [request for one in proof.live(self.ledgers.values()) for request in first_pages(one.segment)]

    def untouched_since(self, moment: float) -> bool:
        """Whether every segment is still proven, and nothing was cancelled since then."""
        return self._disturbed() <= moment and all(one.proven for one in proof.live(self.ledgers.values()))

    def stale(self) -> list[Ledger]:
        """Proven segments that have to be read again for the sake of others; when only reading there are none."""
        return [] if self.client.reads_only else proof.stale(self.ledgers.values())

    # --- which segments are swept ---

    def _join_segments(self) -> None:
        """Begin every segment that is new; forget those that the account lacks, or lists in another way."""
        client = self.client
        known = segments(client.venue, client.signer.options, self.discoveries.facts, self.environment)
        by_name = {segment.name: segment for segment in known}
        before: dict[str, SegmentSweep] = {}
        for name, ledger in tuple(self.ledgers.items()):  # none at first: no listing is made before the first cancels
            if name not in by_name or by_name[name].listings != ledger.segment.listings:
                before[name] = self._sweeps.pop(name)
                del self.ledgers[name]
                self._sweeping.pop(name).cancel()
        for name, one in self._sweeps.items():
            if by_name[name].learns and by_name[name] != one.ledger.segment:
                one.learn(by_name[name])
                if self._sweeping[name].done():
                    self._begin(one.ledger)
        if self.keep:
            self._tell_anew(known)
        new = [segment for segment in known if segment.name not in self._sweeps]
        holding = self._around.pace is not None
        for segment in new:
            ledger = self.ledgers[segment.name] = Ledger(
                segment=segment,
                gap=self.gap,
                keep=self.keep,
                client_ids=self.client_ids,
                reads_only=client.reads_only,
                holding=holding,
            )
            made = self._sweeps[segment.name] = SegmentSweep(ledger, self._around)
            if (old := before.get(segment.name)) is not None:
                ledger.take_over(old.ledger)
                made.cancelling = old.cancelling
            made.fire_blind()
        for name in client.venue.never(self.discoveries.facts):
            if name in self.ledgers:
                self.ledgers[name].never = True
        self._dropped += [one.ledger for name, one in before.items() if name not in self._sweeps]
        self._in_background(self._discover())  # it runs after the cancels, and its reads go before the listings
        for segment in new:
            self._begin(self._sweeps[segment.name].ledger)

    def _tell_anew(self, known: Iterable[Segment]) -> None:
        """What is kept may be told by other facts from now on: read it once more. All else that is known stays true."""
        for segment in known:
            ledger = self.ledgers.get(segment.name)
            if ledger is not None and ledger.segment != segment and not segment.learns:
                ledger.segment, ledger.proof = segment, Proof()
                self._sweeping[segment.name].cancel()
                self._begin(ledger)

    async def _discover(self) -> None:
        for read in self.discoveries.due():
            self._in_background(read)

    def _again(self) -> None:
        """Begin anew with every segment whose sweep has ended; cancel unseen where nothing is proven."""
        for name, one in self._sweeps.items():
            if self._sweeping[name].done():
                if not one.ledger.proven:
                    one.fire_blind()
                self._begin(one.ledger)

    def _unwatched(self) -> list[Ledger]:
        """Proven segments that nobody reads any more, though cancels have gone on elsewhere for a while since."""
        if self.client.reads_only or self.client.ended:
            return []
        late = self.client.clock.monotonic() - _SECOND_LOOK
        unread = [
            one
            for name, one in self.ledgers.items()
            if self._sweeping[name].done() and (last := one.proof.last) is not None and last.began < late
        ]
        if not unread:
            return []
        return [
            one
            for one in proof.live(unread)
            if one.proven and (last := one.proof.last) is not None and last.began < self._disturbed()
        ]

    def _given_up(self) -> list[Ledger]:
        """Segments that were left for a refusal which the venue has taken back since, or for a bug."""
        if self.client.refusal is not None:
            return []
        names, self._left_off = self._left_off, set()
        return [ledger for name, ledger in self.ledgers.items() if name in names]

    def _begin(self, ledger: Ledger, after: float = 0.0) -> None:
        name = ledger.segment.name
        self._sweeping[name] = self._in_background(self._guarded(self._sweeps[name], after))

    async def _guarded(self, sweep: SegmentSweep, after: float) -> None:
        """Sweep a segment; a bug on the way is reported, and costs no more than that."""
        await asyncio.sleep(after)
        came_to_its_end = False
        try:
            came_to_its_end = await sweep.run()
        except Exception as bug:  # whatever it is, the other orders have to go
            self.bug = self.bug or bug
        if not came_to_its_end:
            self._left_off.add(sweep.ledger.segment.name)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    # --- what the segments and the discoveries use ---

    async def _fired(self) -> None:
        """No read of a run goes before its first cancels: wait until one of them is out, or has failed."""
        if any(one.cancelling for one in self._sweeps.values()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FIRST_OUT if self.client.gates else None):
                    await self._around.first_out.wait()

    async def _listed_once(self) -> None:
        """Wait until a listing of each segment was answered, or could not be, for a while at most."""
        until = self.client.clock.monotonic() + _FIRST_LOOK
        while self.client.clock.monotonic() < until and not all(one.listings for one in self._sweeps.values()):
            await asyncio.sleep(_GLANCE)

    async def _at_rest(self, since: float) -> float:
        """Wait until all cancels of all segments, and `since`, have been over for a gap; since when the cancels are."""
        while True:
            if under_way := [task for one in self._sweeps.values() for task in one.cancelling]:
                await asyncio.wait(under_way, timeout=self.gap)
                continue
            left = max(self._disturbed(), since) + self.gap - self.client.clock.monotonic()
            if left <= 0:
                return self._disturbed()
            await asyncio.sleep(left)

    def _disturbed(self) -> float:
        """When the last cancel of any segment was over."""
        return max(proof.disturbed(self.ledgers.values()), *(one.disturbed_unless_absent for one in self._dropped), 0.0)

    def _spacing(self, segment: Segment) -> float:
        """Seconds between two listings of a segment, by which what the address is allowed lasts to the deadline, or
        until a hold and its last proof are over.
        """
        client, holding = self.client, self._around.pace is not None
        spacing, a_minute = 0.0, None if holding else client.venue.listings
        if self.hold_until > -math.inf:
            spacing = client.pace(self.reading, first_pages(segment), self.hold_until, lavish=not holding)
        if a_minute is None:
            return spacing
        return max(spacing, len(self._sweeps) * min(60.0, client.deadline - self._began) / a_minute)

    def _spawning(self) -> Tasks:
        """The sweeps under way whose segments spawn orders of others."""
        sweeping = (self._sweeping[name] for name, one in self.ledgers.items() if one.segment.spawns)
        return {task for task in sweeping if not task.done()}

    def _listed_symbols(self) -> frozenset[str]:
        """Symbols of which the venue has listed an order: they exist."""
        return frozenset(
            record.order.symbol for ledger in self.ledgers.values() for record in ledger.seen if record.order.symbol
        )


def first_pages(segment: Segment) -> list[Request]:
    """The first pages of a listing of a segment."""
    return [request for stage in segment.listings for request in stage]
