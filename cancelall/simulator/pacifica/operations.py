"""What each signed request may hold: the operation's type, and its fields as a strict parser reads them.

https://docs.pacifica.fi/api-documentation/api/signing/operation-types and the page of each call. `expiry_window` and
`agent_wallet` are optional everywhere; null is as good as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .answers import Refused

Sort = Literal["string", "u64", "bool", "map"]

_HEADER: Mapping[str, Sort] = {
    "account": "string",
    "signature": "string",
    "timestamp": "u64",
    "agent_wallet": "string",
    "expiry_window": "u64",
}
_REQUIRED_HEADER = ("account", "signature", "timestamp")
_WORDS: Mapping[Sort, str] = {"string": "a string", "u64": "u64", "bool": "a boolean", "map": "a map"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A signed call: its `type` in the signed message, and its payload's fields."""

    type: str
    required: Mapping[str, Sort] = field(default_factory=dict)
    optional: Mapping[str, Sort] = field(default_factory=dict)
    owner_only: bool = False
    """Agent keys are refused."""


_BY_ID: Mapping[str, Sort] = {"order_id": "u64", "client_order_id": "string"}

CANCEL_ALL = Operation(
    type="cancel_all_orders",
    required={"all_symbols": "bool", "exclude_reduce_only": "bool"},
    optional={"symbol": "string"},
)
CANCEL = Operation(type="cancel_order", required={"symbol": "string"}, optional=_BY_ID)
CANCEL_STOP = Operation(type="cancel_stop_order", required={"symbol": "string"}, optional=_BY_ID)
CANCEL_TWAP = Operation(type="cancel_twap_order", required={"symbol": "string"}, optional=_BY_ID)
CANCEL_STRATEGY = Operation(type="cancel_order_strategy", required={"strategy_id": "string"})
CREATE = Operation(
    type="create_order",
    required={
        "symbol": "string",
        "price": "string",
        "amount": "string",
        "side": "string",
        "tif": "string",
        "reduce_only": "bool",
    },
    optional={"client_order_id": "string", "take_profit": "map", "stop_loss": "map", "builder_code": "string"},
)
CREATE_STOP = Operation(
    type="create_stop_order",
    required={"symbol": "string", "side": "string", "reduce_only": "bool", "stop_order": "map"},
    optional={"builder_code": "string"},
)
LIST_AGENTS = Operation(type="list_agent_wallets", owner_only=True)
LIST_SUBACCOUNTS = Operation(type="list_subaccounts", owner_only=True)
CREATE_API_KEY = Operation(type="create_api_key")
LIST_API_KEYS = Operation(type="list_api_keys")


def payload_of(operation: Operation, body: Mapping[str, object]) -> dict[str, object]:
    """The payload of a flat body, or the parser's refusal. Parsing comes before the signature is looked at."""
    allowed = {**_HEADER, **operation.required, **operation.optional}
    for name in (*_REQUIRED_HEADER, *operation.required):
        if name not in body:
            raise _unparsable(f"missing field `{name}`")
    for name, value in body.items():
        if name not in allowed:
            raise _unparsable(f"unknown field `{name}`")
        _check(value, allowed[name])
    return {name: value for name, value in body.items() if name not in _HEADER}


def _check(value: object, sort: Sort) -> None:
    if isinstance(value, bool):
        good, found = sort == "bool", f"boolean `{str(value).lower()}`"
    elif isinstance(value, int):
        good, found = sort == "u64" and value >= 0, f"integer `{value}`"
    elif isinstance(value, str):
        good, found = sort == "string", f'string "{value}"'
    else:
        good, found = sort == "map" and isinstance(value, dict), type(value).__name__
    if not good:
        raise _unparsable(f"invalid type: {found}, expected {_WORDS[sort]}")


def _unparsable(why: str) -> Refused:
    return Refused(400, f"Failed to deserialize the JSON body into the target type: {why}")
