"""Requests of one key that have to arrive one at a time, in the order of their numbers; time costs nothing here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core.attempts import Outcome
from cancelall.core.errors import TransportFault
from cancelall.core.model import Answer, Judgement, Priority, Reply, Request, Signed, SignedRequest
from cancelall.engine.client import ATTEMPT_SECONDS, Client
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.serial_key import CANCELS_IN_A_ROW, PATIENCE, SerialKey
from cancelall.engine.signer import Signer
from cancelall.venues.contract import Serial
from cancelall.venues.registry import load
from instant import instantly, run

WALL_MS = 1_700_000_000_000
RULES = Serial(refusals=3, lead_ms=3000)
STALLS = 1e6


def cancel(name: str = "all") -> Request:
    return Request(method="POST", path=f"/{name}", changes=True, priority=Priority.MASS_CANCEL)


def by_name(name: str) -> Request:
    return Request(method="POST", path=f"/{name}", changes=True, priority=Priority.CANCEL)


def listing(name: str = "orders") -> Request:
    return Request(method="POST", path=f"/{name}", priority=Priority.LISTING)


PUBLIC = Request(method="GET", path="/pairs", signed=False, priority=Priority.LISTING)


class Clock:
    """The loop's time, and a wall clock that goes with it."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() - 1000.0

    def now_ms(self) -> int:
        return WALL_MS + round(self.monotonic() * 1000)


