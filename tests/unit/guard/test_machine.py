"""What a guard makes of what it sees: a row for every rule, then random histories against a model of the world."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancelall.core.errors import UsageError
from cancelall.guard.loop import EVERY
from cancelall.guard.machine import Machine, Step
from cancelall.guard.model import LOOKED, Cause, GuardRecord, GuardState, Look, Pressed, Rules, Sight

BOOT = "a boot"
BEAT, FEED, PID, KILL, PROBE = "/run/bot/beat", "unix:/run/bot/feed", "4711", "/run/KILL", "http://127.0.0.1/health"
RULES = Rules(timeout=10.0, grace=30.0)


def beat(key: str, trouble: str = "", source: str = BEAT) -> Sight:
    return Sight(source=source, trigger="heartbeat", key=key, trouble=trouble)


def process(key: str = "", trouble: str = "") -> Sight:
    return Sight(source=PID, trigger="process", key=key, present=bool(key), trouble=trouble)


def kill_file(present: bool = False, trouble: str = "") -> Sight:
    return Sight(source=KILL, trigger="kill file", present=present, trouble=trouble)


def probe(failing: bool = False, answered: bool = True) -> Sight:
    return Sight(source=PROBE, trigger="probe", present=failing, key="answered" if answered else "")


@dataclass
class Story:
    """A machine, and the time that passes for it."""

    rules: Rules = RULES
    found: GuardRecord | None = None
    at: float = 1000.0
    asleep: float = 0.0
    fired: list[Cause] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machine = Machine(self.rules, boot=BOOT, at=self.at, before=self.found)

    def look(self, *sights: Sight, pressed: Pressed | None = None) -> Story:
        look = Look(at=self.at, sights=sights, pressed=(pressed,) if pressed else (), asleep=self.asleep)
        self.note(self.machine.look(look))
        return self

    def note(self, step: Step | None) -> None:
        if step is not None:
            self.steps.append(step)
            self.fired += [step.fire] if step.fire else []

    def watch(self, seconds: float, *sights: Sight, every: float = 0.1) -> Story:
        """Looks, for so long, at what stays as it is."""
        until = self.at + seconds
        while self.at < until - 1e-9:
            self.at = min(until, self.at + every)
            self.look(*sights)
        return self

    def able(self, *sights: Sight) -> Story:
        self.machine.able()
        return self.look(*sights)

    def armed(self) -> Story:
        """By two beats of a file, with no other source."""
        return self.able(beat("1")).look(beat("2"))

    def again(self, *, rules: Rules | None = None, absent: float = 0.0) -> Story:
        """A guard that is started after this one has gone without a word, so many seconds later."""
        return Story(rules=rules or self.rules, found=self.machine.record, at=self.at + absent, asleep=self.asleep)

    @property
    def state(self) -> GuardState:
        return self.machine.state


# --- until it is armed ---


def test_it_waits_until_it_is_able_and_then_for_a_beat() -> None:
    story = Story().look(beat("1"))
    assert story.state is GuardState.CHECKING
    assert story.able(beat("1")).state is GuardState.WAITING
    assert story.machine.awaited == (f"heartbeat {BEAT}",)
    assert story.watch(100.0, beat("1")).state is GuardState.WAITING, "a file as it stands is no beat"
    assert story.look(beat("2")).state is GuardState.ARMED
    assert story.fired == []


def test_a_datagram_that_came_before_the_first_look_is_a_beat() -> None:
    assert Story().able(beat("1", source=FEED)).state is GuardState.ARMED
    assert Story().able(beat("", source=FEED)).state is GuardState.WAITING


def test_all_heartbeats_and_processes_are_awaited() -> None:
    story = Story().able(beat("1"), beat("", source=FEED), process())
    assert story.look(beat("2"), beat("", source=FEED), process("4711:5")).state is GuardState.WAITING
    assert story.machine.awaited == (f"heartbeat {FEED}",)
    assert story.look(beat("2"), beat("1", source=FEED), process("4711:5")).state is GuardState.ARMED


def test_a_beat_while_it_checks_counts() -> None:
    assert Story().look(beat("1")).look(beat("2")).able(beat("2")).state is GuardState.ARMED


def test_without_heartbeat_and_process_it_is_armed_as_soon_as_it_is_able() -> None:
    assert Story().able(kill_file()).state is GuardState.ARMED


def test_a_process_that_dies_before_it_is_armed_is_awaited_again() -> None:
    story = Story().able(process("1"), beat("1")).watch(1.0, process(), beat("1"))
    assert story.look(process(), beat("2")).state is GuardState.WAITING
    assert story.look(process("2"), beat("2")).state is GuardState.ARMED
    assert story.fired == []


@pytest.mark.parametrize("able", [False, True], ids=["checking", "waiting"])
def test_silence_and_death_fire_nothing_before_it_is_armed(able: bool) -> None:
    sights = beat("1"), process()
    story = Story().look(beat("1"), process("1"))
    story = story.able(*sights) if able else story.look(*sights)
    assert story.watch(500.0, *sights).fired == []


@pytest.mark.parametrize("able", [False, True], ids=["checking", "waiting"])
def test_a_kill_file_a_signal_and_a_command_fire_before_it_is_armed(able: bool) -> None:
    for sight, pressed, words in (
        (kill_file(present=True), None, f"{KILL} exists"),
        (kill_file(), Pressed(trigger="signal", source="USR1"), "signal USR1"),
        (kill_file(), Pressed(trigger="command", source="me"), "guard fire: me"),
    ):
        story = Story().look(beat("1"), kill_file())
        story = story.able(beat("1"), kill_file()) if able else story
        story.look(beat("1"), sight, pressed=pressed)
        assert ([cause.words for cause in story.fired], story.state) == ([words], GuardState.FIRING)


# --- silence ---


def test_silence_fires_after_its_timeout_and_not_before() -> None:
    story = Story().armed().watch(9.9, beat("2"))
    assert story.fired == []
    assert story.machine.silent == pytest.approx(9.9)
    story.watch(0.2, beat("2"))
    assert story.fired == [Cause(trigger="heartbeat", source=BEAT, words=f"no beat of {BEAT} for 10 s")]
    assert story.steps[-1].record.state is GuardState.FIRING


def test_any_other_key_is_a_beat_and_an_empty_one_is_none() -> None:
    story = Story().armed()
    for number in range(20):
        story.watch(9.0, beat(str(number % 2)))
    assert story.fired == []
    story.watch(10.1, beat(""))
    assert [cause.trigger for cause in story.fired] == ["heartbeat"]


def test_each_heartbeat_counts_for_itself() -> None:
    story = Story().able(beat("1"), beat("1", source=FEED)).look(beat("2"), beat("1", source=FEED))
    for number in range(3, 20):
        story.watch(1.0, beat(str(number)), beat("1", source=FEED))
    assert [cause.source for cause in story.fired] == [FEED]


@pytest.mark.parametrize("gap", [3.0, 60.0, 86400.0])
def test_time_in_which_it_did_not_look_is_no_silence(gap: float) -> None:
    story = Story().armed().watch(9.0, beat("2"))
    story.at += gap
    story.look(beat("2"))
    assert story.fired == []
    assert story.machine.silent == pytest.approx(9.0 + LOOKED)
    assert story.look(beat("3")).machine.silent == 0.0


def test_a_death_that_lasts_fires_however_often_it_is_frozen() -> None:
    story = Story(rules=replace(RULES, timeout=2.0)).armed()
    for _ in range(12):
        story.at += 5.0
        story.look(beat("2"))
    assert [cause.trigger for cause in story.fired] == ["heartbeat"]


def test_after_a_suspension_who_beats_has_time_to_come_back() -> None:
    story = Story().armed().watch(9.9, beat("2"))
    story.asleep += 3600.0
    assert story.watch(29.9, beat("2")).fired == []
    assert story.watch(0.3, beat("2")).fired != []


def test_time_to_come_back_is_no_beat() -> None:
    """For the venue's own switch, which is renewed for beats alone."""
    story = Story().armed().watch(9.0, beat("2"))
    assert story.machine.beating
    story.asleep += 3600.0
    assert not story.watch(1.5, beat("2")).machine.beating
    assert story.look(beat("3")).machine.beating
    assert not story.again(absent=100.0).look(beat("3")).machine.beating
    assert Story().able(kill_file()).machine.beating, "nobody beats"


