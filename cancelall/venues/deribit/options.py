"""Deribit: what a profile can say: hosts, options, secrets."""

from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.deribit.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

InstrumentKind = Literal["future", "option", "spot", "future_combo", "option_combo"]


@dataclass(frozen=True, kw_only=True)
class DeribitOptions:
    """What a Deribit profile can say. With no selector: everything."""

    currency: Annotated[
        tuple[str, ...],
        selector(help="Only this currency, as the venue sorts instruments.", metavar="CURRENCY", example="BTC"),
    ] = ()
    kind: Annotated[
        InstrumentKind | None, Opt(help="Only this kind of instrument; perpetuals are futures.", selector=True)
    ] = None
    instrument: Annotated[
        tuple[str, ...],
        selector(help="Only this instrument, spelt as the venue does.", metavar="NAME", example="BTC-PERPETUAL"),
    ] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "currency", tuple(dict.fromkeys(one.upper() for one in self.currency)))
        other = "--currency" if self.currency else "--kind" if self.kind else ""
        if self.instrument and other:
            raise OptionError(
                f"--instrument and {other} cannot be combined: Deribit has no call that takes both",
                "an instrument alone says both",
            )
        if "ANY" in self.currency:
            raise OptionError("--currency any is every currency", "leave --currency out")


@dataclass(frozen=True, kw_only=True)
class DeribitSecrets:
    """A key that Deribit has made, with the scope `trade:read_write`."""

    client_id: Annotated[Secret, Sec(help="Client id of the API key.")] = field(repr=False)
    client_secret: Annotated[
        Secret, Sec(help="Client secret of the API key; a PEM private key is not supported.", form="token or pem")
    ] = field(repr=False)


SCHEMA = Schema(
    hosts=HOSTS,
    options=DeribitOptions,
    secrets=DeribitSecrets,
    client_ids=r".{1,64}",  # https://docs.deribit.com/api-reference/trading/private-buy (label)
    client_ids_are="they are labels of at most 64 characters",
)
