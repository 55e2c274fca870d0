"""Dead-man's timers: each cancels what it covers at its moment, unless it is set anew before, or switched off.

A timer is told by its account and a name: to set one replaces it, whoever had set it.
"""

from collections.abc import Callable, Hashable

from .book import Account, SimOrder

Covers = Callable[[SimOrder], bool]
RunOut = Callable[[Account, Covers, int], object]


class Countdowns:
    """Those of all accounts of a fake venue."""

    def __init__(
        self, now_ms: Callable[[], int], later: Callable[[int, Callable[[int], object]], None], run_out: RunOut
    ) -> None:
        self._now_ms, self._later, self._run_out = now_ms, later, run_out
        self._set: dict[tuple[str, Hashable], int] = {}
        self._moments: dict[tuple[str, Hashable], int] = {}
        self._count = 0
        self.ran_out: list[tuple[str, Hashable, int]] = []
        """Account, name and moment of each timer that came to its end."""

    def set(self, account: Account, name: Hashable, in_ms: int, covers: Covers = lambda order: True) -> int:
        """Set a timer, and have it end in so many milliseconds; 0 switches it off. The moment of its end, or 0."""
        key = account.key, name
        self._count += 1
        number = self._set[key] = self._count
        if not in_ms:
            self._moments.pop(key, None)
            return 0
        moment = self._moments[key] = self._now_ms() + in_ms

        def end(due_ms: int) -> None:
            if self._set.get(key) == number:
                self._moments.pop(key, None)
                self.ran_out.append((*key, due_ms))
                self._run_out(account, covers, due_ms)

        self._later(moment, end)
        return moment

    def moment(self, account: Account, name: Hashable) -> int | None:
        """When a timer ends; None where it is off."""
        return self._moments.get((account.key, name))

    def lose(self) -> None:
        """Forget every timer, and tell nobody: a venue whose switch does not work."""
        self._set.clear()
