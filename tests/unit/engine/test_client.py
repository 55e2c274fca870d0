"""One profile's line to its venue, with a venue, a network and a clock that do what the test says."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core.attempts import Attempt, Outcome, Watch
from cancelall.core.errors import DryRunViolation, TransportFault, Unreadable
from cancelall.core.model import Answer, Judgement, Priority, Reach, Reply, Request, Signed, SignedRequest
from cancelall.engine.client import Client
from cancelall.engine.rate_limiter import HostGate
from cancelall.engine.signer import Signer
from cancelall.net import background
from cancelall.net.background import in_thread
from cancelall.venues.contract import Limit, Venue
from cancelall.venues.registry import load
from instant import instantly, run
from support import on_a_loop

WALL_MS = 1_700_000_000_000
CANCEL = Request(method="POST", path="/cancel-all", body=b"{}", changes=True, priority=Priority.MASS_CANCEL)
LISTING = Request(method="GET", path="/orders", query="limit=50", priority=Priority.LISTING)
BY_NAME = Request(method="POST", path="/cancel", body=b'{"id":1}', changes=True, priority=Priority.CANCEL)
OTHER = Request(method="GET", path="/history", priority=Priority.OTHER)


class Clock:
    """The loop's time, and a wall clock that goes with it."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() - 1000.0

    def now_ms(self) -> int:
        return WALL_MS + round(self.monotonic() * 1000)


@dataclass
class Says:
    """What comes of one attempt, and after how many seconds."""

    judgement: Judgement | TransportFault | None
    after: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


def said(answer: Answer, **more: Any) -> Judgement:
    return Judgement(answer=answer, message="the venue's words", **more)


OK, AMBIGUOUS, REFUSED = (said(answer) for answer in (Answer.ACCEPTED, Answer.AMBIGUOUS, Answer.REFUSED))
SILENT = Says(None, after=1e6)


