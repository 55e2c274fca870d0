"""What the segments of one profile prove together: orders move between them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from cancelall.engine.ledger import Ledger


def live(ledgers: Collection[Ledger]) -> list[Ledger]:
    """The segments that the account has."""
    return [one for one in ledgers if one.absent is None]


def disturbed(ledgers: Collection[Ledger]) -> float:
    """When the last cancel of any segment was over."""
    return max((one.disturbed for one in live(ledgers)), default=0.0)


def unproven(ledgers: Collection[Ledger]) -> bool:
    """Whether a known segment is still in question."""
    return any(not one.proven for one in live(ledgers))


def stale(ledgers: Collection[Ledger]) -> list[Ledger]:
    """Proven segments that were read too soon for the last cancel of another one, as if it had been their own.

    What spawns orders of others is read before them: an order that has moved on by then is in the later listing.
    """
    known = live(ledgers)
    if not all(one.proven for one in known):
        return []
    last = disturbed(ledgers)
    old = [one for one in known if not one.proven_after(last)]
    if spawning := [one for one in old if one.segment.spawns]:
        return spawning
    spawned = max((one.proof.last.ended for one in known if one.segment.spawns and one.proof.last), default=0.0)
    before = [one for one in known if not one.segment.spawns and one.proof.last and one.proof.last.began < spawned]
    return [one for one in known if any(one is other for other in (*old, *before))]
