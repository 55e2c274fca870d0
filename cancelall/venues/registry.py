"""The explicit list of venues, and the parts of each.

`NAME.hosts` is where it is. `NAME.options` ends with `SCHEMA`: what a profile can say. No more than these two has to be
read before a connection is opened.
`NAME.venue` ends with `VENUE`: what is sent, and how answers are read. CONTRIBUTING.md says how a venue is added.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt
from cancelall.core.errors import CancelallError

if TYPE_CHECKING:
    from cancelall.core.profile import Profile
    from cancelall.venues.contract import Segment, Venue

VENUES: Mapping[str, str] = {
    "bybit": "Bybit",
    "bitget": "Bitget",
    "ascendex": "AscendEX",
    "pacifica": "Pacifica",
    "deltadefi": "DeltaDeFi",
    "deribit": "Deribit",
    "kraken": "Kraken",
    "hyperliquid": "Hyperliquid",
    "binance": "Binance",
    "okx": "OKX",
}
"""Module name to the name that people know."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Schema:
    """What a profile of a venue can say."""

    hosts: Mapping[str, str]
    """Origin of each environment."""
    options: type[Any]
    secrets: type[Any]
    further: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Where a venue has several hosts: the origins of the others in each environment, by the names that requests have
    for them (`Request.host`)."""
    uses: Callable[[Any, str], tuple[str, ...]] = lambda options, environment: ("",)
    """Options and environment to the names of the hosts that the scope's requests go to, the most urgent first."""
    client_ids: str = r".+"
    """Which prefixes the client ids that its listings show can begin with, as a pattern; empty where none shows any."""
    client_ids_are: str = ""
    """The same in words, for who gives another one."""


selector = functools.partial(Opt, selector=True)
"""An option that narrows a profile to a part of the account."""


@functools.cache
def schema(name: str) -> Schema:
    """What a profile of the venue with this module name can say; little of the venue is imported."""
    known: Schema = importlib.import_module(f"cancelall.venues.{name}.options").SCHEMA
    return known


def load(name: str) -> Venue[Any, Any, Any]:
    """The venue with this module name; only its modules are imported."""
    venue: Venue[Any, Any, Any] = importlib.import_module(f"cancelall.venues.{name}.venue").VENUE
    return venue


@functools.lru_cache(maxsize=1024)
def segments(venue: Venue[Any, Any, Any], options: Any, facts: Any, environment: str) -> tuple[Segment, ...]:
    """The segments of a scope, as far as these facts tell: built once for all who ask, anew when the facts change.

    Raises OptionError when the options leave none.
    """
    return venue.segments(options, facts, environment)


def first_cancels(profile: Profile, origin: str) -> int:
    """How many cancels of a profile leave at once for an origin; 1 where the first request there is a read, 0 where its
    options leave nothing.
    """
    venue = load(profile.venue)
    try:
        known = segments(venue, profile.options, venue.facts, profile.environment)
    except CancelallError:  # told where the profile is swept
        return 0
    return max(
        1, sum(profile.further.get(one.host, profile.origin) == origin for segment in known for one in segment.blind)
    )
