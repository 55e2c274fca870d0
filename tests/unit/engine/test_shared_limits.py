"""What a run may use of this machine: file descriptors, threads, and turns for slow secrets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import pytest

from cancelall.core.errors import SecretError, TransportFault
from cancelall.core.model import Reply, SignedRequest, Verdict
from cancelall.core.profile import Profile
from cancelall.engine import shared_limits
from cancelall.engine.run import over_the_network
from cancelall.engine.shared_limits import SharedLimits, at_once
from cancelall.net import background
from cancelall.net.background import Crew, Job, NoThreadError, ThreadDiedError, in_thread
from cancelall.net.transport import Transport
from cancelall.simulator import SimServer, create
from loopback import a_request
from support import on_a_loop, profile_table, profiles_of, swept


@pytest.mark.parametrize(
    ("files", "hosts", "places"), [(4096, 1, 64), (1024, 5, 48), (256, 1, 52), (256, 5, 10), (64, 20, 2), (4096, 0, 64)]
)
def test_places_are_shared_out_among_the_hosts(files: int, hosts: int, places: int) -> None:
    assert at_once(files, hosts) == places
    assert files < 100 or places * hosts * 4 + 48 <= files, "all of them together fit"


@pytest.fixture
def limits() -> Iterator[Callable[[int], None]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_is_raised_as_far_as_it_helps(limits: Callable[[int], None]) -> None:
    limits(300)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    assert shared_limits.descriptors() == wanted
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard)


def test_a_limit_that_cannot_be_raised_is_respected(
    limits: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise ValueError("not allowed to raise maximum limit")

    limits(300)
    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refuse)
        assert shared_limits.descriptors() == 300


# --- threads --------------------------------------------------------------------------------------------------------


@on_a_loop
async def test_a_thread_that_is_done_takes_the_next_job() -> None:
    seen: list[int] = []
    for _ in range(20):
        seen.append(await in_thread(threading.get_ident))
    assert len(set(seen)) < 20


def unheard(fault: Exception) -> None:
    raise AssertionError(fault)


def test_an_idle_thread_goes_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.01)
    crew, ran = Crew(), threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        ran.set()

    assert crew.do(Job(work, unheard, "one"))
    assert ran.wait(5)
    threads[0].join(5)
    assert not threads[0].is_alive()
    again = threading.Event()
    assert crew.do(Job(again.set, unheard, "two"))
    assert again.wait(5), "and another one comes"


def few_threads(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The system gives so many threads for work in the background, and no more."""
    start, crew = threading.Thread.start, Crew()
    given: list[threading.Thread] = []

    def limited(self: threading.Thread) -> None:
        if getattr(self, "_target", None) == crew._work:
            if len(given) >= number:
                raise RuntimeError("can't start new thread")
            given.append(self)
        start(self)

    monkeypatch.setattr(background, "_crew", crew)
    monkeypatch.setattr(threading.Thread, "start", limited)


def test_with_few_threads_work_waits_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    few_threads(monkeypatch, 2)

    async def work() -> list[int]:
        return list(await asyncio.gather(*(in_thread(lambda index=index: index) for index in range(50))))

    assert asyncio.run(work()) == list(range(50))


@on_a_loop
async def test_without_any_thread_it_is_done_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    few_threads(monkeypatch, 0)
    assert await in_thread(threading.get_ident) == threading.get_ident()
    with pytest.raises(ValueError, match="its own"):
        await in_thread(lambda: int("its own"))


@on_a_loop
async def test_with_all_threads_hanging_nothing_waits_for_them_nor_blocks_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few_threads(monkeypatch, 1)
    held, begun = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        held.wait(20)

    hanging = asyncio.create_task(in_thread(hang))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting = asyncio.create_task(in_thread(lambda: "it came to its turn"))
    await asyncio.sleep(0)
    hanging.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(NoThreadError):
            await waiting
        with pytest.raises(NoThreadError):
            await in_thread(lambda: "later")
    held.set()
    while True:  # the thread that comes back is counted on again
        with contextlib.suppress(NoThreadError):
            assert await in_thread(lambda: "again") == "again"
            return
        await asyncio.sleep(0)


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration(1)])
@pytest.mark.parametrize("threads", [0, 1])
@on_a_loop
async def test_what_would_end_a_thread_is_told_and_the_thread_goes_on(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, threads: int
) -> None:
    few_threads(monkeypatch, threads)

    def dies() -> None:
        raise raised

    async with asyncio.timeout(5):
        with pytest.raises(ThreadDiedError, match=type(raised).__name__):
            await in_thread(dies)
        assert await in_thread(lambda: "another") == "another"


