"""One request over the two official names of a host: the first answer counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Judgement, Reply, Request, SignedRequest

HEDGE_SECONDS = 0.9
"""Seconds without an answer after which a copy goes to the host's second name, where it has one."""


@dataclass(frozen=True, kw_only=True)
class Hedge:
    """Sends a request, and one copy to the second name when the first is silent or gone.

    Both may be executed. What the second name refuses, but for the key itself, is its own affair.
    """

    send: Callable[[SignedRequest], Awaitable[Reply]]
    """Raises TransportFault."""
    copy: Callable[[SignedRequest], SignedRequest]
    """Signs the copy, and has it written down."""
    judge: Callable[[Request, Reply], Judgement]
    given_up: Callable[[SignedRequest, TransportFault], None]
    """Notes that one of the two may be executed without an answer, by the signature that is good for longer."""

    async def answer(self, original: SignedRequest) -> Reply:
        """The first answer of the two. Raises the TransportFault of the original when there is none."""
        first = asyncio.ensure_future(self.send(original))
        under_way: set[asyncio.Future[Reply]] = {first}
        try:
            await asyncio.wait(under_way, timeout=HEDGE_SECONDS)
            fault = first.exception() if first.done() else None
            if first.done() and (not isinstance(fault, TransportFault) or fault.final):
                return first.result()
            copy = self.copy(original)
            if isinstance(fault, TransportFault):
                self.given_up(copy, fault)
            second = asyncio.ensure_future(self.send(copy))
            under_way = {second} if first.done() else {first, second}
            while under_way:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for answered in done:
                    if answered.exception() is None and not (
                        answered is second and self._is_of_the_second_name(original.request, second.result())
                    ):
                        if under_way:  # the slower one may still be executed
                            self.given_up(copy, TransportFault("abandoned"))
                        return answered.result()
            return first.result()
        finally:
            for loser in under_way:
                loser.cancel()

    def _is_of_the_second_name(self, request: Request, reply: Reply) -> bool:
        """Whether an answer of the second name says nothing about the first."""
        judgement = self.judge(request, reply)
        aside = judgement.answer in (Answer.ABSENT, Answer.GATEWAY)
        return aside or (judgement.answer is Answer.REFUSED and judgement.kind != "auth")
