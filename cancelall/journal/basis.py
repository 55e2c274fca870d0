"""What a verdict rests on, besides what was sent, answered and listed, by the names that the journal has for it.

Imported after the verdict, to write it down.
"""

from __future__ import annotations

from collections.abc import Mapping

from cancelall.core.dataclass import dataclass
from cancelall.core.model import Request

Stages = tuple[tuple[Request, ...], ...]


@dataclass(frozen=True, kw_only=True)
class WitnessBasis:
    """A witness of a segment, whether or not this run may ask it."""

    request: Request
    changes: bool
    harmless: bool
    optional: bool
    signature: bool


@dataclass(frozen=True, kw_only=True)
class SegmentBasis:
    """What a segment's verdict rests on, besides what was sent, answered and listed."""

    blind: tuple[Request, ...]
    """Mass cancels that need to know no order."""
    mass: tuple[Request, ...]
    """All other cancels of this run that named no order."""
    passes: Stages
    """First pages of the passes of a listing, those that are read in parallel together."""
    witnesses: tuple[WitnessBasis, ...]
    spawns: bool
    never: bool
    """The venue has said elsewhere that the account was never opened for it."""
    keyless: bool
    """It is listed without a key: where that is refused, and no cancel was accepted, what was listed before rests."""
    protective_kinds: bool
    contradictions: int
    """How often an order was listed again that a complete listing had lacked: each doubles the gap of the proof."""


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a profile's verdict rests on, besides what was sent, answered and listed."""

    decided: int
    """The moment of the verdict, in ns: what is read afterwards only fills in how orders ended."""
    gap: float
    """Seconds between two empty listings of a proof, where none contradicts another."""
    keep: bool
    """Protective orders are to stay."""
    by_name: bool
    """Orders are selected by their client ids: no mass cancel is sent."""
    reads_only: bool
    segments: Mapping[str, SegmentBasis]
    pending: tuple[str, ...]
    """Discovery reads that are under way or have failed."""
    missed: tuple[str, ...]
    """The same of those that are optional."""
    doubts: tuple[str, ...]
    """Why a proof would not be one: above all selectors that the venue does not know."""
    bug: bool
    """A bug has ended a part of the sweep."""