@dataclass
class Wire:
    """A venue that answers each path after so many seconds, once for each entry, the last one for ever."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    left: list[tuple[float, str, int, int]] = field(default_factory=list)
    """When each request left, its path, its number and how widened it was."""
    signed: list[SignedRequest] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0
    """The most requests at a time that were neither answered nor given up."""

    def client(self, serial: SerialKey | None, secrets: str = "key", **more: Any) -> Client:
        venue = replace(
            load("bybit"),
            sign=self._sign,
            judge=lambda request, reply: Judgement(answer=Answer(reply.body.decode()), kind="clock", message="words"),
            limits={},
            nonces=str,
            serial=RULES,
            clock_lead_ms=0,
            late_ms=lambda options: None,
        )
        signer = Signer(
            venue=venue, origin="https://host", secrets=secrets, options=None, clock=self.clock, serial=serial, **more
        )
        return Client(
            signer=signer,
            send=self._send,
            clock=self.clock,
            gate=HostGate.alone(None),
            deadline=60.0,
            reserve=1.0,
            random=lambda: 0.5,
        )

    def _sign(self, request: Request, secrets: object, options: object, timestamp: int, widen: int) -> Signed:
        return Signed(headers=(("widen", str(widen)),), body=b"")

    async def _send(self, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        path = signed.request.path
        self.signed.append(signed)
        self.left.append(
            (
                round(self.clock.monotonic(), 3),
                path[1:],
                signed.signed_ms - WALL_MS,
                int(dict(signed.headers).get("widen", 0)),
            )
        )
        sent()
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self._next(self.seconds, path, 0.1))
        finally:
            self.in_flight -= 1
        answer = self._next(self.answers, path, Answer.ACCEPTED)
        return Reply(status=200, headers={}, body=answer.value.encode())

    @staticmethod
    def _next(table: dict[str, list[Any]], path: str, usual: Any) -> Any:
        entries = table.get(path[1:], [usual])
        return entries.pop(0) if len(entries) > 1 else entries[0]

    @property
    def names(self) -> list[str]:
        return [name for _, name, _, _ in self.left]

    @property
    def numbers(self) -> list[int]:
        return [number for _, _, number, widen in self.left if widen]


def ask(client: Client, request: Request, **more: Any) -> asyncio.Task[Outcome[Any]]:
    return asyncio.create_task(client.ask(request, lambda request, reply: "read", **more))


async def all_of(client: Client, requests: Sequence[Request]) -> list[Outcome[Any]]:
    """All of them at once, and their outcomes."""
    return list(await asyncio.gather(*(ask(client, one) for one in requests)))


# --- one at a time --------------------------------------------------------------------------------------------------


@instantly
async def test_requests_go_one_at_a_time_the_mass_cancel_first() -> None:
    wire = Wire()
    client = wire.client(SerialKey(RULES))
    first = ask(client, listing("first"))
    await asyncio.sleep(0)
    await all_of(client, [listing(), by_name("one"), cancel(), by_name("two")])
    await first
    assert [(at, name) for at, name, _, _ in wire.left] == [
        *((0.0, "first"), (0.1, "all"), (0.2, "one"), (0.3, "two"), (0.4, "orders")),
    ]
    assert wire.most == 1


@settings(max_examples=60, deadline=None)
@given(
    waits=st.lists(st.tuples(st.floats(0, 3), st.sampled_from([0, 1, 2, 4]), st.floats(0, 4)), min_size=1, max_size=15)
)
def test_numbers_leave_in_their_order_and_no_two_at_a_time(waits: list[tuple[float, int, float]]) -> None:
    wire = Wire(seconds={f"r{number}": [seconds] for number, (_, _, seconds) in enumerate(waits)})

    async def work() -> None:
        client = wire.client(SerialKey(RULES))

        async def one(number: int, after: float, rank: int) -> None:
            await asyncio.sleep(after)
            request = Request(method="POST", path=f"/r{number}", changes=rank < 2, priority=Priority(rank))
            await client.ask(request, lambda request, reply: None, most=3)

        await asyncio.gather(*(one(number, after, rank) for number, (after, rank, _) in enumerate(waits)))

    run(work())
    assert wire.numbers == sorted(set(wire.numbers))
    assert wire.most == 1
    assert {f"r{number}" for number in range(len(waits))} == set(wire.names)


@instantly
async def test_two_profiles_with_one_key_take_turns() -> None:
    """The mass cancel of the one goes before the listing of the other, and no number comes twice."""
    wire, shared = Wire(), SerialKey(RULES)
    one, other = wire.client(shared), wire.client(shared)
    under_way = ask(one, listing("under way"))
    await asyncio.sleep(0)
    await asyncio.gather(ask(one, listing("mine")), ask(other, cancel("theirs")), under_way)
    assert wire.names == ["under way", "theirs", "mine"]
    assert wire.numbers == sorted(set(wire.numbers))
    assert wire.most == 1


@instantly
async def test_another_key_does_not_wait() -> None:
    wire = Wire()
    await asyncio.gather(
        ask(wire.client(SerialKey(RULES)), cancel("one")), ask(wire.client(SerialKey(RULES), "another"), cancel("two"))
    )
    assert [at for at, _, _, _ in wire.left] == [0.0, 0.0]


@instantly
async def test_what_is_public_neither_waits_nor_has_a_number() -> None:
    wire = Wire()
    client = wire.client(SerialKey(RULES))
    await all_of(client, [cancel(), PUBLIC])
    assert [(at, name) for at, name, _, _ in wire.left] == [(0.0, "all"), (0.0, "pairs")]
    assert [one.once for one in wire.signed] == [True, False]


@instantly
async def test_no_copy_goes_to_a_second_name() -> None:
    wire = Wire(seconds={"all": [4.0]})
    await ask(wire.client(SerialKey(RULES), alternate="https://other"), cancel())
    assert [one.origin for one in wire.signed] == ["https://host"]


@instantly
async def test_who_gives_up_takes_no_turn_and_who_is_stopped_leaves_it() -> None:
    wire = Wire(seconds={"stuck": [STALLS]})
    client = wire.client(SerialKey(RULES))
    stuck, waits, last = (ask(client, cancel(name)) for name in ("stuck", "waits", "last"))
    await asyncio.sleep(0.5)
    waits.cancel()
    stuck.cancel()
    await last
    assert wire.names == ["stuck", "last"]


@instantly
async def test_a_read_has_its_turn_among_many_cancels_by_name() -> None:
    """It shows which of them are still needed."""
    wire = Wire()
    client = wire.client(SerialKey(RULES))
    await all_of(client, [*(by_name(f"n{number}") for number in range(12)), listing()])
    assert wire.names.index("orders") == CANCELS_IN_A_ROW
    assert [name for name in wire.names if name != "orders"] == [f"n{number}" for number in range(12)]


# --- what hangs -----------------------------------------------------------------------------------------------------


@instantly
async def test_a_read_that_hangs_is_given_up_for_a_mass_cancel() -> None:
    wire = Wire(seconds={"orders": [STALLS, 0.1]})
    client = wire.client(SerialKey(RULES))
    reading = ask(client, listing())
    await asyncio.sleep(0.5)
    await ask(client, cancel())
    assert (await reading).value == "read"
    assert [(at, name) for at, name, _, _ in wire.left] == [
        *((0.0, "orders"), (PATIENCE, "all"), (PATIENCE + 0.1, "orders")),
    ]
    assert wire.numbers == sorted(wire.numbers), "what was given up keeps its number"


@instantly
async def test_one_that_has_hung_for_long_is_given_up_at_once() -> None:
    wire = Wire(seconds={"orders": [STALLS, 0.1]})
    client = wire.client(SerialKey(RULES))
    reading = ask(client, listing())
    await asyncio.sleep(4.0)
    await ask(client, cancel())
    await reading
    assert [at for at, name, _, _ in wire.left if name == "all"] == [4.0]


@instantly
async def test_a_mass_cancel_that_comes_as_a_read_is_given_up_goes_all_the_same() -> None:
    """Between the end of a read's time and its own giving up others have their turn."""
    wire = Wire(seconds={"orders": [STALLS, 0.1]})
    client = wire.client(SerialKey(RULES))
    loop = asyncio.get_running_loop()
    cancelling: list[asyncio.Task[Outcome[Any]]] = []
    loop.call_at(loop.time() + ATTEMPT_SECONDS, lambda: cancelling.append(ask(client, cancel())))
    await ask(client, listing())
    (cancelled,) = await asyncio.gather(*cancelling)
    assert cancelled.value == "read"


