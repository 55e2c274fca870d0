"""What a kill of a whole account sends at each venue, on virtual time.

`python -m traffic` counts it, and writes that into docs/figures.json.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import figures
from cancelall.core.model import Reply, Request, SignedRequest, Verdict
from cancelall.core.profile import Profile
from cancelall.engine.client import Client, Send
from cancelall.simulator import Kind
from cancelall.venues.registry import VENUES
from figures import Requests
from fleet import Fleet
from soak.virtual import START

ORDERS = 100
RTT = 0.08
"""Seconds."""
QUIRKS = {"deltadefi": ("prompt",)}
"""What switches off what is left to chance: some of DeltaDeFi's cancels land up to 1.85 s late."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one kill has sent, in the order in which it left."""

    requests: tuple[Request, ...]
    listings: frozenset[Request]
    """Those that list open orders, each page of them once."""
    seconds: float
    """From the first cancel to the verdict, 0 without one."""

    @property
    def cancels(self) -> frozenset[Request]:
        """Those that cancel, each of them once, however often it was sent."""
        return frozenset(request for request in self.requests if request.changes)

    @property
    def before(self) -> int:
        """How many left before the first cancel; all where none did."""
        return next((place for place, one in enumerate(self.requests) if one.changes), len(self.requests))


class _Noting(Fleet):
    """A fleet that keeps what was sent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sent: list[Request] = []

    def _connect(self, profile: Profile) -> Send:
        send: Callable[..., Awaitable[Reply]] = super()._connect(profile)

        async def noting(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
            self.sent.append(signed.request)
            return await send(signed, until, sent)

        return noting


def _patient(client: Client, prepare: Callable[[Client], None] = Client.__post_init__) -> None:
    """Every pause whose length is left to chance is as long as it can be."""
    prepare(client)
    client.random = lambda: 1.0


@cache
def of(venue: str, orders: int) -> Traffic:
    """The kill of an account with so many orders of every kind, with default options; positions are not read."""
    fleet = _Noting(venue, latency=RTT)
    host = fleet.host("http://127.0.0.1:1", 1, orders=orders)
    host.fake.set_faults(QUIRKS.get(venue, ()))
    with patch.object(Client, "__post_init__", _patient):
        (report,) = fleet.kill(deadline=60.0)
    assert report.verdict is Verdict.CLEAR, report
    listed = (request for request, sent in zip(fleet.sent, host.log, strict=True) if sent.kind is Kind.LISTING)
    first = next((sent.at - START for sent in host.log if sent.kind.changes), None)
    return Traffic(
        requests=tuple(fleet.sent),
        listings=frozenset(listed),
        seconds=(report.timing.verdict or 0) / 1000 - first if first is not None else 0.0,
    )


def counted(venue: str) -> Requests:
    """The requests of an empty account, and of a stocked one."""
    stocked = of(venue, ORDERS)
    return Requests(before=stocked.before, empty=len(of(venue, 0).requests), stocked=len(stocked.requests))


if __name__ == "__main__":
    figures.count({venue: counted(venue) for venue in VENUES})