@on_a_loop
async def test_threads_that_hang_are_bounded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that never ends its answers, for hours: its attempts are given up, and their threads are left behind."""
    monkeypatch.setattr(background, "LEFT_BEHIND", 5)
    monkeypatch.setattr(background, "_crew", Crew())
    held, hung = threading.Event(), threading.Semaphore(0)
    before = threading.active_count()

    def hang() -> None:
        hung.release()
        held.wait(20)

    async def give_up() -> bool:
        """Whether it began, and was then given up."""
        attempt = asyncio.create_task(in_thread(hang, "dripping host"))
        await asyncio.sleep(0)
        if not attempt.done():
            await asyncio.to_thread(hung.acquire)
        attempt.cancel()
        (outcome,) = await asyncio.gather(attempt, return_exceptions=True)
        return not isinstance(outcome, NoThreadError)

    assert [await give_up() for _ in range(40)] == [True] * 5 + [False] * 35
    assert await in_thread(lambda: "unharmed", "another host") == "unharmed"
    assert threading.active_count() <= before + 5 + 3, "those that hang, one for the other host, and the test's own"
    held.set()
    while not await give_up():
        await asyncio.sleep(0)


@on_a_loop
async def test_work_that_nobody_waits_for_any_more_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancel that waited for a thread until it was given up must not leave afterwards."""
    few_threads(monkeypatch, 1)
    held, done = threading.Event(), []
    first = asyncio.create_task(in_thread(lambda: held.wait(10)))
    await asyncio.sleep(0)
    second = asyncio.create_task(in_thread(lambda: done.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    held.set()
    await first
    await in_thread(lambda: done.append("third"))
    assert done == ["third"]


def test_a_kill_with_three_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    few_threads(monkeypatch, 3)
    with SimServer(create("bybit", orders=10)) as server:
        (report,) = swept({"bybit": profile_table("bybit", server)}, deadline=20)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


# --- secrets --------------------------------------------------------------------------------------------------------


def profiles(commands: int, at_hand: int) -> list[Profile]:
    keys = {"api_key": "k" * 20, "api_secret": "s" * 40}
    tables: dict[str, dict[str, object]] = {
        f"slow{index}": {"venue": "bybit", "secret_command": {key: ["true"] for key in keys}}
        for index in range(commands)
    }
    tables |= {f"quick{index}": {"venue": "bybit", "credentials": keys} for index in range(at_hand)}
    return profiles_of(tables)


@on_a_loop
async def test_secrets_at_hand_wait_for_no_command_and_these_are_few_at_a_time() -> None:
    chosen = profiles(commands=200, at_hand=200)
    shared = SharedLimits(profiles=chosen, environ={})
    begun, most, got, never = 0, 0, [], asyncio.Event()

    async def resolve(profile: Profile) -> None:
        nonlocal begun, most
        if profile.name.startswith("slow"):
            begun += 1
            most = max(most, begun)
            await never.wait()
        got.append(profile.name)

    def start(profile: Profile) -> asyncio.Task[None]:
        return asyncio.create_task(shared.secrets(profile, lambda: resolve(profile)))

    tasks = [start(profile) for profile in chosen]
    await asyncio.wait(tasks[200:], timeout=5)
    assert len(got) == 200
    assert most == shared_limits.SECRETS_AT_ONCE
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@on_a_loop
async def test_what_is_at_hand_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has counted whose secrets are there does not look for each of their files again."""
    looked: list[str] = []

    def at_hand(profile: str, field: str, environ: Mapping[str, str]) -> bool:
        looked.append(f"{profile}.{field}")
        return True

    async def resolve() -> str:
        return "secrets"

    monkeypatch.setattr(shared_limits, "at_hand", at_hand)
    (profile,) = profiles(commands=0, at_hand=1)
    shared = SharedLimits(profiles=[profile], environ={})
    shared.begin()
    counted = list(looked)
    assert sorted(counted) == ["quick0.api_key", "quick0.api_secret"]
    assert await shared.secrets(profile, resolve) == "secrets"
    assert looked == counted


@pytest.mark.alone("measures when the first request leaves")
def test_a_slow_command_holds_up_no_other_profile() -> None:
    """Forty profiles whose command hangs, and one whose secrets are at hand: it does not wait for any of them."""
    with SimServer(create("bybit", orders=3)) as server:
        good = profile_table("bybit", server, settle_coin="USDT")
        slow = {
            **{key: value for key, value in good.items() if key != "credentials"},
            "secret_command": {key: ["sleep", "20"] for key in server.credentials},
        }
        began = time.monotonic()
        reports = swept({**{f"slow{index}": slow for index in range(40)}, "good": good}, deadline=4)
        assert time.monotonic() - began < 15
    assert reports[-1].verdict is Verdict.CLEAR
    assert {report.verdict for report in reports[:-1]} == {Verdict.UNCONFIGURED}
    first = reports[-1].timing.first_request
    assert first is not None
    assert first < 3000


@on_a_loop
async def test_who_waits_for_a_turn_is_told_how_long_and_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "SECRETS_AT_ONCE", 1)
    monkeypatch.setattr(shared_limits, "_WAITED", 0.02)
    first, second = profiles(commands=2, at_hand=0)
    shared = SharedLimits(profiles=[first, second], environ={})
    shared._slow = asyncio.Semaphore(shared_limits.SECRETS_AT_ONCE)
    begun, over = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await over.wait()

    async def quick() -> None:
        return

    asking = asyncio.create_task(shared.secrets(first, slow))
    await begun.wait()
    waiting = asyncio.create_task(shared.secrets(second, quick))
    asyncio.get_running_loop().call_later(0.05, over.set)
    await asyncio.gather(asking, waiting)
    assert shared.warnings(first) == ()
    (told,) = shared.warnings(second)
    assert "for a turn to read its secrets: 1 commands and keyrings are read at a time" in told


@on_a_loop
async def test_who_waited_in_vain_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the deadline: what is reported then is not that its own secrets took so long."""
    monkeypatch.setattr(shared_limits, "_WAITED", 0.0)
    first, second = profiles(commands=2, at_hand=0)
    shared = SharedLimits(profiles=[first, second], environ={})
    shared._slow = asyncio.Semaphore(1)
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    asking = [asyncio.create_task(shared.secrets(one, hang)) for one in (first, second)]
    await asyncio.sleep(0)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    (told,) = shared.warnings(second)
    assert "for a turn to read its secrets" in told
    async with asyncio.timeout(5), shared._slow:
        pass


def test_the_wait_stands_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "SECRETS_AT_ONCE", 1)
    with SimServer(create("bybit", orders=1)) as server:
        good = profile_table("bybit", server, settle_coin="USDT")
        keys = good.pop("credentials")
        assert isinstance(keys, dict)
        script = "sleep 0.2; printf %s "
        commands = {key: ["sh", "-c", script + str(value)] for key, value in keys.items()}
        table = {**good, "secret_command": commands}
        reports = swept({"one": table, "two": table}, deadline=15)
    assert {report.verdict for report in reports} == {Verdict.CLEAR}
    waited = [report for report in reports if any("waited" in warning for warning in report.warnings)]
    assert len(waited) == 1


def with_an_option(count: int) -> list[Profile]:
    """What they need is at hand; what they can do without comes from a command."""
    secrets = {"credentials": {"secret_key": "k" * 40}, "secret_command": {"api_config_key": ["true"]}}
    return profiles_of({f"extra{index}": {"venue": "pacifica", **secrets} for index in range(count)})


@on_a_loop
async def test_optional_secrets_take_no_place_of_those_at_hand_nor_wait_for_those_that_are_needed() -> None:
    slow, quick, extra = profiles(commands=100, at_hand=0), profiles(commands=0, at_hand=50), with_an_option(20)
    shared = SharedLimits(profiles=[*slow, *extra, *quick], environ={})
    begun: list[str] = []
    never, all_extra = asyncio.Event(), asyncio.Event()

    async def hang(profile: Profile) -> None:
        begun.append(profile.name)
        if sum(name.startswith("extra") for name in begun) == len(extra):
            all_extra.set()
        await never.wait()

    async def answer(profile: Profile) -> None:
        begun.append(profile.name)

    hanging = [
        asyncio.create_task(shared.secrets(one, lambda one=one: hang(one)))  # type: ignore[misc]
        for one in (*slow, *extra)
    ]
    async with asyncio.timeout(5):
        await all_extra.wait()
        await asyncio.gather(*(shared.secrets(one, lambda one=one: answer(one)) for one in quick))  # type: ignore[misc]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


@on_a_loop
async def test_nobodys_reads_wait_for_who_asks_a_command_first() -> None:
    chosen = [*profiles(commands=1, at_hand=1), *with_an_option(1)]
    shared = SharedLimits(profiles=chosen, environ={})
    shared.begin()
    assert set(shared._coming) == {"quick0"}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (RuntimeError("can't start new thread"), "can't start new thread"),
        (MemoryError(), "no memory left"),
        (NoThreadError("they hang"), "they hang"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory"),
        (ImportError("libffi.so.8: failed to map segment"), "failed to map segment"),
    ],
)
@on_a_loop
async def test_secrets_that_this_machine_has_nothing_left_for_are_no_bug(fault: Exception, words: str) -> None:
    (profile,) = profiles(commands=1, at_hand=0)

    async def resolve() -> None:
        raise fault

    with pytest.raises(SecretError, match=words):
        await SharedLimits(profiles=[profile], environ={}).secrets(profile, resolve)


