"""A copy to the host's second official name when the first stays silent: at most one, and the first answer counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from cancelall.core.errors import TransportFault
from cancelall.core.model import Reply, Request, SignedRequest
from cancelall.engine import hedge
from cancelall.venues.bybit import venue as bybit

FIRST, SECOND = "https://one.example", "https://two.example"
CANCEL = Request(method="POST", path="/v5/order/cancel-all", body=b'{"category":"option"}', changes=True)
GOOD = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": [], "success": "1"}, "time": 1}).encode()
Behaviour = Callable[[], Awaitable[Reply]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hedge, "HEDGE_SECONDS", 0.02)


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


ORIGINAL = SignedRequest(request=CANCEL, origin=FIRST, target=CANCEL.path)
COPY = replace(ORIGINAL, origin=SECOND, copy_of=ORIGINAL)
FINAL = TransportFault("the certificate was refused", kind="tls", sent="no", final=True)


@dataclass
class Two:
    """Two names that behave like this, and what was told about them."""

    first: Behaviour
    second: Behaviour
    copied: list[SignedRequest] = field(default_factory=list)
    given_up: list[tuple[SignedRequest, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def _send(self, signed: SignedRequest) -> Reply:
        try:
            return await (self.first if signed is ORIGINAL else self.second)()
        except asyncio.CancelledError:
            self.cancelled.append(signed.origin)
            raise

    def _copy(self, original: SignedRequest) -> SignedRequest:
        self.copied.append(original)
        return COPY

    def answer(self, seconds: float = 10.0) -> Reply:
        async def work() -> Reply:
            one = hedge.Hedge(
                send=self._send,
                copy=self._copy,
                judge=bybit.VENUE.judge,
                given_up=lambda signed, fault: self.given_up.append((signed, fault.message)),
            )
            async with asyncio.timeout(seconds):
                reply = await one.answer(ORIGINAL)
            await asyncio.sleep(0)  # whoever is cancelled is told
            return reply

        return asyncio.run(work())


def failing(fault: BaseException) -> Behaviour:
    async def fail() -> Reply:
        raise fault

    return fail


def test_in_time_there_is_no_copy() -> None:
    two = Two(good, good)
    assert two.answer().body == GOOD
    assert (two.copied, two.given_up) == ([], [])


@pytest.mark.parametrize("fault", [FINAL, ValueError("a bug")])
def test_what_no_second_name_cures_is_not_copied(fault: Exception) -> None:
    two = Two(failing(fault), good)
    with pytest.raises(type(fault)):
        two.answer()
    assert two.copied == []


def test_the_slower_one_is_let_go_and_told_of_as_the_copy() -> None:
    """The copy was signed later: by its signature the cancel can be executed for longest."""
    two = Two(silent, good)
    assert two.answer().body == GOOD
    assert (two.copied, two.given_up, two.cancelled) == ([ORIGINAL], [(COPY, "abandoned")], [FIRST])
    two = Two(slow, silent)
    assert two.answer().body == GOOD
    assert (two.given_up, two.cancelled) == ([(COPY, "abandoned")], [SECOND])


@pytest.mark.parametrize("fault", [TransportFault("the connection broke"), TransportFault("refused", sent="no")])
def test_a_first_name_that_broke_is_told_of_and_only_the_copy_is_waited_for(fault: TransportFault) -> None:
    two = Two(failing(fault), slow)
    assert two.answer().body == GOOD
    assert two.given_up == [(COPY, fault.message)]


@pytest.mark.parametrize("refusal", [blocked, code(10010), code(10009)])
def test_a_refusal_of_the_second_name_is_its_own_affair(refusal: Behaviour) -> None:
    assert Two(slow, refusal).answer().body == GOOD


def test_a_key_that_the_second_name_refuses_is_refused() -> None:
    assert json.loads(Two(silent, code(10003)).answer().body)["retCode"] == 10003


def test_what_the_second_name_turns_away_is_no_answer() -> None:
    two = Two(gone, blocked)
    with pytest.raises(TransportFault, match="the connection was refused"):
        two.answer()


def test_both_end_with_whoever_waits() -> None:
    two = Two(silent, silent)
    with pytest.raises(TimeoutError):
        two.answer(0.1)
    assert sorted(two.cancelled) == [FIRST, SECOND]


def test_only_bybits_global_site_has_a_second_name() -> None:
    assert bybit.VENUE.alternates == {"https://api.bybit.com": "https://api.bytick.com"}
