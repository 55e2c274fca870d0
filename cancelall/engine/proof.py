"""What the segments of one profile prove together: orders move between them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from cancelall.engine.progress import Progress


def live(progresses: Collection[Progress]) -> list[Progress]:
    """The segments that the account has."""
    return [one for one in progresses if one.absent is None]


def disturbed(progresses: Collection[Progress]) -> float:
    """When the last cancel of any segment was over."""
    return max((one.cancels.disturbed for one in live(progresses)), default=0.0)


def unproven(progresses: Collection[Progress]) -> bool:
    """Whether a known segment is still in question."""
    return any(not one.proven for one in live(progresses))


def stale(progresses: Collection[Progress]) -> list[Progress]:
    """Proven segments that were read too early for the last cancel of another one, as if it had been their own.

    What feeds others is read before them: an order that has moved on by then is in the later listing.
    """
    known = live(progresses)
    if not all(one.proven for one in known):
        return []
    last = disturbed(progresses)
    old = [one for one in known if not one.proven_after(last)]
    if feeders := [one for one in old if one.segment.spawns]:
        return feeders
    fed = max((one.last_empty.ended for one in known if one.segment.spawns and one.last_empty), default=0.0)
    unfed = [one for one in known if not one.segment.spawns and one.last_empty and one.last_empty.began < fed]
    return [one for one in known if any(one is other for other in (*old, *unfed))]
