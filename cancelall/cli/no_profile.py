"""The JSON line of a command that came to no profile: whoever wanted JSON gets a line, whatever went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from cancelall.cli.process import DRY_RUN, JSON
from cancelall.core.results import ErrorReport, RunFacts
from cancelall.core.stamp import machine
from cancelall.report.streams import emit

WITHOUT = ("", "auth", "config", "guard", "help", "journal", "setup")
"""Commands whose JSON, if they have any, is no line of a profile."""
_REASON = "--reason"


def tell(words: Sequence[str], error: ErrorReport, status: int) -> None:
    """Write the line, where the words of the command want JSON."""
    command = next((word for word in words if word.strip()[:1] not in ("", "-")), "")
    if JSON not in words or command in WITHOUT:
        return
    if command == "check":
        from cancelall.report.findings import check_line_without_profile

        emit(check_line_without_profile(error))
        return
    from cancelall.report.lines import line_without_profile

    reads = DRY_RUN in words or command in ("orders", "positions")
    emit(line_without_profile(error, status, RunFacts(machine=machine(), reason=_reason(words)), dry_run=reads))


def _reason(words: Sequence[str]) -> str | None:
    """Why, in the words of the line."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == _REASON or word.startswith(f"{_REASON}="):
            return (following if word == _REASON else word.partition("=")[2]) or None
    return None
