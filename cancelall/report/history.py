"""The journal for people: one run in full, or one row for each of several. It knows Rich; imported when it draws."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cancelall.report.badges import WARNING
from cancelall.report.tables import drawn, table
from cancelall.report.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

ROWS = 200
"""Events of a run that are shown; --json always has all."""
_HEAD = 40
_SHOWN = ("v", "run", "seq", "ts", "mono", "event", "prev", "unlocked", "profile", "venue")
"""Fields that have a place of their own, or none."""
_BELOW = ("argv", "reason", "host", "uid", "user", "from", "tty", "unit")
"""Fields of the first event that are told below the table."""
_Fields = Mapping[str, Any]


class Recorded(Protocol):
    """One run, as its records tell it: `journal.chain.RunRecord`, which says what each of these is."""

    @property
    def id(self) -> str: ...
    @property
    def start(self) -> Mapping[str, Any]: ...
    @property
    def user(self) -> str: ...
    @property
    def end(self) -> Mapping[str, Any] | None: ...
    @property
    def in_flight(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def alive(self) -> bool: ...
    @property
    def records(self) -> Sequence[Mapping[str, Any]]: ...


def run_in_full(run: Recorded, made: Console) -> str:
    """Who wanted what, every event, and how it ended; requests of which nothing is known come last."""
    from rich.text import Text

    rows = table()
    rows.title, rows.title_style = Text(f"run {clean(run.id)}"), None
    rows.add_column("after", justify="right", no_wrap=True)
    rows.add_column("event", no_wrap=True)
    for name in ("profile", "what"):
        rows.add_column(name, overflow="fold")
    first = next((record.get("mono") for record in run.records), 0)
    for record in _middle_left_out(run.records):
        if record is None:
            rows.add_row("", Text("…", style="dim"), "", f"{len(run.records) - ROWS} more: --json has all")
            continue
        words = Text(clean(_WORDS.get(record["event"], _other)(record), 500))
        event = Text(clean(record["event"]), style=_STYLE.get(record["event"], ""))
        rows.add_row(_after(record, first), event, Text(clean(_text(record.get("profile", "")))), words)
    parts: list[RenderableType] = [rows, *(Text(line, style=style) for line, style in _facts(run))]
    return drawn(made, *parts) + "\n"


def runs_in_short(runs: Sequence[Recorded], made: Console) -> str:
    """One row for each run, and the requests of which nothing is known."""
    from rich.text import Text

    rows = table()
    for name in ("run", "began", "command", "reason", "ended"):
        rows.add_column(name, overflow="fold", no_wrap=name == "run")
    for run in runs:
        ended = Text(_ending(run), style="" if run.end is not None else WARNING)
        rows.add_row(
            *map(Text, (clean(run.id[:8]), _clock(run.start.get("ts")), _command(run))),
            Text(clean(_text(run.start.get("reason", "")))),
            ended,
        )
    unknown = [Text(line, style=WARNING) for run in runs for line in _unknown(run)]
    return drawn(made, rows, *unknown) + "\n"


_STYLE = {
    "run_start": "bold",
    "run_end": "bold",
    "verdict": "bold",
    "signal": WARNING,
    "credential": "dim",
}


def _middle_left_out(records: Sequence[_Fields]) -> list[_Fields | None]:
    if len(records) <= ROWS:
        return list(records)
    return [*records[:_HEAD], None, *records[_HEAD - ROWS :]]


def _facts(run: Recorded) -> list[tuple[str, str]]:
    start = run.start
    who = clean(f"{run.user}@{_text(start.get('host', '?'))}")
    where = [clean(f"{name} {_text(start[name])}") for name in ("from", "tty", "unit") if start.get(name)]
    facts = [(f"{_command(run)} · {', '.join([who, *where])} · {_clock(start.get('ts'))}", "")]
    if start.get("reason"):
        facts.append((f"reason: {clean(_text(start['reason']), 500)}", ""))
    facts += [(line, WARNING) for line in _unknown(run)]
    return [*facts, (_ending(run), "bold" if run.end is not None else WARNING)]


def _unknown(run: Recorded) -> list[str]:
    unknown = []
    for record in run.in_flight:
        where = ", ".join(_text(record[name]) for name in ("profile", "segment") if record.get(name))
        request = f"{_text(record.get('method'))} {_text(record.get('path'))} ({where}), {_clock(record.get('ts'))}"
        if not record.get("changes"):
            unknown.append(f"in flight: {clean(request)}: unknown whether it was answered; it changes nothing")
            continue
        limit = _moment(record.get("signed_ms"), record.get("window_ms"))
        unknown.append(f"in flight: {clean(request)}: unknown whether it was executed; it could be, {limit}")
    return unknown


def _moment(signed: object, window: object) -> str:
    """Until when a request can be executed, as its signature says."""
    try:
        if isinstance(signed, int) and isinstance(window, int):
            return f"until {time.strftime('%H:%M:%S', time.gmtime((signed + window) / 1000 + 1))} UTC"
    except (OverflowError, OSError, ValueError):  # no time of this world
        pass
    return "with no known limit"


def _ending(run: Recorded) -> str:
    end = run.end
    if end is not None:
        given = end.get("counts")
        counts = given if isinstance(given, Mapping) else {}
        verdicts = ", ".join(f"{_text(number)} {verdict}" for verdict, number in counts.items())
        return clean(
            f"ended with exit {_text(end.get('exit_code'))} after {_seconds(end.get('ms'), 1e3, 1)} s: {verdicts}"
        )
    if run.alive:
        return f"has not ended: process {_text(run.start.get('pid'))} is still there"
    return "did not end: killed, or the machine went down"


def _command(run: Recorded) -> str:
    argv = run.start.get("argv")
    return clean("cancelall " + " ".join(map(_text, argv)), 300) if isinstance(argv, list) else "?"


def _clock(stamp: object) -> str:
    return clean(f"{stamp[:10]} {stamp[11:19]} UTC") if isinstance(stamp, str) and stamp else "?"


def _after(record: _Fields, first: object) -> str:
    mono = record.get("mono")
    return _seconds(mono - first, 1e9, 3) if isinstance(mono, int) and isinstance(first, int) else ""


def _seconds(value: object, unit: float, digits: int) -> str:
    """A number of parts of a second in seconds, and `?` for what is none."""
    try:
        return f"{value / unit:.{digits}f}" if isinstance(value, int | float) else "?"
    except OverflowError:
        return "?"


def _text(value: object) -> str:
    """Any value in short: what stands in a file may have been put there by anybody."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value)
    except (RecursionError, ValueError):
        return "?"