@dataclass
class Line:
    """A client whose venue answers from a script, the last line of it for ever."""

    script: list[Says | Judgement | TransportFault]
    reads: Callable[[Request, Reply], Any] = lambda request, reply: "read"
    window: int | None = 10_000
    limits: dict[str, Limit] = field(default_factory=dict)
    lead_ms: int = 0
    times: list[float] = field(default_factory=list)
    """When each attempt left."""
    wires: list[SignedRequest] = field(default_factory=list)
    untils: list[float] = field(default_factory=list)
    stamps: list[tuple[int, int]] = field(default_factory=list)
    """Timestamp and widening of each signature."""
    traced: list[Attempt] = field(default_factory=list)

    def venue(self) -> Venue[Any, Any, Any]:
        return replace(
            load("bybit"),
            sign=self._sign,
            judge=lambda request, reply: self._judgements[int(reply.body)],
            limits=self.limits,
            late_ms=lambda options: self.window,
            clock_lead_ms=self.lead_ms,
        )

    def client(self, **more: Any) -> Client:
        self._judgements: list[Any] = []
        clock = more.get("clock", Clock())
        options: dict[str, Any] = {
            "signer": Signer(
                venue=more.pop("venue", None) or self.venue(),
                origin="https://host",
                secrets=None,
                options=None,
                clock=clock,
                **{name: more.pop(name) for name in ("alternate", "headers") if name in more},
            ),
            "send": self._send,
            "clock": clock,
            "gate": HostGate.alone(None),
            "deadline": 30.0,
            "reserve": 2.0,
            "random": lambda: 1.0,
            "trace": self.traced.append,
        }
        return Client(**{**options, **more})

    def _sign(self, request: Request, secrets: object, options: object, timestamp: int, widen: int) -> Signed:
        self.stamps.append((timestamp - WALL_MS, widen))
        query = f"{request.query}&signed=1" if request.query else None
        return Signed(headers=(("X-T", str(timestamp)),), body=request.body + b"signed", query=query)

    async def _send(self, signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        self.times.append(round(Clock().monotonic(), 6))
        self.untils.append(round(until, 6))
        self.wires.append(signed)
        sent()
        line = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        says = line if isinstance(line, Says) else Says(line)
        await asyncio.sleep(says.after)
        if isinstance(says.judgement, TransportFault):
            raise says.judgement
        self._judgements.append(says.judgement)
        return Reply(status=200, headers=says.headers, body=str(len(self._judgements) - 1).encode())

    def ask(self, request: Request = CANCEL, *, watch: Watch | None = None, **more: Any) -> Outcome[Any]:
        """Ask once on a client of its own."""
        asking = {key: more.pop(key) for key in ("wanted", "superseded", "most", "fresh", "enough") if key in more}

        async def work() -> Outcome[Any]:
            self.client_used = self.client(**more)
            return await self.client_used.ask(request, self.reads, watch=watch, **asking)

        outcome: Outcome[Any] = run(work())
        return outcome

    def asks(self, *requests: Request, at_once: bool = False, **more: Any) -> list[Outcome[Any]]:
        """Ask several times on one client, one after the other or at the same time."""

        async def work() -> list[Outcome[Any]]:
            self.client_used = client = self.client(**more)
            if at_once:
                return await asyncio.gather(*(client.ask(request, self.reads) for request in requests))
            return [await client.ask(request, self.reads) for request in requests]

        outcomes: list[Outcome[Any]] = run(work())
        return outcomes


# --- one attempt ----------------------------------------------------------------------------------------------------


def test_an_accepted_cancel_is_sent_once_and_read() -> None:
    line = Line([Says(OK, after=0.25)])
    outcome = line.ask()
    assert (outcome.answer, outcome.final, outcome.value) == (Answer.ACCEPTED, True, "read")
    assert (outcome.attempt.began, outcome.attempt.ended, outcome.attempt.status) == (0.0, 0.25, 200)
    assert outcome.attempt.answered
    assert line.wires == [
        SignedRequest(
            request=CANCEL,
            origin="https://host",
            target="/cancel-all",
            headers=(("X-T", str(WALL_MS)),),
            body=b"{}signed",
            signed_ms=WALL_MS,
            made_ms=WALL_MS,
            window_ms=10_000,
            body_limit=1 << 20,
        )
    ]
    assert line.wires[0].request.changes
    tally = line.client_used.tally
    assert (tally.requests, tally.first_request, tally.first_ack) == (1, 0.0, 0.25)
    assert (tally.abandoned, tally.late_until_ms, tally.longest_ask) == (False, 0, 0.0)


def test_a_listing_shares_a_connection_and_may_sign_its_query() -> None:
    line = Line([OK])
    line.ask(LISTING, headers=(("X-ALWAYS", "1"),))
    (signed,) = line.wires
    assert signed.origin + signed.target == "https://host/orders?limit=50&signed=1"
    assert (signed.request.changes, signed.body_limit) == (False, 4 << 20)
    assert signed.headers == (("X-ALWAYS", "1"), ("X-T", str(WALL_MS)))
    assert line.client_used.tally.first_ack is None


def test_a_public_read_is_not_signed() -> None:
    line = Line([OK])
    line.ask(replace(LISTING, signed=False), headers=(("X-ALWAYS", "1"),))
    assert line.stamps == []
    assert line.wires[0].headers == (("X-ALWAYS", "1"),)
    assert line.wires[0].target == "/orders?limit=50"


def test_those_who_watch_are_told_of_every_attempt() -> None:
    seen: list[object] = []
    fault = TransportFault("no answer in time", kind="timeout")
    line = Line([Says(fault, after=0.5), OK])
    watch = Watch(
        begins=lambda at: seen.append(("begins", at)),
        sent=lambda: seen.append("sent"),
        ended=lambda attempt: seen.append((attempt.began, attempt.ended, attempt.fault, attempt.answered)),
    )
    line.ask(watch=watch, before_send=lambda sending: seen.append(sending.request.path))
    assert seen == [
        *(("begins", 0.0), "/cancel-all", "sent", (0.0, 0.5, fault, False)),
        *(("begins", 0.5), "/cancel-all", "sent", (0.5, 0.5, None, True)),
    ]
    assert [attempt.fault for attempt in line.traced] == [fault, None]


# --- trying again ---------------------------------------------------------------------------------------------------


def test_every_attempt_is_signed_afresh() -> None:
    line = Line([Says(AMBIGUOUS, after=0.25), Says(AMBIGUOUS, after=0.25), OK], lead_ms=200)
    line.ask()
    assert line.stamps == [(-200, 1), (50, 1), (800, 1)]
    assert [signed.headers for signed in line.wires] == [(("X-T", str(WALL_MS + late)),) for late in (-200, 50, 800)]


@pytest.mark.parametrize(
    ("share", "times"),
    [(1.0, [0.0, 0.0, 0.5, 1.5, 3.5, 5.5]), (0.5, [0.0, 0.0, 0.25, 0.75, 1.75, 2.75]), (0.0, [0.0] * 6)],
)
@pytest.mark.parametrize(
    "outcome", [AMBIGUOUS, TransportFault("the connection broke"), TransportFault("refused", sent="no")]
)
def test_the_first_retry_goes_at_once_and_then_full_jitter(
    share: float, times: list[float], outcome: Judgement | TransportFault
) -> None:
    line = Line([outcome] * 5 + [OK])
    assert line.ask(random=lambda: share).answer is Answer.ACCEPTED
    assert line.times == times


@pytest.mark.parametrize(
    ("answers", "times"),
    [
        ([said(Answer.AGAIN, after=1.5)], [0.0, 1.5]),
        ([said(Answer.AMBIGUOUS, after=1.5)], [0.0, 1.5]),
        ([said(Answer.AGAIN, after=60.0)] * 3, [0.0, 1.5, 4.5, 10.5]),
        ([said(Answer.AGAIN, after=60.0), AMBIGUOUS, OK], [0.0, 1.5, 2.0]),
        ([said(Answer.AGAIN, after=0.1)] * 3, [0.0, 0.1, 0.2, 0.3]),
        ([said(Answer.AGAIN)] * 4, [0.0, 0.5, 1.5, 3.5, 5.5]),
        ([said(Answer.AGAIN, after=0.0)] * 4, [0.0, 0.0, 0.5, 1.5, 3.5]),
        ([AMBIGUOUS, said(Answer.AGAIN, after=1.0), AMBIGUOUS], [0.0, 0.0, 1.0, 2.0]),
    ],
)
def test_a_hint_is_obeyed(answers: list[Judgement], times: list[float]) -> None:
    line = Line([*answers, OK])
    assert line.ask().answer is Answer.ACCEPTED
    assert line.times == times


@pytest.mark.parametrize("answer", [Answer.AGAIN, Answer.AMBIGUOUS])
def test_a_hint_longer_than_the_time_leaves_one_more_try_and_the_proof(answer: Answer) -> None:
    line = Line([said(answer, after=600.0), OK])
    assert line.ask(deadline=4.0, reserve=2.0).answer is Answer.ACCEPTED
    first, second = line.times
    assert first == 0.0 < 1.0 < second < 2.0, "one more try, and the proof behind it"
    assert line.client_used.tally.longest_ask == 600.0


def test_too_late_for_a_proof_the_waits_do_not_shrink_with_the_time() -> None:
    line = Line([Says(said(Answer.AGAIN, after=600.0), after=0.25)])
    line.ask(deadline=4.0, reserve=2.0)
    waits = [round(after - before, 3) for before, after in zip(line.times, line.times[1:], strict=False)]
    assert len(waits) >= 2
    assert min(waits) >= 1.0


@instantly
async def test_a_wait_holds_every_request_of_its_bucket_and_no_cancel_for_a_read() -> None:
    line = Line([said(Answer.AGAIN, after=60.0), OK], limits={"a": Limit(count=100)})
    read = _in("a", LISTING, "/told")
    client = line.client()
    first = asyncio.create_task(client.ask(read, line.reads))
    await asyncio.sleep(0.1)
    others = [_in("a", LISTING, "/held"), _in("a", CANCEL, "/cancel"), _in("b", LISTING, "/free")]
    await asyncio.gather(first, *(client.ask(one, line.reads) for one in others))
    gone = [signed.target for signed in line.wires]
    assert sorted(zip(line.times, gone, strict=True)) == [
        *((0.0, "/told"), (0.1, "/cancel"), (0.1, "/free")),
        *((1.5, "/held"), (1.5, "/told")),
    ]


def test_who_waits_is_told_and_a_wait_that_nobody_needs_ends() -> None:
    told: list[float] = []
    line = Line([said(Answer.AGAIN, after=60.0), OK])
    watch = Watch(waits=lambda: told.append(Clock().monotonic()))
    line.ask(watch=watch, wanted=lambda: len(told) < 4)
    assert told == [0.25, 0.5, 0.75, 1.0]
    assert line.times == [0.0]


@pytest.mark.parametrize("answer", [Answer.ACCEPTED, Answer.NOTHING_OPEN, Answer.REFUSED, Answer.ABSENT])
@pytest.mark.parametrize("reach", [Reach.REQUEST, Reach.PRODUCT])
def test_a_final_answer_is_never_asked_for_again(answer: Answer, reach: Reach) -> None:
    line = Line([said(answer, reach=reach), OK])
    outcome = line.ask()
    assert (outcome.answer, outcome.final) == (answer, True)
    assert len(line.wires) == 1


def test_an_answer_that_cannot_be_read_is_ambiguous() -> None:
    replies = iter([Unreadable("list is not a list"), None])

    def reads(request: Request, reply: Reply) -> str:
        if fault := next(replies):
            raise fault
        return "read"

    line = Line([OK], reads=reads)
    outcome = line.ask()
    assert (outcome.value, len(line.wires)) == ("read", 2)
    first = line.traced[0].judgement
    assert first == Judgement(answer=Answer.AMBIGUOUS, kind="unreadable", message="list is not a list")
    assert line.client_used.tally.first_ack == 0.0


def raising(fault: Exception) -> Callable[[Request, Reply], str]:
    def reads(request: Request, reply: Reply) -> str:
        raise fault

    return reads


def test_an_unreadable_answer_is_no_acknowledgement() -> None:
    line = Line([OK], reads=raising(Unreadable("no")))
    assert (line.ask(most=2).value, line.client_used.tally.first_ack) == (None, None)


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_tries_than_asked_for(most: int) -> None:
    line = Line([AMBIGUOUS])
    assert line.ask(LISTING, most=most).answer is Answer.AMBIGUOUS
    assert len(line.wires) == most


def test_nobody_wants_it_any_more() -> None:
    line = Line([AMBIGUOUS])
    line.ask(wanted=lambda: len(line.times) < 3)
    assert line.times == [0.0, 0.0, 0.5]


def test_what_is_superseded_is_not_sent() -> None:
    line = Line([OK])
    outcome = line.ask(superseded=lambda: True)
    assert (outcome.attempt.sent, outcome.attempt.answered, outcome.answer) == (False, False, Answer.AMBIGUOUS)
    assert (line.wires, line.client_used.tally.requests) == ([], 0)


def test_tries_end_with_the_deadline() -> None:
    line = Line([AMBIGUOUS])
    assert line.ask(deadline=10.0).answer is Answer.AMBIGUOUS
    assert line.times == [0.0, 0.0, 0.5, 1.5, 3.5, 5.5, 7.5, 9.5]
    assert line.untils == [7.0, 7.0, 7.5, 8.5, 10.0, 10.0, 10.0, 10.0]


def test_one_try_is_made_even_when_it_is_late() -> None:
    line = Line([OK])
    assert line.ask(LISTING, deadline=-1.0).answer is Answer.ACCEPTED


def test_silence_is_abandoned() -> None:
    line = Line([SILENT, OK])
    assert line.ask().answer is Answer.ACCEPTED
    assert line.times == [0.0, 7.0]
    fault = line.traced[0].fault
    assert fault is not None
    assert (fault.message, fault.kind, fault.sent) == ("no answer from host in time", "timeout", "maybe")
    late = Line([SILENT])
    assert late.ask(deadline=9.0).attempt.ended == 9.0
    assert late.times == [0.0, 7.0]


# --- refusals -------------------------------------------------------------------------------------------------------


def _two(script: list[Any], *, same_gate: bool = False, own: bool = True) -> tuple[Outcome[Any], Outcome[Any], int]:
    """The outcomes of two requests, and how many left: of the same client, or of two."""
    line, other = Line(script), Line([OK])

    async def work() -> tuple[Outcome[Any], Outcome[Any]]:
        gate = HostGate.alone(None)
        client = line.client(gate=gate)
        second = client if own else other.client(gate=gate if same_gate else HostGate.alone(None))
        return await client.ask(CANCEL, line.reads), await second.ask(LISTING, line.reads)

    first, second = run(work())
    return first, second, len(line.wires) + len(other.wires)


@pytest.mark.parametrize("reach", [Reach.REQUEST, Reach.PRODUCT])
def test_a_refused_call_or_product_ends_nothing_else(reach: Reach) -> None:
    refusal = said(Answer.REFUSED, kind="permission", reach=reach)
    first, second, requests = _two([refusal, OK])
    assert (first.attempt.judgement, second.answer, requests) == (refusal, Answer.ACCEPTED, 2)


@pytest.mark.parametrize("reach", [Reach.KEY, Reach.ADDRESS])
def test_a_refusal_of_the_key_that_stands_alone_is_asked_again(reach: Reach) -> None:
    line = Line([said(Answer.REFUSED, kind="auth", reach=reach), OK])
    assert line.ask().answer is Answer.ACCEPTED
    assert line.times == [0.0, 2.0]
    assert line.client_used.refusal is None


@pytest.mark.parametrize("reach", [Reach.KEY, Reach.ADDRESS])
def test_a_refusal_of_the_key_that_is_said_twice_ends_the_profile_and_no_other(reach: Reach) -> None:
    refusal = said(Answer.REFUSED, kind="auth", reach=reach)
    first, second, requests = _two([refusal, refusal, OK])
    assert (first.attempt.judgement, second.attempt.judgement, second.attempt.sent) == (refusal, refusal, False)
    assert requests == 2
    _, other, _ = _two([refusal, refusal, OK], own=False, same_gate=True)
    assert other.answer is Answer.ACCEPTED


def test_a_key_that_was_good_once_is_never_refused_for_good() -> None:
    refusal = said(Answer.REFUSED, kind="auth", reach=Reach.KEY)
    line = Line([OK, *[refusal] * 5, OK])
    assert [outcome.answer for outcome in line.asks(LISTING, CANCEL)] == [Answer.ACCEPTED, Answer.ACCEPTED]
    assert line.times == [0.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


@instantly
async def test_an_accepted_answer_takes_a_refusal_of_the_key_back() -> None:
    refusal = said(Answer.REFUSED, kind="auth", reach=Reach.KEY)
    line = Line([Says(OK, after=0.5), refusal, refusal, OK])
    client = line.client()
    slow = asyncio.create_task(client.ask(LISTING, line.reads))
    await asyncio.sleep(0.1)
    await asyncio.gather(*(client.ask(CANCEL, line.reads) for _ in range(2)))
    assert client.refusal == refusal
    await slow
    assert client.refusal is None
    assert (await client.ask(CANCEL, line.reads)).answer is Answer.ACCEPTED


def test_an_address_that_the_key_does_not_know_is_tried_over_the_other_family() -> None:
    """Once, for all requests; what the second family says counts."""
    v4, v6 = int(socket.AF_INET), int(socket.AF_INET6)
    refusal = said(Answer.REFUSED, kind="ip", reach=Reach.ADDRESS)

    def outcome(over_v4: Judgement) -> tuple[list[int | None], Answer, Judgement | None]:
        families: list[int | None] = []
        line = Line([OK])

        async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
            families.append(signed.family)
            await asyncio.sleep(0.1)
            line._judgements.append(over_v4 if signed.family == v4 else refusal)
            body = str(len(line._judgements) - 1).encode()
            return Reply(status=200, headers={}, body=body, family=signed.family or v6)

        async def work() -> tuple[Outcome[Any], Client]:
            client = line.client(send=send)
            first, _ = await asyncio.gather(*(client.ask(one, line.reads) for one in (CANCEL, LISTING)))
            return first, client

        outcome, client = run(work())
        return families, outcome.answer, client.refusal

    assert outcome(OK) == ([None, None, v4, v4], Answer.ACCEPTED, None)
    families, answer, ends = outcome(refusal)
    assert (families[:3], answer, ends) == ([None, None, v4], Answer.REFUSED, refusal)


def test_an_address_family_that_leads_nowhere_lets_the_refusal_count() -> None:
    v6 = int(socket.AF_INET6)
    refusal = said(Answer.REFUSED, kind="ip", reach=Reach.ADDRESS)
    line = Line([OK])

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        if signed.family is not None:
            raise TransportFault("the host has no such address", sent="no")
        line._judgements.append(refusal)
        return Reply(status=200, headers={}, body=b"0", family=v6)

    async def work() -> Judgement | None:
        client = line.client(send=send)
        await client.ask(CANCEL, line.reads)
        return client.refusal

    assert run(work()) == refusal


@instantly
async def test_a_blocked_address_stops_reads_and_leaves_each_cancel_its_answer() -> None:
    block = said(Answer.REFUSED, kind="ip", reach=Reach.HOST)
    told, others, well = Line([block]), Line([block]), Line([OK])
    gate = HostGate.alone(None)
    first, second = told.client(gate=gate), others.client(gate=gate)
    assert (await first.ask(CANCEL, told.reads)).attempt.judgement == block
    assert not (await second.ask(LISTING, others.reads)).attempt.sent
    assert (await second.ask(replace(CANCEL, path="/other"), others.reads)).attempt.judgement == block
    assert not (await first.ask(CANCEL, told.reads)).attempt.sent, "it has had its answer"
    assert (await well.client(gate=gate).ask(replace(CANCEL, path="/good"), well.reads)).value == "read"
    assert gate.refusals.blocked is None, "the venue has taken it back"
    assert (await well.client(gate=gate).ask(LISTING, well.reads)).value == "read"
    assert (told.times, len(others.times)) == ([0.0, 2.0], 2)


def test_a_wrong_certificate_refuses_everything_when_it_is_met_twice() -> None:
    fault = TransportFault("the certificate was refused", kind="tls", sent="no", final=True)
    line = Line([fault])
    first, second = line.asks(CANCEL, LISTING)
    assert (first.answer, first.final, first.attempt.answered) == (Answer.REFUSED, True, False)
    assert second.attempt.judgement == Judgement(
        answer=Answer.REFUSED, kind="tls", message="the certificate was refused", reach=Reach.KEY
    )
    assert len(line.wires) == 2


def test_what_a_gateway_says_is_asked_again_to_the_deadline() -> None:
    line = Line([said(Answer.GATEWAY, kind="region", after=2.0)])
    outcome = line.ask(deadline=9.0)
    assert outcome.answer is Answer.GATEWAY
    assert line.times == [0.0, 2.0, 4.0, 6.0, 8.0]
    client = line.client_used
    assert (client.refusal, client.tally.venue_spoke) == (None, False)
    assert client.turned_away is not None


def test_a_bug_in_a_reader_makes_the_answer_unreadable() -> None:
    line = Line([OK], reads=raising(KeyError("secret")))
    assert line.ask(most=2).answer is Answer.AMBIGUOUS
    assert isinstance(line.client_used.bug, KeyError)
    judgement = line.traced[0].judgement
    assert judgement is not None
    assert "KeyError at client.py:" in judgement.message
    assert "(test_client.py:" in judgement.message
    assert "secret" not in judgement.message


@pytest.mark.parametrize("fault", [OSError(errno.EMFILE, "Too many open files"), ImportError("x"), MemoryError()])
def test_what_cannot_be_read_for_want_of_files_or_memory_is_no_bug_and_asked_again(fault: Exception) -> None:
    """A module that reads an answer is loaded with the first answer that needs it."""
    line = Line([OK], reads=raising(fault))
    assert line.ask(most=2).answer is Answer.AMBIGUOUS
    assert (line.client_used.bug, len(line.times)) == (None, 2)
    judgement = line.traced[0].judgement
    assert judgement is not None
    assert (judgement.kind, type(fault).__name__ in judgement.message) == ("unreadable", True)


def test_a_refusal_stops_requests_that_wait_for_their_turn() -> None:
    line = Line([Says(said(Answer.REFUSED, reach=Reach.KEY), after=0.1)], limits={"": Limit(count=1)})
    outcomes = line.asks(*(replace(LISTING, path=f"/orders/{number}") for number in range(5)), at_once=True)
    assert [one.attempt.sent for one in outcomes] == [True, True, False, False, False]
    assert len(line.wires) == 2


def test_a_refusal_stops_requests_that_wait_for_a_socket() -> None:
    line = Line([Says(said(Answer.REFUSED, reach=Reach.KEY), after=0.1)])
    outcomes = line.asks(*[LISTING] * 5, at_once=True, gate=HostGate.alone(None, at_once=2))
    assert [one.attempt.sent for one in outcomes] == [True, True, False, False, False]


def test_a_dry_run_sends_nothing_that_changes_anything() -> None:
    line = Line([OK])
    with pytest.raises(DryRunViolation, match="POST /cancel-all would change something in a dry run"):
        line.ask(CANCEL, reads_only=True)
    assert line.wires == []
    assert line.ask(LISTING, reads_only=True).value == "read"


# --- the clock ------------------------------------------------------------------------------------------------------


def _off(server_ms: int | None) -> Judgement:
    return said(Answer.CLOCK, kind="clock", server_ms=server_ms)


def test_the_venues_clock_repairs_the_timestamp() -> None:
    line = Line([Says(_off(WALL_MS + 5_100), after=0.2), OK], lead_ms=200)
    assert line.ask().answer is Answer.ACCEPTED
    assert line.stamps == [(-200, 1), (200 + 5_000 - 200, 1)]
    assert line.times == [0.0, 0.2]
    assert line.client_used.signer.venue_ms(WALL_MS) == WALL_MS + 5_000


@pytest.mark.parametrize(("headers", "late"), [({"date": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60_000), ({}, 0)])
def test_the_date_header_repairs_it_too_and_without_it_nothing_changes(headers: dict[str, str], late: int) -> None:
    line = Line([Says(_off(None), headers=headers), OK])
    line.ask()
    assert line.stamps == [(0, 1), (late, 1)]


def test_an_offset_that_does_not_help_is_followed_by_a_wider_window() -> None:
    line = Line([Says(_off(WALL_MS + 5_000))] * 8 + [OK])
    line.ask(random=lambda: 0.0)
    assert line.stamps == [(0, 1), (5_000, 1), *((5_000, widen) for widen in (2, 3, 4, 5, 6, 6, 6))]


def test_an_offset_holds_for_the_requests_after_it() -> None:
    line = Line([Says(_off(WALL_MS - 3_000)), OK])
    line.asks(CANCEL, LISTING)
    assert line.stamps == [(0, 1), (-3_000, 1), (-3_000, 1)]


@settings(deadline=None)
@given(date=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,22} Jan \d{1,22} \d\d:\d\d:\d\d [-+]?\d{1,22}"))
def test_a_rubbish_date_header_changes_nothing_or_something_but_breaks_nothing(date: str) -> None:
    line = Line([Says(_off(None), headers={"date": date}), OK])
    assert line.ask().answer is Answer.ACCEPTED


# --- late cancels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "outcome", "window", "abandoned", "late"),
    [
        (CANCEL, TransportFault("no answer in time"), 10_000, True, 10_000),
        (CANCEL, TransportFault("the answer broke off", sent="yes"), 10_000, True, 10_000),
        (CANCEL, TransportFault("no answer in time"), None, True, None),
        (CANCEL, TransportFault("refused", sent="no"), 10_000, False, None),
        (LISTING, TransportFault("no answer in time"), 10_000, False, None),
        (CANCEL, AMBIGUOUS, 10_000, False, None),
        (CANCEL, SILENT, 10_000, True, 10_000),
    ],
)
def test_until_when_an_abandoned_cancel_can_still_land(
    request_: Request, outcome: Any, window: int | None, abandoned: bool, late: int | None
) -> None:
    line = Line([outcome, OK], window=window)
    line.ask(request_)
    tally = line.client_used.tally
    assert tally.abandoned is abandoned
    assert tally.late_until_ms == (WALL_MS + late if late is not None else 0)


def test_a_wider_window_makes_it_longer() -> None:
    line = Line([_off(WALL_MS), _off(WALL_MS), TransportFault("broke"), OK])
    line.ask(random=lambda: 0.0)
    assert line.client_used.tally.late_until_ms == WALL_MS + 20_000


@pytest.mark.parametrize(("request_", "abandoned"), [(CANCEL, True), (LISTING, False)])
@instantly
async def test_what_is_under_way_when_the_run_ends_is_abandoned(request_: Request, abandoned: bool) -> None:
    line = Line([SILENT])
    client = line.client()
    task = asyncio.create_task(client.ask(request_, line.reads))
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    tally = client.tally
    assert (tally.abandoned, tally.late_until_ms) == (abandoned, WALL_MS + 10_000 if abandoned else 0)


# --- a host's second name -------------------------------------------------------------------------------------------

SECOND = "https://second"
REGION = said(Answer.REFUSED, kind="region", reach=Reach.KEY)
GONE = TransportFault("the connection was refused", sent="no")
FINAL = TransportFault("the certificate was refused", kind="tls", sent="no", final=True)


@pytest.mark.parametrize(
    ("script", "times", "ended", "abandoned"),
    [
        pytest.param([Says(OK, after=0.5)], [0.0], 0.5, False, id="in time"),
        pytest.param([SILENT, Says(OK, after=0.2)], [0.0, 0.9], 1.1, True, id="silent"),
        pytest.param([Says(OK, after=1.5), SILENT], [0.0, 0.9], 1.5, True, id="slow, and the copy slower"),
        pytest.param([GONE, OK], [0.0, 0.0], 0.0, False, id="gone"),
        pytest.param([Says(GONE, after=0.3), Says(OK, after=0.2)], [0.0, 0.3], 0.5, False, id="gone later"),
        pytest.param([TransportFault("the connection broke"), OK], [0.0, 0.0], 0.0, True, id="broken off"),
        pytest.param([Says(OK, after=1.5), GONE], [0.0, 0.9], 1.5, False, id="slow, and the copy gone"),
        pytest.param([Says(OK, after=1.5), REGION], [0.0, 0.9], 1.5, False, id="slow, and the copy refused"),
        pytest.param([Says(OK, after=1.5), said(Answer.ABSENT)], [0.0, 0.9], 1.5, False, id="slow, the copy absent"),
    ],
)
def test_one_copy_goes_to_the_second_name(script: list[Any], times: list[float], ended: float, abandoned: bool) -> None:
    line = Line(script)
    outcome = line.ask(alternate=SECOND)
    assert outcome.answer is Answer.ACCEPTED
    assert round(outcome.attempt.ended, 6) == ended
    assert line.times == times
    origins = ["https://host", SECOND][: len(times)]
    assert [signed.origin + signed.target for signed in line.wires] == [f"{origin}/cancel-all" for origin in origins]
    tally = line.client_used.tally
    assert (tally.requests, tally.abandoned) == (len(times), abandoned)
    assert line.client_used.refusal is None


def test_the_copy_is_signed_for_itself() -> None:
    line = Line([SILENT, OK])
    line.ask(alternate=SECOND)
    assert line.stamps == [(0, 1), (900, 1)]
    assert line.wires[1].headers == (("X-T", str(WALL_MS + 900)),)
    assert line.client_used.tally.late_until_ms == WALL_MS + 900 + 10_000


def test_what_the_second_name_says_about_the_key_is_true() -> None:
    line = Line([SILENT, said(Answer.REFUSED, kind="auth", reach=Reach.KEY)])
    assert line.ask(alternate=SECOND).answer is Answer.REFUSED
    assert line.client_used.refusal is not None


def test_a_wrong_certificate_is_not_tried_on_the_second_name() -> None:
    line = Line([FINAL])
    assert line.ask(alternate=SECOND).attempt.fault == FINAL
    assert {signed.origin + signed.target for signed in line.wires} == {"https://host/cancel-all"}


def test_both_names_gone() -> None:
    line = Line([GONE, TransportFault("the other one", sent="no"), OK])
    outcome = line.ask(alternate=SECOND, most=1)
    assert outcome.attempt.fault == GONE
    assert (len(line.wires), line.client_used.tally.abandoned) == (2, False)


def test_both_names_silent() -> None:
    line = Line([SILENT])
    outcome = line.ask(alternate=SECOND, most=1)
    assert outcome.attempt.ended == 7.0
    assert outcome.attempt.fault is not None
    assert outcome.attempt.fault.message == "no answer from host in time"
    assert line.times == [0.0, 0.9]


# --- pacing ---------------------------------------------------------------------------------------------------------


def _in(bucket: str, request: Request, path: str) -> Request:
    return replace(request, bucket=bucket, path=path, query="")


def test_each_bucket_has_its_own_limit_and_the_urgent_go_first() -> None:
    line = Line([OK], limits={"a": Limit(count=1), "b": Limit(count=2)})
    requests = [_in("a", LISTING, "/a1"), _in("a", LISTING, "/a2"), _in("a", CANCEL, "/a3")]
    requests += [_in("b", LISTING, f"/b{number}") for number in (1, 2, 3)] + [_in("c", LISTING, "/c")] * 2
    line.asks(*requests, at_once=True)
    assert [f"{at:g} {signed.target}" for at, signed in zip(line.times, line.wires, strict=True)] == [
        *("0 /a1", "0 /b1", "0 /b2", "0 /c", "0 /c"),
        *("1.02 /a3", "1.02 /b3"),
        "2.04 /a2",
    ]


@instantly
async def test_the_profiles_of_an_address_share_its_limit() -> None:
    first, second = Line([OK]), Line([OK])
    gate = HostGate.alone(Limit(count=1))
    clients = [first.client(gate=gate), second.client(gate=gate)]
    await clients[0].ask(LISTING, first.reads)
    asking = [clients[0].ask(LISTING, first.reads), clients[1].ask(CANCEL, second.reads)]
    await asyncio.gather(*asking)
    assert (first.times, second.times) == ([0.0, 2.04], [1.02])


@instantly
async def test_no_more_sockets_than_the_gate_has() -> None:
    now = [0]
    most: list[int] = []
    line = Line([Says(OK, after=0.5)])

    def begins(at: float) -> None:
        now[0] += 1
        most.append(now[0])

    def ended(attempt: Attempt) -> None:
        now[0] -= 1

    client = line.client(gate=HostGate.alone(None, at_once=3))
    watch = Watch(begins=begins, ended=ended)
    await asyncio.gather(*(client.ask(LISTING, line.reads, watch=watch) for _ in range(10)))
    assert (max(most), len(line.wires)) == (3, 10)
    assert line.times == [0.0] * 3 + [0.5] * 3 + [1.0] * 3 + [1.5]


def test_while_the_venue_has_little_left_the_proof_goes_first() -> None:
    line = Line([said(Answer.ACCEPTED, hold=5.0), OK])

    async def work() -> list[Outcome[Any]]:
        client = line.client()
        await client.ask(LISTING, line.reads)
        asking = [client.ask(request, line.reads) for request in (BY_NAME, OTHER, CANCEL, LISTING)]
        outcomes = await asyncio.gather(*asking)
        assert client.tally.longest_ask == 5.0
        return [*outcomes, await client.ask(OTHER, line.reads)]

    by_name, other, cancel, listing, later = run(work())
    assert [one.attempt.sent for one in (by_name, other, cancel, listing, later)] == [True, False, True, True, True]
    assert (by_name.attempt.began, cancel.attempt.began, listing.attempt.began) == (5.0, 0.0, 0.0)


# --- work in the background -------------------------------------------------------------------------------------------


@on_a_loop
async def test_blocking_work_gives_its_result_or_its_exception() -> None:
    assert await in_thread(lambda: threading.current_thread().name, "attempt") == "attempt"
    with pytest.raises(TransportFault, match="broke"):
        await in_thread(_fail)


def _fail() -> None:
    raise TransportFault("broke")


def test_stuck_work_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.01)
    stuck, began = threading.Event(), threading.Event()

    def hang() -> str:
        began.set()
        stuck.wait(20)
        return "late"

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(hang), 0.05)

    asyncio.run(work())
    assert began.is_set()
    threads = [thread for thread in threading.enumerate() if thread.name == "worker"]
    assert [thread.daemon for thread in threads] == [True]
    stuck.set()
    threads[0].join(5)
    assert not threads[0].is_alive(), "its late result has nowhere to go and breaks nothing"


@pytest.mark.parametrize("request_", [CANCEL, BY_NAME])
@instantly
async def test_after_a_signal_no_cancel_goes_though_the_sweep_is_begun_anew(request_: Request) -> None:
    line = Line([OK])
    client = line.client()
    client.over = client.halted = True
    client.over = False  # as a hold does
    assert not (await client.ask(request_, line.reads)).attempt.sent
    assert (await client.ask(LISTING, line.reads)).attempt.sent
    assert [signed.request.method for signed in line.wires] == ["GET"]


def test_what_is_on_its_way_out_is_called_back_by_a_signal() -> None:
    line = Line([OK])
    line.asks(CANCEL, LISTING)
    assert [signed.recalled() for signed in line.wires] == [False, False]
    line.client_used.halted = True
    assert [signed.recalled() for signed in line.wires] == [True, False], "reads may still tell what is left"