def test_a_heartbeat_that_cannot_be_looked_at_is_silent_and_says_why() -> None:
    story = Story().armed().watch(10.1, beat("2", trouble="Permission denied"))
    assert story.fired[0].words == f"no beat of {BEAT} for 10 s: Permission denied"


# --- processes, probes, and what cannot be looked at ---


@pytest.mark.parametrize(
    ("then", "words"), [(process(), f"{PID} is gone"), (process("4711:6"), f"{PID} is another process by now")]
)
def test_a_death_fires_at_once(then: Sight, words: str) -> None:
    story = Story().able(process("4711:5"))
    assert story.state is GuardState.ARMED
    assert [cause.words for cause in story.look(then).fired] == [words]


def test_a_probe_that_fails_fires_when_armed() -> None:
    assert [cause.trigger for cause in Story().able(probe()).look(probe(failing=True)).fired] == ["probe"]
    assert Story().look(probe(failing=True)).fired == []


def test_a_probe_that_was_never_answered_arms_nothing_and_fires_nothing() -> None:
    story = Story().able(probe(answered=False)).watch(5.0, probe(answered=False))
    story.watch(100.0, probe(failing=True, answered=False))
    assert (story.state, story.fired) == (GuardState.WAITING, [])
    assert story.look(probe()).state is GuardState.ARMED
    assert [cause.trigger for cause in story.look(probe(failing=True)).fired] == ["probe"]
    assert Story().able(probe(failing=True)).state is GuardState.WAITING, "it was answered once, and is down"


