"""A second opinion on a run: what verdict its record shows. Pure, and written without the engine that decided it.

It takes what was sent, answered and listed, and from the engine itself only what no request shows: the venue's gap, the
requests that name no order, the discovery reads that failed. It is on the safe side: `clear` is what the record shows
in full, everything else has a reason why not. Times are ns of one monotonic clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import Answer, Reach, Verdict

Record = Mapping[str, Any]

_ROUNDING = 1_000
"""Times are rounded to ns, and sums of floats end just before what they mean."""
_MOST_DOUBLINGS = 40
"""Times that a gap is doubled, at most: by then it is longer than any run."""
_GOOD = (Answer.ACCEPTED.value, Answer.NOTHING_OPEN.value)
_NO_KEY = "the venue refuses the key, or cannot be spoken to"
_WHOLE_PROFILE = (Reach.KEY.value, Reach.ADDRESS.value)


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What the record shows of a profile or a segment."""

    verdict: Verdict | None = None
    """CLEAR, OPEN or UNPROVEN, of a segment also ABSENT; None where it cannot be recomputed."""
    why: str = ""
    """Why it is not `clear`."""


@dataclass(frozen=True, kw_only=True)
class ProfileOpinion(Opinion):
    """What the record of a run shows of one profile, and the verdict that the run came to."""

    profile: str
    recorded: str
    segments: Mapping[str, Opinion] = field(default_factory=dict)

    @property
    def contradicted(self) -> bool:
        """Whether the run said `clear`, and its record does not show it."""
        return self.recorded == Verdict.CLEAR and self.verdict not in (Verdict.CLEAR, None)

    @property
    def differs(self) -> bool:
        """Whether one says `clear` or `open`, and the other one does not."""
        both = {self.recorded, self.verdict}
        return self.verdict is not None and len(both) > 1 and not both.isdisjoint((Verdict.CLEAR, Verdict.OPEN))


class _CannotError(Exception):
    """The record lacks what a verdict is recomputed from."""


_KEPT = frozenset(
    {
        *("run", "seq", "event", "profile", "segment", "a", "copy_of", "request", "changes", "witness", "host"),
        *("class", "http", "began", "ended", "answered", "reach", "suspended", "incurable", "proves_key"),
        *("complete", "count", "ids", "left", "passes", "serial", "ends", "verdict", "basis"),
    }
)
"""Fields that a verdict depends on: a run may have a great many records."""


def opinions(records: Iterable[Record]) -> Iterator[tuple[str, ProfileOpinion]]:
    """The verdicts of several runs, whose records may stand between each other, each with the name of its run."""
    runs: dict[str, list[Record]] = {}
    for record in records:
        run = record["run"]
        runs.setdefault(run, []).append({key: value for key, value in record.items() if key in _KEPT})
        if record["event"] == "run_end":
            yield from ((run, opinion) for opinion in recompute(runs.pop(run)))
    for run, left in runs.items():  # it still runs, or was killed after some of its verdicts
        yield from ((run, opinion) for opinion in recompute(left))


def recompute(records: Sequence[Record]) -> tuple[ProfileOpinion, ...]:
    """The verdicts of one run, from its records in the order in which they were written."""
    whole = next((number for number, record in enumerate(records) if record["seq"] != number), len(records))
    by_profile: dict[str, list[Record]] = {}
    for record in records[:whole]:
        by_profile.setdefault(str(record.get("profile", "")), []).append(record)
    blocks = any(record.get("reach") == Reach.HOST.value for record in records)
    verdicts = []
    for number, end in enumerate(records):
        if end["event"] != "verdict":
            continue
        profile = str(end.get("profile", ""))
        segments: Mapping[str, _Segment] = {}
        try:
            if number >= whole:
                raise _CannotError("events of the run are missing")
            own, signals, others = (
                [record for record in some if record["seq"] < number]
                for some in (by_profile[profile], by_profile.get("", ()), records[:whole] if blocks else ())
            )
            opinion, segments = _recomputed(own, signals, others, end)
        except _CannotError as fault:
            opinion = Opinion(why=str(fault))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
            opinion = Opinion(why="what it rests on cannot be read")
        recorded, verdict, why = str(end.get("verdict")), opinion.verdict, opinion.why
        verdicts.append(ProfileOpinion(profile=profile, recorded=recorded, verdict=verdict, why=why, segments=segments))
    return tuple(verdicts)


