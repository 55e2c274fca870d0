"""The venue's own switch, kept by the guard: armed while beats are fresh, and by nothing else.

Who decides is the guard's loop: it calls `SwitchKeeper.look` at each turn, and a loop that hangs renews nothing. What
is due follows from what is known of a timer (`due`, pure); at most one request about it is under way, and a disarming
waits until a renewal without an answer is too old to be taken. So no renewal arrives after the disarming.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Literal

from cancelall.core.attempts import Attempt, Outcome, Watch
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import CancelallError, ConfigError, OptionError, bug_words
from cancelall.core.model import Answer, Order
from cancelall.core.profile import Profile
from cancelall.core.switch import NoSwitch, SwitchSight, SwitchTimer, TimerReading, VenueSwitch, load_switch
from cancelall.engine.client import Client
from cancelall.engine.signer import SYSTEM_CLOCK, Clock
from cancelall.venues.registry import load

SwitchMode = Literal["off", "observe", "arm"]
Verb = Literal["arm", "renew", "disarm"]

ASK_SECONDS = 8.0
"""Longest time for which a request about a switch is tried."""
OBSERVED_SECONDS = 600.0
"""Between two looks at a switch that is somebody else's."""
_FIRST_PAUSE = 0.5
_REFUSED_PAUSE = 60.0
"""Seconds after a refusal: it will not be otherwise in a moment, and the key is needed for more urgent things."""
_UNSAID_LATE = 30.0
"""Seconds for which a request without an answer may still be taken, where the venue names no time."""
_CLOSE = 2.0
"""Seconds by which the moment that an answer names may differ from the one that was wanted, besides its way."""


@dataclass(frozen=True, kw_only=True)
class TimerState:
    """What is known of one timer, as far as this guard has set it. Times are monotonic seconds."""

    busy: bool = False
    """A request about it is under way."""
    armed_at: float | None = None
    """When the request left by which it is armed, in the venue's words; None where it is not, or nothing says so."""
    tried_at: float = float("-inf")
    pause: float = 0.0
    """Seconds after the last try until the next one."""
    failures: int = 0
    """Tries in a row that did not do what they should."""
    unsure_until: float = float("-inf")
    """Until when a request without an answer may still be taken by the venue, and arm it."""
    loose_until: float = float("-inf")
    """Until when it may then cancel something."""
    runs_until: float = float("-inf")
    """Until when it may cancel something, whatever became of the requests."""
    trouble: str = ""
    """What is wrong with it, in words."""

    def armed(self, at: float, seconds: float) -> bool:
        """Whether it is, in the venue's words and at its latest."""
        return self.armed_at is not None and at < self.armed_at + seconds


def due(
    at: float, state: TimerState, *, seconds: float, fresh: bool, release: bool, hurry: bool = False
) -> Verb | None:
    """What is to be sent about a timer now. `fresh`: the bot has beaten in time, and the guard is armed. `release`:
    what this guard has armed is to be disarmed; it counts only where nothing is fresh. `hurry`: there is no time to
    wait for a renewal without an answer.

    Nothing is disarmed but what is armed in the venue's words, and still has to run: a timer that has run out may be
    another program's by now.
    """
    if state.busy or at < state.tried_at + state.pause:
        return None
    if fresh:
        if not state.armed(at, seconds):
            return "arm"
        return "renew" if at >= (state.armed_at or 0.0) + seconds / 4 else None
    return "disarm" if release and state.armed(at, seconds) and (hurry or at >= state.unsure_until) else None


def begun(state: TimerState, at: float) -> TimerState:
    """A request has left."""
    return replace(state, busy=True, tried_at=at)


def armed(
    state: TimerState, at: float, *, seconds: float, late: float, ordered: bool = False, trouble: str = ""
) -> TimerState:
    """The request that arms it was taken; the answer was there at this time. `ordered`: the venue takes no request
    after a later one.
    """
    unsure, loose = (float("-inf"),) * 2 if ordered else (state.unsure_until, state.loose_until)
    return replace(
        state,
        busy=False,
        armed_at=state.tried_at,
        pause=0.0,
        failures=0,
        unsure_until=unsure,
        loose_until=loose,
        runs_until=max(at + seconds + late, loose),
        trouble=trouble,
    )


