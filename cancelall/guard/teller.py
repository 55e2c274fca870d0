"""Who is told of a guard, and of its kills: what the loop calls, and the command line does with journal and streams.

Nothing of it may block or raise: whatever it does, it delays no cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cancelall.config.guards import GuardSettings
from cancelall.core.errors import ExitStatus
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Listener
from cancelall.guard.model import Cause, GuardRecord, GuardState, GuardStatus
from cancelall.journal.record import Record


class KillTeller(Protocol):
    """Who is told of one kill of a guard: it has a run of its own in the journal, as every kill has."""

    @property
    def record(self) -> Record:
        """The journal of this kill: the `record` of its `Run`. Its file is opened in the background."""

    @property
    def listener(self) -> Listener:
        """What its `Run` calls."""

    async def over(self, reports: Sequence[ProfileReport], status: ExitStatus) -> None:
        """Every verdict is there: journal, last line, notify commands. It takes as long as these take, 10 s at most;
        the loop goes on meanwhile.
        """


class Teller(Protocol):
    """Who is told of a guard."""

    def standing(self, status: Callable[[], GuardStatus]) -> None:
        """The guard stands; `status` tells at any time how: for the live line."""

    def reloaded(self, settings: GuardSettings) -> None:
        """Another configuration is in force."""

    def changed(self, record: GuardRecord, before: GuardState) -> None:
        """It has come into another state: `record` is on the disk already."""

    def note(self, words: str) -> None:
        """A line for people, in the past or present; not with `--quiet`."""

    def warn(self, words: str) -> None:
        """A line that even `--quiet` leaves."""

    def alarm(self, words: str) -> None:
        """The same, and somebody has to be told now: the notify commands run with it. Each alarm once while it lasts;
        who calls sees to that.
        """

    def kill(self, cause: Cause) -> KillTeller:
        """It fires: who is told of this kill. Makes no file and waits for nothing."""

    def close(self, status: int) -> None:
        """The guard has ended with this exit status: everything is written that still can be. The command does it, not
        the loop.
        """