def _recomputed(
    own: Sequence[Record], signals: Sequence[Record], others: Sequence[Record], end: Record
) -> tuple[Opinion, Mapping[str, _Segment]]:
    """One profile's verdict and those of its segments, from what was written before it."""
    if "basis" not in end:
        if any(record["event"] == "attempt_start" for record in own):
            raise _CannotError("it was written without what it rests on")
        return Opinion(verdict=Verdict.UNPROVEN, why="nothing was sent"), {}
    basis = end["basis"]
    decided = _whole(basis["decided"])
    sent = [one for one in _requests(own) if one.began is None or one.began <= decided]
    answers = [one for one in _requests(others) if one.ended is not None and one.ended <= decided]
    listed: dict[str, list[_Listed]] = {}
    for record in own:
        if record["event"] == "list":
            listed.setdefault(str(record["segment"]), []).append(_listing(record))
    shown = _Shown(
        basis=basis,
        gap=_seconds(basis["gap"]),
        sent=sent,
        blocked=_blocked(sent, answers),
        listed=listed,
        fresh_from=_held_until(own, signals),
    )
    segments = {name: shown.segment(name) for name in basis["segments"]}
    return shown.overall(segments), segments


# --- what the record says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """One request that was sent. `ended` is None while nothing is known of its end."""

    segment: str
    request: int
    changes: bool
    witness: bool
    host: str
    place: int
    """The place of its end in the record."""
    began: int | None = None
    ended: int | None = None
    answer: str = ""
    """What the venue's answer was taken for; empty where none came that could be judged."""
    answered: bool = False
    reach: str = ""
    testimony: str = ""
    """What a witness said by it; empty where it is none."""
    suspended: bool = False
    incurable: bool = False
    proves_key: bool = False

    @property
    def good(self) -> bool:
        """Whether it was accepted, or had nothing to do."""
        return self.answer in _GOOD

    @property
    def ends_profile(self) -> bool:
        """Whether it was refused for the key or the address, as a whole."""
        return self.answer == Answer.REFUSED.value and self.reach in _WHOLE_PROFILE


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """A listing of a segment, as the record has it."""

    place: int
    """In the record: what witnesses say of it stands before it."""
    began: int
    ended: int
    complete: bool
    count: int
    left: int
    """Orders that were not to be kept."""
    ids: frozenset[str]
    stages: tuple[tuple[int, ...], ...]
    """First pages of its passes; a stage is read after the one before it."""
    serial: int | None


def _whole(value: object) -> int:
    """A whole number. Raises TypeError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _seconds(value: object) -> int:
    """Seconds in ns. Raises TypeError, ValueError, OverflowError."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no number")
    return round(value * 1_000_000_000)


def _held_until(own: Sequence[Record], signals: Sequence[Record]) -> int:
    """The end of a hold, after which everything is proven anew. One that a signal ends keeps its last verdict."""
    hold = next((record for record in own if record["event"] == "hold_start"), None)
    cut = hold is not None and any(one["event"] == "signal" and one["seq"] > hold["seq"] for one in signals)
    return 0 if hold is None or cut else _whole(hold["ends"])


def _requests(records: Sequence[Record]) -> list[_Sent]:
    """What was sent: first what has ended, in that order, then the rest. A copy ends with what it copies."""
    starts = {one["a"]: one for one in records if one["event"] == "attempt_start" and "copy_of" not in one}
    ended = []
    for record in records:
        if record["event"] == "attempt_end" and record["class"] != "abandoned":
            ended.append(_sent(starts.pop(record["a"]), record))
    return [*ended, *(_sent(start, {}) for start in starts.values())]


def _sent(start: Record, end: Record) -> _Sent:
    if "request" not in start or (end and "began" not in end):
        raise _CannotError("its requests were written without what it rests on")
    return _Sent(
        segment=str(start.get("segment", "")),
        request=_whole(start["request"]),
        changes=start["changes"] is True,
        witness=start.get("witness") is True,
        host=str(start["host"]),
        place=_whole((end or start)["seq"]),
        began=_whole(end["began"]) if end else None,
        ended=_whole(end["ended"]) if end else None,
        answer=str(end["class"]) if "http" in end else "",
        answered=end.get("answered") is True,
        reach=str(end.get("reach", "")),
        testimony=str(end.get("witness", "")),
        suspended=end.get("suspended") is True,
        incurable=end.get("incurable") is True,
        proves_key=end.get("proves_key") is True,
    )


def _listing(record: Record) -> _Listed:
    return _Listed(
        place=_whole(record["seq"]),
        began=_whole(record["began"]),
        ended=_whole(record["ended"]),
        complete=record["complete"] is True,
        count=_whole(record["count"]),
        left=_whole(record["left"]),
        ids=frozenset(record["ids"]),
        stages=_stages(record["passes"]),
        serial=_whole(record["serial"]) if "serial" in record else None,
    )


