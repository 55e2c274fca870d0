"""DeltaDeFi: what a profile can say: hosts, options, secrets."""

from typing import Annotated

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Sec
from cancelall.core.secret import Secret
from cancelall.venues.deltadefi.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

CONFIRMED = ("ADAUSDM", "ADAUSDCx", "NIGHTUSDM", "NIGHTUSDCx")
"""Pairs of the mainnet by the venue's own pages of 2026-04: fired blind, before all others."""
UNCONFIRMED = ("IAGUSDM", "SNEKUSDM", "HOSKYUSDM")
"""Pairs that SDKs name and the venue's list of mainnet assets does not: fired blind, last of all. One that does not
exist costs a quarter of a second for an answer of code 4106, so whatever the market config names goes before it."""
KNOWN = (*CONFIRMED, *UNCONFIRMED)

PAGE_ROWS = 250
LAST_PAGE = 1000
STRAGGLERS = 4
"""Cancels by name after one page, a second's worth: the mass cancel goes again anyway."""
RECORDS = 12
"""Orders of a pair whose record is read one by one at the end; those with executions come in pages besides."""


_SYMBOL = "Only this trading pair, in any case: it is sent as the venue spells it."


@dataclass(frozen=True, kw_only=True)
class DeltadefiOptions:
    """What a DeltaDeFi profile can say. With no selector: every pair."""

    symbol: Annotated[tuple[str, ...], selector(help=_SYMBOL, metavar="SYMBOL", example="ADAUSDM")] = ()


@dataclass(frozen=True, kw_only=True)
class DeltadefiSecrets:
    """The key is all that DeltaDeFi requires for a cancel: no signature, no trading password.

    The documents describe no form of it: nothing can be checked offline.
    """

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DeltadefiFacts:
    """Pairs that the market config or a listing has shown, in the venue's spelling."""

    symbols: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    """Those of the market config; none while it is not read."""
    apart: tuple[str, ...] = ()
    """Those that the market config may lack, although a listing of all pairs showed orders there: calls that name such
    a pair may be answered as if it did not exist."""


SCHEMA = Schema(hosts=HOSTS, options=DeltadefiOptions, secrets=DeltadefiSecrets, client_ids="")
