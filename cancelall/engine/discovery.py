"""Reads during the kill that may reveal further segments or a selector that the venue does not know.

They never hold up what is known already; one that fails leaves the profile `unproven` at best.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from cancelall.core.attempts import Attempt, Outcome, Watch
from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Answer, Priority, Request
from cancelall.engine.client import Client
from cancelall.engine.listing import MOST_PAGES
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known

_REFUSED_TRIES = 3
"""How often a read is sent that the venue refuses."""
_AT_ONCE = 2
"""Tries before a pause."""
_SHORTEST_PAUSE, _LONGEST_PAUSE, _LONGEST_THRIFT = 1.0, 5.0, 10.0
"""Seconds of a pause, which doubles each time; the last where reads are scarce."""
_FOR_OTHERS = 2.0
"""Seconds for which the answer to another profile's read is waited for."""
_CHEAP = 15
"""What a read costs for each second of its first pause, where reads are scarce: dear ones come again later."""


@dataclass
class Discoveries:
    """What a venue's discovery reads have shown so far, and what that leaves in doubt."""

    client: Client
    facts: Any
    """What is known by now; the segments follow from it."""
    fired: Callable[[], Awaitable[None]]
    """Returns once the first cancels are out: no read goes before them."""
    listed_once: Callable[[], Awaitable[None]]
    """Returns once each segment was listed: no read that only the proof needs goes before that."""
    found_more: Callable[[], None]
    """Called whenever the set of segments may have changed."""
    needed: Callable[[], bool]
    """Whether optional reads are still worth their time."""
    at_rest: Callable[[float], Awaitable[float]]
    """Waits until what shows orders shows them as the last cancel left them, and is no echo of what was read at a given
    moment; returns when that cancel was over."""
    listed: Callable[[], frozenset[str]] = frozenset
    """Symbols of orders that were listed: whatever an instrument list says, they exist."""
    remarks: tuple[str, ...] = ()
    pending: list[str] = field(default_factory=list)
    """Reads that are under way or have failed."""
    missed: list[str] = field(default_factory=list)
    """Optional reads that failed."""
    last: Attempt | None = None
    """The last answer to a read, or the last attempt while there is no answer."""
    _begun: set[str] = field(default_factory=set)
    _names: set[Known] = field(default_factory=set)

    def due(self) -> list[Coroutine[Any, Any, None]]:
        """The reads that the facts allow by now and that have not begun."""
        due_now = []
        for discovery in self.client.venue.discoveries(self.client.signer.options, self.facts):
            if discovery.name not in self._begun:
                self._begun.add(discovery.name)
                self.pending += [discovery.name] if discovery.shows_orders or not discovery.optional else []
                due_now.append(self._read(discovery))
        return due_now

    def learn_mode(self, attempt: Attempt) -> None:
        """An answer may reveal the account's mode, and with it other segments."""
        if attempt.judgement is None or not attempt.judgement.mode:
            return
        facts = self.client.venue.learn_mode(self.facts, attempt.judgement.mode)
        if facts != self.facts:
            self.facts = facts
            self.found_more()

    async def _read(self, discovery: Discovery[Any]) -> None:
        """One read, and once more if orders that it shows late would otherwise stay unknown."""
        await self.fired()
        if discovery.request.priority is Priority.PROOF:
            await self.listed_once()
        began = self.client.clock.monotonic()
        complete = await self._read_to_the_end(discovery)
        if complete and discovery.shows_orders and not self.client.reads_only:
            read_after, last = -math.inf, await self.at_rest(began)
            while complete and read_after < last:  # until no cancel has come between
                read_after, complete = last, await self._read_to_the_end(discovery)
                last = await self.at_rest(began)

    async def _read_to_the_end(self, discovery: Discovery[Any]) -> bool:
        """All pages of one read, again while they may not be all; returns whether they are."""
        pause = _SHORTEST_PAUSE
        while True:
            complete, unsure = await self._read_once(discovery)
            if not unsure or self.client.ended:
                return complete
            await asyncio.sleep(self.client.patience(pause))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _read_once(self, discovery: Discovery[Any]) -> tuple[bool, bool]:
        """All pages, and then what follows from them: whether they are all, and whether an answer leaves that open."""
        names: list[Known] = []
        request: Request | None = discovery.request
        requested: set[Request] = set()
        complete, unsure = True, False
        refused = False
        may_wait = discovery.optional and not discovery.shows_orders
        wanted = self.needed if may_wait else lambda: True
        while request is not None:
            requested.add(request)
            outcome = await self._ask(request, discovery, wanted)
            batch, refused = outcome.value, outcome.answer in (Answer.REFUSED, Answer.ABSENT)
            onward = batch.next if batch is not None else None
            repeats = onward in requested or len(requested) >= MOST_PAGES
            names += batch.names if batch is not None else ()
            unsure |= batch is not None and bool(batch.unsure or repeats)
            complete &= batch is not None
            request = None if repeats else onward
        complete &= not unsure
        self.pending = [name for name in self.pending if name != discovery.name]
        excused = discovery.optional and (refused or not discovery.shows_orders)
        if unsure or not (complete or excused):  # what was answered, and not to the end, is no option
            self.pending.append(discovery.name)
        elif not complete:
            self.missed.append(discovery.name)
        if complete or names or discovery.optional:  # what it has shown counts, whatever it may have left out
            self.facts = discovery.learn(self.facts, tuple(names))
            self.found_more()
            self._names.update(names)
            self.remarks = self.client.venue.remarks(self.client.signer.options, frozenset(self._names))
        return complete, unsure

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why a proof would not be one, as far as all has been read; whatever an optional read may still show."""
        if self.pending:
            return ()
        names = frozenset((*self._names, *(Known(SYMBOL, symbol) for symbol in self.listed())))
        doubts: tuple[str, ...] = self.client.venue.doubts(self.client.signer.options, names)
        return doubts if self._begun else ()

    async def _ask(self, request: Request, discovery: Discovery[Any], wanted: Callable[[], bool]) -> Outcome[Batch]:
        """One page. Where reads are scarce, the profiles on one host share the good answers to those without a key."""
        if self.client.venue.listings is None or request.signed or discovery.shows_orders:
            return await self._ask_alone(request, discovery, wanted)
        answers = self.client.gate.answers
        if (theirs := answers.get(request)) is not None:
            await asyncio.wait({theirs}, timeout=_FOR_OTHERS)
            known: Outcome[Batch] | None = theirs.result() if theirs.done() else None
            if known is not None:
                return known
        mine = answers[request] = asyncio.get_running_loop().create_future()
        outcome: Outcome[Batch] | None = None
        try:
            outcome = await self._ask_alone(request, discovery, wanted)
        finally:
            good = outcome is not None and outcome.value is not None and not outcome.value.unsure
            mine.set_result(outcome if good else None)
        return outcome

    async def _ask_alone(
        self, request: Request, discovery: Discovery[Any], wanted: Callable[[], bool]
    ) -> Outcome[Batch]:
        """One page, requested more and more seldom: what a venue counts in requests is for cancels and listings.

        One that is refused is requested again some times, too: one bad answer costs no proof.
        """
        scarce = self.client.venue.listings is not None  # no second try at once, and other pauses
        watch, refused, most = Watch(ended=self._over), 0, 1 if scarce else _AT_ONCE
        pause = max(2.0, self.client.venue.cost(request) / _CHEAP) if scarce else _SHORTEST_PAUSE
        while True:
            outcome = await self.client.ask(request, discovery.read, wanted=wanted, watch=watch, most=most)
            turned_down = outcome.answer in (Answer.REFUSED, Answer.ABSENT)
            refused += turned_down
            over = outcome.final and (not turned_down or refused >= _REFUSED_TRIES)
            if over or not outcome.attempt.sent or self.client.ended or not wanted():
                return outcome
            await asyncio.sleep(self._thrift(pause) if scarce else self.client.patience(pause))
            pause = min(2 * pause, _LONGEST_THRIFT if scarce else _LONGEST_PAUSE)

    def _thrift(self, pause: float) -> float:
        """The pause, as long as two of it fit before the end."""
        left = self.client.deadline - self.client.clock.monotonic()
        return min(pause, max(_SHORTEST_PAUSE / 4, left / 2))

    def _over(self, attempt: Attempt) -> None:
        if attempt.answered or self.last is None or not self.last.answered:
            self.last = attempt
