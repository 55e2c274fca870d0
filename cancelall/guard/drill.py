"""`guard drill`: the rehearsal, which fires at nothing; and the proof that a venue's own switch cancels.

The proof leaves one order of the user's own to the venue's timer, armed for the shortest time that it takes, and reads
back how, and why, the venue says that the order ended. Nothing is ever placed, and nothing is armed while any other
order rests that the timer may reach.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cancelall.core import drills
from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.drills import DrillEvidence
from cancelall.core.errors import CancelallError, ConfigError, bug_words
from cancelall.core.model import Answer, Order, SignedRequest, State
from cancelall.core.profile import Profile
from cancelall.core.results import ProfileReport
from cancelall.core.stamp import now_ms
from cancelall.core.switch import NoSwitch, SwitchTimer, TimerEnd, VenueSwitch, load_switch
from cancelall.engine.client import Client
from cancelall.engine.readings import Listings
from cancelall.engine.run import Listener, Run
from cancelall.engine.signer import SYSTEM_CLOCK, Clock
from cancelall.guard.control import DrillAnswer, DrillRequest
from cancelall.guard.standby import Standby
from cancelall.guard.venue_switch import SwitchKeeper, off_by, wall, why_unarmed, words_of
from cancelall.net.background import in_thread

# --- the rehearsal --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """How long the first bytes of one profile took, had it been a kill: signed reads went in the place of cancels."""

    profile: str
    wire_ms: float | None = None
    """From the trigger until the first request was written on a warm connection; None where there was none."""
    signed_ms: float | None = None
    """From the trigger until the first request was signed."""
    answer_ms: float | None = None
    """From the trigger to the first answer."""
    trouble: str = ""
    """Why not everything could be read."""

    @property
    def ok(self) -> bool:
        """Whether a kill would have left on a warm connection, and everything could be read."""
        return self.wire_ms is not None and not self.trouble

    @property
    def words(self) -> str:
        """For people."""
        if self.trouble:
            return f"{self.profile}: {self.trouble}"
        answered = f", the first answer after {self.answer_ms:.0f} ms" if self.answer_ms is not None else ""
        if self.wire_ms is None:
            return f"{self.profile}: no connection was warm{answered}"
        return f"{self.profile}: first bytes on the wire {self.wire_ms:.1f} ms after the trigger{answered}"


@dataclass
class _Times:
    """Of one profile, in monotonic seconds."""

    wire: float | None = None
    signed: float | None = None
    answer: float | None = None


async def rehearse(make: Callable[..., Run], clock: Clock = SYSTEM_CLOCK) -> tuple[Rehearsed, ...]:
    """Do what a kill does, on the same connections and in the same way, but that it only reads.

    `make` makes a run as a kill's is made, and takes its arguments: `Standby.run`.
    """
    times: dict[str, _Times] = {}

    def attempted(profile: str, attempt: Attempt) -> None:
        mine = times.setdefault(profile, _Times())
        if attempt.sent:
            mine.signed = min(attempt.began, mine.signed or attempt.began)
        if attempt.answered:
            mine.answer = min(attempt.ended, mine.answer or attempt.ended)

    started = clock.monotonic()
    run = make(dry_run=True, started=started, details=False, listener=Listener(attempt=attempted))
    if (primed := run.primed) is not None:

        def at_once(profile: Profile, signed: SignedRequest, until: float) -> bool:
            left = primed.at_once(profile, signed, until)
            mine = times.setdefault(profile.name, _Times())
            if left and mine.wire is None:
                mine.wire = clock.monotonic()
            return left

        run.primed = replace(primed, at_once=at_once)
    reports = await run.all()
    return tuple(_rehearsed(report, times.get(report.profile, _Times()), started) for report in reports)


def _rehearsed(report: ProfileReport, times: _Times, started: float) -> Rehearsed:
    def ms(at: float | None) -> float | None:
        return None if at is None else (at - started) * 1000

    trouble = ""
    if not report.all_read or report.error is not None:
        trouble = report.error.message if report.error is not None else "not everything could be read"
    return Rehearsed(
        profile=report.profile,
        wire_ms=ms(times.wire),
        signed_ms=ms(times.signed),
        answer_ms=ms(times.answer),
        trouble=trouble,
    )


# --- the venue's own switch -----------------------------------------------------------------------------------------

_READ_SECONDS = 20.0
_ASK_SECONDS = 8.0
_POLL = 2.0
"""Seconds between two looks at the order, once its time has come."""


@dataclass(frozen=True, kw_only=True)
class Drilled:
    """What the drill of one profile's switch has shown."""

    profile: str
    proved: bool
    detail: str
    """In words."""
    armed: bool = False
    """Whether anything was armed at all: where nothing was, there is no evidence to keep either."""
    seconds: float | None = None
    """From the arming to the first look that showed the order ended."""

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.profile}: {self.detail}"