def test_a_probe_has_time_after_a_suspension_and_after_arming_by_hand() -> None:
    story = Story().able(probe()).watch(1.0, probe())
    story.asleep += 3600.0
    assert story.look(probe()).watch(29.0, probe(failing=True)).fired == []
    assert [cause.trigger for cause in story.watch(1.5, probe(failing=True)).fired] == ["probe"]
    armed = Story().able(probe(failing=True))
    armed.note(armed.machine.arm(armed.at))
    assert armed.watch(29.0, probe(failing=True)).fired == []
    assert [cause.trigger for cause in armed.watch(1.5, probe(failing=True)).fired] == ["probe"]


def test_a_kill_file_that_cannot_be_looked_at_any_more_is_still_there() -> None:
    story = Story().able(kill_file(present=True))
    story.note(story.machine.verdict(story.at, "clear", clear=True))
    story.look(kill_file(trouble="Permission denied"))
    assert story.machine.killing
    assert story.machine.released(story.at) is None
    assert not story.look(kill_file()).machine.killing


def test_a_source_that_is_watched_again_after_a_while_is_a_new_one() -> None:
    """What a guard before this one knew of it is of another time: the bot may have been started anew since."""
    story = Story().able(process("4711:5"), kill_file()).again().look(process("4711:5"), kill_file())
    story.watch(5.0, kill_file())  # another configuration watches the process no more
    assert story.look(process("4711:6"), kill_file()).watch(1.0, process("4711:6"), kill_file()).fired == []
    assert story.look(process(), kill_file()).fired != []


def test_a_heartbeat_that_is_new_while_it_is_armed_has_its_grace() -> None:
    story = Story().armed().look(beat("2"), beat("", source=FEED))
    for number in range(28):
        story.watch(1.0, beat(f"{number}+"), beat("", source=FEED))
    assert story.fired == []
    assert [cause.source for cause in story.watch(3.0, beat("x"), beat("", source=FEED)).fired] == [FEED]


@pytest.mark.parametrize("make", [kill_file, process])
def test_what_cannot_be_looked_at_fires_after_the_timeout(make: object) -> None:
    blind = kill_file(trouble="EIO") if make is kill_file else process("1", trouble="EIO")
    well = kill_file() if make is kill_file else process("1")
    story = Story().able(well).watch(9.8, blind).watch(0.1, well).watch(9.8, blind)
    assert story.fired == [], "it has to last"
    words = [cause.words for cause in story.watch(0.4, blind).fired]
    assert words == [f"{blind.source} could not be looked at for 10 s: EIO"]