def _stages(value: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(_whole(one) for one in stage) for stage in value)


def _blocked(own: Sequence[_Sent], everybody: Sequence[_Sent]) -> str:
    """Why the profile as a whole is refused; empty if it is not. Whatever is accepted later takes a refusal back."""
    of_key = [one for one in own if one.proves_key or one.incurable or one.ends_profile]
    if of_key and not of_key[-1].proves_key:
        return _NO_KEY
    hosts = {one.host for one in own}
    of_address = [one for one in everybody if one.host in hosts and (one.reach == Reach.HOST.value or one.good)]
    return "the venue refuses this address" if of_address and of_address[-1].reach == Reach.HOST.value else ""


# --- what it shows --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Segment(Opinion):
    """What the record shows of one segment."""

    gap: int = 0
    spawns: bool = False
    first: _Listed | None = None
    lasts: tuple[_Listed, ...] = ()
    """Empty listings, each of which is a proof with the first one, apart from what other segments do."""

    def proves_after(self, cancel: int) -> list[_Listed]:
        """Those that are a proof in spite of a cancel of another segment which was over then."""
        late = cancel + self.gap - _ROUNDING
        anew = self.first is not None and self.first.began >= cancel
        return [one for one in self.lasts if anew or one.began >= late]


@dataclass(frozen=True, kw_only=True)
class _Last:
    """The venue's last answer to a request, and since when it has been the same."""

    answer: str
    reach: str
    since: int
    at: int


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """One profile's part of the record, up to its verdict."""

    basis: Record
    gap: int
    sent: Sequence[_Sent]
    blocked: str
    listed: Mapping[str, Sequence[_Listed]]
    fresh_from: int
    """The moment from which its proof has to be."""

    def overall(self, segments: Mapping[str, _Segment]) -> Opinion:
        """The profile's verdict: `clear` only if all of its segments are, for each other, too."""
        present = [one for one in segments.values() if one.verdict is not Verdict.ABSENT]
        for verdict in (Verdict.OPEN, Verdict.UNPROVEN):
            for name, one in segments.items():
                if one.verdict is verdict:
                    return Opinion(verdict=verdict, why=f"{name}: {one.why}")
        why = self._doubt() or ("" if present else "no segment is known to be there")
        if not why and not self.basis.get("reads_only"):
            why = _apart(present, self._disturbed(segments))
        return Opinion(verdict=Verdict.UNPROVEN if why else Verdict.CLEAR, why=why)

    def _doubt(self) -> str:
        """Why no proof of segments would be one of the profile."""
        if self.basis.get("bug"):
            return "a bug ended a part of the sweep"
        if pending := self.basis.get("pending"):
            return f"not read: {', '.join(map(str, pending))}"
        if doubts := self.basis.get("doubts"):
            return "; ".join(map(str, doubts))
        return self.blocked

    def _disturbed(self, segments: Mapping[str, _Segment]) -> int:
        """When the last cancel of any segment that is there was over, or a witness that may have been one.

        Of segments that the account has turned out not to have those count to which the venue did not say so.
        """
        absent = {name for name, one in segments.items() if one.verdict is Verdict.ABSENT}
        harmless = {
            (name, witness["request"])
            for name, one in self.basis["segments"].items()
            for witness in one["witnesses"]
            if witness["harmless"]
        }
        cancels = [one for one in self.sent if one.changes and one.ended is not None and one.segment]
        last = {(one.segment, one.request): one.answer for one in cancels if one.segment not in segments}
        return max(
            (
                one.ended or 0
                for one in cancels
                if one.segment not in absent and last.get((one.segment, one.request)) != Answer.ABSENT.value
                if not (one.witness and ((one.segment, one.request) in harmless or one.answer == "nothing open"))
            ),
            default=0,
        )

    def segment(self, name: str) -> _Segment:
        """What is shown of one segment alone."""
        basis = self.basis["segments"][name]
        sent = [one for one in self.sent if one.segment == name]
        listings = self.listed.get(name, ())
        mass = {*basis["blind"], *basis["mass"]}
        passes = {request for stage in _stages(basis["passes"]) for request in stage}
        answers, failing = _last_answers(one for one in sent if not one.witness and one.request in mass | passes)
        if open_orders := self._open(basis, sent, listings):
            return _Segment(verdict=Verdict.OPEN, why=f"{open_orders} order(s) are listed")
        if not failing and self._absent(basis, passes, answers):
            return _Segment(verdict=Verdict.ABSENT)
        if self.basis.get("reads_only"):
            read = bool(listings) and _empty(listings[-1], _reads(sent))
            why = "" if read else "its last listing is not complete"
            return _Segment(verdict=Verdict.CLEAR if read else Verdict.UNPROVEN, why=why)
        gap, row = self._row(basis, sent, listings)
        lasts = tuple(one for one in row[1:] if one.began - row[0].ended >= gap - _ROUNDING)
        why = (
            self._refused(sent, answers, mass)
            or self._unfinished(sent)
            or ("" if lasts else "there are no two complete empty listings, a proof gap apart, after its last cancel")
            or self._unwitnessed(basis, sent, row)
        )
        return _Segment(
            verdict=Verdict.UNPROVEN if why else Verdict.CLEAR,
            why=why,
            gap=gap,
            spawns=basis["spawns"] is True,
            first=row[0] if row else None,
            lasts=lasts,
        )

    def _open(self, basis: Record, sent: Sequence[_Sent], listings: Sequence[_Listed]) -> int:
        """How many orders are known to rest: in the last listing that began after a cancel was answered. Where the key
        is refused, has cancelled nothing, and is not needed to list: in the last one of all.
        """
        cancels = [one for one in sent if one.changes and not one.witness]
        answered = next((one for one in cancels if one.answered), None)
        readable = [one for one in listings if one.complete or one.count]
        in_vain = self.blocked == _NO_KEY and basis.get("keyless") is True and not any(one.good for one in cancels)
        if in_vain:
            pass
        elif answered is not None:
            since, place = answered.ended or 0, answered.place
            readable = [one for one in readable if one.began >= since and one.place > place]
        elif cancels or self.blocked:
            return 0
        return readable[-1].left if readable else 0

    def _absent(self, basis: Record, passes: set[int], answers: Mapping[int, _Last]) -> bool:
        """Whether the venue has said to every request, twice a gap apart, that there is no such product."""
        blind = () if self._keeps_some(basis) or self.basis.get("reads_only") is True else basis["blind"]
        said = [answers.get(one) for one in passes.union(blind)]
        words = ("absent", "refused") if basis.get("never") is True else ("absent",)
        return bool(said) and all(one is not None and one.answer in words and self._twice(one) for one in said)

    def _keeps_some(self, basis: Record) -> bool:
        """Whether a mass cancel could take what has to be kept."""
        keep = self.basis.get("keep") is True and basis["protective_kinds"] is True
        return keep or self.basis.get("by_name") is True

    def _twice(self, last: _Last) -> bool:
        return last.at - last.since >= self.gap - _ROUNDING

    def _refused(self, sent: Sequence[_Sent], answers: Mapping[int, _Last], mass: set[int]) -> str:
        """A refusal that stands, or one that came once and may yet be said again."""
        named = any(
            one.changes and not one.witness and one.good and one.request not in mass and one.segment for one in sent
        )
        for request, last in answers.items():
            if last.answer not in ("refused", "absent"):
                continue
            replaced = request in mass and last.reach == Reach.REQUEST.value and named
            if last.answer == "refused" and not replaced:
                return "the venue refuses a cancel or a listing"
            if request in mass and not self._twice(last):
                return "a refusal came once, and the request was not sent again"
        return ""

    @staticmethod
    def _unfinished(sent: Sequence[_Sent]) -> str:
        """What of the cancels keeps a listing from being a proof."""
        cancels = [one for one in sent if one.changes and not one.witness]
        if any(one.ended is None for one in cancels):
            return "nothing is known of the end of a cancel"
        judged = [one for one in cancels if one.answer]
        if judged and judged[-1].suspended:
            return "the venue is halted"
        return ""

    def _row(self, basis: Record, sent: Sequence[_Sent], listings: Sequence[_Listed]) -> tuple[int, Sequence[_Listed]]:
        """The gap of a proof, and the empty listings in a row with which the record ends."""
        quiet = max((one.ended or 0 for one in sent if one.changes and not one.witness), default=0)
        objections = [one for one in sent if one.witness and one.testimony == "objects"]
        since = max(quiet, self.fresh_from, *(one.ended or 0 for one in objections))
        place = max((one.place for one in objections), default=0)
        reads = _reads(sent)
        row: list[_Listed] = []
        shown: set[str] = set()
        vanished: set[str] = set()
        contradictions = 0
        stages: tuple[tuple[int, ...], ...] | None = None
        for one in listings:
            if one.stages != stages:  # the same part of the account, listed in another way
                stages, row, shown, vanished, contradictions = one.stages, [], set(), set(), 0
            contradictions += not vanished.isdisjoint(one.ids)
            vanished -= one.ids
            vanished |= shown - one.ids if one.complete else set()
            shown |= one.ids
            if one.began < since or one.place < place or not _empty(one, reads):
                row = []
            elif row and None not in (one.serial, row[-1].serial) and (one.serial or 0) < (row[-1].serial or 0):
                row = [one]  # the venue says that it is older than the one before
            else:
                row.append(one)
        if _stages(basis["passes"]) != stages:
            row = []
        doublings = min(max(contradictions, _whole(basis["contradictions"])), _MOST_DOUBLINGS)
        return self.gap << doublings, row

    def _unwitnessed(self, basis: Record, sent: Sequence[_Sent], row: Sequence[_Listed]) -> str:
        """Which witness has not agreed since the first of the empty listings was over.

        What one that is a mere read said during a listing that was not read to its end does not count.
        """
        keep = self._keeps_some(basis)
        accepted = any(one.changes and one.answer == Answer.ACCEPTED.value for one in self.sent)
        for witness in basis["witnesses"]:
            may_not = witness["changes"] and keep and not witness["harmless"]
            if may_not or witness["optional"] or (witness["signature"] and accepted):
                continue  # one that is optional says nothing by its silence: only its objection counts
            answers = [
                one
                for one in sent
                if one.witness and one.request == witness["request"] and (one.began or 0) >= row[0].ended
                if one.changes or one.place <= row[-1].place
            ]
            if not (answers and self._agrees(answers)):
                return "a witness of the venue has not agreed"
        return ""

    def _agrees(self, answers: Sequence[_Sent]) -> bool:
        """Whether the last answer of a witness is that nothing is left."""
        took_nothing = [one.ended or 0 for one in answers if one.testimony == "took nothing"]
        twice = bool(took_nothing) and took_nothing[-1] - took_nothing[0] >= self.gap - _ROUNDING
        return answers[-1].testimony == "agrees" or (answers[-1].testimony == "took nothing" and twice)


