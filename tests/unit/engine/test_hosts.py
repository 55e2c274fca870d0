"""A venue with several hosts: each has its origin, limit, block and faults, and what one of them says is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cancelall.cli import kills
from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Judgement, Priority, Reach, Reply, Request, Signed, SignedRequest
from cancelall.core.profile import Common, Profile
from cancelall.engine import shared_limits
from cancelall.engine.client import Client
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.run import by_origin
from cancelall.engine.shared_limits import SharedLimits
from cancelall.engine.signer import Signer, SystemClock
from cancelall.venues.contract import Limit
from cancelall.venues.registry import Schema, load, schema
from instant import instantly

FURTHER = {"two": "https://two", "three": "https://three"}
FIRST = Request(method="GET", path="/orders", priority=Priority.LISTING)
SECOND, THIRD = replace(FIRST, host="two"), replace(FIRST, host="three")
GOOD = Judgement(answer=Answer.ACCEPTED)
BLOCK = Judgement(answer=Answer.REFUSED, kind="ip", reach=Reach.HOST, message="blocked", after=0.0)
BAD_TLS = TransportFault("its certificate is not trusted", kind="tls", sent="no", final=True)


def profile(**more: Any) -> Profile:
    names = {"name": "p", "venue": "bybit", "environment": "live", "origin": "https://one", "common": Common()}
    return Profile(**{**names, "options": schema("bybit").options(), "scope": {}, "further": FURTHER, **more})


def client(answers: dict[str, Judgement | TransportFault], log: list[SignedRequest], **more: Any) -> Client:
    """One whose hosts answer always the same, by their origins."""
    venue = replace(
        load("bybit"),
        sign=lambda request, secrets, options, now_ms, widen: Signed(headers=(), body=request.body),
        judge=lambda request, reply: answers[reply.body.decode()],
        limits={},
        late_ms=lambda options: None,
    )

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        log.append(signed)
        sent()
        answer = answers[signed.origin]
        if isinstance(answer, TransportFault):
            raise answer
        return Reply(status=200, headers={}, body=signed.origin.encode())

    signer = Signer(
        venue=venue, origin="https://one", secrets=None, options=None, clock=SystemClock(), further=FURTHER, **more
    )
    gates = {name: HostGate.alone(None) for name in FURTHER}
    deadline = SystemClock().monotonic() + 3.0
    return Client(
        signer=signer,
        send=send,
        clock=SystemClock(),
        gate=HostGate.alone(None),
        gates=gates,
        deadline=deadline,
        reserve=1.0,
    )


def answers_to(made: Client, *requests: Request, most: int = 2) -> list[Answer]:
    async def ask() -> list[Answer]:
        return [(await made.ask(one, lambda request, reply: None, most=most)).answer for one in requests]

    return asyncio.run(ask())


ALL_GOOD: dict[str, Judgement | TransportFault] = dict.fromkeys(("https://one", *FURTHER.values()), GOOD)


def test_each_request_goes_to_its_own_host_and_only_the_first_has_a_second_name() -> None:
    log: list[SignedRequest] = []
    made = client(ALL_GOOD, log, alternate="https://one-b")
    assert answers_to(made, FIRST, SECOND, THIRD) == [Answer.ACCEPTED] * 3
    assert [one.origin for one in log] == ["https://one", "https://two", "https://three"]
    assert [made.signer.alternate_of(one) for one in (FIRST, SECOND)] == ["https://one-b", None]


@pytest.mark.parametrize("trouble", [BLOCK, BAD_TLS], ids=["blocked", "no TLS"])
def test_what_one_host_says_ends_nothing_on_the_others(trouble: Judgement | TransportFault) -> None:
    log: list[SignedRequest] = []
    made = client({**ALL_GOOD, "https://two": trouble}, log)
    assert Answer.ACCEPTED not in answers_to(made, SECOND, SECOND)
    sent = len(log)
    answers_to(made, SECOND)
    assert len(log) == sent, "that host is read no more"
    assert answers_to(made, FIRST, THIRD) == [Answer.ACCEPTED] * 2
    assert made.refusal is None
    assert made.stops(SECOND)
    assert not made.stops(FIRST)
    assert made.turned_away_from((SECOND,)) is not None
    assert made.turned_away_from((FIRST, THIRD)) is None


def test_a_host_that_cannot_be_spoken_to_is_still_the_end_where_it_is_the_only_one() -> None:
    log: list[SignedRequest] = []
    made = client(dict.fromkeys(ALL_GOOD, BAD_TLS), log)
    made.refusals.further = {}
    answers_to(made, FIRST, FIRST)
    assert made.refusal is not None


def test_hosts_that_share_a_limit_share_it_and_others_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Limit(count=3, seconds=60.0)
    venue = replace(
        load("bybit"), address_limit=Limit(count=9), further_limits={"two": ("x", shared), "three": ("x", shared)}
    )
    monkeypatch.setattr(shared_limits, "load", lambda name: venue)
    monkeypatch.setattr(shared_limits, "_is_official", lambda name, alternates, origin: origin.startswith("https:"))
    made = SharedLimits(profiles=(), environ={})
    gates = {name: made.gate(profile(), name) for name in ("", "two", "three")}
    assert gates["two"] is not gates["three"]
    assert gates["two"].address is gates["three"].address
    assert gates[""].address is not gates["two"].address
    one = dict.fromkeys(FURTHER, "http://127.0.0.1:1")
    same = {name: made.gate(profile(origin="http://127.0.0.1:1", further=one), name) for name in ("", "two", "three")}
    assert same["two"] is same["three"]
    assert same[""] is not same["two"]


@instantly
async def test_a_limit_of_one_host_makes_no_request_to_another_wait() -> None:
    limits = client(ALL_GOOD, [])
    slow = HostGate.alone(Limit(count=1, seconds=60.0))
    limits.gates = {"two": slow, "three": HostGate.alone(None)}
    await slow.turn(Priority.LISTING)
    await asyncio.wait_for(limits.gate.turn(Priority.LISTING), 1.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow.turn(Priority.LISTING), 5.0)


def test_a_profile_names_every_origin_that_its_scope_uses_once() -> None:
    used = profile(uses=("two", "", "three"), further={"two": "https://two", "three": "https://one"})
    assert used.origins == ("https://two", "https://one")
    assert used.hosts == "https://two, https://one"
    assert profile().origins == ("https://one",)


def test_connections_are_opened_to_every_host_of_the_first_requests() -> None:
    used = profile(uses=("", "two"))
    found = kills._first_requests([used], {}, dry_run=False)
    assert [origin for origin, _ in found] == ["https://one", "https://two"]
    (first,), (second,) = ([*numbers] for numbers in found.values())
    assert first > 1
    assert second == 1, "no cancel goes there unseen: one connection for its listing"


def test_a_venue_without_further_hosts_says_nothing_of_them() -> None:
    bybit: Schema = schema("bybit")
    assert bybit.further == {}
    assert bybit.uses(bybit.options(), "live") == ("",)


@instantly
async def test_a_send_goes_by_the_origin_of_its_request() -> None:
    sends = {origin: _send_of(origin) for origin in ("https://one", "https://two")}
    send = by_origin(sends)
    for origin in sends:
        signed = SignedRequest(request=FIRST, origin=origin, target="/orders")
        assert (await send(signed, 0.0, lambda: None)).body == origin.encode()


def _send_of(origin: str) -> Callable[..., Any]:
    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        return Reply(status=200, headers={}, body=origin.encode())

    return send