def test_a_kill_file_that_cannot_be_looked_at_fires_while_it_waits_too() -> None:
    story = Story().able(beat("1"), kill_file())
    assert story.state is GuardState.WAITING
    assert [one.trigger for one in story.watch(10.3, beat("1"), kill_file(trouble="EACCES")).fired] == ["kill file"]


def test_with_a_condition_silence_alone_fires_nothing_nor_does_the_condition() -> None:
    rules = replace(RULES, confirm=("process",))
    story = Story(rules=rules).able(beat("1"), process("5")).look(beat("2"), process("5"))
    assert story.watch(60.0, beat("2"), process("5")).fired == []
    assert [cause.trigger for cause in story.look(beat("2"), process()).fired] == ["heartbeat"]
    story = Story(rules=rules).able(beat("1"), process("5")).look(beat("2"), process("5"))
    assert story.look(beat("3"), process()).fired == []
    assert story.watch(10.1, beat("3"), process()).fired != []


def test_of_several_conditions_one_is_enough() -> None:
    story = Story(rules=replace(RULES, confirm=("process", "probe"))).able(beat("1"), process("5"), probe())
    story.look(beat("2"), process("5"), probe()).watch(20.0, beat("2"), process("5"), probe())
    assert story.fired == []
    assert [cause.trigger for cause in story.look(beat("2"), process("5"), probe(failing=True)).fired] == ["heartbeat"]


def test_a_condition_that_nobody_can_look_at_agrees() -> None:
    story = Story(rules=replace(RULES, confirm=("process",))).able(beat("1"), process("5"))
    story.look(beat("2"), process("5"))
    assert story.watch(10.3, beat("2"), process("5", trouble="EIO")).fired != []


# --- after it has fired ---


def test_it_goes_on_firing_until_it_is_clear_and_then_holds_and_latches() -> None:
    story = Story().armed().watch(10.1, beat("2"))
    assert story.watch(60.0, beat("2")).state is GuardState.FIRING
    story.note(story.machine.verdict(story.at, "open", clear=False))
    assert (story.state, story.machine.record.verdict) == (GuardState.FIRING, "open")
    assert story.machine.released(story.at) is None
    story.note(story.machine.verdict(story.at, "clear", clear=True))
    assert story.watch(60.0, beat("2")).state is GuardState.HOLDING
    story.note(story.machine.released(story.at))
    assert (story.state, story.machine.record.verdict) == (GuardState.LATCHED, "clear")
    assert len(story.fired) == 1
    assert story.watch(60.0, beat("3")).state is GuardState.LATCHED, "a beat does not arm it"


def held(rules: Rules = RULES) -> Story:
    story = Story(rules=rules).able(beat("1"), kill_file()).look(beat("2"), kill_file(present=True))
    story.note(story.machine.verdict(story.at, "clear", clear=True))
    return story


def test_while_a_kill_file_exists_it_holds_and_when_it_comes_back_it_fires() -> None:
    story = held()
    assert story.watch(5.0, beat("2"), kill_file(present=True)).machine.released(story.at) is None
    story.look(beat("2"), kill_file())
    story.note(story.machine.released(story.at))
    assert story.state is GuardState.LATCHED
    assert len(story.look(beat("2"), kill_file(present=True)).fired) == 2


def test_a_fresh_beat_arms_it_again_where_it_may() -> None:
    story = held(replace(RULES, rearm="beat"))
    story.look(beat("3"), kill_file())
    story.note(story.machine.released(story.at))
    assert story.watch(30.0, beat("3"), kill_file()).state is GuardState.LATCHED
    assert story.look(beat("4"), kill_file()).state is GuardState.ARMED


def test_a_signal_fires_once_more_while_it_holds_but_not_while_it_fires() -> None:
    story = held()
    story.look(beat("2"), kill_file(present=True), pressed=Pressed(trigger="signal", source="USR1"))
    assert len(story.fired) == 2
    story.look(beat("2"), kill_file(present=True), pressed=Pressed(trigger="signal", source="USR1"))
    assert len(story.fired) == 2


