"""Pacifica's signature, expiry and agent checks, written from its pages on signing.

https://docs.pacifica.fi/api-documentation/api/signing/implementation: the signed message is the compact JSON, keys
sorted at every level, of `type`, `timestamp`, `expiry_window` and, under `data`, the payload; the body carries the same
flat, with the signature in base58 and without `type`. Neither account nor host is part of it.
.../signing/api-agent-keys: an agent's signature is checked against `agent_wallet`, which must be bound to `account`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from .answers import Refused
from .operations import Operation

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DEFAULT_EXPIRY_MS = 30_000
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


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


def message_of(operation: Operation, body: Mapping[str, object], payload: Mapping[str, object]) -> bytes:
    """The message that must have been signed, rebuilt from the flat body.

    What is signed when `expiry_window` is left out is not documented; here it is then left out of the message too.
    """
    message = {"type": operation.type, "timestamp": body["timestamp"], "data": payload}
    if "expiry_window" in body:
        message["expiry_window"] = body["expiry_window"]
    return json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def check_clock(body: Mapping[str, object], server_ms: int, ahead_ms: int | None) -> None:
    """`timestamp + expiry_window` must not have passed. How far ahead a timestamp may be is not documented: only the
    fault `ahead` bounds it.
    """
    timestamp, window = _number(body["timestamp"]), _number(body.get("expiry_window", DEFAULT_EXPIRY_MS))
    if timestamp + window < server_ms or (ahead_ms is not None and timestamp > server_ms + ahead_ms):
        raise Refused(400, "Invalid message")


def check_signature(
    operation: Operation, body: Mapping[str, object], payload: Mapping[str, object], agents: Collection[str]
) -> None:
    """Raise unless the account, or an agent that is bound to it, has signed. Which check comes first is not known."""
    agent = body.get("agent_wallet")
    account = _key(str(body["account"]))
    signer = account if agent is None else _key(str(agent))
    try:
        signature = unbase58(str(body["signature"]))
    except ValueError:
        signature = b""
    if len(signature) != _SIGNATURE_BYTES:
        raise Refused(400, "Invalid signature")
    if not _verifies(signer, signature, message_of(operation, body, payload)) or (agent and operation.owner_only):
        raise mismatch()
    if agent is not None and agent not in agents:
        raise unauthorized_agent()


def mismatch() -> Refused:
    """The refusal of a signature that is not the signer's over this message."""
    return Refused(
        400,
        "Verification failed: signature does not match signer and canonical payload.",
        error_id="signature_verification_failed",
    )


def unauthorized_agent() -> Refused:
    """The refusal of an agent that is bound to other accounts only."""
    return Refused(400, "Agent not authorized for account")


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("payload_of() lets no other type pass")
    return value


def _key(address: str) -> bytes:
    try:
        key = unbase58(address)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise Refused(400, "Invalid public key")
    return key


def _verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
