"""Pacifica's signed calls: their fields as a strict parser reads them, their signature, expiry and agent checks.

https://docs.pacifica.fi/api-documentation/api/signing/operation-types and the page of each call name the fields.
.../signing/implementation: the signed message is the compact JSON, keys sorted at every level, of `type`, `timestamp`,
`expiry_window` and, under `data`, the payload; the body carries the same flat, with the signature in base58 and without
`type`. Neither account nor host is part of it.
.../signing/api-agent-keys: an agent's signature is checked against `agent_wallet`, which must be bound to `account`.
"""

import json
from collections.abc import Collection, Mapping

from ..refusals import Refused

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_BY_ID = "symbol order_id?:u64 client_order_id?"
OPERATIONS = {
    "cancel_all_orders": "all_symbols:bool exclude_reduce_only:bool symbol?",
    "cancel_order": _BY_ID,
    "cancel_stop_order": _BY_ID,
    "cancel_twap_order": _BY_ID,
    "cancel_order_strategy": "strategy_id",
    "create_order": "symbol price amount side tif reduce_only:bool client_order_id? take_profit?:map stop_loss?:map "
    "builder_code?",
    "create_stop_order": "symbol side reduce_only:bool stop_order:map builder_code?",
    **dict.fromkeys(("create_api_key", "list_api_keys", "list_agent_wallets", "list_subaccounts"), ""),
}
"""Of each signed call its `type` in the message, and the payload's fields: `name[?][:sort]`, `?` for optional ones."""
_OWNER_ONLY = ("list_agent_wallets", "list_subaccounts")
"""Refused to agent keys."""
_HEADER = "account signature timestamp:u64 agent_wallet? expiry_window?:u64"
_SORTS = {"string": "a string", "u64": "u64", "bool": "a boolean", "map": "a map"}

Fields = Mapping[str, object]

# `error_id` is not documented, but live.
MISMATCH = Refused(
    400,
    "Verification failed: signature does not match signer and canonical payload.",
    members={"error_id": "signature_verification_failed"},
)
UNAUTHORIZED_AGENT = Refused(400, "Agent not authorized for account")


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
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def unparsable(why: str) -> Refused:
    return Refused(400, f"Failed to deserialize the JSON body into the target type: {why}")


def payload_of(operation: str, body: Fields) -> dict[str, object]:
    """The payload of a flat body, or the parser's refusal. Null is as good as absent.

    Parsing comes before the signature is looked at.
    """
    sorts = {}
    for name, _, sort in (word.partition(":") for word in f"{_HEADER} {OPERATIONS[operation]}".split()):
        if not name.endswith("?") and name not in body:
            raise unparsable(f"missing field `{name}`")
        sorts[name.rstrip("?")] = sort or "string"
    for name, value in body.items():
        if name not in sorts:
            raise unparsable(f"unknown field `{name}`")
        _check(value, sorts[name])
    return {name: body[name] for name in list(sorts)[len(_HEADER.split()) :] if name in body}


def check_signature(operation: str, body: Fields, payload: Fields, agents: Collection[str]) -> None:
    """Raise unless the account, or an agent that is bound to it, has signed. Which check comes first is not known.

    What is signed when `expiry_window` is left out is not documented; here it is then left out of the message too.
    """
    header = {name: body[name] for name in ("timestamp", "expiry_window") if name in body}
    message = {"type": operation, **header, "data": payload}
    signed = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    agent = body.get("agent_wallet")
    account = _bytes(body["account"], _KEY_BYTES, "Invalid public key")
    signer = account if agent is None else _bytes(agent, _KEY_BYTES, "Invalid public key")
    signature = _bytes(body["signature"], _SIGNATURE_BYTES, "Invalid signature")
    genuine = _verifies(signer, signature, signed.encode("utf-8", "surrogatepass"))
    if not genuine or (agent and operation in _OWNER_ONLY):
        raise MISMATCH
    if agent is not None and agent not in agents:
        raise UNAUTHORIZED_AGENT


def _check(value: object, sort: str) -> None:
    if isinstance(value, bool):
        good, written = sort == "bool", f"boolean `{str(value).lower()}`"
    elif isinstance(value, int):
        good, written = sort == "u64" and value >= 0, f"integer `{value}`"
    elif isinstance(value, str):
        good, written = sort == "string", f'string "{value}"'
    else:
        good, written = sort == "map" and isinstance(value, dict), type(value).__name__
    if not good:
        raise unparsable(f"invalid type: {written}, expected {_SORTS[sort]}")


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
