"""The one command that comes next, for each verdict that is not clear: what was typed, and what it takes now."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from cancelall.cli.options import Kill
from cancelall.core import declare
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.venues.registry import VENUES

_ITEMS = {flag: item for item in declare.declared(Kill) for flag in item.flags}
_ONCE = ("dry_run", "hold", "json", "quiet", "verbose", "notify_command", "reason", "only", "skip", "shard", "profile")
"""Options that belong to the run before; a reason and a notify command may hold what is nobody's business."""
_HOLD = 60
_MOST = 3


def of_profile(report: ProfileReport, words: Sequence[str]) -> str:
    """What to do about one profile, with its command; empty where nothing is to be done. `words` is the line."""
    again = _kill([report.profile], words, _deadline(report))
    if report.error is not None and report.error.kind == "interrupted":
        return f"to finish and prove it: {again}"
    match report.verdict:
        case Verdict.CLEAR:
            return ""
        case Verdict.OPEN if report.dry_run:
            return f"to cancel them: {again}"
        case Verdict.OPEN if _limited(report):
            return f"at once: {again}"
        case Verdict.OPEN:
            return f"stop what places orders, then: {again} {_flag('hold')} {_HOLD}"
        case Verdict.UNPROVEN if report.error is not None and report.error.hint.startswith("correct the selector"):
            return f"with the selector corrected: {again}"
        case Verdict.UNPROVEN:
            return f"at once: {again}"
        case Verdict.UNCONFIGURED:
            named = report.error is not None and "cancelall " in report.error.hint
            return "" if named else f"to see why: {_config_aware('cancelall config check', words)}"
        case _:
            return f"to see why: {_config_aware(f'cancelall check {shlex.quote(report.profile)}', words)}"


def of_run(reports: Sequence[ProfileReport], words: Sequence[str]) -> str:
    """The same for a run over several profiles."""
    failed = [report for report in reports if report.exit_status]
    if len(failed) == 1:
        return of_profile(failed[0], words)
    if not failed:
        return ""
    some = [report.profile for report in failed] if len(failed) <= _MOST else []
    again = _kill(some, words, max((known for report in failed if (known := _deadline(report))), default=None))
    left = any(report.verdict is Verdict.OPEN and not (report.dry_run or _limited(report)) for report in failed)
    return f"stop what places orders, then: {again} {_flag('hold')} {_HOLD}" if left else f"at once: {again}"


def _limited(report: ProfileReport) -> bool:
    """Whether a limit of the venue left orders open, and no bot."""
    return report.error is not None and report.error.kind == "rate_limit"


def _deadline(report: ProfileReport) -> int | None:
    return None if report.error is None else report.error.deadline


def _kill(profiles: Sequence[str], words: Sequence[str], deadline: int | None) -> str:
    """The line that kills these profiles, or all, with the options that still count, and a deadline that suffices."""
    if len(profiles) == 1:
        first = [profiles[0]]
    else:
        first = ["all", *(word for name in profiles for word in (_flag("only"), name))]
    common_only = not words or words[0] not in (*VENUES, "all", *profiles)
    dropped = _ONCE if deadline is None else (*_ONCE, "deadline")
    longer = [] if deadline is None else [_flag("deadline"), str(deadline)]
    return shlex.join(["cancelall", *first, *_kept(words, dropped, common_only=common_only), *longer])


def _kept(words: Sequence[str], dropped: Sequence[str] = _ONCE, *, common_only: bool = False) -> list[str]:
    """The options of a line that the next one needs as well, with their values."""
    kept: list[str] = []
    rest = list(words[1:])
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            continue
        item = _ITEMS.get(word.partition("=")[0])
        takes = "=" not in word and (item is None or item.base is not bool) and rest and not rest[0].startswith("-")
        value = [rest.pop(0)] if takes else []
        once = item is not None and item.key in dropped
        if not once and (item is not None or not common_only):
            kept += [word, *value]
    return kept


def _config_aware(command: str, words: Sequence[str]) -> str:
    """A command that only reads, on the config that was named."""
    flag = _flag("config")
    kept = _kept(words, common_only=True)
    at = next((index for index, word in enumerate(kept) if word.partition("=")[0] == flag), None)
    return command if at is None else f"{command} {shlex.join(kept[at : at + (1 if '=' in kept[at] else 2)])}"


def _flag(key: str) -> str:
    return next(item.flag for item in _ITEMS.values() if item.key == key)


def of_merged(verdict: Verdict, failed: Sequence[str], shards: Sequence[str]) -> str:
    """The same for lines of several machines: profiles that are not clear, and shards of which lines are missing."""
    if verdict is Verdict.UNCONFIGURED:
        return "to see why: cancelall config check"
    if len(failed) == 1 and verdict in (Verdict.REFUSED, Verdict.UNREACHABLE):
        return f"to see why: cancelall check {shlex.quote(failed[0])}"
    if not failed and len(shards) == 1:
        words = ["all", _flag("shard"), *shards]
    elif len(failed) == 1 and not shards:
        words = [*failed]
    else:
        some = failed if len(failed) <= _MOST and not shards else ()
        words = ["all", *(word for name in some for word in (_flag("only"), name))]
    again = shlex.join(["cancelall", *words])
    left = verdict is Verdict.OPEN
    return f"stop what places orders, then: {again} {_flag('hold')} {_HOLD}" if left else f"at once: {again}"
