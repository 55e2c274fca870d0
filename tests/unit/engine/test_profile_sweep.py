"""What a profile's sweep keeps of its segments."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from cancelall.core.attempts import Attempt
from cancelall.core.model import Answer, Judgement, Reply, Request, Signed, SignedRequest
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.signer import Signer, SystemClock
from cancelall.venues.bitget.options import BitgetFacts, BitgetOptions
from cancelall.venues.registry import load, segments
from instant import run

VENUE = replace(load("bitget"), sign=lambda *given: Signed(headers=(), body=b""))
UNIFIED = Attempt(
    request=Request(method="GET", path="/"),
    began=0.0,
    ended=0.0,
    judgement=Judgement(answer=Answer.ABSENT, mode="unified"),
)


async def silence(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
    sent()
    await asyncio.sleep(1000.0)
    raise AssertionError


def names(facts: BitgetFacts) -> list[str]:
    return [segment.name for segment in segments(VENUE, BitgetOptions(), facts, "live")]


def test_the_ledgers_are_kept_and_not_made_at_each_look() -> None:
    async def work() -> tuple[dict[str, Ledger], dict[str, Ledger], bool]:
        clock = SystemClock()
        signer = Signer(venue=VENUE, origin="https://host", secrets=None, options=BitgetOptions(), clock=clock)
        client = Client(
            signer=signer,
            send=silence,
            clock=clock,
            gate=HostGate.alone(None),
            deadline=clock.monotonic() + 5.0,
            reserve=1.0,
        )
        sweep = ProfileSweep(client, "live")
        sweeping = asyncio.create_task(sweep.run())
        await asyncio.sleep(0.1)
        ledgers, classic = sweep.ledgers, dict(sweep.ledgers)
        sweep.discoveries.learn_mode(UNIFIED)
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping
        return classic, dict(sweep.ledgers), sweep.ledgers is ledgers

    classic, unified, same = run(work())
    assert same
    assert sorted(classic) == sorted(names(BitgetFacts()))
    assert sorted(unified) == sorted(names(BitgetFacts(mode="unified", closed=frozenset({"classic"}))))
    shared = set(classic) & set(unified)
    assert shared, "the two APIs share names of segments"
    assert all(unified[name].segment != classic[name].segment for name in shared)
    assert all(unified[name].orders is classic[name].orders for name in shared), "what was learnt of orders stays"