def test_arming_by_hand_gives_the_first_beat_its_grace() -> None:
    story = Story().able(beat("1"), process())
    story.note(story.machine.arm(story.at))
    assert story.watch(29.9, beat("1"), process()).fired == [], "nor is a process missed that was never there"
    assert [cause.trigger for cause in story.watch(0.3, beat("1"), process()).fired] == ["heartbeat"]


@pytest.mark.parametrize("state", ["firing", "holding", "kill file"])
def test_it_cannot_be_armed_while_it_is_at_work(state: str) -> None:
    story = Story().able(beat("1"), kill_file())
    if state != "kill file":
        story.look(beat("1"), kill_file(), pressed=Pressed(trigger="signal", source="USR1"))
        story.machine.verdict(story.at, "clear", clear=state == "holding")
    else:
        story = held()
    with pytest.raises(UsageError, match="cannot be armed"):
        story.machine.arm(story.at)


def test_disarmed_no_beat_arms_it_and_no_silence_fires_but_a_person_does() -> None:
    story = Story().armed()
    story.note(story.machine.disarm(story.at))
    for number in range(10):
        story.watch(5.0, beat(str(number)))
    assert (story.watch(60.0, beat("9")).fired, story.state) == ([], GuardState.DISARMED)
    story.note(story.machine.arm(story.at))
    assert story.state is GuardState.ARMED
    story.note(story.machine.disarm(story.at))
    assert len(story.look(beat("9"), kill_file(present=True)).fired) == 1
    with pytest.raises(UsageError, match="kill file"):
        story.machine.disarm(story.at)


def test_another_configuration_forgets_what_it_watches_no_more_and_gives_time() -> None:
    story = Story().able(beat("1"), beat("1", source=FEED)).look(beat("2"), beat("2", source=FEED))
    story.watch(9.9, beat("2"), beat("2", source=FEED))
    story.machine.reload(replace(RULES, timeout=5.0))
    assert story.watch(29.9, beat("2")).fired == []
    assert [cause.source for cause in story.watch(0.3, beat("2")).fired] == [BEAT]


# --- started again ---


@pytest.mark.parametrize("absent", [0.0, 3.0, 100.0])
def test_an_armed_guard_that_is_started_again_is_armed_and_fires_for_no_absence_of_its_own(absent: float) -> None:
    story = Story().armed().watch(1.0, beat("2")).again(absent=absent).look(beat("2"))
    assert (story.state, story.fired) == (GuardState.ARMED, [])
    assert story.watch(9.5, beat("2")).fired == []
    assert story.watch(0.7, beat("2")).fired != []


def test_with_a_short_grace_the_last_beat_counts_and_a_beat_meanwhile_too() -> None:
    rules = Rules(timeout=60.0, grace=2.0)
    silent = Story(rules=rules).armed().watch(40.0, beat("2"))
    assert silent.again().watch(20.0, beat("2")).fired == [], "20 s are left of 60"
    assert silent.again().watch(36.0, beat("2")).fired != []
    assert silent.again(absent=50.0).watch(1.5, beat("2")).fired == []
    assert silent.again(absent=50.0).watch(2.5, beat("2")).fired != []
    assert silent.again(absent=50.0).watch(59.0, beat("3")).fired == []


def test_starting_again_and_again_forgets_no_silence() -> None:
    rules = Rules(timeout=60.0, grace=2.0)
    story = Story(rules=rules).armed()
    for _ in range(40):
        story = story.again(absent=0.5).watch(2.5, beat("2"))
        if story.fired:
            break
    assert story.fired, "100 s of silence, seen by forty guards"


