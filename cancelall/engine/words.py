"""What the venue said last of each request, and since when it has said nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cancelall.core.attempts import Attempt
from cancelall.core.model import Answer, Judgement, Request

_INSTANT = 1e-6
"""Seconds that are none: sums of floats end just before the time that they mean."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One word of the venue, said once or again. `answer` is None where it could not be taken in."""

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

    def twice(self, gap: float) -> bool:
        """Whether the venue has said it again a gap later, and nothing else between."""
        return self.at - self.since >= gap - _INSTANT


@dataclass
class Words:
    """The last word on each of some requests."""

    _said: dict[Request, Said] = field(default_factory=dict)
    failing: set[Request] = field(default_factory=set)
    """Requests whose last attempt was not answered."""

    def note(self, attempt: Attempt) -> None:
        """The venue has spoken on a request, or has not."""
        request, judgement = attempt.request, attempt.judgement
        if not attempt.answered:
            self.failing.add(request)
            return
        self.failing.discard(request)
        answer = judgement.answer if judgement is not None else None
        self._said[request] = Said.again(self._said.get(request), answer, judgement, attempt.ended)

    def last(self, request: Request) -> Said | None:
        """The last word on it, if there was any."""
        return self._said.get(request)

    def __iter__(self) -> Iterator[tuple[Request, Said]]:
        """Every request that was answered, and the last word on it."""
        return iter(self._said.items())