def disarmed(state: TimerState, at: float, *, ordered: bool = False) -> TimerState:
    """The request that disarms it was taken."""
    unsure = state.unsure_until > state.tried_at and not ordered
    return replace(
        state,
        busy=False,
        armed_at=None,
        pause=0.0,
        failures=0,
        runs_until=state.loose_until if unsure else at,
        trouble="",
    )


def failed(state: TimerState, at: float, why: str, *, seconds: float, refused: bool = False) -> TimerState:
    """It was not taken, or nobody knows."""
    failures = state.failures + 1
    pause = min(_FIRST_PAUSE * 2 ** min(failures - 1, 10), seconds / 4)
    return replace(
        state,
        busy=False,
        tried_at=at,
        pause=max(_REFUSED_PAUSE, pause) if refused else pause,
        failures=failures,
        trouble=why,
    )


def loosened(state: TimerState, unsure_until: float, loose_until: float) -> TimerState:
    """A request that arms it has no answer: until when it may still be taken, and may then cancel something."""
    return replace(
        state,
        unsure_until=max(state.unsure_until, unsure_until),
        loose_until=max(state.loose_until, loose_until),
        runs_until=max(state.runs_until, loose_until),
    )


def off_by(reading: TimerReading, venue_ms: int, seconds: float, trip: float) -> str:
    """What is wrong with an answer to arming, in words; empty where it says what it should. `trip`: seconds that the
    answer took; `venue_ms`: the venue's clock when it came, where the answer itself does not tell."""
    if reading.armed is False:
        return "the venue answers that it is off"
    now_ms = venue_ms if reading.server_ms is None else reading.server_ms
    runs = reading.seconds if reading.fires_ms is None else (reading.fires_ms - now_ms) / 1000
    if runs is None:
        return "the venue's answer does not say until when"
    if abs(runs - seconds) > _CLOSE + trip:
        return f"the venue says that it cancels in {runs:.0f} s, and {seconds:g} s were wanted"
    return ""


def wall(ms: int) -> str:
    """A moment as it is shown: `12:00:40Z`."""
    return time.strftime("%H:%M:%SZ", time.gmtime(ms / 1000))


# --- before the start ---


def why_unarmed(profile: Profile) -> str:
    """Why the switch of a profile's venue cannot be armed for it, in words; empty where it can."""
    switch = load_switch(profile.venue)
    if isinstance(switch, NoSwitch):
        return switch.why
    common = profile.common
    if common.keep_protective:
        return "it cancels protective orders, too, and this profile keeps them"
    if common.client_id or common.not_client_id:
        return "it cancels whosever orders they are, and this profile chooses by client id"
    if why := switch.unfit(profile.options, profile.environment):
        return why
    return "" if switch.timers(profile.options, profile.environment) else "this venue's can only be observed"


def check_switches(profiles: Sequence[Profile], mode: SwitchMode, seconds: float) -> None:
    """Whether the settings fit the venues. Raises ConfigError: a time that a venue would not take, nothing to arm."""
    if mode != "arm":
        return
    able = [one for one in profiles if not why_unarmed(one)]
    if not able:
        first = profiles[0] if profiles else None
        why = f" ({first.name}: {why_unarmed(first)})" if first is not None else ""
        raise ConfigError(
            f"venue_switch = arm, and no profile has a switch that can be armed{why}", "set it to observe"
        )
    for profile in able:
        switch = load_switch(profile.venue)
        try:
            if isinstance(switch, VenueSwitch):
                switch.checked(seconds)
        except OptionError as error:
            raise ConfigError(f"profile {profile.name}: {error.message}", error.hint) from None


# --- the keeper ---


