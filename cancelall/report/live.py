"""One live line per profile on a terminal while it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping

from cancelall.report.streams import Outlet
from cancelall.report.tables import width_of

_INTERVAL = 0.2
_PATIENCE = 0.3
"""Seconds that a result waits for the lines to go away."""
_CLEAR_LINE = "\r\x1b[2K"


class Progress:
    """Draws how far each sweep is, below what was said before. It only reads; a slow terminal just misses frames."""

    def __init__(self, outlet: Outlet, environ: Mapping[str, str], *, timed: bool = True) -> None:
        """`timed`: each line ends with the seconds since the beginning."""
        self._timed = timed
        self._outlet = outlet
        self._environ = environ
        self._descriptor = outlet.descriptor
        self._lines: dict[str, Callable[[], str]] = {}
        self._drawn = 0
        self._held = 0
        self._gone = threading.Event()
        self._began = time.monotonic()

    def sweeping(self, profile: str, line: Callable[[], str]) -> None:
        """A profile's sweep has begun; `line` says how far it is."""
        self._lines[profile] = line

    def finished(self, profile: str) -> None:
        """Its result is going to be printed: take all lines away, and draw none until `resume`."""
        self._lines.pop(profile, None)
        self._held += 1
        self.wipe()

    def wipe(self) -> None:
        """Take all lines away: something else is going to be said."""
        gone = threading.Event()
        self._gone = gone
        self._outlet.write(self._frame([]))
        self._outlet.write(lambda: _signal(gone))

    def await_wiped(self) -> str:
        """Called by whoever writes a result to the same terminal; a stopped one is not waited for."""
        self._gone.wait(_PATIENCE)
        return ""

    def resume(self) -> str:
        """The result is written: lines may be drawn again."""
        self._held -= 1
        return ""

    async def tick(self) -> None:
        """Draw from time to time, until cancelled; on a terminal that cannot take a line back, never."""
        while self._environ.get("TERM") != "dumb":
            await asyncio.sleep(_INTERVAL)
            if self._held:
                continue
            self._outlet.write(self._frame([f"  {name}: {line()}" for name, line in list(self._lines.items())[:12]]))

    def _frame(self, lines: list[str]):  # type: ignore[no-untyped-def] # a renderer for the outlet
        end = f" · {time.monotonic() - self._began:.1f} s" if self._timed else ""

        def draw() -> str:
            up = f"\x1b[{self._drawn}A" if self._drawn else ""
            wipe = up + "".join(f"{_CLEAR_LINE}\n" for _ in range(self._drawn)) + (up if self._drawn else "")
            self._drawn = len(lines)
            width = width_of(self._environ, self._descriptor) - 1  # a line that wraps could not be taken back
            return wipe + "".join(f"{_fitted(line, end, width)}\n" for line in lines)

        return draw


def _fitted(line: str, end: str, width: int) -> str:
    """A line with its end, cut before that where it is too long."""
    room = max(0, width - len(end))
    return f"{line if len(line) <= room else f'{line[: room - 1]}…'}{end}"[:width]


def _signal(event: threading.Event) -> str:
    event.set()
    return ""
