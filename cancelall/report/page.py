"""One page about a run that is over, for who was not there: lines of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from cancelall.core.results import ProfileSummary, RunSummary
from cancelall.report.text import clean

_WIDTH = 80
_INDENT = 12


def page(run: RunSummary, chain: str) -> str:
    """Who, when, why, what was open, what is left, how long; `chain` says what the journal itself is worth."""
    lines = [
        f"Run {clean(run.id[:8])} of cancelall, {_clock(run.began)}",
        "",
        *_fact("who", ", ".join([run.who, *run.where])),
        *_fact("command", " ".join(["cancelall", *run.command])),
        *_fact("reason", run.reason or "none was given"),
        *_fact("ended", _ended(run)),
        *_fact("requests", _requests(run)),
        *_fact("journal", chain),
        "",
        *_table(run.profiles),
    ]
    for one in run.profiles:
        lines += _fact(one.profile, one.error) if one.error else []
        if one.late_until:
            until = "with no known limit" if one.late_until == "?" else f"until {_clock(one.late_until)}"
            lines += _fact(one.profile, f"a cancel without an answer could be executed, {until}")
    return "\n".join([*lines, "", _verdict(run)]) + "\n"


def _fact(name: str, text: str) -> list[str]:
    """A name and what is said of it, folded below each other."""
    lines = textwrap.wrap(clean(text, 600), _WIDTH - _INDENT) or [""]
    first = f"  {clean(name, 30):<{_INDENT - 3}} "
    return [f"{first}{lines[0]}".rstrip(), *(f"{'':{_INDENT}}{line}" for line in lines[1:])]


def _table(profiles: Sequence[ProfileSummary]) -> list[str]:
    """A row for each profile. Names that are too long are cut here; they are whole in the journal."""
    name = min(28, max([len("profile"), *(len(clean(one.profile)) for one in profiles)]))
    rows = [f"  {'profile':<{name}}  {'verdict':<13}{'was open':>9}{'left':>8}{'kept':>6}{'s':>7}{'exit':>6}"]
    for one in profiles:
        cells = (_known(one.was_open), _known(one.left), str(one.kept), _seconds(one.seconds), _known(one.exit_code))
        rows.append(
            f"  {clean(one.profile)[:name]:<{name}}  {clean(one.verdict or 'none')[:13]:<13}"
            f"{cells[0]:>9}{cells[1]:>8}{cells[2]:>6}{cells[3]:>7}{cells[4]:>6}"
        )
    return [*rows, ""] if profiles else []


def _ended(run: RunSummary) -> str:
    if run.exit_code is None:
        return "it did not end: killed, or the machine went down, or it still runs"
    return f"with exit {run.exit_code} after {_seconds(run.seconds)} s"


def _requests(run: RunSummary) -> str:
    unknown = f"; of {run.in_flight} nobody knows whether they were executed" if run.in_flight else ""
    return f"{run.requests}{unknown}{'; nothing was to be changed' if run.dry_run else ''}"


def _verdict(run: RunSummary) -> str:
    """The last line: what this run has shown."""
    if run.dry_run:
        return "It only read: nothing was cancelled."
    clear = [one for one in run.profiles if one.verdict == "clear"]
    if len(clear) == len(run.profiles) and run.profiles and run.exit_code == 0:
        return f"CLEAR: nothing was left on {len(clear)} of {len(run.profiles)} profiles."
    others = [one for one in run.profiles if one not in clear]
    names = ", ".join(f"{clean(one.profile)} {clean(one.verdict or 'without a verdict')}" for one in others[:5])
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    return f"NOT CLEAR: {names or 'no verdict'}{more}."


def _known(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _seconds(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds:.1f}"


def _clock(stamp: str) -> str:
    return f"{clean(stamp[:10])} {clean(stamp[11:19])} UTC" if stamp else "at an unknown time"
