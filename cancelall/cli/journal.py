"""`cancelall journal show|verify|report|path`: reading what earlier runs have left."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from cancelall.cli import next_step, parameters
from cancelall.cli.options import Output
from cancelall.cli.parameters import age_of
from cancelall.core.errors import ConfigError, ExitStatus, UsageError
from cancelall.core.files import state_directories
from cancelall.core.model import Verdict
from cancelall.core.quoting import quoted
from cancelall.journal.chain import Chain, Line, RunRecord, files, read, runs, some, verify
from cancelall.journal.file import NAME, exposed
from cancelall.report.streams import emit, is_terminal

if TYPE_CHECKING:
    from cancelall.report.merge import OddLine, ResultLine
    from cancelall.report.tables import Canvas

_NO_PLACE = "set HOME, XDG_STATE_HOME or STATE_DIRECTORY"


def add_to(group: typer.Typer) -> None:
    group.command("show", help="Show the last run, or others; also what was in flight when one was killed.")(_show)
    group.command(
        "verify",
        help="Check the chain of hashes, and recompute each verdict from the record. Exit 0 when both hold, else 11.",
    )(_verify)
    group.command(
        "report",
        help="One page about the last run, or others: who, when, why, what was open, what is left, how long. Or one "
        "verdict and exit code of what `cancelall all --json` has printed on several machines.",
    )(_report)
    group.command("path", help="Print the path of the journal.")(lambda: emit(f"{place(os.environ)}\n"))


def _show(
    run: Annotated[
        Optional[str], typer.Option("--run", metavar="ID", help="This run; its first characters are enough.")
    ] = None,
    last: Annotated[
        Optional[int], typer.Option("--last", metavar="N", min=1, max=100_000, help="One row for each of the last N.")
    ] = None,
    json_lines: Annotated[bool, parameters.option("json", "The journal's own lines, one event each.")] = False,
) -> None:
    shown = show(os.environ, run=run, last=last, json_lines=json_lines)
    if shown is None:
        Output().note(f"there is no journal yet at {place(os.environ)}")
    emit(shown or "")


def _verify(
    anchor: Annotated[
        Optional[str],
        typer.Option(
            "--anchor",
            metavar="HASH|FILE",
            help="What an earlier verify printed as its anchor, or a file of such lines: it must still be there.",
            show_default=False,
        ),
    ] = None,
) -> int:
    said, status = check(os.environ, anchor)
    emit(f"{said}\n")
    return status


def _report(
    run: Annotated[
        Optional[str], typer.Option("--run", metavar="ID", help="This run; its first characters are enough.")
    ] = None,
    since: Annotated[
        Optional[str], typer.Option("--since", metavar="AGE", help="All runs of this time: 90s, 15m, 24h, 7d.")
    ] = None,
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Read JSON lines instead, of the files, and end with the verdict of all of them."),
    ] = False,
    within: Annotated[
        Optional[str],
        typer.Option(
            "--within", metavar="AGE", help="With --merge: how far apart, and how old, verdicts may be. [default: 15m]"
        ),
    ] = None,
    files: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="[FILE]...", help="With --merge: files of JSON lines; - is stdin.", show_default=False),
    ] = None,
) -> int:
    if merge:
        if run is not None or since is not None:
            raise UsageError("--merge reads files, and --run and --since the journal", "drop one of them")
        return merged(os.environ, files or [], age_of(within or _WITHIN, "--within"))
    if files or within is not None:
        raise UsageError("files and --within go with --merge", "cancelall journal report --merge FILE...")
    report = pages(os.environ, run=run, since=since)
    if report is None:
        Output().note(f"there is no journal yet at {place(os.environ)}")
    emit(report or "")
    return ExitStatus.CLEAR


_WITHIN = "15m"
_STDIN = "-"


def merged(environ: Mapping[str, str], names: list[str], within: float) -> ExitStatus:
    """Print what the lines of these files come to; the exit status of it. Raises UsageError for no file."""
    from cancelall.report import merge
    from cancelall.report.tables import last_of_all

    if not names or names.count(_STDIN) > 1:
        raise UsageError("--merge: name each file of JSON lines once", "- is stdin")
    whole = merge.merge((one for name in names for one in _results(name)), datetime.now(UTC), within)
    failed = [one.name for one in whole.bad if one.profile is not None]
    step = next_step.of_merged(whole.verdict, failed, whole.lost) if whole.verdict is not Verdict.CLEAR else ""
    emit(merge.page(whole))
    emit(last_of_all(merge.whole(whole), _canvas(environ), step))
    return whole.verdict.exit_status


def _results(name: str) -> Iterator[ResultLine | OddLine]:
    """The results of a file; one that cannot be read, or not to its end, counts like a line that cannot."""
    from cancelall.report import merge

    shown = "stdin" if name == _STDIN else quoted(name)
    try:
        with sys.stdin.buffer if name == _STDIN else Path(name).open("rb") as stream:
            yield from merge.read(shown, iter(partial(stream.readline, merge.LONGEST), b""))
    except (OSError, ValueError, AttributeError) as fault:
        why = getattr(fault, "strerror", None) or "no file has such a name"
        yield merge.OddLine(where=shown, why=f"it cannot be read: {why}")


def place(environ: Mapping[str, str]) -> Path:
    """Where the journal is, or would be: the first directory that has one. Raises ConfigError for no place."""
    directories = state_directories(environ)
    if not directories:
        raise ConfigError("there is no place for a journal", _NO_PLACE)
    return next((directory for directory in directories if files(directory)), directories[0]) / NAME


def pages(environ: Mapping[str, str], *, run: str | None, since: str | None) -> str | None:
    """What `journal report` prints; None when there is no journal. Raises ConfigError, UsageError."""
    from cancelall.journal.summary import summarise
    from cancelall.report.page import page

    oldest = None if since is None else datetime.now(UTC) - timedelta(seconds=age_of(since, "--since"))
    records = _runs(environ, run, 1 if oldest is None else _EVERY)
    if records is None:
        return None
    if oldest is not None:
        stamp = oldest.isoformat()
        records = [pair for pair in records if str(pair[0].start.get("ts")) >= stamp]
    chosen = records if oldest is not None or run is not None else records[-1:]
    chains = {paths[-1]: _chain_words(paths) for _, paths in chosen}
    return "\n".join(page(summarise(one), chains[paths[-1]]) for one, paths in chosen)


_EVERY = 1 << 31


def _runs(environ: Mapping[str, str], run: str | None, last: int) -> list[tuple[RunRecord, list[Path]]] | None:
    """The last runs of each place, oldest first, or the one whose id begins so; each with the files of its journal.

    None when there is no journal. Raises ConfigError.
    """
    place(environ)
    kept = [paths for directory in state_directories(environ) if (paths := files(directory))]
    if not kept:
        return None
    records = [(one, paths) for paths in kept for one in _newest(paths, run, last)]
    records.sort(key=lambda pair: str(pair[0].records[0].get("ts"))[:40])
    if run is None:
        return records
    named = [pair for pair in records if pair[0].id.startswith(run)]
    if len(named) != 1:
        many = f"{len(named)} runs begin so" if named else "there is no such run"
        raise ConfigError(f"--run {run}: {many}", "`cancelall journal show --last 20` lists them")
    return named


def _chain_words(paths: list[Path]) -> str:
    """What the journal itself is worth, in a line."""
    chain = verify(read(paths))
    if chain.broken:
        return f"the chain of hashes is broken: {chain.broken}"
    _, unshown = _recomputed(paths)
    shows = "a clear in it is not shown by its record" if unshown else "each clear is shown by its record"
    return f"the chain of hashes holds ({chain.lines} lines); {shows}"


def show(environ: Mapping[str, str], *, run: str | None, last: int | None, json_lines: bool) -> str | None:
    """What `journal show` prints; None when there is no journal. Raises ConfigError."""
    records = _runs(environ, run, last or 1)
    if records is None:
        return None
    kept = [one for one, _ in records]
    chosen = kept if run is not None else kept[-(last or 1) :]
    if json_lines:
        return "".join(_line(record) for one in chosen for record in one.records)
    drawn = _drawn(chosen, environ, several=last is not None and run is None)
    return drawn + (_earlier(kept[:-1]) if run is None and last is None else "")


def _earlier(records: list[RunRecord]) -> str:
    """That there are runs before the last one of which nobody knows how they ended: a second kill hides the first."""
    from cancelall.report.text import clean

    cut = [clean(one.id[:8]) for one in records if one.end is None and not one.alive and one.in_flight]
    if not cut:
        return ""
    remark = f"{len(cut)} earlier run(s) did not end, with requests in flight: {', '.join(cut[-5:])}"
    return f"{remark} (journal show --run ID)\n"


_UNSEEN = (
    "what no chain shows: whether lines or whole runs are missing after its last line, and whether that one was changed"
)
_UNSEEN_FIRST = "; whether there were lines before its first one"


def check(environ: Mapping[str, str], anchor: str | None = None) -> tuple[str, ExitStatus]:
    """What `journal verify` says, and its exit status: 0 when every chain holds, and the record shows each `clear` in
    it, else 11; also when there is none.

    An anchor is a hash of an earlier `journal verify`, or a file that has some. Raises UsageError for anything else.
    """
    own = place(environ)
    anchors = _anchors(anchor) if anchor is not None else {}
    digests: dict[str, int] = {}
    said: list[str] = []
    status = ExitStatus.CLEAR
    for directory in state_directories(environ):
        paths = files(directory)
        if not paths:
            continue
        try:
            chain = verify(read(paths), anchors)
            others = exposed(paths[-1], mine=False)
            again, unshown = _recomputed(paths) if not chain.broken else ([], False)
        except OSError as fault:
            said.append(f"{directory}: it cannot be read: {fault.strerror}")
            status = ExitStatus.UNPROVEN
            continue
        digests |= chain.anchored
        status = ExitStatus.UNPROVEN if chain.broken or unshown else status
        said += [f"{directory}: {line}" for line in (*_result_lines(chain), *again)]
        said += [f"{directory}: {paths[-1].name}: {others}: who can may have written all of it anew"] if others else []
        said += [f"anchor: {chain.last}:{chain.lines}"] if not chain.broken and chain.last else []
    if not said:
        return f"there is no journal at {own}", ExitStatus.UNPROVEN
    lost = [_lost(digest, count, digests.get(digest)) for digest, count in anchors.items()]
    if any(lost):
        return "\n".join([*said, *filter(None, lost)]), ExitStatus.UNPROVEN
    held = f"{len(anchors)} anchor(s) are where they were: nothing up to them was changed or cut off"
    return "\n".join([*said, *([held] if anchors else [])]), status


def _result_lines(chain: Chain) -> list[str]:
    from cancelall.report.text import clean

    if chain.broken:
        return [f"the chain is broken: {clean(chain.broken)}"]
    lines = [f"the chain holds: {chain.lines} line(s), {chain.runs} run(s)"]
    for what, places in (
        ("torn and sealed", chain.sealed),
        ("blank", chain.blank),
        ("written without the lock, so that nobody vouches for their place", chain.apart),
    ):
        lines += [f"{len(places)} line(s) {what}: {some(places)}"] if places else []
    return [*lines, _UNSEEN + ("" if chain.begins else _UNSEEN_FIRST) + " (--anchor does)"]


def _recomputed(paths: list[Path]) -> tuple[list[str], bool]:
    """What is said of the verdicts, and whether there is a `clear` that the record does not show. Raises OSError."""
    from cancelall.journal.verdict import opinions
    from cancelall.report.text import clean

    lines: list[str] = []
    recomputed, unshown, unknown = 0, False, Counter[str]()
    for run, one in opinions(line.value for line in read(paths) if line.value is not None):
        if one.verdict is None:
            unknown[one.why] += 1
            continue
        recomputed, unshown = recomputed + 1, unshown or one.contradicted
        where = f"run {clean(run[:8])}, {clean(one.profile)}"
        if one.contradicted:
            lines.append(f"{where}: it was told to be clear, which the record does not show: {clean(one.why)}")
        elif one.differs:
            why = f" ({clean(one.why)})" if one.why else ""
            lines.append(f"note: {where}: it was told to be {clean(one.recorded)}; the record shows {one.verdict}{why}")
    lines += [f"{recomputed} verdict(s) recomputed from the record"] if recomputed or unknown else []
    return [*lines, *(f"{count} verdict(s) cannot be recomputed: {why}" for why, count in unknown.items())], unshown


def _anchors(given: str) -> dict[str, int]:
    """The hashes of a word or a file, and the number of lines up to each; 0 where it is not told."""
    if re.fullmatch(_ANCHOR, given):
        text = given
    else:
        try:
            with Path(given).open("rb") as stream:
                text = stream.read(_ANCHOR_FILE).decode("ascii", "replace")
        except (OSError, ValueError) as fault:
            why = getattr(fault, "strerror", None) or "no file has such a name"
            raise UsageError(f"--anchor {given[:80]}: it is no hash, and no file: {why}", _ANCHOR_HINT) from None
    anchors = {digest: int(count or 0) for digest, count in re.findall(rf"\b{_ANCHOR}\b", text)}
    if not anchors:
        raise UsageError(f"--anchor {given[:80]}: there is no hash in it", _ANCHOR_HINT)
    return anchors


_ANCHOR = r"([0-9a-f]{64})(?::([0-9]{1,15}))?"
_ANCHOR_FILE = 1 << 20
"""Bytes of a file of anchors that are read."""
_ANCHOR_HINT = "give what an earlier `cancelall journal verify` printed after `anchor:`, or a file of such lines"


def _lost(digest: str, count: int, rest: int | None) -> str:
    """Why an anchor does not hold; empty if it does."""
    if rest is None:
        return f"anchor {digest[:16]}…: no line has this hash: it was changed or cut off, or its file was taken away"
    if count and rest != count:
        more = "missing" if rest < count else "more"
        return f"anchor {digest[:16]}…: {abs(count - rest)} line(s) are {more} before it"
    return ""


def _newest(paths: list[Path], run: str | None, last: int) -> list[RunRecord]:
    """The runs of the newest files, as far back as is needed."""
    lines: list[Line] = []
    newest: list[RunRecord] = []
    for path in reversed(paths):
        try:
            lines = [*read([path]), *lines]
        except OSError as fault:
            raise ConfigError(f"{path} cannot be read: {fault.strerror}", "run as the user who may") from None
        newest = runs(lines)
        begun = [one for one in newest if one.start]
        if any(one.id.startswith(run) for one in begun) if run is not None else len(begun) >= last:
            break
    return newest


def _line(record: Mapping[str, object]) -> str:
    import json

    try:
        return json.dumps(record, separators=(",", ":")) + "\n"
    except RecursionError:  # somebody has nested lists in lists: not this program
        shown = {key: value for key, value in record.items() if isinstance(value, str | int | float)}
        return json.dumps(shown, separators=(",", ":")) + "\n"


def _canvas(environ: Mapping[str, str]) -> Canvas:
    from cancelall.report import tables

    terminal = is_terminal(sys.stdout)
    width = tables.width_of(environ, sys.stdout.fileno() if terminal else None)
    return tables.console(width, terminal=terminal, environ=os.environ)


def _drawn(chosen: list[RunRecord], environ: Mapping[str, str], *, several: bool) -> str:
    from cancelall.report import history

    made = _canvas(environ)
    if several:
        return history.runs_in_short(chosen, made)
    return "".join(history.run_in_full(one, made) for one in chosen)