@dataclass
class SwitchKeeper:
    """One profile's switch at its venue, from the guard's start to its end. Everything runs on the guard's loop.

    `line` makes a client for one request, whose time ends at the monotonic second that it is given: so no refusal, no
    wait and no clock of a request about the switch has any say in those of a kill.
    """

    profile: Profile
    mode: SwitchMode
    seconds: float
    line: Callable[[float], Client]
    clock: Clock = SYSTEM_CLOCK
    note: Callable[[str, str], None] = lambda event, words: None
    """Called when a timer is armed, disarmed or in trouble: the event's name and a line for people."""
    resting: Sequence[Order] = ()
    """The open orders, as whoever lists them last saw them; set from outside."""
    states: dict[str, TimerState] = field(default_factory=dict)
    """By the timer's name."""

    def __post_init__(self) -> None:
        switch = load_switch(self.profile.venue)
        self.unarmed = why_unarmed(self.profile)
        """Why nothing is armed whatever the mode says."""
        self._none = isinstance(switch, NoSwitch)
        self._switch: VenueSwitch[Any] = VenueSwitch() if isinstance(switch, NoSwitch) else switch
        self._ordered = load(self.profile.venue).serial is not None
        self._timers: dict[str, SwitchTimer] = {}
        if self.mode == "arm" and not self.unarmed:
            self._switch.checked(self.seconds)
            made = self._switch.timers(self.profile.options, self.profile.environment)
            self._timers = {one.name: one for one in made}
        self.states = {name: TimerState() for name in self._timers}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fresh = self._release = self._hurry = False
        self._paused: frozenset[str] = frozenset()
        """The timers that are left to somebody else."""
        self._observed_at = float("-inf")
        self.sights: tuple[SwitchSight, ...] = ()
        """What the venue shows of it, as it was seen last."""
        self._unseen = ""

    # --- what the loop calls ---

    def look(self, at: float, *, fresh: bool) -> None:
        """One turn of the guard's loop: begin what is due, and wait for nothing. `fresh` is True only while the guard
        is armed and no beat is overdue.
        """
        self._fresh = fresh
        if fresh:
            self._release = False
        for name, timer in self._timers.items():
            if name in self._paused:
                continue
            release, hurry = self._release, self._hurry
            verb = due(at, self.states[name], seconds=self.seconds, fresh=fresh, release=release, hurry=hurry)
            if verb is not None:
                self.states[name] = begun(self.states[name], at)
                self._tasks[name] = asyncio.create_task(self._send(timer, verb, at))
        if self.mode != "off" and at >= self._observed_at + OBSERVED_SECONDS and "" not in self._tasks:
            self._observed_at = at
            self._tasks[""] = asyncio.create_task(self._observe())
        self._tasks = {name: task for name, task in self._tasks.items() if not task.done()}

    def fire(self) -> None:
        """A kill begins. Nothing is renewed any more; with a key whose requests go one at a time, what is under way is
        given up: the kill waits for nothing.
        """
        self._fresh = self._release = False
        if self._ordered:
            for task in self._tasks.values():
                task.cancel()

    def release(self) -> None:
        """The accounts are proven clear and nobody holds them any more: disarm what this guard has armed, at the next
        turns of the loop.
        """
        self._release = True

    async def disarm(self, within: float) -> str:
        """Disarm what this guard has armed, now, and wait so many seconds for the answers; nothing is armed any more
        afterwards. What may still cancel, in words; empty where nothing can.
        """
        self._fresh, self._release, self._hurry = False, True, True
        until = self.clock.monotonic() + within
        while True:
            self.look(at := self.clock.monotonic(), fresh=False)
            waits = [one for one in self._tasks.values() if not one.done()]
            open_ = any(one.armed(at, self.seconds) for one in self.states.values())
            if at >= until or not (waits or open_):
                break
            pauses = [one.tried_at + one.pause - at for one in self.states.values() if not one.busy and one.pause]
            timeout = min([until - at, *(pause for pause in pauses if pause > 0)])
            if waits:
                await asyncio.wait(waits, timeout=until - at, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(timeout)
        return self.left

    @contextlib.asynccontextmanager
    async def paused(self, name: str) -> AsyncIterator[None]:
        """Leave a timer to somebody else, a drill, once nothing is under way. Afterwards it does not count as armed.

        The others are kept: they would run out meanwhile, and cancel.
        """
        self._paused = frozenset({name})
        try:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            yield
        finally:
            self._paused = frozenset()
            if name in self.states:
                self.states[name] = replace(self.states[name], armed_at=None)

    async def close(self) -> None:
        """Give up whatever is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # --- what it tells ---

    @property
    def trouble(self) -> str:
        """Why the guard is degraded by it, in words: not armed while it should be, or not renewed for half its time."""
        if not self._fresh:
            return ""
        at = self.clock.monotonic()
        return "; ".join(
            filter(None, (self._trouble_of(name, at) for name in self._timers if name not in self._paused))
        )

    def _trouble_of(self, name: str, at: float) -> str:
        state = self.states[name]
        if state.armed_at is None or not state.armed(at, self.seconds):
            return f"the venue's switch is not armed ({name}): {state.trouble or 'no answer yet'}"
        if at - state.armed_at > self.seconds / 2:
            words = state.trouble or "no answer"
            return f"the venue's switch was not renewed for {at - state.armed_at:.0f} s ({name}): {words}"
        return f"the venue's switch is in doubt ({name}): {state.trouble}" if state.trouble and not state.busy else ""

    @property
    def until_ms(self) -> int | None:
        """Until when a timer that this guard has set may cancel, in ms since the epoch: no bot is to be started before.
        None where none can.
        """
        at = self.clock.monotonic()
        last = max((one.runs_until for one in self.states.values()), default=at)
        return self.clock.now_ms() + round((last - at) * 1000) if last > at else None

    @property
    def left(self) -> str:
        """What may still cancel, in words; empty where nothing can."""
        until_ms = self.until_ms
        return "" if until_ms is None else f"the venue's switch may still cancel until {wall(until_ms)}"

    def words(self) -> str:
        """How it stands with it, for the status: one line."""
        if self._paused:
            return "left to a drill"
        if self.mode == "off":
            return "off"
        said = [*self._shown()]
        if self._timers:
            said.append(self._standing())
        elif self.unarmed and self.mode == "arm":
            said.append(f"not armed: {self.unarmed}")
        elif self._none:
            said.append(self.unarmed)
        elif not said:
            said.append("not armed by this guard; whether anybody else has armed it no call shows")
        if self._timers:
            said += self._switch.out_of_reach(self.resting)
        return "; ".join(said)

    def _standing(self) -> str:
        at, now_ms = self.clock.monotonic(), self.clock.now_ms()
        ends = [
            one.armed_at + self.seconds
            for one in self.states.values()
            if one.armed_at is not None and one.armed(at, self.seconds)
        ]
        if len(ends) == len(self.states):
            what = "renewed while beats are fresh" if self._fresh else "left to run out"
            return f"armed until {wall(now_ms + round((min(ends) - at) * 1000))} ({what})"
        if self._fresh:
            return self.trouble
        return self.left or "not armed"

    def _shown(self) -> list[str]:
        return [self._unseen] if self._unseen else [one.words for one in self.sights]

    @property
    def unprotected(self) -> tuple[str, ...]:
        """What happens if this host loses its network, in words."""
        name, lost = self.profile.name, "if this host loses its network"
        if not self._timers:
            return (f"{lost}, the orders of {name} stay: nothing is armed at the venue",)
        beyond = self._switch.beyond(self.profile.options, self.profile.environment)
        return tuple(f"{lost}, the venue's switch leaves, of {name}: {one}" for one in beyond)

    # --- how it is done ---

    async def _send(self, timer: SwitchTimer, verb: Verb, at: float) -> None:
        """One request about a timer, and what its answer says of it."""
        arms, attempts = verb != "disarm", list[Attempt]()
        client: Client | None = None
        outcome: Outcome[TimerReading] | None = None
        given_up, why = False, ""
        try:
            client = self.line(at + ASK_SECONDS)
            venue_ms = client.signer.venue_ms(self.clock.now_ms())
            request = self._switch.arming(timer, self.seconds, venue_ms) if arms else timer.disarm
            outcome = await client.ask(request, timer.read, watch=Watch(ended=attempts.append), most=2)
        except asyncio.CancelledError:
            given_up, why = True, "given up"
        except CancelallError as error:
            why = error.message
        except Exception as bug:  # whatever goes wrong with a switch must not end the guard
            why = bug_words(bug)
        state, now = self.states[timer.name], self.clock.monotonic()
        if arms and client is not None and (given_up or any(map(_may_arrive, attempts))):
            state = loosened(state, *self._loose(client, now))
        if outcome is None or client is None:
            state = failed(state, now, why, seconds=self.seconds)
        elif arms:
            state = self._after_arming(state, outcome, client, now)
        else:
            state = self._after_disarming(state, outcome, now)
        self._take(timer, verb, state)

    def _after_arming(
        self, state: TimerState, outcome: Outcome[TimerReading], client: Client, now: float
    ) -> TimerState:
        """What is known of a timer after a request that arms it was answered, or not."""
        reading, seconds, attempt = outcome.value, self.seconds, outcome.attempt
        if reading is None or outcome.answer is not Answer.ACCEPTED:
            return failed(state, now, words_of(outcome), seconds=seconds, refused=_refused(outcome))
        venue_ms, wrong = client.signer.venue_ms(self.clock.now_ms()), ""
        if self._switch.confirms or reading.armed is False:
            wrong = off_by(reading, venue_ms, seconds, attempt.ended - attempt.began)
        if reading.armed is False:
            return failed(state, now, wrong, seconds=seconds)
        late = self._switch.late_seconds
        return armed(state, now, seconds=seconds, late=late, ordered=self._ordered, trouble=wrong)

    def _after_disarming(self, state: TimerState, outcome: Outcome[TimerReading], now: float) -> TimerState:
        """The same of one that disarms it."""
        if outcome.value is None or outcome.answer is not Answer.ACCEPTED:
            return failed(state, now, words_of(outcome), seconds=self.seconds, refused=_refused(outcome))
        if outcome.value.armed:
            return failed(state, now, "the venue answers that it is still armed", seconds=self.seconds)
        return disarmed(state, now, ordered=self._ordered)

    def _loose(self, client: Client, now: float) -> tuple[float, float]:
        """Until when the venue may still take a request that arms it and has just left; and until when the timer may
        then cancel something.
        """
        late_ms, seconds = client.venue.late_ms(client.signer.options), self.seconds
        if self._switch.absolute:
            return now + seconds, now + seconds + self._switch.late_seconds
        until = now + (_UNSAID_LATE if late_ms is None else late_ms / 1000)
        return until, until + seconds + self._switch.late_seconds

    def _take(self, timer: SwitchTimer, verb: Verb, state: TimerState) -> None:
        before = self.states[timer.name]
        self.states[timer.name] = state
        if verb == "arm" and state.armed_at is not None and state.armed_at != before.armed_at:
            self._say("armed", f"is armed for {self.seconds:g} s", timer)
        if verb == "disarm" and state.armed_at is None:
            self._say("disarmed", "is disarmed", timer)
        if state.trouble and state.trouble != before.trouble:
            self._say("trouble", f"does not do as it should: {state.trouble}", timer)

    def _say(self, event: str, words: str, timer: SwitchTimer) -> None:
        self.note(f"switch_{event}", f"{self.profile.name}: the venue's switch ({timer.name}) {words}")

    async def _observe(self) -> None:
        """Look at what the venue shows of a switch that others may have set."""
        sights: list[SwitchSight] = []
        unseen = ""
        with contextlib.suppress(asyncio.CancelledError):
            for question in self._switch.questions(self.profile.options, self.profile.environment):
                try:
                    client = self.line(self.clock.monotonic() + ASK_SECONDS)
                    outcome = await client.ask(question.request, question.read, most=2)
                except CancelallError as error:
                    unseen = error.message
                except Exception as bug:
                    unseen = bug_words(bug)
                else:
                    if outcome.value is None:
                        unseen = words_of(outcome)
                    else:
                        sights.append(outcome.value)
            self.sights = tuple(sights)
            self._unseen = f"the venue's own switch cannot be seen: {unseen}" if unseen else ""


def _may_arrive(attempt: Attempt) -> bool:
    """Whether the venue may take a request, or have taken it, whose answer does not say so."""
    if attempt.judgement is not None:
        return attempt.judgement.answer is Answer.AMBIGUOUS
    return attempt.sent and not (attempt.fault is not None and attempt.fault.sent == "no")


def _refused(outcome: Outcome[Any]) -> bool:
    """Whether trying it again at once would be of no use."""
    return outcome.answer in (Answer.REFUSED, Answer.ABSENT)


def words_of(outcome: Outcome[Any]) -> str:
    """What a request ran into, in words."""
    judgement, fault = outcome.attempt.judgement, outcome.attempt.fault
    if judgement is not None:
        hint = f" ({judgement.hint})" if judgement.hint else ""
        return f"{judgement.message or judgement.answer.value}{hint}"
    return fault.message if fault is not None else "no answer in time"
