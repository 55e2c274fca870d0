"""The one error boundary: every failure becomes one line on stderr and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

from cancelall.errors import CancelallError, ExitStatus
from cancelall.guard import bug_words


def held(work: Callable[[], int]) -> int:
    """The exit status of a command, whatever it raises."""
    try:
        return work()
    except CancelallError as error:
        return fail(error.message, error.hint, error.status)
    except KeyboardInterrupt:
        return fail("interrupted", "", ExitStatus.INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 - the one boundary
        return fail(bug_words(fault), "please report it with the command that you ran", ExitStatus.BUG)


def fail(message: str, hint: str, status: ExitStatus) -> int:
    """Say what failed and what to do next."""
    from cancelall.report.text import clean

    try:
        sys.stderr.write(f"cancelall: {clean(message, 1000)}{f' - {clean(hint, 500)}' if hint else ''}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # nobody to tell
        return int(status)
    return int(status)
