"""All profiles at once: secrets, session, sweep, report. One profile's trouble changes nothing for the others."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cancelall.core.attempts import Attempt, Tally, unwatched
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import CancelallError, ConfigError, Interrupted, OptionError, TransportFault, bug_words
from cancelall.core.model import ClientIds, Reply, SignedRequest, Verdict
from cancelall.core.profile import BrokenProfile, Profile
from cancelall.core.results import ProfileReport, Timing
from cancelall.core.secret import last_four, passes, register
from cancelall.credentials.chain import ResolvedSecrets, resolve
from cancelall.engine import final_states, reasons, reporting, verdicts
from cancelall.engine.client import Client, Send
from cancelall.engine.hold import Hold
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.shared_limits import SCARCE, SharedLimits, scarcity, with_descriptors
from cancelall.engine.signer import SYSTEM_CLOCK, Clock, Signer
from cancelall.journal.record import Record, nanoseconds
from cancelall.net import head_start
from cancelall.net.background import Handle, NoThreadError, ThreadDiedError, in_thread
from cancelall.net.route import Route, is_loaded, route_for
from cancelall.venues.registry import load, segments

if TYPE_CHECKING:
    from cancelall.core.positions import PositionsReport
    from cancelall.engine.positions import PositionsReading
    from cancelall.engine.primed import Primed
    from cancelall.net.transport import Ready
    from cancelall.venues.contract import Venue

T = TypeVar("T")

PROOF_SECONDS = 1.0
"""On top of the venue's gap between two listings: what the listings of a proof may take."""
POSITIONS_SECONDS = 2.0
"""Longest time that positions are read after a verdict."""
RECALL_SECONDS = 0.05
"""Longest time for which the first cancels wait for what is remembered."""
REMEMBER_SECONDS = 0.5
"""Longest time that is taken to keep it, after the verdict is printed."""
LAST_LOOK_SECONDS = 1.0
"""What a run that is interrupted takes to read the open orders once more."""
_TURNS_OF_THE_LOOP = 4
"""Within how many a first cancel that has to wait for nothing is on its way."""
_GARBAGE = 50_000
"""Objects that may come up before garbage is looked for: some ten MB. What a run makes ends without that, nearly all of
it, and to look each 700 objects took an eighth of the processor time of a thousand profiles.
"""
_LETTING_GO = 0.3
"""Seconds for work that has to stop; after that it is left behind."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a profile's sweep aims at, announced as its first requests leave."""

    profile: str
    venue: str
    environment: str
    host: str
    account: str
    scope: Mapping[str, object]
    dry_run: bool
    way: Callable[[float], str] = lambda seconds: ""
    """What its requests go through, in words; empty when nothing. May wait so many seconds until that is known."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listener:
    """What is called as things happen. None of it may block."""

    target: Callable[[Target], None] = lambda target: None
    attempt: Callable[[str, Attempt], None] = lambda profile, attempt: None
    sweeping: Callable[[str, ProfileSweep], None] = lambda profile, sweep: None
    holding: Callable[[str, Verdict, float], None] = lambda profile, verdict, seconds: None
    """The first verdict is there, and so many seconds of holding begin."""
    lasts: Callable[[float], None] = lambda until: None
    """A hold is over, and its last proof may take until then (monotonic)."""
    decided: Callable[[str, Verdict, float], None] = lambda profile, verdict, seconds: None
    """The verdict is there, so many seconds after the start, and details of its orders are still to be read."""
    finished: Callable[[ProfileReport], None] = lambda report: None
    positions: Callable[[ProfileReport], None] = lambda report: None
    """The same result with its positions, where they are read after the verdict."""


@dataclass
class Run:
    """One run over some profiles."""

    profiles: Sequence[Profile | BrokenProfile]
    environ: Mapping[str, str]
    started: float
    dry_run: bool = False
    hold: float = 0.0
    """Seconds for which each profile is held clear after its first verdict."""
    hold_goes_on: Callable[[], bool] = lambda: False
    """Whether a hold lasts longer than that."""
    details: bool = True
    """Whether what became of each order is read after the verdict."""
    positions: Literal["", "after", "only"] = ""
    """Whether positions are read: after each verdict, which they do not change, or as the result of the run."""
    listener: Listener = field(default_factory=Listener)
    record: Record = field(default_factory=Record)
    clock: Clock = SYSTEM_CLOCK
    connect: Callable[[Profile], Send] | None = None
    """How to send for a profile; tests put their own in."""
    primed: Primed | None = None
    """What is known before it begins, where somebody has stood by."""
    scale: float = 1.0
    """Factor on the venue's times, for tests on a fast clock."""
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    signal_name: str = ""
    halted: bool = False
    """A signal has come: every session is born without the right to cancel."""
    _sends: dict[tuple[str, Route], Send] = field(default_factory=dict)
    _sessions: list[Client] = field(default_factory=list)
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """Closes at the end what is kept for more reads: garbage is looked for much later, and a process may run often."""
    _sweeps: dict[str, ProfileSweep] = field(default_factory=dict)
    """Of profiles whose symbols are to be remembered."""
    _positions: dict[str, Callable[[], Awaitable[PositionsReport]]] = field(default_factory=dict)
    """How to have the positions of each profile whose sweep is over."""

    def __post_init__(self) -> None:
        self.shared = SharedLimits(profiles=self.profiles, environ=self.environ)

    async def all(self) -> list[ProfileReport]:
        """Sweep every profile; one report for each, in the order of the profiles."""
        self.shared.begin()
        if self.connect is None and self.primed is None:  # to import what sends takes as long as some secrets take
            try:
                threading.Thread(target=_load_transport, name="imports", daemon=True).start()
            except (RuntimeError, MemoryError):  # no further thread
                _load_transport()
        with self._closing:
            return list(await asyncio.gather(*(self._reported(profile) for profile in self.profiles)))

    def interrupt(self, signal_name: str) -> None:
        """From this moment no cancel goes; read once more, and report what is known."""
        self.signal_name = signal_name
        self.record.note("signal", name=signal_name)
        self.interrupted.set()
        self.halt()

    def halt(self) -> None:
        """Let no cancel leave any more. Any thread may call it, whatever the loop is doing."""
        self.halted = True
        for client in tuple(self._sessions):
            client.halted = True

    @property
    def late_until_ms(self) -> int:
        """Until when a cancel without an answer can still be executed, in ms since the epoch; 0 where none can."""
        return max((client.tally.late_until_ms for client in self._sessions), default=0)

    async def _reported(self, profile: Profile | BrokenProfile) -> ProfileReport:
        try:
            report = await self._one(profile)
        except Interrupted as error:
            report = self._nothing_sent(profile, error, Verdict.UNPROVEN)
        except CancelallError as error:
            report = self._nothing_sent(profile, error, Verdict.UNCONFIGURED)
        except (OSError, ImportError, MemoryError) as fault:  # no file descriptor or memory for a module or the loop
            scarce = CancelallError(f"nothing could be sent: {scarcity(fault)}", SCARCE)
            report = self._nothing_sent(profile, scarce, Verdict.UNPROVEN)
        except Exception as fault:  # a bug in one profile must not take the others along
            where = f"in this profile's run: {bug_words(fault)}"
            bug = CancelallError(where, "check this account on the site, and report the bug with the output of -v")
            report = self._nothing_sent(profile, bug, Verdict.UNPROVEN)
        self.shared.arrived(profile)
        notes = (*report.warnings, *self.shared.warnings(profile), *self.record.warnings())
        report = replace(report, warnings=tuple(dict.fromkeys(notes)))
        if self.positions == "only":
            report = await self._with_positions(report)
        self.record.verdict(report)
        self.listener.finished(report)
        if isinstance(profile, Profile) and (swept := self._sweeps.pop(profile.name, None)) is not None:
            await self._remember(profile, swept)
        if self.positions == "after":
            report = await self._with_positions(report)
            self.listener.positions(report)
        return report

    async def _with_positions(self, report: ProfileReport) -> ProfileReport:
        """A result with its positions, or why they are not known. Where the run is for them they decide it, too.

        Whatever goes wrong in here, be it that a module cannot be loaded any more, changes nothing of a verdict.
        """
        try:
            from cancelall.engine import positions

            reading = self._positions.pop(report.profile, None)
            interrupted = report.error is not None and report.error.kind == "interrupted"
            why = "interrupted" if interrupted else "nothing was sent"
            shown = positions.not_read(why) if reading is None else await reading()
        except Exception as fault:
            return self._without_positions(report, bug_words(fault))
        report = replace(report, positions=shown, requests=report.requests + shown.requests)
        return positions.judged(report, shown) if self.positions == "only" else report

    def _without_positions(self, report: ProfileReport, why: str) -> ProfileReport:
        """The same, where even what reads them has failed."""
        if self.positions == "only":
            report = replace(report, verdict=Verdict.UNPROVEN, all_read=False)
        try:
            from cancelall.core.positions import PositionsReport
        except (ImportError, OSError, MemoryError):
            return report
        return replace(report, positions=PositionsReport(known=False, unknown=why, verdict=Verdict.UNPROVEN))

    async def _one(self, profile: Profile | BrokenProfile) -> ProfileReport:
        if isinstance(profile, BrokenProfile):
            raise profile.error
        deadline = self.started + profile.deadline
        resolved = await self._secrets(profile, deadline)
        send = self.connect(profile) if self.connect else await self._over_the_network(profile, deadline)
        venue = load(profile.venue)
        facts = await self._recalled(profile, venue)
        try:
            facts = venue.with_key(facts, resolved.secrets)
            segments(venue, profile.options, facts, profile.environment)
        except OptionError as error:
            raise ConfigError(f"profile {profile.name}: {error.message}", error.hint) from None
        tally = Tally()
        record = self.record.of(profile.name, profile.venue, tally, venue.proves_key)
        record.credential(resolved.sources, last_four(venue.account(resolved.secrets, profile.options)))
        signer = Signer(
            venue=venue,
            origin=profile.origin,
            secrets=resolved.secrets,
            options=profile.options,
            clock=self.clock,
            alternate=venue.alternates.get(profile.origin),
            further=profile.further,
            headers=venue.headers(profile.environment),
            serial=self.shared.serial_key(profile, resolved.secrets),
            offset_ms=0 if self.primed is None else self.primed.offset_ms(profile),
        )
        client = Client(
            signer=signer,
            send=send,
            clock=self.clock,
            gate=self.shared.gate(profile, own_limit=(own_limit := venue.own_limit(resolved.secrets))),
            gates={name: self.shared.gate(profile, name, own_limit=own_limit) for name in profile.further},
            deadline=deadline,
            reserve=venue.proof_gap * self.scale + PROOF_SECONDS * self.scale,
            reads_only=self.dry_run,
            at_once=None if self.primed is None else partial(self.primed.at_once, profile),
            copy_after=None if self.primed is None else self.primed.copy_after(profile),
            arrived=lambda: self.shared.arrived(profile),
            trace=lambda attempt: self.listener.attempt(profile.name, attempt),
            before_send=record.begins,
            after_send=record.ended,
            standstill=self._standstill(profile),
            tally=tally,
        )
        self._sessions.append(client)
        client.halted = self.halted
        only, but = profile.common.client_id, profile.common.not_client_id
        sweep = ProfileSweep(
            client,
            profile.environment,
            facts=facts,
            keep_protective=bool(profile.common.keep_protective),
            client_ids=ClientIds(only=only, but=but) if only or but else None,
            scale=self.scale,
            listed=lambda segment, listing: reporting.listed(sweep, record, segment, listing),
        )
        sweep.hold_until = deadline + self.hold if self.hold > 0 else sweep.hold_until
        since_ms = self.clock.now_ms()
        sweeping = asyncio.create_task(sweep.run())
        for _ in range(_TURNS_OF_THE_LOOP):  # the first cancels leave before anything is said about them
            await asyncio.sleep(0)
            if client.tally.requests or sweeping.done():
                break
        self.listener.target(self._target(profile, client, resolved))
        self.listener.sweeping(profile.name, sweep)
        await self._until(sweeping, deadline, go_on=self.hold > 0)
        cut = self.interrupted.is_set() and not sweep.finished
        if cut and not self.dry_run:  # no cancel goes any more, but what is left can still be read
            look = asyncio.create_task(sweep.look_again())
            await asyncio.wait({look}, timeout=min(LAST_LOOK_SECONDS, max(0.0, deadline - self.clock.monotonic())))
            look.cancel()
        if venue.recall is not None:
            self._sweeps[profile.name] = sweep
        verdict = verdicts.profile_verdict(sweep)
        if self.hold > 0 and not self.interrupted.is_set():
            verdict = await self._held(profile.name, sweep, sweeping, verdict, profile.deadline)
        decided, why = self.clock.monotonic(), reasons.error_report(sweep, verdict)
        reporting.listed_last(sweep, record)
        record.decided(partial(reporting.basis, sweep, decided))
        if self.positions and not cut:
            self._positions[profile.name] = self._reading(profile, sweep, verdict, decided)
        if not cut and self.details and (missing := final_states.missing(sweep)):
            self.listener.decided(profile.name, verdict, decided - self.started)
            await self._until(asyncio.create_task(final_states.read(client, missing, since_ms)), client.deadline)
        timing = self._timing(tally, decided)
        cut_by = self.signal_name if cut else ""
        return reporting.swept(profile, sweep, resolved, verdict, why, timing, cut_by=cut_by)

    def _reading(
        self, profile: Profile, sweep: ProfileSweep, verdict: Verdict, decided: float
    ) -> Callable[[], Awaitable[PositionsReport]]:
        """Begin to read the positions; what is returned waits for them, and joins them with what is known of orders."""
        until = decided + POSITIONS_SECONDS
        if self.positions == "only":
            until = max(until, self.started + profile.deadline)

        async def begin() -> PositionsReading | None:
            from cancelall.engine import positions

            if verdict is Verdict.UNREACHABLE or not sweep.client.tally.venue_spoke:
                return None  # it would only take longer
            return await positions.read(sweep, profile.venue, profile.options, until)

        reading = asyncio.create_task(begin())

        async def read() -> PositionsReport:
            await self._until(reading, until)
            from cancelall.engine import positions

            if reading.cancelled() or not reading.done():
                return positions.not_read("interrupted" if self.interrupted.is_set() else "no answer in time")
            if (known := reading.result()) is None:
                return positions.not_read("no answer from the venue", verdict)
            return positions.joined(sweep, profile.venue, known)

        return read

    async def _recalled(self, profile: Profile, venue: Venue[Any, Any, Any]) -> Any:
        """The venue's facts, with what is remembered of this profile if it is there at once."""
        if venue.recall is None or self.dry_run:
            return venue.facts
        if self.primed is not None and profile.name in self.primed.remembered:
            return venue.recall(venue.facts, self.primed.remembered[profile.name])
        from cancelall.engine import memory

        remembered = await self._bounded(lambda: memory.recall(profile, self.environ), RECALL_SECONDS)
        return venue.recall(venue.facts, remembered) if remembered else venue.facts

    async def _remember(self, profile: Profile, sweep: ProfileSweep) -> None:
        """Keep which symbols had orders, for the next run. Whatever goes wrong with it changes nothing."""
        with contextlib.suppress(ImportError, OSError, MemoryError):
            from cancelall.engine import memory

            shown = {
                name: [record.order.symbol for record in ledger.seen if record.order.symbol]
                for name, ledger in sweep.ledgers.items()
            }
            await self._bounded(lambda: memory.remember(profile, self.environ, shown), REMEMBER_SECONDS)

    async def _bounded(self, work: Callable[[], T], seconds: float) -> T | None:
        """What comes of some work with files; None if that takes too long, or fails."""
        task = asyncio.create_task(in_thread(work, "memory"))
        await asyncio.wait({task}, timeout=seconds)
        task.cancel()
        return task.result() if task.done() and not task.cancelled() and task.exception() is None else None

    def _standstill(self, profile: Profile) -> Callable[[float], str]:
        """What tells why there was no connection to a profile's venue for so many seconds."""
        if self.connect is not None:
            return lambda seconds: ""

        def words(seconds: float) -> str:
            from cancelall.net import failures

            return failures.standstill(self.shared.route(profile).proxy or profile.origin, seconds)

        return words

    async def _over_the_network(self, profile: Profile, deadline: float) -> Send:
        """One for all profiles that go the same way to a host: listings find its connections open."""
        sends = {
            origin: await self._to(origin, profile, deadline) for origin in (profile.origin, *profile.further.values())
        }
        return sends[profile.origin] if len(sends) == 1 else by_origin(sends)

    async def _to(self, origin: str, profile: Profile, deadline: float) -> Send:
        route = self.shared.route(profile, origin)
        way = origin, route
        if way not in self._sends and (self.primed is None or not is_loaded(route.ca_bundle)):
            trusting = asyncio.create_task(self.shared.trust(profile))
            await self._before(trusting, deadline, f"the CA bundle {route.ca_bundle} was read")
        if way not in self._sends:  # nor has another profile been quicker
            thrifty = self.shared.thrifty
            ready = None if self.primed is None else self.primed.ready
            send = over_the_network(profile, self.environ, route, thrifty=thrifty, closing=self._closing, ready=ready)
            self._sends[way] = send
        return self._sends[way]

    async def _held(
        self, name: str, sweep: ProfileSweep, sweeping: asyncio.Task[None], verdict: Verdict, allowed: float
    ) -> Verdict:
        """Hold a profile clear. A signal ends it with the last verdict."""
        lasts, goes_on = self.listener.lasts, self.hold_goes_on
        hold = Hold(sweep, sweeping, self.hold, verdict, allowed=allowed, lasts=lasts, goes_on=goes_on)
        self.record.note(
            "hold_start", profile=name, verdict=verdict.value, seconds=self.hold, ends=nanoseconds(hold.ends)
        )
        self.listener.holding(name, verdict, self.hold)
        holding = asyncio.create_task(hold.run())
        while (goes_on() or self.clock.monotonic() < hold.deadline) and not (
            holding.done() or self.interrupted.is_set()
        ):  # its deadline is known when its time is over
            await self._until(holding, hold.deadline, go_on=True)
        await self._until(holding, hold.deadline)
        return hold.look() if self.interrupted.is_set() else verdicts.profile_verdict(sweep)

    async def _secrets(self, profile: Profile, deadline: float) -> ResolvedSecrets:
        """In threads of their own: a hanging keyring of one profile delays none that has its secrets at hand."""
        if self.primed is not None and profile.name in self.primed.secrets:
            return self.primed.secrets[profile.name]
        reading = self.shared.secrets(profile, lambda: in_thread(lambda: resolve(profile, self.environ), "secrets"))
        return await self._before(asyncio.create_task(reading), deadline, "the secrets were read")

    async def _before(self, work: asyncio.Task[T], deadline: float, step: str) -> T:
        """What has to be there before the first request. Raises what it raised, ConfigError, Interrupted."""
        await self._until(work, deadline)
        if self.interrupted.is_set():
            raise Interrupted(
                f"stopped by {self.signal_name} before anything was sent", "run again: orders may be open"
            )
        if work.cancelled() or not work.done():
            raise ConfigError(f"the deadline passed while {step}", "give more time or another source")
        return work.result()

    async def _until(self, work: asyncio.Task[T], deadline: float, *, go_on: bool = False) -> None:
        """Until the work is done, the deadline, or a signal. What is known stays known.

        Work that does not stop when it is cancelled is left behind: nothing outlasts the deadline. With `go_on` only a
        signal cancels it, not the deadline. Raises what it raised.
        """
        stop = asyncio.create_task(self.interrupted.wait())
        try:
            await asyncio.wait(
                {work, stop},
                timeout=max(0.0, deadline - self.clock.monotonic()),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            go_on = go_on and not (work.done() or self.interrupted.is_set())
            over: set[asyncio.Task[Any]] = {stop} if go_on else {work, stop}
            for task in over:
                task.cancel()
            await asyncio.wait(over, timeout=_LETTING_GO)
        if work.done() and not work.cancelled() and (fault := work.exception()) is not None:
            raise fault

    # --- reports ---

    def _nothing_sent(self, profile: Profile | BrokenProfile, error: CancelallError, verdict: Verdict) -> ProfileReport:
        timing = self._timing(Tally(), self.clock.monotonic())
        return reporting.nothing_sent(profile, error, verdict, timing, dry_run=self.dry_run)

    def _target(self, profile: Profile, client: Client, resolved: ResolvedSecrets) -> Target:
        return Target(
            profile=profile.name,
            venue=profile.venue,
            environment=profile.shown_environment,
            host=profile.hosts,
            account=last_four(client.venue.account(resolved.secrets, profile.options)),
            scope=profile.scope,
            dry_run=self.dry_run,
            way=partial(_ways_in_words, self.shared.routes(profile)),
            warnings=(*profile.warnings, *resolved.warnings, *self.shared.warnings(profile)),
        )

    def _timing(self, tally: Tally, decided: float) -> Timing:
        return Timing(
            first_request=self._ms(tally.first_request),
            first_ack=self._ms(tally.first_ack),
            verdict=self._ms(decided),
            verdict_at=self.clock.now_ms() - round((self.clock.monotonic() - decided) * 1000),
        )

    def _ms(self, at: float | None) -> int | None:
        return None if at is None else max(0, round((at - self.started) * 1000))


def _ways_in_words(routes: Sequence[Route], seconds: float) -> str:
    """What requests go through, in words; empty when nothing."""
    return ", ".join(dict.fromkeys(words for route in routes if (words := route.in_words(seconds))))


def by_origin(sends: Mapping[str, Send]) -> Send:
    """Sends each request by what goes to its origin; a venue may have several."""

    def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Awaitable[Reply]:
        return sends[signed.origin](signed, until, sent)

    return send


def over_the_network(
    profile: Profile,
    environ: Mapping[str, str],
    route: Route | None = None,
    *,
    thrifty: bool = False,
    closing: contextlib.ExitStack | None = None,
    ready: Ready | None = None,
) -> Send:
    """Send by real sockets, each attempt in a thread that can be abandoned.

    `route` is the profile's, if somebody wants to know how it fares; `thrifty`: no connection is kept; `closing` closes
    at its end those that are; `ready` gives connections that are there already, else those that were opened ahead.
    Blocks while the CA bundle is loaded, if it is not. Raises ConfigError when it cannot be.
    """
    from cancelall.net.transport import Transport

    route = route or route_for(profile.origin, profile.common.proxy, profile.common.ca_bundle, environ)
    name = f"attempt at {profile.origin}"
    if route.proxy_password:
        register(route.proxy_password)
    transport = Transport(route, ready=ready or head_start.take, keeps=not thrifty)
    if closing is not None:
        closing.callback(transport.close)

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        # Told before its thread begins: it may be given up until then, and nothing of it has left.
        signed.wire.quiet = signed.wire.left_on is None
        loop = asyncio.get_running_loop()
        passes(signed.headers, signed.body, signed.target)

        def tell() -> None:
            if sent is unwatched:  # of a read: the loop is not woken for it
                return
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(sent)

        handle = Handle()

        def attempt() -> Reply:
            return transport.send(signed, until, tell, handle)

        try:
            return await with_descriptors(lambda: in_thread(attempt, name), until)
        except asyncio.CancelledError:
            handle.give_up()  # its thread and its socket wait for nothing any more
            raise
        except NoThreadError as fault:
            sent_before: Literal["no", "maybe"] = "no" if signed.wire.left_on is None else "maybe"
            raise TransportFault(f"it could not be sent: {fault}", sent=sent_before) from fault
        except (ThreadDiedError, OSError, ImportError, MemoryError) as fault:
            raise TransportFault(f"it broke off on this machine: {type(fault).__name__}") from fault

    return send


def _load_transport() -> None:
    """The last import before the first request. From here on there can be garbage, and none of it is a module."""
    with contextlib.suppress(OSError, ImportError, MemoryError):  # it is reported where it is needed
        from cancelall.net import transport  # noqa: F401
    if not gc.isenabled():  # what is frozen is never looked at again: of a later run it would be a finished one
        gc.freeze()
        gc.set_threshold(_GARBAGE)
        gc.enable()
    head_start.at_ease()


def harden(environ: dict[str, str]) -> tuple[str, ...]:
    """Let nothing write TLS session keys. Warnings about what was set and is ignored."""
    logs = [one.pop("SSLKEYLOGFILE", "") for one in (environ, os.environ)]
    return ("SSLKEYLOGFILE is set and was ignored: it would hand every request to who reads that file",) * any(logs)
