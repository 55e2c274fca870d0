"""What a profile's sweep keeps of its segments."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from cancelall.core.attempts import Attempt
from cancelall.core.model import Answer, Judgement, Reply, Request, Signed, SignedRequest
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.signer import Signer, SystemClock
from cancelall.venues.bitget.options import BitgetFacts, BitgetOptions
from cancelall.venues.kraken.options import KrakenOptions
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


class _Clock:
    """The loop's time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now_ms(self) -> int:
        return 1_700_000_000_000 + round(self.monotonic() * 1000)


@pytest.mark.parametrize("selected", [(), ("XBTUSD",)], ids=["a mass cancel", "a cancel by name"])
def test_a_cancel_that_a_bug_has_ended_goes_again(selected: tuple[str, ...]) -> None:
    left: list[str] = []
    bugs = [RuntimeError("a bug")]
    descr = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "1", "leverage": "none"}
    resting = {"OQCLML-BW3P3-BUCMWZ": {"status": "open", "vol": "1", "vol_exec": "0", "descr": descr}}

    def sign(request: Request, *given: object) -> Signed:
        if request.changes and bugs:
            raise bugs.pop()
        return Signed(headers=(), body=b"")

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        sent()
        left.append(signed.request.path.rpartition("/")[2])
        result: object = {"open": resting} if left[-1] == "OpenOrders" else {"count": len(resting)}
        if left[-1].startswith("Cancel"):
            resting.clear()
        return Reply(status=200, headers={}, body=json.dumps({"error": [], "result": result}).encode())

    async def work() -> BaseException | None:
        venue, clock = replace(load("kraken"), sign=sign, nonces=None, serial=None), _Clock()
        options = KrakenOptions(pair=selected)
        signer = Signer(venue=venue, origin="https://host", secrets=None, options=options, clock=clock)
        client = Client(
            signer=signer,
            send=send,
            clock=clock,
            gate=HostGate.alone(None),
            deadline=clock.monotonic() + 20.0,
            reserve=1.0,
        )
        sweep = ProfileSweep(client, "live")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20.0):
                await sweep.run()
        return sweep.bug

    assert str(run(work())) == "a bug"
    assert not resting
    assert [one for one in left if one.startswith("Cancel")], left
