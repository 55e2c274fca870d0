"""The state machine of a guard. Pure: it has no clock, and every method is given the moment.

Time counts only while somebody looked: of what lies between two looks at most LOOKED does. So neither a suspended
machine nor a stopped process, swapping or a step of a clock is a silence. Keys are compared, never read as times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import UsageError
from cancelall.guard.model import LOOKED, Cause, GuardRecord, GuardState, Look, Pressed, Rules, Sight, Trigger

SAVED = 0.25
"""Share of `timeout` after which a newer beat is worth a newer record."""
STOPPED = 600.0
"""Seconds after which one that somebody has stopped, and that was armed, is no more so when it is started: that is no
restart, and its bot may have been stopped with it."""
_AGAIN = "it ended while it was firing: "
_STAYS = (GuardState.ARMED, GuardState.LATCHED, GuardState.DISARMED, GuardState.FIRING, GuardState.HOLDING)
"""What a guard that is started again goes on with."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A change of state, to be written down before it is carried out."""

    record: GuardRecord
    fire: Cause | None = None
    """Fire now."""


@dataclass(kw_only=True)
class _Watched:
    """What is known of one source."""

    trigger: Trigger
    known: str = ""
    """The key of its last beat, or of its process; empty where none was seen."""
    left: float
    """Watched seconds until its silence fires; of a probe, until its failures do."""
    awaited: bool
    """A beat, a living process, or an answer to a probe is still to be seen before the guard is armed."""
    troubled: float = 0.0
    """Watched seconds for which it could not be looked at."""
    beat_at: float
    """When it beat last, moved on by the time in which nobody looked."""