class _NotDrilled(CancelallError):
    """The drill cannot begin, and nothing was armed."""


@dataclass
class SwitchDrill:
    """The proof for one profile. `line` makes a client whose time ends at the monotonic second that it is given."""

    profile: Profile
    line: Callable[[float], Client]
    keeper: SwitchKeeper | None = None
    """The keeper of the same switch, which leaves the timer alone meanwhile."""
    clock: Clock = SYSTEM_CLOCK
    tell: Callable[[str], None] = lambda words: None
    """Called with a line for people before something real is sent, and while it waits."""
    _armed: bool = field(default=False, init=False)

    async def run(self, order: str) -> Drilled:
        """Leave this order, named by its id or its owner's, to the venue's switch. Raises nothing that is expected."""
        try:
            return await self._run(order)
        except CancelallError as error:
            return self._shown(error.line, proved=False)
        except Exception as bug:  # a drill must not end the guard
            return self._shown(bug_words(bug), proved=False)

    async def _run(self, named: str) -> Drilled:
        switch = load_switch(self.profile.venue)
        if isinstance(switch, NoSwitch) or (why := why_unarmed(self.profile)):
            raise _NotDrilled(switch.why if isinstance(switch, NoSwitch) else why)
        if switch.look_up is None:
            raise _NotDrilled("this venue does not tell how an order ended")
        order, others = self._chosen(await self._resting(), named)
        timer = self._timer(switch, order)
        reached = [one for one in others if timer.covers(one) and switch.reaches(one) is not False]
        if reached:
            raise _NotDrilled(
                f"{len(reached)} more {'order rests' if len(reached) == 1 else 'orders rest'} that it may cancel, too",
                "drill it on an account, or at a time, where nothing else rests",
            )
        async with self.keeper.paused(timer.name) if self.keeper is not None else contextlib.nullcontext():
            return await self._left_to_it(switch, timer, order)

    # --- before ---

    async def _resting(self) -> list[Order]:
        """Every open order of the scope. Raises CancelallError where they cannot all be read."""
        client = self.line(self.clock.monotonic() + _READ_SECONDS)
        client.reads_only = True
        listings = Listings(client, self.profile.environment)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READ_SECONDS):
                await listings.run()
        for name in listings.segments:
            listing = listings.read.get(name)
            judged = [one.judgement for one in listings.attempts.get(name, []) if one.judgement is not None]
            absent = bool(judged) and all(one.answer is Answer.ABSENT for one in judged)
            if not absent and (listing is None or not listing.complete):
                raise _NotDrilled(f"the open orders of {name} could not all be read", "run it again")
        if listings.discoveries.pending or not listings.segments:
            raise _NotDrilled("the open orders could not all be read", "run it again")
        return [order for one in listings.read.values() for order in one.orders]

    @staticmethod
    def _chosen(resting: Sequence[Order], named: str) -> tuple[Order, list[Order]]:
        """The order that is meant, and all others."""
        fits = [one for one in resting if named in (one.id, one.client_id, one.id.rpartition(":")[2])]
        if len(fits) != 1:
            found = "no open order" if not fits else f"{len(fits)} open orders"
            raise _NotDrilled(f"{found} of this profile has this id", "name one that rests, by its id")
        return fits[0], [one for one in resting if one is not fits[0]]

    def _timer(self, switch: VenueSwitch[Any], order: Order) -> SwitchTimer:
        made = switch.timers(self.profile.options, self.profile.environment)
        timer = next((one for one in made if one.covers(order)), None)
        if timer is None or switch.reaches(order) is False:
            raise _NotDrilled(f"the venue's switch does not reach this order, in {order.segment}", "name another one")
        return timer

    # --- the drill itself ---

    async def _left_to_it(self, switch: VenueSwitch[Any], timer: SwitchTimer, order: Order) -> Drilled:
        before = await self._end(switch, order)
        if before is None or before.state is not State.OPEN:
            raise _NotDrilled("the order does not rest any more, or cannot be looked up")
        self.tell(f"arming the venue's switch for {switch.least} s: it cancels order {order.id}")
        began = self.clock.monotonic()
        doubt = await self._arm(switch, timer)
        fires = self.clock.monotonic() + switch.least
        self.tell(
            f"armed: it cancels at {wall(self.clock.now_ms() + switch.least * 1000)}; nothing else is sent until then"
        )
        ended = False
        try:
            await self._sleep_until(fires - 1.0)
            last = await self._end(switch, order)
            if last is not None and last.state is not State.OPEN:
                return self._shown(f"the order ended before its moment: {_ended(last)}", proved=False)
            await self._sleep_until(fires)
            while True:
                end = await self._end(switch, order)
                now = self.clock.monotonic()
                if end is not None and end.state is not State.OPEN:
                    ended = True
                    return self._judged(end, now - began, now - fires, doubt, seen_open=last is not None)
                if now >= fires + switch.late_seconds:
                    why = "another program may be renewing the timer, or it does not work for this order"
                    return self._shown(
                        f"the order still rests {now - fires:.0f} s after its moment: {why}", proved=False
                    )
                await asyncio.sleep(_POLL)
        finally:
            if not ended:
                await self._disarm(timer)

    async def _arm(self, switch: VenueSwitch[Any], timer: SwitchTimer) -> str:
        """Arm it for the shortest time. What is doubtful of the answer, in words. Raises CancelallError."""
        client = self.line(self.clock.monotonic() + _ASK_SECONDS)
        venue_ms = client.signer.venue_ms(self.clock.now_ms())
        outcome = await client.ask(switch.arming(timer, switch.least, venue_ms), timer.read, most=2)
        reading = outcome.value
        if reading is None or outcome.answer is not Answer.ACCEPTED:
            refused = outcome.answer in (Answer.REFUSED, Answer.ABSENT)
            hint = "" if refused else "it may be armed all the same: count with a cancel within the next minutes"
            raise _NotDrilled(f"the venue's switch could not be armed: {words_of(outcome)}", hint)
        self._armed = True
        trip, venue_ms = outcome.attempt.ended - outcome.attempt.began, client.signer.venue_ms(self.clock.now_ms())
        doubt = off_by(reading, venue_ms, switch.least, trip) if switch.confirms or reading.armed is False else ""
        if reading.armed is False:
            raise _NotDrilled(doubt)
        return doubt

    async def _disarm(self, timer: SwitchTimer) -> None:
        """What was armed here and has cancelled nothing is not left behind."""
        with contextlib.suppress(CancelallError):
            await self.line(self.clock.monotonic() + _ASK_SECONDS).ask(timer.disarm, timer.read, most=2)

    async def _end(self, switch: VenueSwitch[Any], order: Order) -> TimerEnd | None:
        """What the venue says of the order now; None where it does not answer. Raises OptionError."""
        if (look_up := switch.look_up) is None:
            return None
        client = self.line(self.clock.monotonic() + _ASK_SECONDS)
        request = look_up.request(client.signer.options, order.id, order.symbol or "")
        outcome = await client.ask(request, look_up.read, most=2)
        if outcome.answer is Answer.NOTHING_OPEN:
            return TimerEnd(state=State.GONE)
        return outcome.value

    async def _sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.clock.monotonic()))

    def _judged(self, end: TimerEnd, seconds: float, late: float, doubt: str, *, seen_open: bool) -> Drilled:
        """What it comes to that the order has ended."""
        after = f"{late:.0f} s after its moment" if late >= 1 else "at its moment"
        if end.state is State.FILLED:
            return self._shown(
                "the order was filled meanwhile: drill with one that is far from the market", proved=False
            )
        if end.by_switch is False:
            return self._shown(f"something else has cancelled the order: {_ended(end)}", proved=False)
        if end.by_switch is None and not seen_open:
            return self._shown(
                f"the order has ended, and whether that was its moment was not seen: {_ended(end)}", proved=False
            )
        reason = "the venue says why" if end.by_switch else "the venue has no reason of its own for it"
        detail = f"the venue's switch cancelled the order {after} ({reason}: {_ended(end)})"
        detail = f"{detail}; but {doubt}" if doubt else detail
        return replace(self._shown(detail, proved=not doubt), seconds=seconds)

    def _shown(self, detail: str, *, proved: bool) -> Drilled:
        return Drilled(profile=self.profile.name, proved=proved, detail=detail, armed=self._armed)


