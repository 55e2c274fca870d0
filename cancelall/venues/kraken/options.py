"""Kraken: what a profile can say: host, options, secrets."""

import re
from typing import Annotated

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Sec
from cancelall.core.secret import Secret
from cancelall.venues.kraken.hosts import HOSTS
from cancelall.venues.registry import Schema, selector


@dataclass(frozen=True, kw_only=True)
class KrakenOptions:
    """What a Kraken profile can say. With no selector: every order."""

    pair: Annotated[
        tuple[str, ...],
        selector(help="Only this pair, in any of the venue's spellings.", metavar="PAIR", example="XBT/USD"),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class KrakenSecrets:
    """A spot key of its own: nonces are strictly ordered by key. Its rights to cancel and to see orders are enough."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[Secret, Sec(help="API secret: the private key, in base64.")] = field(repr=False)
    otp: Annotated[
        Secret | None,
        Sec(help="Static password of the key's own two-factor login, if it has one.", optional=True, chosen=True),
    ] = field(default=None, repr=False)


_LEGACY = re.compile(r"[XZ]([A-Z0-9]{3})[XZ]([A-Z0-9]{3})")
_TODAY = {"BTC": "XBT", "DOGE": "XDG"}
"""Coins that the venue's site calls otherwise than its orders do."""


def folded(pair: str) -> str:
    """One text for the spellings of a pair: `XXBTZUSD`, `XBTUSD`, `XBT/USD`, and `BTC/USD` of the site.

    https://docs.kraken.com/api-reference/market-data/get-tradable-asset-pairs (id, altname, wsname)
    """
    text = pair.upper()
    if match := _LEGACY.fullmatch(text):
        return match[1] + match[2]
    if "/" in text:
        return "".join(_TODAY.get(coin, coin) for coin in text.split("/"))
    for shown, own in _TODAY.items():
        text = re.sub(f"^{shown}|{shown}$", own, text)
    return text


SCHEMA = Schema(
    hosts=HOSTS,
    options=KrakenOptions,
    secrets=KrakenSecrets,
    client_ids=r".{1,36}",  # https://docs.kraken.com/api-reference/trading/add-order (cl_ord_id)
    client_ids_are="they have at most 36 characters",
)