def _reads(sent: Iterable[_Sent]) -> list[tuple[int, int, _Sent]]:
    """The reads of a segment that have ended, with their beginning, in that order."""
    ended = [one for one in sent if not (one.changes or one.witness) and one.ended is not None]
    return sorted((one.began or 0, number, one) for number, one in enumerate(ended))


def _empty(listing: _Listed, reads: Sequence[tuple[int, int, _Sent]]) -> bool:
    """Whether a listing shows that nothing is left: it says so, and its pages were answered well and in order."""
    pages: dict[int, _Sent] = {}
    for _, _, one in reads[bisect_left(reads, (listing.began,)) : bisect_right(reads, (listing.ended, len(reads)))]:
        if (one.ended or 0) <= listing.ended and one.place < listing.place:
            pages[one.request] = one
    first = [pages[request] for stage in listing.stages for request in stage if request in pages]
    read = [one for one in pages.values() if one in first or _follows(one, first)]
    if not listing.complete or listing.left or any(one.answer != Answer.ACCEPTED.value for one in read):
        return False
    read_until = 0
    for stage in listing.stages:
        if any(request not in pages or (pages[request].began or 0) < read_until for request in stage):
            return False
        read_until = max((pages[request].ended or 0 for request in stage), default=read_until)
    return bool(listing.stages)


