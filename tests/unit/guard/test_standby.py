"""Standing by: what is ready before anything fires, and that what fires has nothing left to prepare."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.errors import ConfigError
from cancelall.core.model import SignedRequest, Verdict
from cancelall.core.preflight import load_preflight, public_question
from cancelall.core.profile import BrokenProfile
from cancelall.core.results import ProfileReport
from cancelall.engine import client as line
from cancelall.engine.run import Listener
from cancelall.engine.signer import SystemClock
from cancelall.guard import keeper, rehearsal, standby
from cancelall.guard.standby import Standby
from cancelall.net import background, dial, warm
from cancelall.simulator import SimServer
from cancelall.venues.registry import VENUES, first_cancels, schema
from loopback import Listening
from ports import refusing
from support import on_a_loop, profile_table, profiles_of

FAR_AHEAD_MS = 3_600_000


class WrongClock(SystemClock):
    """A wall clock that is an hour ahead."""

    def now_ms(self) -> int:
        return super().now_ms() + FAR_AHEAD_MS


class Relay(Listening):
    """Stands before a server, and carries what is said until it is told to swallow it: then its connections are open,
    and nothing comes through any more. New ones are carried.
    """

    def __init__(self, server: SimServer) -> None:
        self.target = int(server.origin.rpartition(":")[2])
        self.dead_below = 0
        self.swallowed: set[int] = set()
        """The connections on which something was said in vain."""
        super().__init__()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def swallow(self) -> None:
        """All connections that there are by now."""
        self.dead_below = self.accepted

    def serve(self, connection: socket.socket, number: int) -> None:
        with socket.create_connection(("127.0.0.1", self.target)) as onward:
            back = threading.Thread(target=self._carry, args=(onward, connection, number), daemon=True)
            back.start()
            self._carry(connection, onward, number)
            with contextlib.suppress(OSError):
                onward.shutdown(socket.SHUT_RDWR)
            back.join()

    def _carry(self, source: socket.socket, sink: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if number > self.dead_below:
                    sink.sendall(piece)
                else:
                    self.swallowed.add(number)


@pytest.fixture(autouse=True)
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to rest before it is used, and memory is left alone."""
    monkeypatch.setattr(warm, "RESTED_SECONDS", 0.0)
    monkeypatch.setattr(standby, "lock_memory", lambda: False)


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=5) as made:
        yield made


@contextlib.asynccontextmanager
async def standing(tables: dict[str, dict[str, object]], **more: Any) -> AsyncIterator[Standby]:
    made = Standby(profiles_of(tables), {}, scale=0.05, **more)
    await made.prepare()
    try:
        yield made
    finally:
        made.close()


def only(reports: list[ProfileReport]) -> ProfileReport:
    (report,) = reports
    return report


@pytest.mark.parametrize("venue", VENUES)
def test_each_host_of_each_venue_can_be_asked_something_without_a_key(venue: str) -> None:
    known = schema(venue)
    options = known.options()
    hosts = {"", *(name for names in known.further.values() for name in names)} - {"sapi"}  # on the first one
    for host in hosts:
        question = public_question(load_preflight(venue), options, host, 1)
        assert question is not None
        assert (question.request.signed, question.request.changes, question.request.host) == (False, False, host)
    assert public_question(load_preflight(venue), options, "elsewhere", 1) is None


@on_a_loop
async def test_what_is_ready_is_told(server: SimServer) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        (figures,) = made.figures()
        (host,) = figures.hosts
        assert (made.prepared, made.troubles(), figures.able, figures.trouble) == (True, (), True, "")
        profile = profiles_of({"bybit": profile_table("bybit", server)})[0]
        assert host.connections == min(first_cancels(profile, profile.origin), 16)
        assert (host.host, host.trouble) == ("127.0.0.1", "")
        assert host.latency_ms is not None
        assert host.offset_ms is not None
        assert abs(host.offset_ms) < 1000
        assert figures.checked_at_ms is not None
        assert figures.verdict_seconds is not None
        assert 0.05 <= figures.verdict_seconds < 5


