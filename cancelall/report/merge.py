"""JSON lines of several machines, and their one verdict: whatever is not understood, or not there, is never clear.

A line is a text of somebody else's: it may be torn, of another version, or no line of this program at all. What it says
that is bad counts as soon as it can be read; that all is well counts only where everything is understood. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from cancelall.core.dataclass import dataclass
from cancelall.core.model import GRAVITY, Verdict, worst
from cancelall.core.stamp import checksum
from cancelall.report.lines import SCHEMA
from cancelall.report.text import LastLine, clean

LONGEST = 1 << 28
"""Bytes of a line that are read; a kill of a hundred thousand orders is a tenth of that."""
NOTE = b"cancelall: "
"""How a line of stderr begins: the logs of a container have both streams."""
_MOST = 1_000_000
"""Profiles, shards and lines that a line may speak of."""
_NAMED = 4
"""Profiles that the last line names, and shards that one line of the page names."""
_SHOWN = 40
"""Profiles, doubts and notes that the page shows, each."""
_NOBODY = "(no profile)"


@dataclass(frozen=True, kw_only=True)
class Cut:
    """How the selected profiles were shared out: into how many shards, and which profiles they are."""

    count: int
    profiles: int
    checksum: str

    def lines_of(self, index: int) -> int:
        """How many profiles the shard with this number has."""
        return len(range(index - 1, self.profiles, self.count))


@dataclass(frozen=True, kw_only=True)
class ShardLine:
    """What a line says of its shard."""

    index: int
    cut: Cut


@dataclass(frozen=True, kw_only=True)
class ResultLine:
    """A line with a result."""

    where: str
    """The file, and the number of the line in it."""
    text: str
    profile: str | None
    verdict: Verdict
    """The worst that anything in it says."""
    odd: str = ""
    """Why it shows nothing good; empty where all of it is understood."""
    run: str | None = None
    machine: str | None = None
    at: datetime | None = None
    """The moment of the verdict."""
    shard: ShardLine | None = None
    left: int = 0
    """Orders that are known to be open."""
    cancelled: int = 0
    seconds: float = 0.0
    """From the start of its process to the verdict."""
    error: str = ""

    @property
    def name(self) -> str:
        return self.profile if self.profile is not None else _NOBODY


@dataclass(frozen=True, kw_only=True)
class OddLine:
    """A line, or a file, that cannot be read at all."""

    where: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What all lines come to."""

    lines: tuple[ResultLine, ...]
    """The worst line of each profile, the worst last."""
    verdict: Verdict
    expected: int
    """Profiles that there are, as far as the lines say."""
    doubts: tuple[str, ...] = ()
    """Why this is not clear, whatever the lines say."""
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    """Shards that have to run again, as `--shard` takes them."""

    @property
    def bad(self) -> tuple[ResultLine, ...]:
        return tuple(one for one in self.lines if one.verdict is not Verdict.CLEAR)


_Runs = dict[tuple[str | None, str | None], list[str]]
"""The profiles of each run of a shard, by its id and machine."""


# --- lines ----------------------------------------------------------------------------------------------------------


def read(name: str, lines: Iterable[bytes]) -> Iterator[ResultLine | OddLine]:
    """The results in a file's lines. Blank lines and those of stderr are none."""
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if text and not text.startswith(NOTE):
            yield line(f"{name}:{number}", text)


def line(where: str, raw: bytes) -> ResultLine | OddLine:
    """What one line says."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as fault:
        why = "one key is there twice" if isinstance(fault, _TwiceError) else "it is no JSON, or was cut off"
        return OddLine(where=where, why=why)
    if not isinstance(value, dict) or "verdict" not in value:
        return OddLine(where=where, why="it is no result of a kill")
    odd = [*_contradictions(value)]
    said, shard = _verdicts(value), _shard(value.get("shard", ...), odd)
    profile, counts, timing = value.get("profile"), _object(value.get("counts")), _object(value.get("timing_ms"))
    if profile is not None and (not isinstance(profile, str) or not profile):
        odd.append("profile is no name")
    at = _moment(value.get("time"))
    if at is None:
        odd.append("time is no moment")
    verdict = worst([*said, *([Verdict.UNPROVEN] if odd or not said else [])])
    return ResultLine(
        where=where,
        text=text,
        profile=profile if isinstance(profile, str) and profile else None,
        verdict=verdict,
        odd="; ".join(odd),
        run=_text(value.get("run")),
        machine=_text(value.get("machine")),
        at=at,
        shard=shard,
        left=_number(counts.get("open")) + _number(counts.get("failed")),
        cancelled=_number(counts.get("cancelled")) + _number(counts.get("gone")),
        seconds=_number(timing.get("verdict")) / 1000,
        error=_text(_object(value.get("error")).get("message")) or "",
    )


class _TwiceError(ValueError):
    """A key that an object has twice: nobody knows which one counts."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _TwiceError
    return made


