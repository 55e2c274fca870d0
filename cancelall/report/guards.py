"""How a guard stands, for people: its sources, what a kill would meet now, and one line that tells the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cancelall.core.dataclass import dataclass
from cancelall.report.badges import BAD, DOUBTFUL, GOOD, WARNING, badge
from cancelall.report.tables import LINES, REST, drawn, one_line, table
from cancelall.report.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

_LONGEST = 500
_MEDIUM = 72
"""Columns from which everything of a host has a column of its own."""


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """One thing that a guard looks at."""

    source: str
    what: str
    """What kind of thing it is."""
    words: str
    bad: bool = False
    """It cannot be looked at, or has fired."""


@dataclass(frozen=True, kw_only=True)
class HostRow:
    """What a kill of a profile would meet at one host. Empty is what is not known."""

    profile: str
    host: str
    latency: str = ""
    clock: str = ""
    left: str = ""
    """Of the profile's scarcest limit."""
    verdict: str = ""
    """Seconds to the verdict, as they are predicted."""
    switch: str = ""
    """The venue's own."""
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class GuardView:
    """A guard as it is shown."""

    name: str
    badge: str
    good: bool | None
    """None: it is neither good nor bad."""
    words: str
    exit_code: int
    sources: tuple[SourceRow, ...] = ()
    hosts: tuple[HostRow, ...] = ()
    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    step: str = ""
    """What to do next, with its command."""


def guard_table(view: GuardView, made: Console) -> str:
    """A guard in full. What is not good stands directly above the last line, which tells the whole."""
    from rich.text import Text

    parts: list[RenderableType] = []
    if view.sources:
        parts.append(_sources(view, made))
    if view.hosts:
        parts.append(_hosts(view, made))
    switches = [f"{one.profile}: the venue's own switch: {one.switch}" for one in view.hosts if one.switch]
    parts += [Text(clean(fact, _LONGEST), style="dim") for fact in (*switches, *view.facts)]
    parts += [Text(f"warning: {clean(one, _LONGEST)}", style=WARNING) for one in view.warnings]
    if view.step:
        parts.append(Text(f"next: {clean(view.step, _LONGEST)}"))
    return drawn(made, *parts) + guard_line(view, made)


def guard_line(view: GuardView, made: Console) -> str:
    """The one line of a guard, wrapped by terminals only."""
    from rich.text import Text

    kind = DOUBTFUL if view.good is None else GOOD if view.good else BAD
    line = Text(f" {view.badge} ", style=badge(kind, made.color_system))
    line.append(f" guard {clean(view.name)}", style="bold not reverse default on default")
    line.append(f": {clean(view.words, _LONGEST)} · exit {view.exit_code}", style=REST)
    return one_line(line, made)


def _sources(view: GuardView, made: Console) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    title = f"guard {clean(view.name)}: what it looks at"
    if made.width < LINES:
        lines: list[RenderableType] = [Text(title, style="bold")]
        for one in view.sources:
            lines += [Text(f"{one.what} {clean(one.source)}:"), Text.assemble("  ", _shown(one, made))]
        return Group(*lines, Text(""))
    rows = table(title)
    for name in ("kind", "source", "what it shows"):
        rows.add_column(name, overflow="fold", no_wrap=name == "kind")
    for one in view.sources:
        rows.add_row(Text(one.what), Text(clean(one.source)), _shown(one, made))
    return rows


def _shown(one: SourceRow, made: Console) -> Text:
    from rich.text import Text

    words = clean(one.words, _LONGEST)
    return Text(f" {words} ", style=badge(BAD, made.color_system)) if one.bad else Text(words)


_COLUMNS = (
    ("latency", "latency"),
    ("clock", "clock"),
    ("limits left", "left"),
    ("verdict in", "verdict"),
)
"""Heading and field of what is said of a host, the most important first."""


_OF_HOST = ("latency", "clock")
"""Those that each host of a profile has for itself."""


def _hosts(view: GuardView, made: Console) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    title = "if it fired now"
    used = [(head, field) for head, field in _COLUMNS if any(getattr(one, field) for one in view.hosts)]
    if made.width < LINES:
        lines: list[RenderableType] = [Text(title, style="bold")]
        for one in view.hosts:
            lines.append(Text(f"{clean(one.profile)} {clean(one.host)}:"))
            said = [f"{head} {clean(getattr(one, field))}" for head, field in used if getattr(one, field)]
            lines.append(_or_trouble(one, f"  {', '.join(said) or 'nothing is known yet'}", made))
        return Group(*lines, Text(""))
    columns = used if made.width >= _MEDIUM else used[:2]
    rows = table(title)
    for name in ("profile", "host"):
        rows.add_column(name, overflow="fold")
    for head, _ in columns:
        rows.add_column(head, overflow="fold", justify="right")
    before = ""
    for one in view.hosts:
        own = (
            _OF_HOST if one.profile == before else [field for _, field in columns]
        )  # a profile's stand in its first row
        before = one.profile
        cells = [Text(clean(getattr(one, field)) or ("unknown" if field in own else "")) for _, field in columns]
        rest = [f"{head} {clean(getattr(one, field))}" for head, field in used[len(columns) :] if getattr(one, field)]
        host = Text("\n".join([clean(one.host), *rest]))
        if one.trouble:
            host = Text.assemble(host, "\n", _or_trouble(one, "", made))
        rows.add_row(Text(clean(one.profile)), host, *cells)
    return rows


def _or_trouble(one: HostRow, words: str, made: Console) -> Text:
    from rich.text import Text

    if not one.trouble:
        return Text(words)
    return Text(f" {clean(one.trouble, _LONGEST)} ", style=badge(BAD, made.color_system))


def guards_summary(views: Sequence[GuardView], made: Console, code: int, count: int) -> str:
    """The last line where there are several guards; those of them that do not run have no view."""
    from rich.text import Text

    ready = sum(1 for one in views if not one.exit_code)
    good = ready == count
    line = Text(f" {'READY' if good else 'NOT READY'} ", style=badge(GOOD if good else BAD, made.color_system))
    line.append(f" {ready} of {count} guards armed and able · exit {code}", style=REST)
    return one_line(line, made)