@pytest.mark.parametrize("rearm", ["manual", "beat"])
def test_a_file_that_has_changed_while_there_was_no_guard_arms_none_that_was_not_armed(rearm: str) -> None:
    """Whoever has written to it may be gone for long."""
    rules = replace(RULES, rearm=rearm)  # type: ignore[arg-type]
    waiting = Story(rules=rules).able(beat("1")).again(absent=3600.0).able(beat("2"))
    assert waiting.watch(60.0, beat("2")).state is GuardState.WAITING
    assert waiting.look(beat("3")).state is GuardState.ARMED
    armed = Story(rules=rules).able(beat("1")).look(beat("2"))
    long_ago = Story(rules=rules, found=armed.machine.stopped(armed.at), at=armed.at + 86400.0).able(beat("3"))
    assert (long_ago.watch(60.0, beat("3")).state, long_ago.fired) == (GuardState.WAITING, [])
    found = GuardRecord(boot=BOOT, state=GuardState.LATCHED, at=1.0, beats={f"heartbeat {BEAT}": "1"})
    latched = Story(rules=rules, found=found).able(beat("2"))
    assert latched.watch(60.0, beat("2")).state is GuardState.LATCHED


@pytest.mark.parametrize(
    ("meanwhile", "fires"), [(process("4711:5"), False), (process(), True), (process("4711:6"), True)]
)
def test_a_death_in_the_meantime_is_seen(meanwhile: Sight, fires: bool) -> None:
    story = Story().able(process("4711:5")).again(absent=5.0).look(meanwhile)
    assert bool(story.fired) is fires


@pytest.mark.parametrize(("absent", "state"), [(2.0, GuardState.ARMED), (3600.0, GuardState.WAITING)])
def test_one_that_was_stopped_and_is_started_much_later_waits(absent: float, state: GuardState) -> None:
    stopped = Story().armed()
    record = stopped.machine.stopped(stopped.at)
    story = Story(found=record, at=stopped.at + absent).able(beat("2"))
    assert (story.state, story.fired) == (state, [])
    assert not story.machine.record.stopped


NO_GRACE = Rules(timeout=10.0, grace=0.0)


def test_started_again_a_freeze_before_and_the_time_before_it_was_armed_are_no_silence() -> None:
    frozen = Story(rules=NO_GRACE).armed()
    frozen.at += 100.0
    assert frozen.look(beat("2")).again().watch(2.0, beat("2")).fired == []
    late = Story(rules=NO_GRACE).armed()
    late.note(late.machine.disarm(late.at))
    late.watch(100.0, beat("2"))
    late.note(late.machine.arm(late.at))
    assert late.watch(1.0, beat("2")).again().watch(2.0, beat("2")).fired == []


def test_a_guard_that_was_latched_and_is_armed_before_its_first_look_misses_no_process() -> None:
    found = GuardRecord(boot=BOOT, state=GuardState.LATCHED, at=1.0, beats={f"process {PID}": "4711:5"})
    story = Story(found=found)
    story.note(story.machine.arm(story.at))
    assert story.look(process("4711:6")).fired == []
    assert story.look(process()).fired != []


@pytest.mark.parametrize("clear", [False, True], ids=["firing", "holding"])
def test_what_was_firing_fires_again_and_says_why(clear: bool) -> None:
    story = Story().armed().watch(10.1, beat("2"))
    story.note(story.machine.verdict(story.at, "open", clear=clear))
    again = story.again().look(beat("3"))
    assert [cause.words for cause in again.fired] == [f"it ended while it was firing: no beat of {BEAT} for 10 s"]
    assert again.again().look(beat("4")).fired == again.fired, "the words do not grow"


@pytest.mark.parametrize("state", [GuardState.LATCHED, GuardState.DISARMED])
def test_what_is_latched_or_disarmed_stays_so(state: GuardState) -> None:
    story = Story(found=GuardRecord(boot=BOOT, state=state, at=1.0)).able(beat("1"))
    assert story.watch(100.0, beat("2")).state is state
    assert story.fired == []


@pytest.mark.parametrize("state", GuardState)
def test_what_was_before_another_boot_counts_for_nothing(state: GuardState) -> None:
    for boot in ("another", ""):
        found = GuardRecord(boot=boot, state=state, at=1.0, beats={f"process {PID}": "4711:5"})
        story = Story(found=found).able(process(), beat("1"), kill_file())
        assert (story.state, story.fired) == (GuardState.WAITING, [])
        assert Story(found=found).look(kill_file(present=True)).fired


