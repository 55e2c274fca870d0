"""Which of a row of tests run in `make test`, and which only with `make faults`: what is dear for each venue.

A kind of trouble meets some of the venues soon, and the next kind meets others. So each venue meets some of the
kinds, each kind some of the venues, and `make faults` all of both.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from cancelall.venues.registry import VENUES

LATER = pytest.mark.faults
SHARE = max(2, len(VENUES) // 2)
"""One venue of so many is soon."""
PLACES = {venue: at for at, venue in enumerate(VENUES)}


def later(venue: str, number: int) -> tuple[pytest.MarkDecorator, ...]:
    """The marks of the kind with this number on this venue."""
    return () if (PLACES[venue] + number) % SHARE == 0 else (LATER,)


def turns(name: str, values: Iterable[object]) -> pytest.MarkDecorator:
    """Parametrize the venue and these values."""
    rows = [
        pytest.param(venue, value, marks=later(venue, number))
        for number, value in enumerate(values)
        for venue in VENUES
    ]
    return pytest.mark.parametrize(("venue", name), rows)


def on_some(number: int) -> pytest.MarkDecorator:
    """Parametrize the venue alone, for what costs a process for each."""
    return pytest.mark.parametrize("venue", [pytest.param(venue, marks=later(venue, number)) for venue in VENUES])
