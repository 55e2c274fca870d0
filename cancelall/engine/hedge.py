"""One request that stays unanswered, and its copies: on a new connection where it went out on one that was kept, and
over the second official name of a host. The first answer counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Judgement, Reply, Request, SignedRequest

HEDGE_SECONDS = 0.9
"""Seconds without an answer after which a copy goes to the host's second name, where it has one."""

Make = Callable[[SignedRequest], SignedRequest]
"""Signs a copy, and has it written down."""


@dataclass(frozen=True, kw_only=True)
class Hedge:
    """Sends a request, and a copy each way that there is when it is silent or gone.

    All may be executed. What the second name refuses, but for the key itself, is its own affair.
    """

    send: Callable[[SignedRequest], Awaitable[Reply]]
    """Raises TransportFault."""
    copy: Make | None = None
    """Makes the one for the second name; None where it has none."""
    judge: Callable[[Request, Reply], Judgement]
    given_up: Callable[[SignedRequest, TransportFault], None]
    """Notes that one of them may be executed without an answer, by the signature that is good for longer."""
    cold: Make | None = None
    """Makes one for a new connection, should the original go out on one that was kept warm: a router on the way may
    have forgotten that one, and swallows what is written without a word."""
    cold_after: float = 0.0
    """Seconds without the beginning of an answer after which that one leaves."""

    async def answer(self, original: SignedRequest) -> Reply:
        """The first answer of all. Raises the TransportFault of the original when there is none."""
        now = asyncio.get_running_loop().time
        began = now()
        first = asyncio.ensure_future(self.send(original))
        under_way: set[asyncio.Future[Reply]] = {first}
        second: asyncio.Future[Reply] | None = None
        latest: SignedRequest | None = None
        made: list[tuple[SignedRequest, asyncio.Future[Reply]]] = []
        copies = [(self.cold_after, self.cold)] if self.cold is not None else []
        copies += [(HEDGE_SECONDS, self.copy)] if self.copy is not None else []
        try:
            while True:
                wait = max(0.0, began + copies[0][0] - now()) if copies else None
                done, under_way = await asyncio.wait(under_way, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                for answered in done:
                    if answered.exception() is None and not (
                        answered is second and self._is_of_the_second_name(original.request, answered.result())
                    ):
                        if under_way and latest is not None:  # the slower one may still be executed
                            self.given_up(latest, TransportFault("abandoned"))
                        made.clear()
                        return answered.result()
                fault = first.exception() if first.done() else None
                if first in done and latest is None and not (isinstance(fault, TransportFault) and not fault.final):
                    return first.result()
                if under_way and done:  # the other one is waited for
                    continue
                make = self._next(copies, original, gone=not under_way)
                if make is not None:
                    copy = make(original)
                    if isinstance(fault, TransportFault):
                        self.given_up(copy, fault)
                    latest, sent = copy, asyncio.ensure_future(self.send(copy))
                    under_way.add(sent)
                    made.append((copy, sent))
                    second = sent if make is self.copy else second
                elif not under_way:
                    return first.result()
        finally:
            for one, send in made:  # nothing was answered, and whoever called knows of the original alone
                broken = send.exception() if send.done() and not send.cancelled() else None
                self.given_up(one, broken if isinstance(broken, TransportFault) else TransportFault("no answer"))
            for loser in under_way:
                loser.cancel()

    def _next(self, copies: list[tuple[float, Make]], original: SignedRequest, *, gone: bool) -> Make | None:
        """What makes the next copy, taken from those that are left; None where there is none, or not now.

        One on a new connection has no use where the original went out on such a one, or its answer has begun.
        """
        while copies:
            _, make = copies.pop(0)
            if make is not self.cold or (original.wire.kept and (gone or not original.wire.answering)):
                return make
            if not gone:
                return None
        return None

    def _is_of_the_second_name(self, request: Request, reply: Reply) -> bool:
        """Whether an answer of the second name says nothing about the first."""
        judgement = self.judge(request, reply)
        aside = judgement.answer in (Answer.ABSENT, Answer.GATEWAY)
        return aside or (judgement.answer is Answer.REFUSED and judgement.kind != "auth")