def _attempt_start(record: _Fields) -> str:
    query = f"?{_text(record['query'])}" if record.get("query") else ""
    tries = f", try {_text(record['attempt'])}" if record.get("attempt", 1) != 1 else ""
    about = f" ({_text(record['segment'])}{tries})" if record.get("segment") else tries
    body = f" {_text(record['body'])}" if record.get("body") else ""
    what = f"{_text(record.get('method'))} {_text(record.get('path'))}"
    return f"#{_text(record.get('a'))} {what}{query}{body}{about}"


def _attempt_end(record: _Fields) -> str:
    taken = record.get("cancelled")
    count = f" · {_text(taken.get('count'))} cancelled" if isinstance(taken, Mapping) else ""
    spent = f"{_text(record['ms'])} ms" if "ms" in record else ""
    parts = (record.get("class"), record.get("http"), spent, record.get("message"))
    return " ".join([f"#{_text(record.get('a'))}", *(_text(part) for part in parts if part)]) + count


def _list(record: _Fields) -> str:
    complete = "complete" if record.get("complete") else f"incomplete: {_text(record.get('why', ''))}"
    return f"{_text(record.get('segment'))}: {_text(record.get('count'))} open, {complete}"


def _verdict(record: _Fields) -> str:
    remaining = record.get("remaining")
    left, ids = None, ""
    if isinstance(remaining, Mapping):
        left, named = remaining.get("count"), remaining.get("ids")
        ids = f": {' '.join(map(_text, named))}" if left and isinstance(named, list) else ""
    verdict = f"{_text(record.get('verdict'))}, exit {_text(record.get('exit_code'))}, {_text(left)} left{ids}"
    return verdict + (f" · {_text(record['error'])}" if record.get("error") else "")


def _other(record: _Fields) -> str:
    rest = {key: value for key, value in record.items() if key not in (*_SHOWN, *_BELOW)}
    return " · ".join(f"{key} {_text(value)}" for key, value in rest.items())


_WORDS = {"attempt_start": _attempt_start, "attempt_end": _attempt_end, "list": _list, "verdict": _verdict}
