"""Timestamps that a venue takes once: nobody's repeat, whatever profiles sign with the same key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.attempts import Watch
from cancelall.core.model import Request, Signed
from cancelall.engine.signer import Exchange, Nonces, Signer
from cancelall.venues.registry import load

CANCEL = Request(method="POST", path="/cancel", changes=True)
READ = Request(method="GET", path="/orders", signed=False)


@dataclass(eq=False)
class Clock:
    """A wall clock that stands where the test sets it."""

    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return 0.0


def signer(clock: Clock, secrets: str = "key", *, once: bool = True) -> Signer:
    """One whose signatures are their timestamps; `once`: its venue takes each of them once."""

    def sign(request: Request, secrets: object, options: object, timestamp_ms: int, widen: int) -> Signed:
        return Signed(headers=(), body=str(timestamp_ms).encode())

    venue = replace(load("bybit"), sign=sign, clock_lead_ms=0, nonces=str if once else None, late_ms=lambda options: 0)
    return Signer(venue=venue, origin="https://host", secrets=secrets, options=None, clock=clock)


def send(one: Signer, request: Request = CANCEL) -> Any:
    exchange = Exchange[object](
        request=request, read=lambda request, reply: None, watch=Watch(), needless=lambda: False, rested=False
    )
    return one.sign(exchange, None, lambda: False, None)


def stamp(one: Signer) -> int:
    return int(send(one).body)


def test_one_key_never_signs_the_same_moment_twice_whatever_profile_uses_it() -> None:
    clock = Clock()
    first, second, other = signer(clock), signer(clock), signer(clock, "another key")
    stamps = [stamp(one) for one in (first, second, first, second)]
    assert stamps == [clock.ms, clock.ms + 1, clock.ms + 2, clock.ms + 3]
    assert stamp(other) == clock.ms
    clock.ms += 1000
    assert stamp(second) == clock.ms


def test_the_signed_request_tells_the_timestamp_that_was_signed() -> None:
    clock = Clock()
    one = signer(clock)
    signed = [send(one), send(one)]
    assert [each.signed_ms for each in signed] == [clock.ms, clock.ms + 1]
    assert [each.made_ms for each in signed] == [clock.ms, clock.ms]


def test_what_is_not_signed_uses_up_no_timestamp() -> None:
    clock = Clock()
    one = signer(clock)
    send(one, READ)
    assert stamp(one) == clock.ms


def test_where_a_timestamp_may_come_again_it_does() -> None:
    clock = Clock()
    one = signer(clock, once=False)
    assert [stamp(one), stamp(one)] == [clock.ms, clock.ms]


@pytest.mark.parametrize("off", [3_600_000, -3_600_000])
def test_after_a_repair_of_the_clock_the_timestamps_are_set_anew(off: int) -> None:
    """One that was too high by an hour would not be reached again for an hour."""
    clock = Clock()
    one = signer(clock)
    refused = send(one)
    one.correct(refused, 0.0, clock.ms - off)
    assert stamp(one) == clock.ms - off
    assert stamp(one) == clock.ms - off + 1


def test_a_clock_that_is_set_back_makes_no_timestamp_come_again() -> None:
    clock = Clock()
    one = signer(clock)
    stamps = [stamp(one)]
    clock.ms -= 5000
    stamps += [stamp(one), stamp(one)]
    assert stamps == sorted(set(stamps))


@given(st.lists(st.integers(0, 5), min_size=1))
def test_they_only_grow(moments: list[int]) -> None:
    nonces = Nonces()
    taken = [nonces.take(moment) for moment in moments]
    assert taken == sorted(set(taken))
    assert all(one >= moment for one, moment in zip(taken, moments, strict=True))