# --- file descriptors -----------------------------------------------------------------------------------------------


def none_left(number: int, *, wrapped: bool | str, sent: Literal["no", "maybe"] = "no") -> Exception:
    if wrapped == "a module":
        return ImportError(f"_rust.abi3.so: cannot open shared object file: {os.strerror(number)}")
    if not wrapped:
        return OSError(number, "x")
    fault = TransportFault("x", sent=sent)
    fault.__cause__ = ConnectionError("x")
    fault.__cause__.__context__ = OSError(number, "x")
    return fault


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("wrapped", [True, False, "a module"])
def test_without_a_file_descriptor_it_is_begun_again(number: int, wrapped: bool | str) -> None:
    tries: list[int] = []

    async def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise none_left(number, wrapped=wrapped)
        return "done"

    assert asyncio.run(shared_limits.with_descriptors(work, time.monotonic() + 20)) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(type(none_left(number, wrapped=wrapped))):
        asyncio.run(shared_limits.with_descriptors(work, time.monotonic() - 1))
    assert len(tries) == 1


@pytest.mark.parametrize(
    "fault", [none_left(errno.EMFILE, wrapped=True, sent="maybe"), none_left(errno.ECONNREFUSED, wrapped=True)]
)
def test_what_may_have_been_sent_or_has_another_cause_is_not(fault: Exception) -> None:
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        raise fault

    with pytest.raises(TransportFault):
        asyncio.run(shared_limits.with_descriptors(work, time.monotonic() + 20))
    assert len(tries) == 1


