"""OKX: what a profile can say: hosts, options, secrets."""

import re
from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.okx.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

InstrumentType = Literal["SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "SPREAD"]
DERIVATIVES = ("SWAP", "FUTURES", "OPTION")
"""The types whose instruments have an underlying."""
_UNDERLYING = "Only swaps, futures and options of this underlying."


@dataclass(frozen=True, kw_only=True)
class OkxOptions:
    """What an OKX profile can say. With no selector: everything."""

    instrument_type: Annotated[tuple[InstrumentType, ...], Opt(help="Only this instrument type.", selector=True)] = ()
    instrument: Annotated[
        tuple[str, ...], selector(help="Only this instrument.", metavar="INSTRUMENT", example="BTC-USDT-SWAP")
    ] = ()
    underlying: Annotated[str | None, selector(help=_UNDERLYING, metavar="UNDERLYING", example="BTC-USD")] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "instrument", tuple(one.upper() for one in self.instrument))
        object.__setattr__(self, "underlying", self.underlying and self.underlying.upper())
        for name in (*self.instrument, *([] if self.underlying is None else [self.underlying])):
            if not re.fullmatch(r"[A-Z0-9._-]+", name):
                raise OptionError(f"{name} is no name of OKX: letters, digits, - and _ only")
        for type_ in self.instrument_type if self.underlying is not None else ():
            if type_ not in DERIVATIVES:
                raise OptionError(f"--underlying does not narrow {type_}: its instruments have none")
        for name in self.instrument:
            if self.instrument_type and not set(types_of(name)) & set(self.instrument_type):
                raise OptionError(
                    f"--instrument-type {' '.join(self.instrument_type)} cannot hold --instrument {name}",
                    f"by its name it is of {' or '.join(types_of(name)) or 'no type that can be selected'}",
                )
            if self.underlying is not None and not is_of(name, self.underlying):
                raise OptionError(f"--instrument {name} is not of --underlying {self.underlying}", "drop one of them")


@dataclass(frozen=True, kw_only=True)
class OkxSecrets:
    """An API key with the right to trade; OKX knows HMAC keys only."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[Secret, Sec(help="API secret.")] = field(repr=False)
    passphrase: Annotated[Secret, Sec(help="Passphrase chosen when the key was made.", chosen=True)] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class OkxFacts:
    """What is known of the account."""

    level: str = ""
    """Its mode, `acctLv`: 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin; empty while not known."""


def types_of(instrument: str) -> tuple[InstrumentType, ...]:
    """The types that an instrument of this name can be of; none for an event contract, or a name of no known form.

    BTC-USDT, BTC-USDT-SWAP, BTC-USD-260327, BTC-USD-260327-80000-C, BTC-USDT_BTC-USDT-SWAP. Contracts that are margined
    in another way have an underscore, too: BTC-USD_UM-SWAP.
    """
    before, _, behind = instrument.partition("_")
    if behind and before.partition("-")[0] == behind.partition("-")[0]:
        return ("SPREAD",)
    parts = instrument.split("-")
    if len(parts) == 2:
        return ("SPOT", "MARGIN")
    if len(parts) == 3 and parts[2] == "SWAP":
        return ("SWAP",)
    if len(parts) == 3 and re.fullmatch(r"\d{6}", parts[2]):
        return ("FUTURES",)
    return ("OPTION",) if len(parts) == 5 and parts[4] in ("C", "P") else ()


def family(instrument: str) -> str:
    """The family of a contract, `BTC-USD` or `BTC-USD_UM`."""
    return "-".join(instrument.split("-")[:2])


def is_of(instrument: str, underlying: str) -> bool:
    """Whether a contract of this name has this underlying."""
    return len(instrument.split("-")) > 2 and family(instrument).partition("_")[0] == underlying


SCHEMA = Schema(
    hosts=HOSTS,
    options=OkxOptions,
    secrets=OkxSecrets,
    client_ids=r"[A-Za-z0-9]{1,32}",  # https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-place-order
    client_ids_are="they are letters and digits, at most 32",
)
