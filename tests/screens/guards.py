"""Guards as `cancelall guard status` shows them, drawn by the code that does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from unittest.mock import patch

from rich.text import Text

from cancelall.guard import view
from cancelall.guard.model import GuardState, GuardStatus
from cancelall.guard.view import guard_view, live_line
from cancelall.report import tables
from cancelall.report.guards import guard_table
from screens.drawing import picture, rows
from unit.guard.statuses import ARMED, KRAKEN, NOW, REFUSED, STALE, guard

GUARDS: dict[str, GuardStatus] = {
    "armed": replace(ARMED, profiles=(ARMED.profiles[0], replace(KRAKEN, hosts=KRAKEN.hosts[:1], verdict_seconds=2.4))),
    "degraded": guard(
        profiles=(REFUSED, KRAKEN),
        degraded=("bybit: the key was refused - make a new one",),
        alarms=("mm-2: api.kraken.com: its clock and ours are 1300 ms apart, more than 1000",),
    ),
    "latched": guard(GuardState.LATCHED, cause=STALE, verdict="clear", silent=None, restart_ms=NOW + 12_000),
    "firing": guard(GuardState.FIRING, cause=STALE, verdict="open", silent=None),
}
GUARD_WIDTHS = (40, 80, 120)
"""Columns at which the texts are compared."""


def guard_page(name: str, width: int) -> list[Text]:
    """The prompt and what follows it. Its clock stands, whatever zone the reader lives in."""
    made = tables.console(width, terminal=True, environ={"TERM": "xterm-256color"})
    with patch.object(view, "_clock", lambda at_ms: "03:07:45 UTC"):
        shown = guard_table(guard_view(GUARDS[name], NOW), made)
    return [Text("$ cancelall guard status", style="bold"), *rows(shown, width)]


@dataclass(frozen=True, kw_only=True)
class GuardShot:
    """A picture of a guard."""

    name: str
    words: str
    width: int = 80
    themes: tuple[str, ...] = ("light", "dark")

    def files(self) -> Iterator[tuple[str, str]]:
        """Name and content of each file."""
        for theme in self.themes:
            shown = guard_page(self.name, self.width)
            yield f"guard-{self.name}-{theme}.svg", picture(shown, self.width, f"{self.width} columns", theme)

    def markdown(self) -> str:
        """How the document shows it."""
        return (
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="screens/guard-{self.name}-dark.svg">'
            f'<img alt="{self.words}" src="screens/guard-{self.name}-light.svg"></picture>'
        )


def guard_texts() -> dict[str, str]:
    """What each guard shows at every width, by the name of the file that has it."""
    return {f"guard-{name}.txt": "\n".join(_variants(name)) + "\n" for name in GUARDS}


def _variants(name: str) -> Iterator[str]:
    for width in GUARD_WIDTHS:
        yield f"=== {width} columns"
        yield from (row.plain for row in guard_page(name, width))
    yield "=== the live line"
    with patch.object(view, "_clock", lambda at_ms: "03:07:45 UTC"):
        yield live_line(GUARDS[name], NOW)