def _verdicts(value: Mapping[str, Any]) -> list[Verdict]:
    """Every verdict that a line speaks of, in a word, as a code, or by orders that are open."""
    codes = {int(one.exit_status): one for one in GRAVITY}
    words = {one.value: one for one in GRAVITY}
    word, code, counts = value["verdict"], value.get("exit_code"), _object(value.get("counts"))
    said = [words[word]] if isinstance(word, str) and word in words else []
    if isinstance(code, int) and not isinstance(code, bool) and code in codes and value.get("dry_run") is False:
        said.append(codes[code])
    if (_number(counts.get("open")) or _number(counts.get("failed"))) and value.get("dry_run") is False:
        said.append(Verdict.OPEN)
    return said


def _contradictions(value: Mapping[str, Any]) -> Iterator[str]:
    """What in a line is not as this program writes it, or does not go together."""
    if type(value.get("schema")) is not int or value["schema"] != SCHEMA:
        yield f"schema is not {SCHEMA}"
    if value.get("dry_run") is True:
        yield "it is of a dry run, which cancels nothing"
    elif value.get("dry_run") is not False:
        yield "dry_run is no truth value"
    word, code = value["verdict"], value.get("exit_code")
    known = {one.value: one.exit_status for one in GRAVITY}
    if not isinstance(word, str) or word not in known:
        yield "its verdict is not known"
    elif (type(code) is not int or code != known[word]) and _is_of_a_kill(value):
        yield "verdict and exit_code contradict each other"
    if word != Verdict.CLEAR:
        return
    segments, counts, orders = value.get("segments"), value.get("counts"), value.get("orders")
    parts = [_object(one).get("verdict") for one in segments] if isinstance(segments, list) else []
    if Verdict.CLEAR not in parts or any(one not in (Verdict.CLEAR, Verdict.ABSENT) for one in parts):
        yield "it is clear, and its segments are not"
    if not isinstance(counts, dict) or any(type(one) is not int or one < 0 for one in counts.values()):
        yield "counts are no numbers"
    elif counts.get("open", 1) or counts.get("failed", 1):
        yield "it is clear, and counts orders that are open"
    states = [_object(one).get("state") for one in orders] if isinstance(orders, list) else ["open"]
    if any(one not in ("cancelled", "filled", "gone", "kept") for one in states):
        yield "it is clear, and names orders that are open"
    if value.get("profile") is None:
        yield "it is clear, and of no profile"


def _shard(value: object, odd: list[str]) -> ShardLine | None:
    """Which shard a line is of; None where one profile was named. What is odd about it is added."""
    if value is None:
        return None
    given = _object(value)
    numbers = [given.get(key) for key in ("index", "count", "lines", "profiles")]
    sum_ = given.get("checksum")
    if isinstance(sum_, str) and all(type(one) is int and 1 <= one <= _MOST for one in numbers):
        index, count, lines, profiles = (int(one) for one in numbers if isinstance(one, int))
        cut = Cut(count=count, profiles=profiles, checksum=sum_[:64])
        if index <= count and cut.lines_of(index) == lines:
            return ShardLine(index=index, cut=cut)
    odd.append("shard cannot be read")
    return None


def _is_of_a_kill(value: Mapping[str, Any]) -> bool:
    """Whether the code is that of the verdict: a dry run succeeds with orders, a wrong line has a code of its own."""
    return value.get("profile") is not None and value.get("dry_run") is False


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int:
    return value if type(value) is int and 0 <= value < 1 << 53 else 0


