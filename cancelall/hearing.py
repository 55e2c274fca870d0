"""Asking the venue's own witnesses, besides the listing, whether nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cancelall.model import Acknowledgement, Answer, Reply, Request
from cancelall.progress import Progress
from cancelall.session import Session, Watch
from cancelall.venues import Segment

_TRIES = 3


async def hear_witnesses(session: Session, progress: Progress) -> bool:
    """Ask all witnesses of a segment, once for each pair of empty listings. One contradiction is enough.

    Returns whether a mere read says that the listing hides something, which then has to be cancelled unseen.
    """
    if progress.witnessed:
        return False
    kept = progress.first_empty.orders if progress.first_empty else ()
    for witness in progress.witnesses:
        if witness.signature and session.tally.first_ack is not None:
            continue
        read = partial(witness.fits, kept) if witness.fits else witness.read
        hear = partial(_testimony, progress.segment, read)
        heard = await session.ask(witness.request, hear, watch=Watch(about=progress.segment.name), most=_TRIES)
        agrees, said = heard.value or (heard.answer is Answer.NOTHING_OPEN, None)
        progress.hearing(witness, heard)
        if heard.value is not None and not agrees:
            progress.witness_objects(heard.attempt, said)
            return not witness.request.changes
        if not agrees and not witness.optional:
            return False
    if progress.witnesses:
        progress.witnesses_agree()
    return False


def _testimony(
    segment: Segment, agrees: Callable[[Request, Reply], bool], request: Request, reply: Reply
) -> tuple[bool, Acknowledgement | None]:
    """Whether a witness agrees, and what it cancelled if it is a cancel. Raises Unreadable."""
    return agrees(request, reply), segment.acknowledge(request, reply) if request.changes else None
