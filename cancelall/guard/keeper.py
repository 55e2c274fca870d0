"""Keeps connections to all hosts warm, their names looked up, and their clocks known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from cancelall.core.errors import ConfigError, Unreadable, bug_words
from cancelall.core.model import Reply, SignedRequest
from cancelall.core.preflight import Question, load_preflight, public_question
from cancelall.core.profile import Profile, host_of, parts_of
from cancelall.engine.signer import SYSTEM_CLOCK, Clock
from cancelall.guard.model import HostFigures
from cancelall.guard.venue_clock import VenueClock, steady_ms
from cancelall.net import dial, head_start
from cancelall.net.background import NoThreadError, ThreadDiedError, in_thread
from cancelall.net.route import Host, Route, route_for, tls_context
from cancelall.net.warm import RENEWED, Idle, Warm, WarmAnswer, WarmHost
from cancelall.venues.registry import first_cancels, load

TICK = 2.0
"""Seconds between two looks at the connections. To wake up costs more than the look: a guard that waits took an eighth
more when it looked twice as often."""
NAMES = 300.0
"""Seconds after which a name is looked up again. What was known last stays in use where that fails."""
_OPENED = 4.0
"""Longest wait, in seconds, for the first connections, and again for their first answers."""
_SHARE = 0.1
"""Of a venue's limit for an address, what keeping connections warm may take at most."""
_NO_THREAD = 1.0
"""Seconds until a thread is looked for once more."""
_LATENCIES = 5
_LOST_SECONDS = 30.0
"""Without any connection to a host, after which that is a trouble."""
_PATIENCE = 0.15
"""Seconds without an answer on a warm connection, at least, after which a copy of a request goes on a new one."""
_TURNED_AWAY = (403, 418, 429, 503)
_AWAY_SECONDS = 60.0
"""How long a host is not questioned that has turned a question away: nothing is worth a block of the address."""