def _moment(value: object) -> datetime | None:
    try:
        made = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return made.astimezone(UTC) if made is not None and made.tzinfo is not None and 1970 < made.year < 9999 else None


# --- all of them ----------------------------------------------------------------------------------------------------


def merge(results: Iterable[ResultLine | OddLine], now: datetime, within: float) -> Merged:
    """One verdict of all lines, whose moments may be `within` seconds of each other and of now.

    The worst line of a profile counts, whichever came last: a name may be of two accounts, on two machines.
    """
    read_: list[ResultLine] = []
    doubts: list[str] = []
    notes: list[str] = []
    for one in results:
        if isinstance(one, OddLine) or one.odd:
            doubts.append(f"{one.where}: {one.why if isinstance(one, OddLine) else one.odd}")
        if isinstance(one, ResultLine):
            read_.append(one)
    lines = list({one.text: one for one in read_}.values())
    if len(lines) < len(read_):
        notes.append(f"{len(read_) - len(lines)} line(s) are there twice, and count once")
    missing, lost, absent = _missing(lines)
    doubts += [*missing, *_apart(lines, now, within)]
    if not lines:
        doubts.append("there is no line with a result")
    notes += _again(lines)
    ranked = sorted(lines, key=lambda one: GRAVITY.index(one.verdict))
    kept = {one.name: one for one in reversed(ranked)}
    final = worst([*(one.verdict for one in lines), *([Verdict.UNPROVEN] if doubts else [])])
    return Merged(
        lines=tuple(sorted(kept.values(), key=lambda one: GRAVITY.index(one.verdict), reverse=True)),
        verdict=final,
        expected=len(kept) + absent,
        doubts=tuple(doubts),
        notes=tuple(notes),
        lost=tuple(lost),
    )


def _missing(lines: Sequence[ResultLine]) -> tuple[list[str], list[str], int]:
    """What is said of lines that are not there, the shards to run again, and how many profiles are missing."""
    doubts: list[str] = []
    lost: list[str] = []
    absent = 0
    for cut, shards in _by_shard(lines).items():
        number = min(cut.count, cut.profiles) - len(shards)
        if number:
            first = islice((index for index in range(1, cut.count + 1) if index not in shards), _NAMED)
            named = [f"{index}/{cut.count}" for index in first]
            lost += named
            doubts.append(f"shard {_some(named, number)}: no line of it")
        for shard, why in _incomplete(cut, shards):
            lost.append(shard)
            doubts.append(f"shard {shard}, {why}")
        names = [set().union(*runs.values()) for runs in shards.values()]
        everyone = set().union(*names)
        if len(everyone) != sum(map(len, names)):
            doubts.append("a profile is in two shards: the configs are not the same")
        elif len(everyone) == cut.profiles and checksum(everyone) != cut.checksum:
            doubts.append("the profiles of these lines are not those that were selected")
        absent += max(0, cut.profiles - len(everyone))
    return doubts, list(dict.fromkeys(lost)), absent


def _incomplete(cut: Cut, shards: Mapping[int, _Runs]) -> Iterator[tuple[str, str]]:
    """Each shard of which a run has not one line for each of its profiles, and what there is instead."""
    for index, runs in shards.items():
        wanted = cut.lines_of(index)
        for (run, machine), names in runs.items():
            twice = len(names) - len(set(names))
            if twice or len(names) != wanted:
                of = f"run {clean((run or 'without a name')[:8])} on {clean(machine or 'a machine')}"
                there = f"{twice} profile(s) have two results" if twice else f"{len(names)} of {wanted} lines are there"
                yield f"{index}/{cut.count}", f"{of}: {there}"


def _by_shard(lines: Sequence[ResultLine]) -> dict[Cut, dict[int, _Runs]]:
    """The profiles of each run of each shard."""
    found: dict[Cut, dict[int, _Runs]] = {}
    for one in lines:
        if one.shard is not None:
            runs = found.setdefault(one.shard.cut, {}).setdefault(one.shard.index, {})
            runs.setdefault((one.run, one.machine), []).append(one.name)
    return found


