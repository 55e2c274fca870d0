"""A request that is sent: when it is over, what came of it, and the tally of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Judgement, Request, SignedRequest

T = TypeVar("T")

INSTANT = 1e-6
"""Seconds that are none: sums of floats end just before, or just after, the time that they mean."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One send and what came of it. `judgement` is None when no answer came."""

    request: Request
    began: float
    ended: float
    judgement: Judgement | None = None
    fault: TransportFault | None = None
    incurable: bool = False
    """The fault is believed to be one that no retry can cure."""
    status: int | None = None
    sent: bool = True
    """False when an earlier refusal kept it from being sent."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The headers of the answer, their names in lower case."""

    @property
    def answered(self) -> bool:
        """Whether the venue gave a complete answer, of whatever kind."""
        return self.sent and (self.judgement is not None or (self.fault is not None and self.fault.answered))


def unwatched() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Who wants to know when an attempt leaves and when it is over."""

    about: str = ""
    """The segment that it is about."""
    begins: Callable[[float], None] = lambda at: None
    sent: Callable[[], None] = unwatched
    """Its bytes are out, or it has failed."""
    ended: Callable[[Attempt], None] = lambda attempt: None
    waits: Callable[[], None] = lambda: None
    """Called from time to time while it waits as the venue wants."""


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[T]):
    """The last attempt of a request; `value` is what was read when it was accepted."""

    attempt: Attempt
    value: T | None = None

    @property
    def answer(self) -> Answer:
        """The judgement's answer; without any, the outcome is ambiguous."""
        if self.attempt.incurable:
            return Answer.REFUSED
        return self.attempt.judgement.answer if self.attempt.judgement else Answer.AMBIGUOUS

    @property
    def final(self) -> bool:
        """Whether sending it again could not change the answer."""
        return self.answer not in (Answer.AGAIN, Answer.CLOCK, Answer.AMBIGUOUS, Answer.GATEWAY)


@dataclass
class Tally:
    """What a profile's line has done so far."""

    requests: int = 0
    first_request: float | None = None
    first_ack: float | None = None
    round_trip: float | None = None
    """Seconds that the last answer took."""
    turned_away: Judgement | None = None
    """What a gateway said last."""
    venue_spoke: bool = False
    """Whether anything was ever answered otherwise than by a gateway."""
    longest_ask: float = 0.0
    """The longest wait that the venue wanted, in seconds."""
    late_until_ms: int = 0
    """Wall time until which an abandoned cancel could still be executed."""
    silence: str = ""
    """Why the last request that was given up had no answer."""
    abandoned: bool = False
    """A cancel was given up while it could still be executed."""

    def answered(self, attempt: Attempt) -> None:
        """An answer has come and was judged."""
        judgement = attempt.judgement
        self.round_trip = attempt.ended - attempt.began
        if judgement is not None and judgement.answer is Answer.GATEWAY:
            self.turned_away = judgement
        else:
            self.venue_spoke = True
        if judgement is not None and judgement.after is not None:
            self.longest_ask = max(self.longest_ask, judgement.after)
        if judgement is not None and judgement.answer is Answer.ACCEPTED and attempt.request.changes:
            self.first_ack = attempt.ended if self.first_ack is None else self.first_ack

    def given_up(self, signed: SignedRequest, fault: TransportFault) -> None:
        """Nobody waits for it. A cancel can be executed, and kill new orders, until its signature's window closes."""
        if not signed.request.changes or fault.sent == "no" or signed.wire.quiet:
            return
        self.abandoned = True
        if signed.window_ms is not None:
            self.late_until_ms = max(self.late_until_ms, signed.made_ms + signed.window_ms)