class Machine:
    """Where a guard stands, and what follows from each look."""

    def __init__(self, rules: Rules, *, boot: str, at: float, before: GuardRecord | None = None) -> None:
        """`before` is what was on the disk; of another boot it counts for nothing."""
        self.rules = rules
        self._kill_files: frozenset[str] = frozenset()
        """Those that exist; one that cannot be looked at is taken to be as it was."""
        self._found = before if before is not None and boot and before.boot == boot else None
        self._sources: dict[str, _Watched] = {}
        self._looked_at = at
        self._asleep: float | None = None
        self._able = self._looked = False
        known = self._found or GuardRecord(boot=boot, state=GuardState.CHECKING, at=at)
        stays = known.state in _STAYS and not (
            known.state is GuardState.ARMED and known.stopped and at - known.at > STOPPED
        )
        state = known.state if stays else GuardState.CHECKING
        self._record = replace(known, state=state, at=at, stopped=False)
        self._again = state.at_work
        """It was firing when it ended: it fires again."""

    @property
    def state(self) -> GuardState:
        """Where it stands."""
        return self._record.state

    @property
    def killing(self) -> bool:
        """Whether a kill file exists, as far as it was seen last."""
        return bool(self._kill_files)

    @property
    def cause(self) -> Cause | None:
        """Why it has fired, or fires."""
        return self._record.cause

    @property
    def record(self) -> GuardRecord:
        """What is to be on the disk now: each step has it, and between steps it has newer beats."""
        if not self._looked:
            return self._record
        known = {name: one for name, one in self._sources.items() if one.known}
        beats = {name: one.known for name, one in known.items()}
        return replace(self._record, beats=beats, beat_at={name: one.beat_at for name, one in known.items()})

    @property
    def awaited(self) -> tuple[str, ...]:
        """The sources that have to beat, or to be seen alive, before it is armed."""
        return tuple(name for name, one in self._sources.items() if one.awaited)

    @property
    def silent(self) -> float | None:
        """Watched seconds since the last beat of the source that is silent for the longest; None before the first."""
        beaten = [one for one in self._sources.values() if one.trigger == "heartbeat" and not one.awaited]
        return max((max(0.0, self.rules.timeout - one.left) for one in beaten), default=None)

    @property
    def beating(self) -> bool:
        """Whether the last beat of each heartbeat is younger than `timeout`, whatever time it is given to come back."""
        beats = (one for one in self._sources.values() if one.trigger == "heartbeat")
        return all(self._looked_at - one.beat_at < self.rules.timeout for one in beats)

    @property
    def due(self) -> float:
        """Watched seconds until the first silence or trouble has lasted for its time; infinite where all that do have.

        Whether that is a cause the look then shows; it is not late by a part of what lies between two looks.
        """
        silences = (one.left for one in self._sources.values() if one.trigger in ("heartbeat", "probe"))
        troubles = (self.rules.timeout - one.troubled for one in self._sources.values() if one.troubled)
        return min((left for left in (*silences, *troubles) if left > 0), default=float("inf"))

    # --- what happens ---

    def look(self, look: Look) -> Step | None:
        """What follows from a look at every source."""
        passed = max(0.0, look.at - self._looked_at)
        watched = min(passed, LOOKED)
        self._looked_at, self._looked = look.at, True
        if self._asleep is not None and look.asleep > self._asleep:
            self._be_patient()
        self._asleep = look.asleep
        there = (one for one in look.sights if one.trigger == "kill file")
        there = (one for one in there if one.present or (one.trouble and one.source in self._kill_files))
        self._kill_files = frozenset(one.source for one in there)
        names = {_name(sight) for sight in look.sights}
        self._sources = {name: one for name, one in self._sources.items() if name in names}
        for sight in look.sights:
            self._see(sight, watched, passed)
        self._found = None  # what begins to be looked at later is new
        if cause := self._cause(look):
            return self._fire(look.at, cause)
        if self.state is GuardState.CHECKING and self._able:
            return self._change(look.at, GuardState.WAITING if self.awaited else GuardState.ARMED)
        return self._change(look.at, GuardState.ARMED) if self._arms and not self.awaited else None

    def able(self) -> None:
        """Everything was prepared, as far as it could be: from the next look on it waits, or is armed."""
        self._able = True

    def arm(self, at: float) -> Step:
        """Somebody arms it: silence counts from the end of the grace on. Raises UsageError where it cannot be."""
        self._refuse_while_killing("armed")
        if self.state.at_work:
            raise UsageError(f"it cannot be armed: it is {self.state.value}", "wait for it, or disarm it first")
        for one in self._sources.values():
            one.left, one.troubled = max(self.rules.grace, self.rules.timeout), 0.0
            one.awaited, one.beat_at = False, at
        return self._change(at, GuardState.ARMED)

    def disarm(self, at: float) -> Step:
        """Somebody switches it off: no beat arms it, no silence fires. Raises UsageError where it cannot be."""
        self._refuse_while_killing("disarmed")
        return self._change(at, GuardState.DISARMED)

    def verdict(self, at: float, verdict: str, *, clear: bool) -> Step | None:
        """A run has come to a verdict: until one is clear it goes on firing. None where it was stopped meanwhile."""
        if not self.state.at_work:
            return None
        return self._change(at, GuardState.HOLDING if clear else GuardState.FIRING, verdict=verdict)

    def released(self, at: float) -> Step | None:
        """The hold is over: it latches, unless a kill file exists."""
        if self.state is not GuardState.HOLDING or self.killing:
            return None
        return self._change(at, GuardState.LATCHED)

    def stopped(self, at: float) -> GuardRecord:
        """What is left for the next guard, where somebody stops this one."""
        return replace(self.record, at=at, stopped=True)

    def reload(self, rules: Rules) -> None:
        """Another configuration is in force: the first beat has time. What is looked at no more is forgotten."""
        self.rules = rules
        self._be_patient()

    # --- one source ---

    @property
    def _arms(self) -> bool:
        """Whether beats arm it."""
        beats = any(one.trigger == "heartbeat" for one in self._sources.values())
        return self.state is GuardState.WAITING or (
            self.state is GuardState.LATCHED and self.rules.rearm == "beat" and beats
        )

    def _see(self, sight: Sight, watched: float, passed: float) -> None:
        one = self._sources.get(_name(sight)) or self._begin(sight, passed - watched)
        one.troubled = one.troubled + watched if sight.trouble else 0.0
        one.left -= watched
        one.beat_at += passed - watched
        if sight.trigger == "process" and not sight.trouble:
            self._see_process(sight, one)
        elif sight.trigger == "heartbeat" and sight.key and sight.key != one.known:
            one.known, one.left, one.awaited = sight.key, self.rules.timeout, False
            one.beat_at = self._looked_at
        elif sight.trigger == "probe" and self.state is not GuardState.ARMED:
            one.awaited = not sight.key or sight.present

    def _see_process(self, sight: Sight, one: _Watched) -> None:
        """While it is armed, a process that was alive stays the known one: that it is gone is then the cause."""
        if self.state is not GuardState.ARMED:
            one.known, one.awaited = sight.key if sight.present else "", not sight.present
        elif sight.present and not one.known:
            one.known = sight.key

    def _begin(self, sight: Sight, unwatched: float) -> _Watched:
        """A source that is looked at for the first time: a file as it stands is no beat, a datagram that came is."""
        name, timeout, found = _name(sight), self.rules.timeout, self._found
        armed = found is not None and found.state is self.state is GuardState.ARMED
        # Of one that is not armed it counts for nothing: a file that has changed since can have been left long ago.
        known = found.beats.get(name, "") if found is not None and armed else ""
        beat_at = found.beat_at.get(name, self._looked_at) if found is not None else self._looked_at
        left = timeout if self.state is not GuardState.ARMED else max(timeout, self.rules.grace)
        if sight.trigger == "probe" and (armed or self.state is not GuardState.ARMED):
            left = 0.0  # it has a number of failures of its own
        elif armed:  # its own absence is no silence; what was written down may be older than the last beat
            since = max(0.0, self._looked_at - beat_at)
            left = min(timeout, max(timeout * (1 + SAVED) - since, min(self.rules.grace, timeout)))
        self._sources[name] = _Watched(
            trigger=sight.trigger,
            known=known or (sight.key if sight.trigger == "heartbeat" and sight.source.startswith("/") else ""),
            left=left,
            awaited=sight.trigger != "kill file" and self.state is not GuardState.ARMED,
            beat_at=beat_at - unwatched,
        )
        return self._sources[name]

    def _be_patient(self) -> None:
        """After a suspension or a new configuration who beats, or answers, has to come back, too."""
        for one in self._sources.values():
            one.left = max(one.left, self.rules.grace)

    # --- causes ---

    def _cause(self, look: Look) -> Cause | None:
        """Why it fires at this look, if it does."""
        if self._again:
            self._again = False
            return _once_more(self._record)
        if self.state is GuardState.FIRING:
            return None
        if look.pressed:
            return _of_a_person(look.pressed[0])
        if self.state is GuardState.HOLDING:
            return None
        kill_files = [sight for sight in look.sights if sight.trigger == "kill file"]
        for sight in kill_files:
            if sight.present:
                return Cause(trigger="kill file", source=sight.source, words=f"{sight.source} exists")
        if self.state is GuardState.WAITING:
            return self._unreadable(kill_files)
        if self.state is not GuardState.ARMED:
            return None
        alone = [one for one in look.sights if one.trigger != "heartbeat" and one.trigger not in self.rules.confirm]
        bad = next((_of_a_bad_one(sight) for sight in alone if self._is_bad(sight)), None)
        return bad or self._unreadable(alone) or self._silence(look.sights)

    def _is_bad(self, sight: Sight) -> bool:
        """Whether a process that was alive is gone, or a probe has failed too often."""
        if sight.trigger == "process":
            known = self._sources[_name(sight)].known
            return bool(known) and not sight.trouble and not (sight.present and sight.key == known)
        return sight.trigger == "probe" and sight.present and self._sources[_name(sight)].left <= 0

    def _unreadable(self, sights: Iterable[Sight]) -> Cause | None:
        for sight in sights:
            if sight.trouble and self._sources[_name(sight)].troubled >= self.rules.timeout:
                words = f"{sight.source} could not be looked at for {self.rules.timeout:g} s: {sight.trouble}"
                return Cause(trigger=sight.trigger, source=sight.source, words=words)
        return None

    def _silence(self, sights: Sequence[Sight]) -> Cause | None:
        confirming = [one for one in sights if one.trigger in self.rules.confirm]
        if self.rules.confirm and not self._agrees(confirming):
            return None
        for sight in sights:
            if sight.trigger == "heartbeat" and self._sources[_name(sight)].left <= 0:
                why = f": {sight.trouble}" if sight.trouble else ""
                words = f"no beat of {sight.source} for {self.rules.timeout:g} s{why}"
                return Cause(trigger="heartbeat", source=sight.source, words=words)
        return None

    def _agrees(self, sights: Sequence[Sight]) -> bool:
        """Whether one of them is bad, or could not be looked at for so long that nobody knows better."""
        return any(map(self._is_bad, sights)) or self._unreadable(sights) is not None

    # --- changes ---

    def _refuse_while_killing(self, what: str) -> None:
        if self.killing:
            raise UsageError(f"it cannot be {what}: a kill file exists", "remove the kill file")

    def _fire(self, at: float, cause: Cause) -> Step:
        return replace(self._change(at, GuardState.FIRING, cause=cause, verdict=""), fire=cause)

    def _change(self, at: float, state: GuardState, *, cause: Cause | None = None, verdict: str | None = None) -> Step:
        if state in (GuardState.LATCHED, GuardState.DISARMED):
            for one in self._sources.values():
                one.awaited = one.awaited or one.trigger == "heartbeat"
        self._record = replace(
            self._record,
            state=state,
            at=at,
            cause=cause or self._record.cause,
            verdict=self._record.verdict if verdict is None else verdict,
        )
        return Step(record=self.record)


def _name(sight: Sight) -> str:
    """A source within a record: a file may be a heartbeat and name a process, too."""
    return f"{sight.trigger} {sight.source}"


def _once_more(record: GuardRecord) -> Cause:
    """Why a guard fires that was at it when it ended."""
    last = record.cause or Cause(trigger="command", source="", words="nobody knows why any more")
    words = last.words.removeprefix(_AGAIN)
    return replace(last, words=f"{_AGAIN}{words}")


def _of_a_bad_one(sight: Sight) -> Cause:
    words = f"{sight.source} fails"
    if sight.trigger == "process":
        words = f"{sight.source} is another process by now" if sight.present else f"{sight.source} is gone"
    return Cause(trigger=sight.trigger, source=sight.source, words=words)


def _of_a_person(pressed: Pressed) -> Cause:
    words = f"signal {pressed.source}" if pressed.trigger == "signal" else f"guard fire: {pressed.source}".rstrip(": ")
    return Cause(trigger=pressed.trigger, source=pressed.source, words=words)