def _apart(lines: Sequence[ResultLine], now: datetime, within: float) -> list[str]:
    """That the moments of the verdicts are too far from each other, or from now, to speak of one moment."""
    moments = _moments(lines)
    if not moments:
        return []
    apart, old = (moments[-1] - moments[0]).total_seconds(), (now - moments[0]).total_seconds()
    if apart > within:
        said = f"the verdicts are {_age(apart)} apart"
    elif old > within:
        said = f"the oldest verdict is {_age(old)} old"
    elif -old > within:
        said = f"the verdicts are of a moment that comes in {_age(-old)}: the clocks are not the same"
    else:
        return []
    return [f"{said} ({_span(moments)}), and --within is {_age(within)}: what was clear may be no more"]


def _again(lines: Sequence[ResultLine]) -> list[str]:
    """Which profiles have results of several runs, and that lines are of several selections of profiles."""
    runs: dict[str, set[tuple[str | None, str | None, str]]] = {}
    for one in lines:
        runs.setdefault(one.name, set()).add((one.run, one.machine, "" if one.run else one.text))
    several = [clean(name) for name, some in runs.items() if len(some) > 1]
    notes = [f"{_some(several, len(several))}: results of several runs, of which the worst counts"] if several else []
    cuts = len(_by_shard(lines))
    return [*notes, *([f"the lines are of {cuts} selections of profiles"] if cuts > 1 else [])]


# --- the page -------------------------------------------------------------------------------------------------------


def page(merged: Merged) -> str:
    """What is not clear and why, the worst last. The line that tells the whole comes after it."""
    parts = (
        _bounded([f"note: {clean(one, 500)}" for one in merged.notes]),
        _bounded([_in_full(one) for one in merged.bad]),
        _bounded([f"not proven: {clean(one, 500)}" for one in merged.doubts]),
    )
    return "".join(f"{text}\n" for part in parts for text in part)


def whole(merged: Merged) -> LastLine:
    """All of it in one line: how many profiles are clear, or which are not, or what is missing; when; the exit code."""
    status, moments = int(merged.verdict.exit_status), _moments(merged.lines)
    machines = len({one.machine for one in merged.lines})
    ends = f"{machines} machine(s) · {_span(moments) or 'at no known time'} · exit {status}"
    count = f"{len(merged.lines) - len(merged.bad)} of {merged.expected}"
    if merged.verdict is Verdict.CLEAR:
        cancelled = sum(one.cancelled for one in merged.lines)
        return LastLine(badge="CLEAR", text=f"{count} profiles · {cancelled} cancelled · {ends}", bad=False)
    names = [_in_short(one) for one in reversed(merged.bad)]
    doubts = _some([clean(one) for one in merged.doubts[:1]], len(merged.doubts))
    first = f"{len(names)} of {merged.expected}: {_some(names, len(names))}" if names else f"{count} profiles are clear"
    return LastLine(badge="NOT CLEAR", text=" · ".join(filter(None, (first, doubts, ends))), bad=True)


def _in_full(one: ResultLine) -> str:
    where, why = f"{clean(one.machine)}: " if one.machine else "", f" - {clean(one.error)}" if one.error else ""
    return f"{where}{_in_short(one)}{why}"


def _in_short(one: ResultLine) -> str:
    return f"{clean(one.name)} {one.verdict.value}{f' ({one.left} orders)' if one.left else ''}"


def _some(names: Sequence[str], number: int) -> str:
    """The first names, and how many more there are."""
    more = number - len(names[:_NAMED])
    return f"{', '.join(names[:_NAMED])}{f' and {more} more' if more else ''}"


def _bounded(texts: Sequence[str]) -> list[str]:
    """The last of them, with a line for those that are left out."""
    more = len(texts) - _SHOWN
    return [*([f"… {more} more"] if more > 0 else []), *texts[-_SHOWN:]]


def _moments(lines: Iterable[ResultLine]) -> list[datetime]:
    return sorted(one.at for one in lines if one.at is not None)


def _span(moments: Sequence[datetime]) -> str:
    """From when to when, in UTC."""
    if not moments:
        return ""
    first, last = moments[0], moments[-1]
    form = "%H:%M:%S" if first.date() == last.date() else "%Y-%m-%d %H:%M:%S"
    return f"{first:%Y-%m-%d %H:%M:%S} to {last.strftime(form)} UTC"


def _age(seconds: float) -> str:
    """A time as somebody says it, in its largest unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
