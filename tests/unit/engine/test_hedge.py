"""A copy to the host's second official name when the first stays silent: at most one, and the first answer counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from cancelall.core.errors import TransportFault
from cancelall.core.model import Reply, Request, SignedRequest, Wire
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


@pytest.mark.parametrize("second", [silent, failing(TransportFault("the connection broke"))])
def test_a_copy_without_an_answer_is_told_of(second: Behaviour) -> None:
    """It can be executed for longer than the original: bots are not to be started again before."""
    two = Two(silent, second)
    with pytest.raises(TimeoutError):
        two.answer(1.2)
    assert [one for one, _ in two.given_up] == [COPY]
    three = Two(failing(TransportFault("reset")), second)
    with pytest.raises((TimeoutError, TransportFault)):
        three.answer(1.2)
    assert COPY in [one for one, _ in three.given_up]


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


# --- a connection that was kept warm ---------------------------------------------------------------------------------

COLD = replace(ORIGINAL, copy_of=ORIGINAL, new_connection=True, wire=Wire())


@dataclass
class Warm:
    """A request on a kept connection, its copy on a new one, and, where there is one, over the second name."""

    first: Behaviour
    cold: Behaviour
    second: Behaviour | None = None
    kept: bool = True
    answering: bool = False
    sent: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    async def _send(self, signed: SignedRequest) -> Reply:
        name = {id(self.original): "first", id(COLD): "cold"}.get(id(signed), "second")
        self.sent.append(name)
        behaviour = {"first": self.first, "cold": self.cold}.get(name, self.second)
        assert behaviour is not None
        return await behaviour()

    def answer(self, seconds: float = 10.0) -> Reply:
        self.original = replace(ORIGINAL, wire=Wire(kept=self.kept, answering=self.answering))

        async def work() -> Reply:
            one = hedge.Hedge(
                send=self._send,
                copy=None if self.second is None else lambda original: COPY,
                judge=bybit.VENUE.judge,
                given_up=lambda signed, fault: self.given_up.append(fault.message),
                cold=lambda original: COLD,
                cold_after=0.01,
            )
            async with asyncio.timeout(seconds):
                return await one.answer(self.original)

        return asyncio.run(work())


def test_silence_on_a_kept_connection_sends_a_copy_on_a_new_one() -> None:
    one = Warm(silent, good)
    assert one.answer().body == GOOD
    assert (one.sent, one.given_up) == (["first", "cold"], ["abandoned"])


def test_a_kept_connection_that_breaks_sends_it_at_once() -> None:
    one = Warm(failing(TransportFault("reset")), good)
    assert one.answer().body == GOOD
    assert (one.sent, one.given_up) == (["first", "cold"], ["reset"])


@pytest.mark.parametrize(("kept", "answering"), [(False, False), (True, True)])
def test_no_copy_where_the_connection_was_new_or_the_answer_has_begun(kept: bool, answering: bool) -> None:
    one = Warm(slow, good, kept=kept, answering=answering)
    assert one.answer().body == GOOD
    assert one.sent == ["first"]


def test_one_that_breaks_while_it_is_answered_is_copied() -> None:
    one = Warm(failing(TransportFault("it broke off")), good, answering=True)
    assert one.answer().body == GOOD
    assert one.sent == ["first", "cold"]


def test_a_new_connection_that_breaks_is_told_of_by_the_first_fault() -> None:
    one = Warm(failing(TransportFault("the first")), failing(TransportFault("the copy")))
    with pytest.raises(TransportFault, match="the first"):
        one.answer()
    assert one.sent == ["first", "cold"]


def test_the_second_name_comes_after_the_new_connection() -> None:
    one = Warm(silent, silent, second=good)
    assert one.answer().body == GOOD
    assert one.sent == ["first", "cold", "second"]
    one = Warm(slow, good, second=good, kept=False)
    assert one.answer().body == GOOD
    assert one.sent == ["first", "second"]


def test_with_nothing_left_to_copy_the_first_fault_is_told() -> None:
    one = Warm(failing(TransportFault("gone")), good, kept=False)
    with pytest.raises(TransportFault, match="gone"):
        one.answer()
    assert one.sent == ["first"]
    one = Warm(silent, failing(TransportFault("the copy")))
    with pytest.raises(TimeoutError):
        one.answer(0.1)


def test_only_bybits_global_site_has_a_second_name() -> None:
    assert bybit.VENUE.alternates == {"https://api.bybit.com": "https://api.bytick.com"}
