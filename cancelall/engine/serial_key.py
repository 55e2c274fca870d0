"""A key whose requests have to arrive one at a time, in the order of their numbers: turns, and refused numbers.

One object for each such key of a run, whatever profiles use it. The numbers themselves are `signer.Nonces`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.model import Answer, Judgement, Priority, Reach, Request
from cancelall.engine.rate_limiter import Queue
from cancelall.venues.contract import Serial

PATIENCE = 2.0
"""Seconds without an answer after which a read is given up for a mass cancel that waits: the venue takes the cancel,
whose number is higher, whatever became of the read. Not twice in a row: there may be no quicker answer."""
CANCELS_IN_A_ROW = 4
"""Cancels by name after which a read that waits has its turn: it shows which of the others are still needed."""


@dataclass
class SerialKey:
    """Lets one signed request go at a time, the urgent first; what is given up leaves its place like an answer."""

    rules: Serial
    ended: Judgement | None = None
    """The refusal of the last number that the venue bears: nothing is sent with this key any more."""
    refused: int = 0
    """Refused numbers so far."""
    _queue: Queue = field(default_factory=Queue)
    _busy: bool = False
    _repairing: bool = False
    """The last number was refused: whoever had it comes again before anybody else."""
    _give_up: Callable[[], None] | None = None
    """Gives up the read that is under way, as soon as its patience is over."""
    _gave_up: bool = False
    """The last read was given up so."""
    _in_a_row: int = 0
    """Turns since the last read."""

    @property
    def widen(self) -> int:
        """How often the window is to be widened, which may be another unit of the number."""
        return 1 + self.refused

    @property
    def lead_ms(self) -> int:
        """What timestamps are ahead by."""
        return self.rules.lead_ms if self.refused else 0

    async def turn(self, priority: int) -> None:
        """Wait until nothing else is under way. Whoever had a turn calls `leave`."""
        await self._queue.wait(priority, self._grant, self.leave)

    def leave(self) -> None:
        """The answer is there, or nobody waits for it any more."""
        self._busy, self._give_up = False, None
        if self._repairing:
            self._repairing = False
            asyncio.get_running_loop().call_soon(self._grant)
        else:
            self._grant()

    def sending(self, request: Request, limit: asyncio.Timeout) -> None:
        """A request leaves that is given up at this limit: a read sooner than that, for the sake of a mass cancel."""
        if request.changes:
            return
        patient_until = asyncio.get_running_loop().time() + PATIENCE
        once_more, self._gave_up = self._gave_up, False

        def give_up() -> None:
            when = limit.when()
            if limit.expired():  # it is given up already
                return
            if not once_more and (when is None or when > patient_until):
                limit.reschedule(patient_until)
                self._gave_up = True

        self._give_up = give_up
        self._hurry()

    def weigh(self, judgement: Judgement) -> Judgement:
        """Take in an answer. The last refusal of a number that the venue bears ends the key."""
        if judgement.answer is not Answer.CLOCK:
            return judgement
        self.refused += 1
        self._repairing = self.refused < self.rules.refusals
        if self._repairing:
            return judgement
        self.ended = replace(judgement, answer=Answer.REFUSED, reach=Reach.KEY)
        return self.ended

    def _grant(self) -> None:
        while self._queue.waiting and not self._busy:
            least = Priority.LISTING if self._in_a_row >= CANCELS_IN_A_ROW else Priority.MASS_CANCEL
            taken = self._queue.next(least)
            self._busy = self._queue.let_go(taken)
            self._in_a_row = self._in_a_row + 1 if taken[0] < Priority.LISTING else 0
        self._hurry()

    def _hurry(self) -> None:
        urgent = self._queue.waiting and self._queue.waiting[0][0] == Priority.MASS_CANCEL
        if self._give_up is not None and urgent:
            self._give_up()
