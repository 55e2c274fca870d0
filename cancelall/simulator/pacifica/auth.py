"""Pacifica's signed calls: their fields as a strict parser reads them, their signature, expiry and agent checks.

https://docs.pacifica.fi/api-documentation/api/signing/operation-types and the page of each call name the fields.
.../signing/implementation: the signed message is the compact JSON, keys sorted at every level, of `type`, `timestamp`,
`expiry_window` and, under `data`, the payload; the body carries the same flat, with the signature in base58 and without
`type`. Neither account nor host is part of it.
.../signing/api-agent-keys: an agent's signature is checked against `agent_wallet`, which must be bound to `account`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..refusals import Refused

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DEFAULT_EXPIRY_MS = 30_000
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_HEADER = "account signature timestamp:u64 agent_wallet? expiry_window?:u64"
_SORTS = {"string": "a string", "u64": "u64", "bool": "a boolean", "map": "a map"}


def base58(data: bytes) -> str:
    """Bytes in the Bitcoin alphabet; each leading zero byte is a leading `1`."""
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = ALPHABET[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def unbase58(text: str) -> bytes:
    """The bytes of a base58 text; `ValueError` if a character is not in the alphabet."""
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def public_key(seed: bytes) -> bytes:
    """The Ed25519 public key of a 32-byte seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


@dataclass(frozen=True)
class Operation:
    """A signed call: its `type` in the signed message, and its payload's fields as `name[?][:sort]`, with `?` for one
    that may be left out. Null is as good as absent.
    """

    type: str
    fields: str = ""
    owner_only: bool = False
    """Agent keys are refused."""

    def payload_of(self, body: Mapping[str, object]) -> dict[str, object]:
        """The payload of a flat body, or the parser's refusal. Parsing comes before the signature is looked at."""
        parts = [word.partition(":") for word in f"{_HEADER} {self.fields}".split()]
        sorts = {name.rstrip("?"): sort or "string" for name, _, sort in parts}
        for name, _, _ in parts:
            if not name.endswith("?") and name not in body:
                raise unparsable(f"missing field `{name}`")
        for name, value in body.items():
            if name not in sorts:
                raise unparsable(f"unknown field `{name}`")
            _check(value, sorts[name])
        header = len(_HEADER.split())
        return {name: body[name] for name in list(sorts)[header:] if name in body}


def unparsable(why: str) -> Refused:
    """The refusal of a body that is not as its page says."""
    return Refused(400, f"Failed to deserialize the JSON body into the target type: {why}")


def _check(value: object, sort: str) -> None:
    if isinstance(value, bool):
        good, found = sort == "bool", f"boolean `{str(value).lower()}`"
    elif isinstance(value, int):
        good, found = sort == "u64" and value >= 0, f"integer `{value}`"
    elif isinstance(value, str):
        good, found = sort == "string", f'string "{value}"'
    else:
        good, found = sort == "map" and isinstance(value, dict), type(value).__name__
    if not good:
        raise unparsable(f"invalid type: {found}, expected {_SORTS[sort]}")


def message_of(operation: Operation, body: Mapping[str, object], payload: Mapping[str, object]) -> bytes:
    """The message that must have been signed, rebuilt from the flat body.

    What is signed when `expiry_window` is left out is not documented; here it is then left out of the message too.
    """
    header = {name: body[name] for name in ("timestamp", "expiry_window") if name in body}
    message = {"type": operation.type, **header, "data": payload}
    written = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-8", "surrogatepass")


def check_clock(body: Mapping[str, object], server_ms: int, ahead_ms: int | None) -> None:
    """`timestamp + expiry_window` must not have passed. How far ahead a timestamp may be is not documented: only the
    fault `ahead` bounds it.
    """
    timestamp, window = (int(str(each)) for each in (body["timestamp"], body.get("expiry_window", DEFAULT_EXPIRY_MS)))
    if timestamp + window < server_ms or (ahead_ms is not None and timestamp > server_ms + ahead_ms):
        raise Refused(400, "Invalid message")


def check_signature(
    operation: Operation, body: Mapping[str, object], payload: Mapping[str, object], agents: Collection[str]
) -> None:
    """Raise unless the account, or an agent that is bound to it, has signed. Which check comes first is not known."""
    agent = body.get("agent_wallet")
    account = _bytes(body["account"], _KEY_BYTES, "Invalid public key")
    signer = account if agent is None else _bytes(agent, _KEY_BYTES, "Invalid public key")
    signature = _bytes(body["signature"], _SIGNATURE_BYTES, "Invalid signature")
    if not _verifies(signer, signature, message_of(operation, body, payload)) or (agent and operation.owner_only):
        raise mismatch()
    if agent is not None and agent not in agents:
        raise unauthorized_agent()


def mismatch() -> Refused:
    """The refusal of a signature that is not the signer's over this message. `error_id` is not documented, but live."""
    words = "Verification failed: signature does not match signer and canonical payload."
    return Refused(400, words, members={"error_id": "signature_verification_failed"})


def unauthorized_agent() -> Refused:
    """The refusal of an agent that is bound to other accounts only."""
    return Refused(400, "Agent not authorized for account")


def _bytes(written: object, length: int, otherwise: str) -> bytes:
    try:
        value = unbase58(str(written))
    except ValueError:
        value = b""
    if len(value) != length:
        raise Refused(400, otherwise)
    return value


def _verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
