"""AscendEX: what a profile can say: hosts, options, secrets."""

from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.ascendex.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

Ledger = Literal["cash", "margin", "futures"]
LEDGERS: tuple[Ledger, ...] = ("cash", "margin", "futures")
_SYMBOL = "Only this symbol, in the venue's case: BTC/USDT is cash and margin, BTC-PERP is futures."


@dataclass(frozen=True, kw_only=True)
class AscendexOptions:
    """What an AscendEX profile can say. With no selector: all three ledgers."""

    account_category: Annotated[
        tuple[Ledger, ...], Opt(help="Only this ledger of the account.", selector=True, example="futures")
    ] = ()
    symbol: Annotated[tuple[str, ...], selector(help=_SYMBOL, metavar="SYMBOL", example="BTC-PERP")] = ()
    account_group: Annotated[
        int | None,
        Opt(
            help="The account group, a part of every path; 0 is one. Without it, it is read before the first cancel.",
            metavar="N",
            minimum=0,
            example="0",
        ),
    ] = None
    futures_api: Annotated[
        Literal["v2", "v1"], Opt(help="Futures paths: v2; with v1 also those of the older document, retired in 2021.")
    ] = "v2"

    def __post_init__(self) -> None:
        for symbol in self.symbol:
            if self.account_category and not any(holds(ledger, symbol) for ledger in self.account_category):
                raise OptionError(f"{symbol} cannot be in {' or '.join(self.account_category)}", "drop one of the two")
        for ledger in self.account_category:
            if self.symbol and not any(holds(ledger, symbol) for symbol in self.symbol):
                raise OptionError(f"no --symbol can be in {ledger}", "drop one of the two")


@dataclass(frozen=True, kw_only=True)
class AscendexSecrets:
    """An API key with the rights to view and to trade. One without bound addresses expires after 90 days.

    The documents describe no form of them: nothing can be checked offline.
    """

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[Secret, Sec(help="API secret, as the venue shows it.")] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AscendexFacts:
    """The account group, once `info` has named it. 0 is one."""

    account_group: int | None = None


def holds(ledger: Ledger, symbol: str) -> bool:
    """Whether a symbol of this shape can exist in a ledger: pairs have a slash, contracts have none."""
    return ("/" in symbol) == (ledger != "futures")


def selected(options: AscendexOptions) -> tuple[Ledger, ...]:
    """The ledgers that the selectors leave."""
    return tuple(
        ledger
        for ledger in LEDGERS
        if ledger in (options.account_category or LEDGERS)
        and (not options.symbol or any(holds(ledger, symbol) for symbol in options.symbol))
    )


def group_of(options: AscendexOptions, facts: AscendexFacts) -> int | None:
    """The account group: what the profile says, else what `info` has said. None if neither does."""
    return options.account_group if options.account_group is not None else facts.account_group


SCHEMA = Schema(hosts=HOSTS, options=AscendexOptions, secrets=AscendexSecrets, client_ids="")
