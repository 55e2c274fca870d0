"""Asking the venue's own witnesses, besides the listing, whether nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cancelall.core.attempts import Watch
from cancelall.core.model import Acknowledgement, Answer, Priority, Reply, Request
from cancelall.engine.client import Client
from cancelall.engine.ledger import Ledger, Word
from cancelall.venues.contract import Segment, Witness

_TRIES = 3


async def ask_cancels(client: Client, ledger: Ledger) -> None:
    """Ask the witnesses that are cancels, once for each pair of empty listings and between them."""
    if not ledger.proof.cancels_agree:
        ledger.witnesses_say(await _ask(client, ledger, cancels=True), cancels=True)


async def ask_reads(client: Client, ledger: Ledger) -> Word:
    """Ask the witnesses that are mere reads, while the listing is read that is to end a proof: they are as late."""
    return await _ask(client, ledger, cancels=False)


async def _ask(client: Client, ledger: Ledger, *, cancels: bool) -> Word:
    """What the witnesses of a kind say together. One contradiction is enough."""
    kept = ledger.proof.first.orders if ledger.proof.first else ()
    for witness in ledger.witnesses:
        if witness.request.changes is not cancels or (witness.signature and client.tally.first_ack is not None):
            continue
        read = partial(witness.fits, kept) if witness.fits else witness.read
        testify = partial(_testimony, ledger.segment, witness, read)
        last = replace(witness.request, priority=Priority.WITNESS)  # whatever cancels or lists goes before it
        watch = Watch(about=ledger.segment.name, ended=partial(ledger.witness_attempt_over, witness))
        outcome = await client.ask(last, testify, watch=watch, most=_TRIES)
        agrees, half, said = outcome.value or (outcome.answer is Answer.NOTHING_OPEN, False, None)
        ledger.witness_answered(witness, outcome)
        if half and not agrees:
            if ledger.took_nothing(outcome.attempt.ended):
                continue
            return Word.SILENT
        if outcome.value is not None and not agrees:
            if cancels:
                ledger.witness_took(outcome.attempt, said)
            return Word.OBJECT
        if not agrees and not witness.optional:
            return Word.SILENT
    return Word.AGREE


def _testimony(
    segment: Segment, witness: Witness, agrees: Callable[[Request, Reply], bool], request: Request, reply: Reply
) -> tuple[bool, bool, Acknowledgement | None]:
    """Whether it agrees, or would if it said so twice, and what it cancelled if it is a cancel. Raises Unreadable."""
    if witness.twice is not None and witness.twice(request, reply):
        return False, True, None
    return agrees(request, reply), False, segment.acknowledge(request, reply) if request.changes else None