def _ended(end: TimerEnd) -> str:
    return f"{end.state.value}, {end.reason}" if end.reason else end.state.value


def keep_evidence(profile: Profile, drilled: Drilled, environ: Mapping[str, str], now_ms: int) -> Path | None:
    """Write down, dated, what a drill has shown, for `check --max-age`; blocks. None where nothing was armed, or no
    place can be written.
    """
    if not drilled.armed:
        return None
    evidence = DrillEvidence(
        at_ms=now_ms, proved=drilled.proved, venue=profile.venue, host=profile.hosts, detail=drilled.detail
    )
    return drills.write(profile.name, evidence, environ)


# --- what a command is answered -------------------------------------------------------------------------------------


async def answer(
    request: DrillRequest,
    standby: Standby,
    switches: Sequence[SwitchKeeper],
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> DrillAnswer:
    """Rehearse, or with an order drill the switch of the venue where it rests. Raises ConfigError for an unknown name.

    `tell` is called with a line for people before something real is sent.
    """
    chosen = [one for one in standby.usable if request.profile in ("", one.name)]
    if not chosen:
        names = ", ".join(one.name for one in standby.usable) or "none"
        raise ConfigError(f"this guard has no profile {request.profile}", f"it has {names}")
    if not request.order:
        return await _rehearsal(standby, {one.name for one in chosen})
    (profile,) = chosen if len(chosen) == 1 else (None,)
    if profile is None:
        raise ConfigError("an order rests in one account, and this guard has several", "name the profile, too")
    drill = SwitchDrill(
        profile=profile,
        line=partial(standby.line, profile),
        keeper=next((one for one in switches if one.profile.name == profile.name), None),
        tell=lambda words: tell(f"{profile.name}: {words}"),
    )
    shown = await drill.run(request.order)
    path = await in_thread(partial(keep_evidence, profile, shown, environ, now_ms()), "evidence")
    kept = ("this could not be written down: check --max-age will not show it",) if shown.armed and path is None else ()
    return DrillAnswer(ok=shown.proved, lines=(shown.words, *kept))


async def _rehearsal(standby: Standby, names: Container[str]) -> DrillAnswer:
    try:
        shown = [one for one in await rehearse(standby.run) if one.profile in names]
    finally:
        standby.over()
    return DrillAnswer(ok=all(one.ok for one in shown), lines=tuple(one.words for one in shown))