@on_a_loop
async def test_a_run_resolves_connects_and_waits_for_nothing(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every first cancel leaves on a connection that was there, before any thread has begun a thing."""
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        connections, warm_ones = server.connections, made.figures()[0].hosts[0].connections
        monkeypatch.setattr(standby, "resolve", None)
        threads: list[int] = []
        real = background.Crew.do

        def do(crew: background.Crew, job: background.Job) -> bool:
            threads.append(left)
            return real(crew, job)

        left = 0
        written: list[SignedRequest] = []
        ready = made._keeper.warm.leave

        def leave(signed: SignedRequest, *where: Any) -> bool:
            nonlocal left
            written.append(signed)
            left += (gone := ready(signed, *where))
            return gone

        monkeypatch.setattr(made._keeper.warm, "leave", leave)
        monkeypatch.setattr(background.Crew, "do", do)
        report = only(await made.run().all())
        assert report.verdict is Verdict.CLEAR
        cancels = [one for one in written if one.request.changes]
        assert all(one.wire.kept for one in cancels[:warm_ones])
        assert threads[0] == left >= warm_ones
        assert server.connections > connections  # only what came after
        assert not server.open_orders()


@on_a_loop
async def test_before_it_is_ready_it_fires_all_the_same(server: SimServer) -> None:
    made = Standby(profiles_of({"bybit": profile_table("bybit", server)}), {}, scale=0.05)
    assert made.troubles() == ("bybit: it was not looked at yet",)
    assert only(await made.run().all()).verdict is Verdict.CLEAR
    made.close()


@on_a_loop
async def test_a_look_that_is_under_way_gives_way_to_a_run(server: SimServer) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        (profile,) = made.usable
        made._look_at(profile)
        made.run()
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while made._checking:
                await asyncio.sleep(0.01)
        assert standby._REST < made._due["bybit"] - time.monotonic() < 3 * standby._REST
        assert made.troubles() == ()


@on_a_loop
async def test_while_a_run_is_under_way_nobody_else_uses_its_key(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        looks: list[str] = []
        monkeypatch.setattr(standby.Standby, "_look_at", lambda standby, profile: looks.append(profile.name))
        monkeypatch.setattr(standby, "_ABLE_SECONDS", 0.5)
        made._due.clear()
        made.run()
        keeping = asyncio.create_task(made.keep())
        await asyncio.sleep(1.3)
        assert looks == []
        assert made.troubles() == (), "it reads for itself"
        made.over()
        assert made.troubles() == ()
        async with asyncio.timeout(20):
            while not looks:
                await asyncio.sleep(0.05)
        keeping.cancel()


@on_a_loop
async def test_it_can_fire_again(server: SimServer) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        for _ in range(2):
            assert only(await made.run().all()).verdict is Verdict.CLEAR


@pytest.mark.parametrize("venue", ["kraken", "hyperliquid", pytest.param("deltadefi", marks=pytest.mark.faults)])
@on_a_loop
async def test_other_kinds_of_venue_are_killed_as_ever(venue: str) -> None:
    """One request at a time; listings before cancels; cancels of which each names a symbol."""
    with simulator.start(venue, orders=5) as server:
        async with standing({venue: profile_table(venue, server)}) as made:
            assert made.troubles() == ()
            assert only(await made.run().all()).verdict is Verdict.CLEAR
        assert not server.open_orders()


@on_a_loop
async def test_the_first_signature_is_right_though_this_clock_is_wrong(server: SimServer) -> None:
    refused: list[object] = []

    def note(profile: str, attempt: line.Attempt) -> None:
        if attempt.judgement is not None and attempt.judgement.kind == "clock":
            refused.append(attempt)

    async with standing({"bybit": profile_table("bybit", server)}, clock=WrongClock()) as made:
        (figures,) = made.figures()
        offset = figures.hosts[0].offset_ms
        assert offset is not None
        assert abs(offset + FAR_AHEAD_MS) < 1000
        report = only(await made.run(listener=Listener(attempt=note)).all())
    assert (report.verdict, refused) == (Verdict.CLEAR, [])


@pytest.mark.parametrize("venue", ["bybit", "kraken"])
@on_a_loop
async def test_connections_that_swallow_everything_cost_a_moment(venue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cancel goes on a new one; where two may not be in the air, once the first was given up."""
    monkeypatch.setattr(line, "_SERIAL_PATIENCE", 0.3)
    with simulator.start(venue, orders=3) as server, Relay(server) as relay:
        table = {**profile_table(venue, server), "base_url": relay.origin}
        async with standing({venue: table}) as made:
            assert made.troubles() == ()
            relay.swallow()
            server.fake.requests.clear()
            began = time.time()
            report = only(await made.run().all())
            assert report.verdict is Verdict.CLEAR
            soon = {one.body for one in server.requests if one.changes and one.received_ms / 1000 - began < 2.0}
            (profile,) = made.usable
            cancels = first_cancels(profile, profile.origin)
            assert len(soon) >= (cancels if venue == "bybit" else 1)
            assert not server.open_orders()
            assert venue != "kraken" or len(relay.swallowed) == 1, "a second one is not tried"


@on_a_loop
async def test_what_is_missing_is_told_and_tried_again(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets that are not there yet: the guard is not able; and once they are, it is."""
    table = profile_table("bybit", server)
    credentials = dict(server.credentials)
    del table["credentials"]
    environ: dict[str, str] = {}
    made = Standby(profiles_of({"bybit": table}), environ, scale=0.05)
    monkeypatch.setattr(standby, "_AGAIN", (0.0,))
    try:
        (trouble,) = await made.prepare()
        assert trouble.startswith("bybit: no api_key and no api_secret")
        assert not made.figures()[0].able
        environ.update({f"CANCELALL_BYBIT_{key.upper()}": value for key, value in credentials.items()})
        keeping = asyncio.create_task(made.keep())
        async with asyncio.timeout(20):
            while made.troubles():
                await asyncio.sleep(0.02)
        keeping.cancel()
        assert only(await made.run().all()).verdict is Verdict.CLEAR
    finally:
        made.close()


@on_a_loop
async def test_a_key_that_is_refused_makes_it_unable(server: SimServer) -> None:
    table = profile_table("bybit", server)
    table["credentials"] = {**server.credentials, "api_secret": "wrong" * 8}
    async with standing({"bybit": table}) as made:
        (trouble,) = made.troubles()
        assert trouble.startswith("bybit: ")
        assert made.figures()[0].trouble
        assert "wrong" * 8 not in trouble


@on_a_loop
async def test_a_host_that_is_not_there_is_told_and_others_are_ready(server: SimServer) -> None:
    with refusing() as port:
        dead = {**profile_table("bybit", server), "base_url": f"http://127.0.0.1:{port}", "deadline": 1.0}
        async with standing({"dead": dead, "bybit": profile_table("bybit", server)}) as made:
            (trouble,) = made.troubles()
            assert trouble.startswith("dead: ")
            first, second = made.figures()
            assert (first.able, second.able) == (False, True)
            assert (first.hosts[0].connections, bool(first.hosts[0].trouble)) == (0, True)
            reports = {one.profile: one.verdict for one in await made.run().all()}
            assert reports == {"dead": Verdict.UNREACHABLE, "bybit": Verdict.CLEAR}


@on_a_loop
async def test_a_profile_that_cannot_be_used_is_told_and_reported(server: SimServer) -> None:
    broken = BrokenProfile(name="broken", venue="bybit", error=ConfigError("it is odd", "correct it"))
    made = Standby([broken, *profiles_of({"bybit": profile_table("bybit", server)})], {}, scale=0.05)
    try:
        assert await made.prepare() == ("broken: it is odd",)
        assert [one.able for one in made.figures()] == [False, True]
        verdicts = [one.verdict for one in await made.run().all()]
        assert verdicts == [Verdict.UNCONFIGURED, Verdict.CLEAR]
    finally:
        made.close()


@on_a_loop
async def test_connections_are_kept(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are taken, or closed by the venue, are there again; each is used from time to time."""
    monkeypatch.setattr(keeper, "TICK", 0.01)
    monkeypatch.setattr(standby, "_REST", 0.0)
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        number = made.figures()[0].hosts[0].connections
        (host,) = made._keeper.hosts.values()
        host.warm.renewed = 0.1
        keeping = asyncio.create_task(made.keep())
        for _ in range(2):
            taken = host.warm.take()
            assert taken is not None
            taken.close()
        async with asyncio.timeout(20):
            while made.figures()[0].hosts[0].connections < number:
                await asyncio.sleep(0.01)
            server.fake.requests.clear()
            while sum(one.path == "/v5/market/time" for one in server.requests) < 2 * number:
                await asyncio.sleep(0.01)
        keeping.cancel()
        assert {one.path for one in server.requests} == {"/v5/market/time"}


@on_a_loop
async def test_a_host_that_is_lost_is_a_trouble_after_a_while(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        (host,) = made._keeper.hosts.values()
        server.stop()
        host.work(time.monotonic())
        taken = [host.warm.take() for _ in range(20)]
        assert not any(taken)
        assert (host.work(time.monotonic()), made.troubles()) == ([], ())
        monkeypatch.setattr(keeper, "_LOST_SECONDS", 0.0)
        (trouble,) = made.troubles()
        assert trouble.startswith("bybit: no connection to 127.0.0.1: ")


@on_a_loop
async def test_trouble_with_one_host_is_none_of_the_others(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "TICK", 0.01)
    with simulator.start("deribit", orders=0) as other:
        tables = {"bybit": profile_table("bybit", server), "deribit": profile_table("deribit", other)}
        async with standing(tables) as made:
            first, second = made._keeper.hosts.values()
            first.warm.drop_closed = None  # type: ignore[assignment,method-assign]
            second.warm.renewed = 0.0
            keeping = asyncio.create_task(made.keep())
            other.fake.requests.clear()
            async with asyncio.timeout(20):
                while not other.requests or not first.figures.trouble:
                    await asyncio.sleep(0.01)
            keeping.cancel()
            assert first.figures.trouble.startswith("a bug: TypeError")


@pytest.mark.parametrize(
    ("venue", "host", "headers", "left"),
    [
        ("bybit", "", {"x-bapi-limit-status": "9", "x-bapi-limit": "10"}, 0.9),
        ("bybit", "", {"x-bapi-limit-status": "-1", "x-bapi-limit": "0"}, None),
        ("binance", "", {"x-mbx-used-weight-1m": "1500"}, 0.75),
        ("binance", "fapi", {"x-mbx-used-weight-1m": "2600"}, 0.0),
        ("pacifica", "", {"ratelimit": '"credits";r=1200;t=32', "ratelimit-policy": '"credits";q=1250;w=60'}, 0.96),
        ("okx", "", {"x-ratelimit-limit": "10"}, None),
    ],
)
def test_what_is_left_of_a_limit(venue: str, host: str, headers: dict[str, str], left: float | None) -> None:
    tells = load_preflight(venue).budget
    assert (tells(host, headers), tells(host, {})) == (left, None)


@pytest.mark.parametrize("venue", VENUES)
def test_a_verdict_is_predicted_from_what_answers_take(venue: str) -> None:
    """Never less than a round trip, two listings and the gap between them; nothing where nothing is known."""
    with simulator.start(venue, orders=0) as server:
        (profile,) = profiles_of({venue: profile_table(venue, server)})
    known = rehearsal.Readable(listing_seconds=0.2)
    seconds = rehearsal.verdict_seconds(profile, 0.1, known, 1.0)
    assert seconds is not None
    assert keeper.load(venue).proof_gap + 0.49 <= seconds < 8
    assert rehearsal.verdict_seconds(profile, None, known, 1.0) is None
    assert rehearsal.verdict_seconds(profile, 0.1, None, 1.0) is None


@on_a_loop
async def test_a_venue_that_turns_a_question_away_is_left_alone(
    server: SimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with standing({"bybit": profile_table("bybit", server)}) as made:
        (host,) = made._keeper.hosts.values()
        question = host._question()
        assert question is not None
        reply = line.Reply(status=429, headers={}, body=b"")
        host._learn(question, warm.WarmAnswer(reply=reply, seconds=0.1, ended=time.monotonic()))
        host.warm.renewed = 0.0
        assert host.figures.trouble == "HTTP 429 to a public question"
        assert host.work(time.monotonic()) == []
        for work in host.work(time.monotonic() + keeper._AWAY_SECONDS + 1):
            work()
        assert host.figures.trouble == ""


def test_keeping_connections_takes_little_of_what_an_address_may_send() -> None:
    """A tenth at most, and a fifth of a request a second and connection."""
    for venue in VENUES:
        with simulator.start(venue, orders=0) as server:
            profile = profiles_of({venue: profile_table(venue, server)})[0]
            made = keeper.Keeper([profile], {})
        about = keeper.load(venue)
        for host in made.hosts.values():
            question = host._question()
            assert question is not None
            assert host.warm.renewed >= warm.RENEWED >= 5
            if about.address_limit is not None:
                each_second = host.warm.wanted / host.warm.renewed * about.cost(question.request)
                assert each_second <= 0.1 * about.address_limit.count / about.address_limit.seconds + 1e-9


def test_through_a_proxy_nothing_is_kept_warm() -> None:
    table = {"venue": "bybit", "proxy": "http://127.0.0.1:9", "credentials": {"api_key": "k" * 18, "api_secret": "s"}}
    profile = profiles_of({"bybit": table})[0]
    made = keeper.Keeper([profile], {})
    assert (made.hosts, made.of(profile)) == ({}, [])
    assert made.copy_after(profile) == keeper._PATIENCE


def test_names_that_do_not_resolve_any_more_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "_names", {})
    known = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]
    answers: list[Any] = [known, socket.gaierror(-2, "no")]

    def ask(host: str, port: int) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(dial, "_ask", ask)
    assert dial.renew("venue.example", 443) is None
    assert isinstance(dial.renew("venue.example", 443), socket.gaierror)
    assert dial.resolve("venue.example", 443) == known
