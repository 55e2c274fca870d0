"""FiringSignals: which can fire, and whose they are again."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from cancelall.cli import process
from cancelall.core.errors import ConfigError
from cancelall.guard.triggers.signals import DEFAULT, FiringSignals, numbers_of
from cancelall.guard.triggers.source import Bell
from support import on_a_loop

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there are no such signals here")


@pytest.mark.parametrize("name", ["USR1", "SIGUSR1", "usr1", "sigusr1"])
def test_a_name_in_any_spelling(name: str) -> None:
    assert numbers_of([name]) == {signal.SIGUSR1: "USR1"}
    assert DEFAULT == ("USR1",)


@pytest.mark.parametrize(
    "name", ["KILL", "STOP", "TERM", "INT", "HUP", "PIPE", "CHLD", "ABRT", "", "10", "USR3", "x\n"]
)
def test_what_means_something_else_cannot_fire(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot fire") as caught:
        numbers_of([name])
    assert "\n" not in caught.value.line


@on_a_loop
async def test_a_signal_is_seen_once_before_and_after_there_is_a_loop_to_wake() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    signals = FiringSignals()
    signals.take(numbers_of(["USR1", "USR2"]))
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert [one.source for one in signals.pressed()] == ["SIGUSR1"]
    assert signals.pressed() == ()
    bell = Bell(asyncio.get_running_loop())
    signals.attach(bell)
    os.kill(os.getpid(), signal.SIGUSR2)
    await bell.wait(30)
    assert [(one.trigger, one.source) for one in signals.pressed()] == [("signal", "SIGUSR2")]
    signals.take(numbers_of(["USR2"]))
    assert signal.getsignal(signal.SIGUSR1) == before
    signals.close()
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL


def test_one_that_was_held_back_while_the_program_started_counts() -> None:
    process._hold_back()
    signals = FiringSignals()
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)  # other threads do not hold it back here
        signals.take(numbers_of(["USR1"]))
        assert [one.source for one in signals.pressed()] == ["SIGUSR1"]
    finally:
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
        signals.close()
