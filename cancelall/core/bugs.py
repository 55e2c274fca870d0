"""What is told of a bug: its kind and place, never its text."""

from __future__ import annotations


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
