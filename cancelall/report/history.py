"""The journal for people: one run in full, or one row for each of several. It knows Rich; imported when it draws."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cancelall.journal.chain import RunRecord
from cancelall.report.tables import drawn
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


def run_in_full(run: RunRecord, made: Console) -> str:
    """Who asked for what, every event, and how it ended; requests of which nothing is known come last."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=f"run {clean(run.id)}", title_justify="left", pad_edge=False)
    table.add_column("after", justify="right", no_wrap=True)
    table.add_column("event", no_wrap=True)
    for name in ("profile", "what"):
        table.add_column(name, overflow="fold")
    first = next((record.get("mono") for record in run.records), 0)
    for record in _middle_left_out(run.records):
        if record is None:
            table.add_row("", Text("…", style="dim"), "", f"{len(run.records) - ROWS} more: --json has all")
            continue
        words = Text(_words(record))
        event = Text(clean(str(record["event"])), style=_STYLE.get(record["event"], ""))
        table.add_row(_after(record, first), event, clean(str(record.get("profile", ""))), words)
    parts: list[RenderableType] = [table, *(Text(line, style=style) for line, style in _facts(run))]
    return drawn(made, *parts) + "\n"


def runs_in_short(runs: Sequence[RunRecord], made: Console) -> str:
    """One row for each run, and the requests of which nothing is known."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "began", "command", "reason", "ended"):
        table.add_column(name, overflow="fold", no_wrap=name == "run")
    for run in runs:
        ended = Text(_ending(run), style="" if run.end is not None else "bold yellow")
        table.add_row(
            run.id[:8], _clock(run.start.get("ts")), _command(run), clean(str(run.start.get("reason", ""))), ended
        )
    unknown = [Text(line, style="bold yellow") for run in runs for line in _unknown(run)]
    return drawn(made, table, *unknown) + "\n"


_STYLE = {
    "run_start": "bold",
    "run_end": "bold",
    "verdict": "bold",
    "signal": "yellow",
    "credential": "dim",
    "list": "cyan",
}


def _middle_left_out(records: Sequence[_Fields]) -> list[_Fields | None]:
    if len(records) <= ROWS:
        return list(records)
    return [*records[:_HEAD], None, *records[_HEAD - ROWS :]]


def _facts(run: RunRecord) -> list[tuple[str, str]]:
    """What stands below the table."""
    start = run.start
    who = clean(f"{start.get('user') or start.get('uid', '?')}@{start.get('host', '?')}")
    where = [clean(f"{name} {start[name]}") for name in ("from", "tty", "unit") if start.get(name)]
    found = [(f"{_command(run)} · {', '.join([who, *where])} · {_clock(start.get('ts'))}", "")]
    if start.get("reason"):
        found.append((f"reason: {clean(str(start['reason']), 500)}", ""))
    found += [(line, "bold yellow") for line in _unknown(run)]
    return [*found, (_ending(run), "bold" if run.end is not None else "bold yellow")]


def _unknown(run: RunRecord) -> list[str]:
    """Requests that were in flight when the run stopped being heard of."""
    found = []
    for record in run.in_flight:
        where = ", ".join(clean(str(record[name])) for name in ("profile", "segment") if record.get(name))
        asked = f"{record.get('method')} {record.get('path')} ({where}), {_clock(record.get('ts'))}"
        if not record.get("changes"):
            found.append(f"in flight: {clean(asked)}: unknown whether it was answered; it changes nothing")
            continue
        signed, window = record.get("signed_ms"), record.get("window_ms")
        limit = "with no known limit"
        if isinstance(signed, int) and isinstance(window, int):
            limit = f"until {time.strftime('%H:%M:%S', time.gmtime((signed + window) / 1000 + 1))} UTC"
        found.append(f"in flight: {clean(asked)}: unknown whether it was executed; it could be, {limit}")
    return found


def _ending(run: RunRecord) -> str:
    end = run.end
    if end is not None:
        counts = ", ".join(f"{number} {verdict}" for verdict, number in dict(end.get("counts") or {}).items())
        return clean(f"ended with exit {end.get('exit_code')} after {int(end.get('ms', 0)) / 1000:.1f} s: {counts}")
    if run.alive:
        return f"has not ended: process {run.start.get('pid')} is still there"
    return "did not end: killed, or the machine went down"


def _command(run: RunRecord) -> str:
    argv = run.start.get("argv")
    return clean("cancelall " + " ".join(map(str, argv)), 300) if isinstance(argv, list) else "?"


def _clock(stamp: object) -> str:
    return clean(f"{str(stamp)[:10]} {str(stamp)[11:19]} UTC") if stamp else "?"


def _after(record: _Fields, first: object) -> str:
    mono = record.get("mono")
    return f"{(mono - first) / 1e9:.3f}" if isinstance(mono, int) and isinstance(first, int) else ""


def _words(record: _Fields) -> str:
    event = record["event"]
    if event == "attempt_start":
        query = f"?{record['query']}" if record.get("query") else ""
        tries = f", try {record['attempt']}" if record.get("attempt", 1) != 1 else ""
        about = f" ({record['segment']}{tries})" if record.get("segment") else tries
        body = f" {record['body']}" if record.get("body") else ""
        told = f"#{record.get('a')} {record.get('method')} {record.get('path')}{query}{body}{about}"
    elif event == "attempt_end":
        taken = record.get("cancelled")
        count = f" · {taken.get('count')} cancelled" if isinstance(taken, Mapping) else ""
        spent = f"{record['ms']} ms" if "ms" in record else ""
        parts = (f"#{record.get('a')}", record.get("class"), record.get("http"), spent, record.get("message"))
        told = " ".join(str(part) for part in parts if part) + count
    elif event == "list":
        complete = "complete" if record.get("complete") else f"incomplete: {record.get('why', '')}"
        told = f"{record.get('segment')}: {record.get('count')} open, {complete}"
    elif event == "verdict":
        remaining = record.get("remaining")
        left = remaining.get("count") if isinstance(remaining, Mapping) else None
        ids = f": {' '.join(map(str, remaining.get('ids', ())))}" if isinstance(remaining, Mapping) and left else ""
        told = f"{record.get('verdict')}, exit {record.get('exit_code')}, {left} left{ids}"
        told += f" · {record['error']}" if record.get("error") else ""
    else:
        rest = {key: value for key, value in record.items() if key not in (*_SHOWN, *_BELOW)}
        told = " · ".join(
            f"{key} {value if isinstance(value, str) else json.dumps(value)}" for key, value in rest.items()
        )
    return clean(told, 500)