def _follows(page: _Sent, first: Iterable[_Sent]) -> bool:
    """Whether a read was sent after one of the first pages was answered. Another one was for a part of the account as
    it was listed before, and was still under way.
    """
    return any((page.began or 0) >= (one.ended or 0) and page.place > one.place for one in first)


def _last_answers(sent: Iterable[_Sent]) -> tuple[dict[int, _Last], set[int]]:
    """The last answer to each request, and the requests whose last try was not answered."""
    answers: dict[int, _Last] = {}
    failing: set[int] = set()
    for one in sent:
        if one.ended is None:
            continue
        if not one.answered:
            failing.add(one.request)
            continue
        failing.discard(one.request)
        before = answers.get(one.request)
        same = before is not None and before.answer == one.answer
        since = before.since if before is not None and same else one.ended
        answers[one.request] = _Last(answer=one.answer, reach=one.reach, since=since, at=one.ended)
    return answers, failing


def _apart(present: Sequence[_Segment], last_cancel: int) -> str:
    """Why the segments' proofs are none together: orders move from one to the other."""
    spawned = 0
    for one in sorted(present, key=lambda each: not each.spawns):
        proofs = one.proves_after(last_cancel)
        if not proofs:
            return "a segment was read too early for the last cancel of another one"
        if one.spawns:
            spawned = max(spawned, proofs[0].ended)
        elif proofs[-1].began < spawned:
            return "a segment was read before those whose orders turn into its own"
    return ""