@pytest.mark.parametrize(("files", "thrifty"), [(4096, False), (64, False), (40, True), (19, True)])
def test_few_file_descriptors_are_kept_for_no_connection(
    monkeypatch: pytest.MonkeyPatch, files: int, thrifty: bool
) -> None:
    monkeypatch.setattr(shared_limits, "descriptors", lambda: files)
    shared = SharedLimits(profiles=profiles(commands=0, at_hand=2), environ={})
    shared.count()
    assert shared.thrifty == thrifty


def test_a_thrifty_kill_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limits, "descriptors", lambda: 19)
    with SimServer(create("bybit", orders=5)) as server:
        (report,) = swept({"bybit": profile_table("bybit", server)}, deadline=20)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
        assert server.connections >= len(server.requests)


# --- threads that die, in a kill ------------------------------------------------------------------------------------


@pytest.mark.parametrize("raised", [SystemExit(0), KeyboardInterrupt(), MemoryError()])
def test_an_attempt_that_ends_its_thread_outlasts_nothing_and_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    real, died = Transport.send, []

    def send(self: Transport, signed: SignedRequest, *more: Any) -> Reply:
        if "/spread/" in signed.target and not died:
            died.append(signed)
            raise raised
        return real(self, signed, *more)

    monkeypatch.setattr(Transport, "send", send)
    with SimServer(create("bybit", orders=10)) as server:
        began = time.monotonic()
        (report,) = swept({"bybit": profile_table("bybit", server)}, deadline=10)
        assert (report.verdict, server.open_orders(), len(died)) == (Verdict.CLEAR, [], 1)
    assert time.monotonic() - began < 10


def test_a_host_that_never_answers_takes_few_threads_and_connections_however_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As through hours of `--hold`: each attempt is given up, and another one follows."""
    monkeypatch.setattr(background, "LEFT_BEHIND", 5)
    monkeypatch.setattr(background, "_crew", Crew())
    (profile,) = profiles(commands=0, at_hand=1)
    arrived: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                arrived.append(listener.accept()[0])

    async def work(origin: str) -> tuple[int, int]:
        send = over_the_network(profile, {})
        signed = a_request(method="POST", url=f"{origin}/cancel", body=b"{}", fresh_connection=True)
        refused, most = 0, 0
        for _ in range(60):
            out = asyncio.Event()
            attempt = asyncio.create_task(send(signed, time.monotonic() + 20, out.set))
            leaving = asyncio.create_task(out.wait())
            await asyncio.wait({attempt, leaving}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            attempt.cancel()
            (outcome,) = await asyncio.gather(attempt, return_exceptions=True)
            refused += isinstance(outcome, TransportFault) and outcome.sent == "no"
            most = max(most, threading.active_count())
        return refused, most

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        before = threading.active_count()
        refused, most = asyncio.run(work(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        assert most <= before + 5 + 1
        until = time.monotonic() + 10
        while len(arrived) + refused < 60:
            assert time.monotonic() < until, "each was tried, or said not to be"
            time.sleep(0.005)
        for one in arrived:
            one.close()