def test_with_no_boot_known_nothing_found_counts() -> None:
    machine = Machine(RULES, boot="", at=0.0, before=GuardRecord(boot="", state=GuardState.ARMED, at=0.0))
    assert machine.state is GuardState.CHECKING


# --- when to look ---


def test_it_says_when_time_alone_is_the_cause() -> None:
    story = Story().armed()
    assert story.machine.due == 10.0
    assert story.watch(9.9, beat("2")).machine.due == pytest.approx(0.1)
    assert story.look(beat("3")).machine.due == 10.0
    assert story.watch(9.0, beat("3"), kill_file()).machine.due == pytest.approx(1.0)
    story.watch(0.5, beat("4"), kill_file(trouble="Permission denied"))
    assert story.machine.due == pytest.approx(9.5), "the trouble, before the silence"
    assert story.fired == []


def test_what_no_time_brings_asks_for_no_look() -> None:
    story = Story().able(process("4711:5"), kill_file())
    assert (story.state, story.machine.due) == (GuardState.ARMED, float("inf"))
    story = Story().armed().watch(10.1, beat("2"))
    assert (story.state, story.machine.due) == (GuardState.FIRING, float("inf"))


# --- random histories ---

LATE = 0.2
"""Seconds after a timeout by which it has fired, of which a beat can be seen as late as one look is after another."""


@dataclass
class World:
    """A bot that beats, a process, a kill file, and a guard that is frozen, killed and started again.

    What is true is kept apart from what the guard is shown: when each cause began, and how much the guard has looked
    since. A cause has lasted when it was there at every look for its time.
    """

    chance: random.Random
    rules: Rules
    at: float = 0.0
    asleep: float = 0.0
    number: int = 1
    pid: int = 1
    living: bool = True
    killing: bool = False
    bot_frozen_until: float = -1.0
    next_beat: float = 0.0
    was_armed: bool = False
    seen_key: str = ""
    watched: float = 0.0
    """Seconds of looking since the beat that the guard saw last; a freeze is not looked at."""
    absent: float = 0.0
    """Seconds since that beat for which there was no guard: with a short grace they count for the next one."""
    allowed: float = 0.0
    """Further seconds that a start or a suspension has given."""
    deaths: int = 0

    def __post_init__(self) -> None:
        self.machine = Machine(self.rules, boot=BOOT, at=self.at)
        self.machine.able()

    def beats(self) -> None:
        while self.living and self.next_beat <= self.at:
            if self.bot_frozen_until <= self.next_beat:
                self.number += 1
            self.next_beat += self.chance.uniform(0.2, 0.6) * self.rules.timeout

    def sights(self) -> tuple[Sight, ...]:
        return (
            beat(str(self.number)),
            process(f"4711:{self.pid}" if self.living else ""),
            kill_file(present=self.killing),
        )

    def restart(self, absent: float) -> None:
        found = self.machine.record
        self.at, self.absent = self.at + absent, self.absent + absent + EVERY
        self.machine = Machine(self.rules, boot=BOOT, at=self.at, before=found)
        self.machine.able()

    def step(self) -> str:
        """Some time, then perhaps an event, then a look. What is wrong, or nothing."""
        event = self.chance.random()
        gap = min(EVERY * self.chance.uniform(0.2, 1.0), self.machine.due)
        restarted = asleep = False
        if event < 0.004:
            gap = self.chance.choice([1.0, 4.0, 40.0])  # the guard alone is frozen
        elif event < 0.008:  # everything is: the bot's own clock stands, too
            frozen = self.chance.choice([3.0, 30.0])
            self.at, self.next_beat, gap = self.at + frozen, self.next_beat + frozen, gap + LOOKED
        elif event < 0.011:
            self.asleep, asleep = self.asleep + 600.0, True
        elif event < 0.014:
            self.restart(self.chance.choice([0.1, 1.0, self.rules.timeout * 2]))
            restarted = True
        elif event < 0.016:
            self.bot_frozen_until = self.at + self.chance.choice([0.5, 1.5]) * self.rules.timeout
        elif event < 0.017:
            self.living, self.deaths = False, self.deaths + 1
        elif event < 0.018:
            self.killing = not self.killing
        elif event < 0.019:
            self.pid += 1
        self.at += gap
        self.beats()
        return self.judge(gap, restarted=restarted, asleep=asleep)

    def judge(self, gap: float, *, restarted: bool, asleep: bool) -> str:
        before, key = self.machine.state, str(self.number)
        known = self.machine.record.beats.get(f"process {PID}") or (self.found_process() if restarted else "")
        step = self.machine.look(Look(at=self.at, sights=self.sights(), asleep=self.asleep))
        counted = 0.0 if restarted else min(gap, LOOKED)
        fresh = key != self.seen_key
        self.watched = 0.0 if fresh else self.watched + counted
        self.seen_key = key
        if restarted or asleep:
            given = self.rules.timeout if restarted else self.rules.grace
            self.allowed = max(self.allowed, self.watched + given)
        if fresh:
            self.allowed = self.absent = 0.0
        dead = before is GuardState.ARMED and bool(known) and known != (f"4711:{self.pid}" if self.living else "")
        fired = step is not None and step.fire is not None
        at_work = before in (GuardState.FIRING, GuardState.HOLDING) and not restarted
        if fired and not self.is_cause(before, dead, restarted=restarted):
            return f"fired without a cause: {step.fire.words if step and step.fire else ''}"
        if not fired and not at_work and (self.killing or dead):
            return f"did not fire in {before}: {'kill file' if self.killing else 'death'}"
        late = max(self.rules.timeout, self.allowed) + LATE - EVERY
        if not fired and before is GuardState.ARMED and self.watched > late:
            return f"silent for {self.watched:.2f} s and not fired"
        return ""

    def found_process(self) -> str:
        """What a guard knows before its first look: what the one before it has left."""
        found = self.machine._found
        return found.beats.get(f"process {PID}", "") if found is not None else ""

    def is_cause(self, before: GuardState, dead: bool, *, restarted: bool) -> bool:
        if self.killing or dead or (restarted and before in (GuardState.FIRING, GuardState.HOLDING)):
            return True
        lasted = self.watched + self.absent
        return before is GuardState.ARMED and lasted >= self.rules.timeout - 1e-6

    def recover(self) -> None:
        """Somebody has looked after it: the bot is started again, and the guard armed."""
        self.machine.verdict(self.at, "clear", clear=True)
        if not self.killing and self.machine.released(self.at) and not self.living:
            self.living, self.pid, self.next_beat = True, self.pid + 1, self.at


