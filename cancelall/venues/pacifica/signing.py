"""Pacifica: its signature."""

from __future__ import annotations

import json
import re

from cancelall.core.errors import SecretError
from cancelall.core.model import Request, Signed
from cancelall.core.secret import Secret
from cancelall.venues.pacifica.options import API, OPERATIONS, Options, Secrets, account, base58, key_bytes, public_key


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """Ed25519 over the compact JSON of header and payload, keys sorted; the body is the same, flat, without `type`.

    https://docs.pacifica.fi/api-documentation/api/signing/implementation
    """
    headers = [("PF-API-KEY", secrets.api_config_key.reveal())] if secrets.api_config_key else []
    address = account(secrets, options)
    if request.method == "GET":
        query = re.sub(r"^account=(?=&|$)", f"account={address}", request.query)
        return Signed(headers=tuple(headers), body=b"", query=query or None)
    data = json.loads(request.body)
    header = {"timestamp": timestamp_ms, "expiry_window": options.expiry_window * widen}
    message = _canonical({**header, "type": OPERATIONS[request.path.removeprefix(API)], "data": data})
    body = {"account": address, "signature": base58(_signature(secrets.secret_key, message)), **header, **data}
    if options.agent_wallet:
        body["agent_wallet"] = options.agent_wallet
    return Signed(headers=(*headers, ("Content-Type", "application/json")), body=_canonical(body))


def _canonical(value: object) -> bytes:
    """Keys sorted at every level, no blanks, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signature(secret: Secret, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(key_bytes(secret)[:32]).sign(message)


def check_secrets(secrets: Secrets, options: Options) -> None:
    """Offline: the key is whole, and it is the one that the options name."""
    raw = key_bytes(secrets.secret_key)
    public, named = public_key(raw[:32]), options.agent_wallet or options.account
    address, name = base58(public), "agent_wallet" if options.agent_wallet else "account"
    if len(raw) == 64 and raw[32:] != public:
        raise SecretError("the two halves of secret_key do not belong together", "paste the whole key pair again")
    if len(raw) == 32 and (named is None or address != named):
        # Every 32 bytes would do as a seed, a public key as well.
        raise SecretError(
            "secret_key is 32 bytes long: that is an address, or the seed of another key than the profile names",
            "paste the secret key of 64 bytes, not the address",
        )
    if named is not None and address != named:
        own = "" if options.agent_wallet else "; if it is an agent key, set agent_wallet"
        raise SecretError(
            f"secret_key belongs to …{address[-4:]}, not to {name} …{named[-4:]}", f"correct one of them{own}"
        )
