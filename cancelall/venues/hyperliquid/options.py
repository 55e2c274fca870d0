"""Hyperliquid: what a profile can say: hosts, options, secrets; and what the reads of a run have shown."""

import re
from functools import partial
from typing import Annotated

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.hyperliquid.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

CORE = "core"
"""What the first dex is called here; the venue has no name for it."""


_address = partial(Opt, metavar="ADDRESS")


@dataclass(frozen=True, kw_only=True)
class HyperliquidOptions:
    """What a Hyperliquid profile can say. With no selector: everything."""

    coin: Annotated[
        tuple[str, ...],
        selector(
            help="Only this market, spelt as the venue does: BTC, xyz:TSLA, PURR/USDC, @107.",
            metavar="COIN",
            example="BTC",
            text="free",
        ),
    ] = ()
    dex: Annotated[
        tuple[str, ...],
        selector(help="Only this dex: core is the first one with spot and outcomes.", metavar="DEX", example="core"),
    ] = ()
    account: Annotated[
        str | None,
        _address(
            help="Address of the account, never of its agent. Without it the venue tells whose the key is: set it."
        ),
    ] = None
    vault: Annotated[
        str | None,
        _address(help="Address of the sub-account or vault whose orders are meant, instead of the account's own."),
    ] = None
    agent: Annotated[str | None, _address(help="Address of the API wallet (agent) whose private key is used.")] = None

    def __post_init__(self) -> None:
        for name in ("account", "vault", "agent"):
            object.__setattr__(self, name, _lower(name, getattr(self, name)))
        if self.agent is not None and self.agent in (self.account, self.vault):
            raise OptionError(
                "--agent is also --account or --vault: an agent has no orders of its own",
                "account is the address that holds the funds",
            )
        if self.vault is not None and self.vault == self.account:
            raise OptionError(
                "--vault and --account are the same address", "account is the master of the sub-account or vault"
            )
        for coin in self.coin:
            if re.search(r"[\s\"'\\%,;]", coin) or coin.startswith("-"):
                raise OptionError("--coin is not a market of the venue: it has no spaces, quotes or commas")
            if self.dex and (dex := dex_of(coin)) not in self.dex:
                words = f"--coin {coin} is a market of the dex {dex}, which --dex leaves out"
                raise OptionError(words, "drop one of them")

    @property
    def dexes(self) -> tuple[str, ...] | None:
        """The dexes that the selectors leave; None for all there are."""
        chosen = map(dex_of, self.coin) if self.coin else self.dex
        return tuple(dict.fromkeys(chosen)) or None


def _lower(name: str, address: str | None) -> str | None:
    """An address in small letters. Raises OptionError for what is none."""
    if address is not None and not re.fullmatch(r"0x[0-9a-fA-F]{40}", address):
        raise OptionError(f"--{name} is not an address: 0x and 40 hexadecimal digits are", "copy it again")
    return address and address.lower()


def dex_of(coin: str) -> str:
    """The dex of a market: the name before the colon, else the first dex."""
    return coin.partition(":")[0] if ":" in coin else CORE


@dataclass(frozen=True, kw_only=True)
class HyperliquidSecrets:
    """The private key of an agent (API wallet), which can trade and cannot withdraw; or the account's own."""

    private_key: Annotated[
        Secret, Sec(help="Private key of the API wallet (agent), or of the account: 0x and 64 hexadecimal digits.")
    ] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class HyperliquidFacts:
    """What the key and the reads of a run have shown."""

    signer: str = ""
    """The address of the key."""
    account: str = ""
    """The account that the key acts for, by the venue's word."""
    dexes: tuple[str, ...] = ()
    """Those besides the first one."""
    assets: tuple[tuple[str, int], ...] = ()
    """Markets with the numbers by which a cancel names them."""


SCHEMA = Schema(
    hosts=HOSTS,
    options=HyperliquidOptions,
    secrets=HyperliquidSecrets,
    client_ids=r"(0[xX])?[0-9a-fA-F]{1,32}",  # https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint
    client_ids_are="they are up to 32 hexadecimal digits, with or without 0x",
)