@instantly
async def test_a_venue_that_is_slow_is_given_its_time_the_second_time() -> None:
    """Else no listing would ever come to its end where cancels are sent again and again."""
    wire = Wire(seconds={"orders": [4.0], "all": [0.1]})
    client = wire.client(SerialKey(RULES))
    reading = ask(client, listing())
    for _ in range(3):
        await asyncio.sleep(0.5)
        await ask(client, cancel())
    assert (await reading).value == "read"
    gaps = [after - before for (before, *_), (after, *_) in zip(wire.left, wire.left[1:], strict=False)]
    assert max(gaps) <= ATTEMPT_SECONDS
    assert wire.names[:4] == ["orders", "all", "orders", "all"]


@pytest.mark.parametrize("request_", [by_name("one"), listing("another")], ids=["by name", "listing"])
def test_for_anything_else_a_read_has_all_its_time(request_: Request) -> None:
    wire = Wire(seconds={"orders": [STALLS, 0.1]})

    async def work() -> None:
        client = wire.client(SerialKey(RULES))
        reading = ask(client, listing())
        await asyncio.sleep(0.5)
        await asyncio.gather(ask(client, request_), reading)

    run(work())
    assert wire.left[1][0] == ATTEMPT_SECONDS


@instantly
async def test_a_cancel_that_hangs_keeps_the_others_for_one_attempt() -> None:
    wire = Wire(seconds={"all": [STALLS, 0.1]})
    client = wire.client(SerialKey(RULES))
    await all_of(client, [cancel(), listing()])
    assert [(at, name) for at, name, _, _ in wire.left] == [
        *((0.0, "all"), (ATTEMPT_SECONDS, "orders"), (ATTEMPT_SECONDS + 0.1, "all")),
    ]
    assert wire.numbers == sorted(set(wire.numbers))


# --- refused numbers ------------------------------------------------------------------------------------------------


@instantly
async def test_a_refused_number_is_repaired_before_anything_else_leaves() -> None:
    """First by a lead over whoever else uses the key, then in another unit, which stays."""
    wire = Wire(answers={"all": [Answer.CLOCK, Answer.CLOCK, Answer.ACCEPTED]})
    client = wire.client(SerialKey(RULES))
    (done, _) = await all_of(client, [cancel(), listing()])
    assert done.answer is Answer.ACCEPTED
    assert [(name, widen) for _, name, _, widen in wire.left] == [("all", 1), ("all", 2), ("all", 3), ("orders", 3)]
    assert wire.numbers == [0, 3100, 3200, 3300]
    assert [at for at, *_ in wire.left] == [0.0, 0.1, 0.2, 0.3], "at once"


@instantly
async def test_the_last_refusal_that_the_venue_bears_ends_the_key_for_everybody() -> None:
    wire = Wire(answers={"all": [Answer.CLOCK]})
    shared = SerialKey(RULES)
    one, other = wire.client(shared), wire.client(shared)
    first, second = await asyncio.gather(ask(one, cancel()), ask(other, listing()))
    assert (first.answer, first.attempt.judgement.message) == (Answer.REFUSED, "words")  # type: ignore[union-attr]
    assert wire.names == ["all"] * RULES.refusals
    assert not second.attempt.sent
    assert one.refusal is shared.ended is other.refusal
    again = await ask(one, cancel("more"))
    assert not again.attempt.sent


@instantly
async def test_good_answers_between_them_forgive_no_refusal() -> None:
    """Another program goes on using the key: one more, and it would be locked out."""
    wire = Wire(answers={"all": [Answer.CLOCK, Answer.ACCEPTED, Answer.CLOCK, Answer.ACCEPTED, Answer.CLOCK]})
    client = wire.client(SerialKey(RULES))
    said = [(await ask(client, cancel())).answer for _ in range(3)]
    assert said == [Answer.ACCEPTED, Answer.ACCEPTED, Answer.REFUSED]
    assert len(wire.left) == 5
    assert client.refusal is not None


@instantly
async def test_an_attempt_without_an_answer_goes_on_with_a_higher_number() -> None:
    wire = Wire()
    client = wire.client(SerialKey(RULES))
    real, lost = client.send, [True, True]

    async def losing(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        reply = await real(signed, until, sent)
        if lost:
            lost.pop()
            raise TransportFault("the connection broke")
        return reply

    client.send = losing
    done = await ask(client, cancel())
    assert done.answer is Answer.ACCEPTED
    assert len(wire.left) == 3
    assert wire.numbers == sorted(set(wire.numbers))


@instantly
async def test_a_repair_of_the_clock_takes_no_number_back() -> None:
    """This clock is an hour ahead, and the venue has taken a number of it: the venue's own time would be too low."""
    wire = Wire()
    client = wire.client(SerialKey(RULES))
    await ask(client, cancel())
    client.signer.correct(wire.signed[0], 0.0, WALL_MS - 3_600_000)
    await ask(client, cancel())
    assert wire.numbers == [0, 1]