def history(seed: int) -> str:
    """What is wrong with one random history."""
    wrong = history_of(random.Random(seed), looks=260)
    return f"seed {seed}, {wrong}" if wrong else ""


def history_of(chance: random.Random, looks: int) -> str:
    rules = Rules(
        timeout=chance.choice([0.5, 2.0, 5.0]),
        grace=chance.choice([0.0, 1.0, 30.0]),
        rearm=chance.choice(["manual", "beat"]),
    )
    world = World(chance=chance, rules=rules)
    for number in range(looks):
        if wrong := world.step():
            return f"look {number}, {rules}: {wrong}"
        if world.machine.state in (GuardState.FIRING, GuardState.HOLDING) and chance.random() < 0.1:
            world.recover()
        elif world.machine.state is GuardState.LATCHED and chance.random() < 0.05 and not world.machine.killing:
            world.machine.arm(world.at)
            world.watched, world.allowed = 0.0, max(rules.grace, rules.timeout)
    return ""


def test_no_history_fires_without_a_cause_and_none_misses_one() -> None:
    wrong = [one for seed in range(150) if (one := history(seed))]
    assert wrong == []


@settings(suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_nor_does_one_that_was_sought(chance: random.Random) -> None:
    """The same with choices that can be made smaller one by one."""
    assert history_of(chance, looks=120) == ""


HISTORIES = int(os.environ.get("HISTORIES") or "100000")


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(10))
def test_nor_does_any_of_a_hundred_thousand(part: int) -> None:
    wrong = [one for seed in range(part, HISTORIES, 10) if (one := history(seed))]
    assert wrong == []
