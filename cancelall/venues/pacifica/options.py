"""Pacifica: what a profile can say: hosts, options, secrets."""

import json
from typing import Annotated

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError, SecretError
from cancelall.core.secret import Secret
from cancelall.venues.pacifica.hosts import HOSTS
from cancelall.venues.registry import Schema, selector


@dataclass(frozen=True, kw_only=True)
class PacificaOptions:
    """What a Pacifica profile can say. With no selector: everything."""

    symbol: Annotated[
        tuple[str, ...], selector(help="Only this market, spelt as the venue does.", metavar="SYMBOL", example="BTC")
    ] = ()
    exclude_reduce_only: Annotated[
        bool, Opt(help="Leave reduce-only orders in place; clear then means that only they are left.", selector=True)
    ] = False
    account: Annotated[
        str | None,
        Opt(
            help="Address of the account. Without it the secret key must be the account's own: set it.",
            metavar="ADDRESS",
        ),
    ] = None
    agent_wallet: Annotated[
        str | None,
        Opt(
            help="Address of the API agent key whose secret key is used. It must be bound to the account.",
            metavar="ADDRESS",
        ),
    ] = None
    expiry_window: Annotated[
        int, Opt(help="How long a signed request stays valid, in ms.", metavar="MS", minimum=5000, maximum=60000)
    ] = 30000

    def __post_init__(self) -> None:
        for name in ("account", "agent_wallet"):
            address = getattr(self, name)
            if address is not None and len(_unbase58(address) or b"") != 32:
                raise OptionError(
                    f"--{name.replace('_', '-')} is not an address: 32 bytes in base58 are", "copy it again"
                )
        if self.agent_wallet and not self.account:
            raise OptionError("--agent-wallet needs --account: an agent key acts for an account that it does not name")
        if self.agent_wallet and self.agent_wallet == self.account:
            raise OptionError(
                "--agent-wallet and --account are the same address", "an agent key is another one: correct it"
            )


@dataclass(frozen=True, kw_only=True)
class PacificaSecrets:
    """An agent key's secret, or the account's own. The config key is a ticket for more requests and gives no rights."""

    secret_key: Annotated[
        Secret, Sec(help="Secret key: 64 bytes in base58, or as a JSON array of numbers.", form="base58 or json")
    ] = field(repr=False)
    api_config_key: Annotated[Secret | None, Sec(help="API config key, for higher rate limits.", optional=True)] = (
        field(default=None, repr=False)
    )


_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_bytes(secret: Secret) -> bytes:
    """A seed of 32 bytes, and mostly its public key after it. Raises SecretError."""
    text = secret.reveal().strip()
    raw = _unbase58(text)
    if text.startswith("["):
        try:
            raw = bytes(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            raise SecretError("secret_key is not a JSON array of numbers from 0 to 255") from None
    if raw is None:
        raise SecretError("secret_key is neither base58 nor a JSON array of numbers")
    if len(raw) not in (32, 64):
        raise SecretError(f"secret_key is {len(raw)} bytes long, not 64", "paste the whole key pair as it was exported")
    return raw


def account(secrets: PacificaSecrets, options: PacificaOptions) -> str:
    """The address whose orders are meant: as configured, else that of the secret key."""
    if options.account:
        return options.account
    raw = key_bytes(secrets.secret_key)
    return base58(raw[32:] or public_key(raw))


def base58(data: bytes) -> str:
    """The Bitcoin alphabet. A leading zero byte is a leading `1`: one in 256 signatures and keys begins with one."""
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def _unbase58(text: str) -> bytes | None:
    """The bytes of a base58 text; None when it is none."""
    if len(text) > 200 or not set(text) <= set(_ALPHABET):
        return None
    number = 0
    for letter in text:
        number = number * 58 + _ALPHABET.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


SCHEMA = Schema(
    hosts=HOSTS,
    options=PacificaOptions,
    secrets=PacificaSecrets,
    client_ids=r"[0-9a-fA-F-]{1,36}",  # https://docs.pacifica.fi/api-documentation/api/rest-api/orders/create-limit-order
    client_ids_are="they are UUIDs",
)
