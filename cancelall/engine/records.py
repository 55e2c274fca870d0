"""What a ledger keeps: one record per order, one per request, the times of cancels in the air, and the proof."""

from __future__ import annotations

import math
from enum import Enum

from cancelall.core.attempts import INSTANT, Attempt
from cancelall.core.dataclass import dataclass
from cancelall.core.model import Answer, Judgement, Listing, Order, State

_OF_RIGHTS = frozenset({"auth", "permission", "ip", "region"})
_LONGEST_PAUSE = 4.0
"""Seconds, at most, after which what was refused is sent again, as long as it is not believed."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """The venue's last word on something, said once or again. `answer` is None where it could not be taken in."""

    answer: Answer | None
    judgement: Judgement | None
    since: float
    at: float

    @classmethod
    def again(cls, before: Said | None, answer: Answer | None, judgement: Judgement | None, at: float) -> Said:
        """The venue has spoken after `before`."""
        same = before is not None and before.answer is answer
        return cls(answer=answer, judgement=judgement, since=before.since if before is not None and same else at, at=at)

    @property
    def unwelcome(self) -> bool:
        """Whether it says that the request is refused, or that there is no such product."""
        return self.answer in (Answer.REFUSED, Answer.ABSENT)

    @property
    def of_rights(self) -> bool:
        """Whether it speaks of this key, its rights or this place, which what is listed does not contradict."""
        return self.answer is Answer.REFUSED and self.judgement is not None and self.judgement.kind in _OF_RIGHTS

    def twice(self, gap: float) -> bool:
        """Whether the venue has said it again a gap later, and nothing else between."""
        return self.at - self.since >= gap - INSTANT

    def again_at(self, gap: float) -> float:
        """When the same may be sent again: a gap later, and ever more slowly where it is said again and again."""
        return self.at + max(gap, min(_LONGEST_PAUSE, (self.at - self.since) / 2))


class Presence(Enum):
    """What listings say of an order."""

    UNLISTED = "unlisted"
    LISTED = "listed"
    MISSING = "missing"
    """A complete listing has lacked it after others had shown it."""


@dataclass(kw_only=True)
class OrderRecord:
    """One order: what it is, what was tried, what became of it."""

    order: Order
    seen: bool = False
    """A listing has shown it, or an answer has named it."""
    presence: Presence = Presence.UNLISTED
    lacked: bool = False
    """The last listing that was complete, or had shown it before that, lacked it."""
    reappeared: bool = False
    """It was seen for the first time after all that was there had been shown."""
    stray: bool = False
    """The answer to a cancel of others named it, and no listing had shown it."""
    cancelling: bool = False
    """A cancel that names it is under way."""
    named_at: float = -math.inf
    """When the last cancel that names it was over."""
    said: Said | None = None
    """What the venue said of the last one, if it did not take it."""
    taken: bool = False
    """The venue says that it cancelled it."""
    failure: str = ""
    """Why it could not be cancelled, in the venue's words."""
    end: tuple[State, str] | None = None
    """How it ended, from the venue's history."""


@dataclass(kw_only=True)
class RequestRecord:
    """One request about the segment as a whole: a mass cancel, or the first page of a listing's pass."""

    said: Said | None = None
    failing: bool = False
    """Its last attempt was not answered."""
    answered: bool = False
    """One of its attempts was."""
    ended: float | None = None
    """When the last one was over."""
    under_way: int = 0
    copies: int = 1
    """How many were sent in parallel, the last time."""
    left_some: bool = False
    """It took as many orders as it can, all of them: there are more."""
    took_less: bool = False
    """One of its copies took less than it can."""

    def over(self, attempt: Attempt) -> None:
        """An attempt was answered, or has failed."""
        self.ended, self.failing = attempt.ended, not attempt.answered
        if attempt.answered:
            self.answered = True
            answer = attempt.judgement.answer if attempt.judgement is not None else None
            self.said = Said.again(self.said, answer, attempt.judgement, attempt.ended)


@dataclass(kw_only=True)
class Airtime:
    """When cancels of the segment were in the air, and what came of them."""

    in_flight: int = 0
    began: float = -math.inf
    ended: float = -math.inf
    """When the last one was over, answered or not."""
    first_answered: float = math.inf
    answered: float = -math.inf
    """When the last of those that were answered was."""
    disturbed: float = -math.inf
    """When the last witness was over that is a cancel and did not just say that there was nothing."""
    sent: bool = False
    """Whether any was sent, answered or not."""
    mass_accepted: int = 0
    named_accepted: int = 0
    suspended: bool = False
    """The venue's last word on one was that it is halted."""
    one_by_one_until: float = -math.inf
    """Until when orders are cancelled one by one: the call for several was refused."""

    @property
    def any_answered(self) -> bool:
        return self.answered > -math.inf

    @property
    def accepted(self) -> bool:
        return self.mass_accepted + self.named_accepted > 0

    @property
    def quiet_since(self) -> float:
        """When the last one began or was over, answered or not."""
        return max(self.began, self.ended)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How far a segment is proven empty. Whatever breaks it begins a new one, in one assignment."""

    first: Listing | None = None
    last: Listing | None = None
    """The first and the last of the complete empty listings in a row."""
    half_agreed: float | None = None
    """When a witness first gave an answer that agrees only when it is given twice, a gap apart."""
    cancels_agree: bool = False
    """Every witness that is a cancel has agreed since the first of the listings."""
    reads_agree: bool = False
    """Every witness that is a mere read has agreed, read in the background of the last of them."""
