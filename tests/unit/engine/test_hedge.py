"""A copy to the host's second official name when the first stays silent: at most one, and the first answer counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from cancelall.core.attempts import Outcome
from cancelall.core.clock import SystemClock
from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Reply, Request, Wire
from cancelall.core.secret import Secret
from cancelall.engine import client as module
from cancelall.engine.client import Client
from cancelall.engine.rate_limiter import HostGate
from cancelall.venues.bybit import venue as bybit
from cancelall.venues.bybit.options import Secrets

FIRST, SECOND = "https://one.example", "https://two.example"
CANCEL = Request(method="POST", path="/v5/order/cancel-all", body=b'{"category":"option"}', changes=True)
GOOD = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [], "success": "1"}, "time": 1}).encode()
Behaviour = Callable[[], Awaitable[Reply]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEDGE_SECONDS", 0.02)


async def good() -> Reply:
    return Reply(status=200, headers={}, body=GOOD)


async def silent() -> Reply:
    await asyncio.sleep(60)
    raise AssertionError


async def slow() -> Reply:
    await asyncio.sleep(0.1)
    return await good()


async def gone() -> Reply:
    raise TransportFault("the connection was refused", sent="no")


def code(number: int) -> Behaviour:
    async def refuse() -> Reply:
        return Reply(status=200, headers={}, body=json.dumps({"retCode": number, "retMsg": "no"}).encode())

    return refuse


async def blocked() -> Reply:
    return Reply(status=403, headers={}, body=b"<html>")


def ask(first: Behaviour, second: Behaviour) -> tuple[Outcome[object], list[Wire], Client]:
    """One request on a line whose two names behave like this."""
    sent: list[Wire] = []

    async def send(wire: Wire, until: float, out: Callable[[], None]) -> Reply:
        sent.append(wire)
        out()
        return await (first if wire.url.startswith(FIRST) else second)()

    async def run() -> tuple[Outcome[object], Client]:
        clock = SystemClock()
        line = Client(
            venue=bybit.VENUE,
            origin=FIRST,
            alternate=SECOND,
            secrets=Secrets(api_key=Secret("testkey"), api_secret=Secret("testsecret")),
            options=bybit.Options(),
            send=send,
            clock=clock,
            gate=HostGate.alone(None),
            deadline=clock.monotonic() + 2,
            reserve=0.1,
        )
        return await line.ask(CANCEL, lambda request, reply: None, most=1), line

    outcome, line = asyncio.run(run())
    return outcome, sent, line


def hosts(sent: list[Wire]) -> list[str]:
    return [wire.url.removesuffix("/v5/order/cancel-all") for wire in sent]


def test_an_answer_in_time_sends_no_copy() -> None:
    outcome, sent, _ = ask(good, good)
    assert (outcome.answer, hosts(sent)) == (Answer.ACCEPTED, [FIRST])


def test_silence_sends_one_copy_with_a_signature_of_its_own() -> None:
    outcome, sent, line = ask(silent, good)
    assert (outcome.answer, hosts(sent)) == (Answer.ACCEPTED, [FIRST, SECOND])
    stamps = [dict(wire.headers)["X-BAPI-TIMESTAMP"] for wire in sent]
    assert stamps[0] < stamps[1]
    assert line.tally.requests == 2
    assert line.tally.abandoned  # the first copy may still be executed


def test_a_dead_first_name_is_replaced_at_once() -> None:
    outcome, sent, line = ask(gone, good)
    assert (outcome.answer, hosts(sent)) == (Answer.ACCEPTED, [FIRST, SECOND])
    assert not line.tally.abandoned


def test_the_slower_first_name_may_still_win() -> None:
    outcome, sent, _ = ask(slow, silent)
    assert (outcome.answer, hosts(sent)) == (Answer.ACCEPTED, [FIRST, SECOND])


@pytest.mark.parametrize("refusal", [blocked, code(10010), code(10009)])
def test_a_refusal_of_the_second_name_is_its_own_affair(refusal: Behaviour) -> None:
    outcome, _, line = ask(slow, refusal)
    assert outcome.answer is Answer.ACCEPTED
    assert line.refusal is None


def test_a_refused_key_is_refused_by_either() -> None:
    outcome, _, line = ask(silent, code(10003))
    assert outcome.attempt.judgement is not None
    assert (outcome.answer, outcome.attempt.judgement.kind) == (Answer.GATEWAY, "auth"), "once is not believed yet"
    assert line.refusal is None


def test_both_dead_is_the_first_ones_fault() -> None:
    outcome, _, _ = ask(gone, gone)
    assert outcome.attempt.fault is not None
    assert outcome.attempt.fault.message == "the connection was refused"


def test_only_bybits_global_site_has_a_second_name() -> None:
    assert bybit.VENUE.alternates == {"https://api.bybit.com": "https://api.bytick.com"}
