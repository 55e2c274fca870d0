"""How long is waited before a request is sent again."""

from __future__ import annotations

from collections.abc import Callable

from cancelall.core.attempts import Attempt

_LONGEST_PAUSE = 2.0
_SHORTEST_ASKED = 0.5
"""Seconds that a venue gets that asks for a pause and does not say how long."""


def pause(attempt: Attempt, tries: int, random: Callable[[], float]) -> float:
    """Seconds to the next try: the first at once, then full jitter. What a venue asks for holds its bucket besides.

    A hint of no time at all holds for the first try only: a venue that keeps giving it is not hammered.
    """
    judgement = attempt.judgement
    if judgement is not None and judgement.after:  # it is waited for with its like, before it goes
        return 0.0
    return 0.0 if tries == 1 else _jitter(tries - 1, random)


def unsaid(tries: int, random: Callable[[], float]) -> float:
    """Seconds for a venue that asks to try again and does not say when."""
    return max(_SHORTEST_ASKED, _jitter(tries, random))


def clipped(asked: float, left: float, reserve: float) -> float:
    """A wait that is longer than the time left still leaves room for one more try and, where it fits, the proof, which
    needs `reserve`.

    Too late for a proof, the waits do not shrink with the time left: a venue that is busy is not hammered.
    """
    room = left - reserve if left > reserve else max(left, reserve) * 0.5
    return max(0.0, min(asked, room))


def _jitter(tries: int, random: Callable[[], float]) -> float:
    return random() * min(_LONGEST_PAUSE, 0.25 * float(2 ** min(tries, 6)))