class HostKeeper:
    """One host: its warm connections, and what their answers tell."""

    def __init__(self, host: Host, profile: Profile, name: str, wanted: int, clock: Clock) -> None:
        venue = load(profile.venue)
        self.warm = WarmHost(host, wanted)
        self.venue_clock = VenueClock()
        self.origin = host[0]
        self._clock = clock
        self._profile = profile
        self.name = name
        self._headers = venue.headers(profile.environment)
        self._latencies: tuple[float, ...] = ()
        self._named_at = time.monotonic()
        self._away_until = 0.0
        self._away = ""
        self.lost_since: float | None = None
        """Since when there has been no connection."""
        self.headers: Mapping[str, str] = {}
        """Those of the last answer: some tell what is left of a limit."""
        limit, question = venue.address_limit, self._question()
        self._answers = question is not None
        if limit is not None and question is not None:
            spent = self.warm.wanted * venue.cost(question.request) / (limit.count / limit.seconds)
            self.warm.renewed = max(RENEWED, spent / _SHARE)

    @property
    def latency(self) -> float | None:
        """Seconds that an answer takes: the middle of the last ones; None before the first."""
        return sorted(self._latencies)[len(self._latencies) // 2] if self._latencies else None

    @property
    def why_lost(self) -> str:
        """Why there is no connection that could be used, in words."""
        return self._away or self.warm.trouble or "it closes them at once"

    @property
    def figures(self) -> HostFigures:
        """What `guard status` tells of it."""
        latency = self.latency
        return HostFigures(
            host=host_of(self.origin),
            connections=self.warm.idle,
            latency_ms=None if latency is None else round(latency * 1000, 1),
            offset_ms=self.venue_clock.offset_ms(self._clock.now_ms()),
            trouble=self._away or self.warm.trouble,
        )

    def work(self, now: float) -> list[Callable[[], None]]:
        """What is to be done now, each in a thread."""
        found: list[Callable[[], None]] = []
        self.warm.drop_closed()
        if self.warm.idle or self.warm.used:
            self.lost_since = None
        elif self.lost_since is None:
            self.lost_since = now
        missing = self.warm.missing(now)
        spread = self.warm.renewed / max(1, missing)
        found += [partial(self.warm.open_one, spread=spread * number) for number in range(missing)]
        soon = now + TICK / 2  # so that none is late by a whole one
        if self._answers and now >= self._away_until and (idle := self.warm.due(soon)):
            question = self._question()
            found += [partial(self._ask, question, one) for one in idle if question is not None]
        if now - self._named_at >= NAMES:
            self._named_at = now
            found.append(self._look_up)
        return found

    def first_question(self) -> list[Callable[[], None]]:
        """The question that comes at once, so that latency and clock are known."""
        question = self._question()
        if question is None:
            return []
        return [partial(self._ask, question, one) for one in self.warm.due(float("inf"), 1)]

    def _question(self) -> Question | None:
        profile = self._profile
        preflight = load_preflight(profile.venue)
        return public_question(preflight, profile.options, self.name, self._clock.now_ms())

    def _ask(self, question: Question, one: Idle) -> None:
        request = question.request
        signed = SignedRequest(
            request=request,
            origin=self.origin,
            headers=self._headers,
            body=request.body,
            target=request.target,
            body_limit=1 << 20,
        )
        answered = self.warm.ask(one, signed)
        if answered is not None:
            self._learn(question, answered)

    def _learn(self, question: Question, answered: WarmAnswer) -> None:
        reply = answered.reply
        if reply.status in _TURNED_AWAY:
            self._away_until = time.monotonic() + _AWAY_SECONDS
            self._away = f"HTTP {reply.status} to a public question"
            return
        self._away = ""
        self.headers = reply.headers
        self._latencies = (*self._latencies, answered.seconds)[-_LATENCIES:]
        ended = steady_ms() - (time.monotonic() - answered.ended) * 1000
        if (server_ms := _told(question, reply)) is not None:
            whole = server_ms % 1000 == 0  # some tell no more
            self.venue_clock.tells(server_ms, ended, answered.seconds, whole_seconds=whole)
        elif reply.headers.get("age", "0") == "0" and (date_ms := reply.date_ms) is not None:  # else of a cache
            self.venue_clock.tells(date_ms, ended, answered.seconds, whole_seconds=True)

    def _look_up(self) -> None:
        _, host, port = parts_of(self.origin)
        dial.renew(host, port)


def _told(question: Question, reply: Reply) -> int | None:
    """The venue's clock in an answer, if it is there."""
    with suppress(Unreadable, ValueError, TypeError, LookupError):
        return question.read(question.request, reply).server_ms
    return None


class Keeper:
    """All hosts of some profiles."""

    def __init__(self, profiles: Iterable[Profile], environ: Mapping[str, str], clock: Clock = SYSTEM_CLOCK) -> None:
        numbers: dict[Host, int] = {}
        first: dict[Host, tuple[Profile, str]] = {}
        self.routes: dict[tuple[str, str], Route] = {}
        """How each profile reaches each of its origins."""
        for profile in profiles:
            for name in profile.uses:
                origin = profile.origin_of(name)
                if (profile.name, origin) in self.routes:  # two of its hosts are one
                    continue
                route = route_for(origin, profile.common.proxy, profile.common.ca_bundle, environ)
                self.routes[profile.name, origin] = route
                if route.proxy is None:  # a proxy's tunnel is opened when it is needed
                    host = origin, route.ca_bundle
                    first.setdefault(host, (profile, name))
                    numbers[host] = numbers.get(host, 0) + first_cancels(profile, origin)
        share = max(1, head_start.ALTOGETHER * 2 // max(1, len(numbers)))
        self.hosts = {
            host: HostKeeper(host, *first[host], min(number, max(share, 2)), clock) for host, number in numbers.items()
        }
        self.warm = Warm({host: one.warm for host, one in self.hosts.items()})
        self._tasks: set[asyncio.Task[None]] = set()
        self._rest_until = 0.0
        self._at_once = asyncio.Event()

    def of(self, profile: Profile) -> list[HostKeeper]:
        """Those of a profile, the most urgent first; without those that it reaches through a proxy."""
        ways = ((origin, self.routes[profile.name, origin].ca_bundle) for origin in profile.origins)
        return [self.hosts[way] for way in ways if way in self.hosts]

    def offset_ms(self, profile: Profile, now_ms: int) -> int:
        """What to add to this machine's clock for its signatures; nothing where these only have to grow."""
        if load(profile.venue).serial is not None:
            return 0
        return next((one.venue_clock.correction_ms(now_ms) for one in self.of(profile)), 0)

    def copy_after(self, profile: Profile, answer_seconds: float = 0.0) -> float:
        """Seconds without an answer after which a copy goes: more than a signed request, which may have taken so long,
        or a public one takes from where we are. Copies of what is only slow would use up the venue's limits.
        """
        latencies = [one.latency or 0.0 for one in self.of(profile)]
        return max(_PATIENCE, 1.5 * max(answer_seconds, *latencies, 0.0) + 0.05)

    def lost(self, profile: Profile) -> str:
        """Why there has been no connection to one of its hosts for a while, in words; empty where there are some."""
        late = time.monotonic() - _LOST_SECONDS
        for one in self.of(profile):
            if one.lost_since is not None and one.lost_since <= late:
                return f"no connection to {host_of(one.origin)}: {one.why_lost}"
        return ""

    def at_once(self, profile: Profile, signed: SignedRequest, until: float) -> bool:
        """Write a request of a profile on a warm connection, if there is one; whether."""
        route = self.routes.get((profile.name, signed.origin))
        if route is None or route.proxy is not None:
            return False
        try:
            return self.warm.leave(signed, route.ca_bundle, until)
        except Exception:  # whatever it is, the ordinary way is there
            return signed.wire.left_on is not None

    async def prepare(self) -> None:
        """Load what is trusted, look names up, connect, and ask each host once; what fails is tried again later."""
        bundles = {ca_bundle for _, ca_bundle in self.hosts}
        await self._all([partial(_load, bundle) for bundle in bundles], _OPENED)
        now = time.monotonic()
        await self._all([work for one in self.hosts.values() for work in one.work(now)], _OPENED)
        await self._all([work for one in self.hosts.values() for work in one.first_question()], _OPENED)

    async def keep(self) -> None:
        """Keep them, until somebody cancels this."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK):
                        await self._at_once.wait()
                self._at_once.clear()
                now = time.monotonic()
                if now >= self._rest_until:
                    for one in self.hosts.values():
                        self._look_after(one, now)
        finally:
            for task in self._tasks:
                task.cancel()

    def _look_after(self, host: HostKeeper, now: float) -> None:
        """Whatever goes wrong with one host, the others are kept."""
        try:
            for work in host.work(now):
                self._begin(work)
        except Exception as fault:
            host.warm.trouble = bug_words(fault)

    def rest(self, seconds: float) -> None:
        """Open and ask nothing for so long: something else has to get out first."""
        self._rest_until = time.monotonic() + seconds

    def go_on(self) -> None:
        """The rest is over."""
        self._rest_until = 0.0
        self._at_once.set()

    def close(self) -> None:
        """Close all connections."""
        self.warm.close()

    def _begin(self, work: Callable[[], None]) -> asyncio.Task[None]:
        task = asyncio.create_task(_aside(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _all(self, works: Iterable[Callable[[], None]], seconds: float) -> None:
        tasks = [self._begin(work) for work in works]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)


async def _aside(work: Callable[[], None]) -> None:
    """Have work with a connection done in a thread, which frees or keeps it in any case."""
    with suppress(ThreadDiedError, ConfigError, OSError, MemoryError):
        while True:
            with suppress(NoThreadError):
                await in_thread(work, "warm")
                return
            await asyncio.sleep(_NO_THREAD)


def _load(ca_bundle: str | None) -> None:
    with suppress(ConfigError):
        tls_context(ca_bundle)
