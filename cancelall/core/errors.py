"""The one error tree, what each outcome is worth as an exit status, and what is said of a bug: its place alone."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

_OfVenue = Literal["auth", "permission", "ip", "region", "clock", "mode", "environment", "rate_limit", "parameter"]
_OfTheWay = Literal["tls", "redirect", "network", "timeout", "unreadable"]
ErrorKind = Literal[_OfVenue, _OfTheWay, "config", "secret", "interrupted", "internal"]


class ExitStatus(IntEnum):
    """Exit codes that scripts branch on. A code that is not here is a failure."""

    CLEAR = 0
    BUG = 1
    USAGE = 2
    NO_GUARD = 3
    REFUSED = 4
    NOT_ARMED = 5
    UNCONFIGURED = 6
    OPEN = 10
    UNPROVEN = 11
    UNREACHABLE = 12
    INTERRUPTED = 130
    TERMINATED = 143


_VERDICTS = {
    ExitStatus.CLEAR: "complete fresh listings of every segment in scope are empty (or hold only what was to be kept)",
    ExitStatus.OPEN: "orders are known to be open at the end; they are listed",
    ExitStatus.UNREACHABLE: "not one complete answer from this venue",
    ExitStatus.REFUSED: "the venue, or TLS, refused: key, signature, permission, address, region, account mode, clock, "
    "certificate",
    ExitStatus.UNCONFIGURED: "a profile, option or secret is missing or unusable; nothing was sent",
    ExitStatus.UNPROVEN: "anything else: accepted or perhaps accepted, but not proven",
}
EXIT_STATUSES: tuple[tuple[tuple[ExitStatus, ...], str, str], ...] = (
    *(((status,), status.name.lower(), meaning) for status, meaning in _VERDICTS.items()),
    ((ExitStatus.BUG,), "", "a bug that left no verdict"),
    ((ExitStatus.USAGE,), "", "wrong usage"),
    ((ExitStatus.NO_GUARD,), "", "no guard runs"),
    ((ExitStatus.NOT_ARMED,), "", "a guard runs and is not armed"),
    ((ExitStatus.INTERRUPTED, ExitStatus.TERMINATED), "", "interrupted"),
)
"""Codes, the verdict that they stand for if any, and what it says: help, manual and README are made from this."""


class CancelallError(Exception):
    """Base of what is raised on purpose: `message` says what failed and where, `hint` what to do, neither a secret."""

    kind: ErrorKind = "internal"
    status: ExitStatus = ExitStatus.BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def line(self) -> str:
        """What failed, and what to do next if that is known."""
        return f"{self.message} - {self.hint}" if self.hint else self.message


class UsageError(CancelallError):
    """A bad or contradictory value on the command line."""

    kind: ErrorKind = "parameter"
    status = ExitStatus.USAGE


class ConfigError(CancelallError):
    """A profile, option or file that cannot be used. Nothing was sent."""

    kind: ErrorKind = "config"
    status = ExitStatus.UNCONFIGURED


class SecretError(CancelallError):
    """A secret that is missing, malformed, or whose source failed. Nothing was sent."""

    kind: ErrorKind = "secret"
    status = ExitStatus.UNCONFIGURED


class OptionError(CancelallError):
    """A value that a declaration does not allow; whoever knows its origin turns it into a usage or config error."""

    kind: ErrorKind = "parameter"
    status = ExitStatus.USAGE


class Unreadable(CancelallError):
    """An answer of a venue that does not have the documented shape. It proves nothing."""

    kind: ErrorKind = "unreadable"
    status = ExitStatus.UNPROVEN


class Interrupted(CancelallError):
    """A signal stopped this before it was done."""

    kind: ErrorKind = "interrupted"

    def __init__(self, message: str, hint: str = "", *, status: ExitStatus = ExitStatus.INTERRUPTED) -> None:
        super().__init__(message, hint)
        self.status = status


class DryRunViolation(CancelallError):
    """A request that changes something reached a client that may only read: a bug, stopped before the send."""


class TransportFault(CancelallError):
    """An attempt that ended without a complete HTTP answer.

    `sent` says what is known about the request. `final` marks faults that no retry can cure (a certificate that does
    not verify). `answered` marks answers that came and were cut off here, for their size or shape. `cut` marks attempts
    that the deadline ended: they say nothing about the venue.
    """

    kind: ErrorKind = "network"
    status = ExitStatus.UNREACHABLE

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind = "network",
        sent: Literal["no", "maybe", "yes"] = "maybe",
        final: bool = False,
        answered: bool = False,
        cut: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.sent = sent
        self.final = final
        self.answered = answered
        self.cut = cut


def bug_words(fault: BaseException) -> str:
    """Kind and place of what was raised. Never its text: it may quote what was being sent."""
    return f"a bug: {bug_place(fault)}"


def bug_place(fault: BaseException) -> str:
    """The type of what was raised, and the file and line where: in this program, and where it was raised if elsewhere.

    `TypeError at listing.py:82`, or `JSONDecodeError at listing.py:82 (decoder.py:355)`.
    """
    kind, raised, ours = type(fault).__name__, "", ""
    where = fault.__traceback__
    while where is not None:
        folder, _, name = where.tb_frame.f_code.co_filename.replace("\\", "/").rpartition("/")
        raised = f"{name}:{where.tb_lineno}"
        if f"{folder}/".startswith(_OURS):
            ours = raised
        where = where.tb_next
    if not raised:
        return kind
    return f"{kind} at {ours or raised}" + (f" ({raised})" if ours and ours != raised else "")


_OURS = f"{__file__.replace(chr(92), '/').rsplit('/', 2)[0]}/"
"""Where this program's own code is."""
