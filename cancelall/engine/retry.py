"""How long is waited before a request is sent again."""

from __future__ import annotations

from collections.abc import Callable

from cancelall.core.attempts import Attempt
from cancelall.core.model import Answer, Judgement

_LONGEST_PAUSE = 2.0
_SHORTEST_UNSAID = 0.5
"""Seconds that a venue gets that wants a pause and does not say how long."""


def pause(attempt: Attempt, tries: int, random: Callable[[], float]) -> float:
    """Seconds to the next try: the first at once, then full jitter. What a venue wants is waited for by its bucket.

    A hint of no time at all holds for the first try only: a venue that keeps giving it is not hammered.
    """
    judgement = attempt.judgement
    if judgement is not None and judgement.after:  # it is waited for with its like, before it goes
        return 0.0
    return 0.0 if tries == 1 else _jitter(tries - 1, random)


def granted(judgement: Judgement, tries: int, left: float, reserve: float, random: Callable[[], float]) -> float | None:
    """Seconds for which requests like the one that was answered wait; None where the venue wants no pause."""
    wait = judgement.after
    if wait is None and judgement.answer is Answer.AGAIN:
        wait = max(_SHORTEST_UNSAID, _jitter(tries, random))
    return None if wait is None else clipped(wait, left, reserve)


def clipped(wait: float, left: float, reserve: float) -> float:
    """A wait that is longer than the time left still leaves room for one more try and, where it fits, the proof, which
    needs `reserve`.

    Too late for a proof, the waits do not shrink with the time left: a venue that is busy is not hammered.
    """
    room = left - reserve if left > reserve else max(left, reserve) * 0.5
    return max(0.0, min(wait, room))


def _jitter(tries: int, random: Callable[[], float]) -> float:
    return random() * min(_LONGEST_PAUSE, 0.25 * float(2 ** min(tries, 6)))
