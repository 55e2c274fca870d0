"""AscendEX's answers and refusals.

Codes and reasons: https://ascendex.github.io/ascendex-pro-api/#error-message (as of 2025-10-29). Success is `code` 0
inside the JSON, whatever the HTTP status. The documents caption their error samples with status 200; which errors come
with another one is not written anywhere, so the fault `error-status` can change it. Messages that no document and no
report of a user holds are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..wire import SimReply, json_reply, text_reply

INVALID_HTTP_INPUT = 100001
INVALID_ARGUMENT = 100006
SYMBOL_ERROR = 100008
AUTHORIZATION_NEEDED = 100009
INVALID_OPERATION = 100010
INVALID_TIMESTAMP = 100011
INVALID_JSON_FORMAT = 150001
AUTHENTICATION_FAILED = 200001
ACCOUNT_NOT_FOUND = 200003
RESTRICTED_ACCOUNT = 200014
PERMISSION_DENIED = 200015
INVALID_ORDER_ID = 300006
INVALID_ORDER_PARAMETER = 300008
INVALID_PRODUCT = 300012
INVALID_BATCH_ORDER = 300013
NOT_CANCELLABLE = 300019
INVALID_MARGIN_ACCOUNT = 310002
SERVER_ERROR = 510001

_REASONS = {
    INVALID_HTTP_INPUT: "INVALID_HTTP_INPUT",
    INVALID_ARGUMENT: "INVALID_ARGUMENT",
    SYMBOL_ERROR: "SYMBOL_ERROR",
    AUTHORIZATION_NEEDED: "AUTHORIZATION_NEEDED",
    INVALID_OPERATION: "INVALID_OPERATION",
    INVALID_TIMESTAMP: "INVALID_TIMESTAMP",
    INVALID_JSON_FORMAT: "INVALID_JSON_FORMAT",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    ACCOUNT_NOT_FOUND: "ACCOUNT_NOT_FOUND",
    RESTRICTED_ACCOUNT: "RESTRICTED_ACCOUNT",
    PERMISSION_DENIED: "PERMISSION_DENIED",
    INVALID_ORDER_ID: "INVALID_ORDER_ID",
    INVALID_ORDER_PARAMETER: "INVALID_ORDER_PARAMETER",
    INVALID_PRODUCT: "INVALID_PRODUCT",
    INVALID_BATCH_ORDER: "INVALID_BATCH_ORDER",
    # The page of the single cancel documents this code's messages; the table of codes lacks it.
    NOT_CANCELLABLE: "INVALID_OPERATION",
    INVALID_MARGIN_ACCOUNT: "INVALID_MARGIN_ACCOUNT",
    SERVER_ERROR: "SERVER_ERROR",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A success: the members beside `code`. Without any it is the bare `{"code":0}`."""

    members: Mapping[str, object] = field(default_factory=dict)


def data(value: object, **beside: object) -> Answer:
    """A success with `data`, and what stands beside it at the top level."""
    return Answer(members={**beside, "data": value})


class Refused(Exception):
    """A request that is answered with an error code; `beside` is what order errors carry in addition."""

    def __init__(self, code: int, message: str, *, beside: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.beside = dict(beside or {})


class RefusedBare(Exception):
    """A request that is answered by something before the API: a page or a sentence, without JSON."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def answer_reply(answer: Answer) -> SimReply:
    """A success."""
    return json_reply({"code": 0, **answer.members})


def refusal_reply(refused: Refused, status: int = 200) -> SimReply:
    """An error in JSON."""
    reason = _REASONS[refused.code]
    return json_reply({"code": refused.code, **refused.beside, "message": refused.message, "reason": reason}, status)


def too_many_reply() -> SimReply:
    """What users saw when they asked too fast: the HTML page of the content delivery network, without a hint.

    https://github.com/hummingbot/hummingbot/issues/4987 and https://github.com/hummingbot/hummingbot/issues/5832.
    """
    return page_reply(429, "Too many requests")


def page_reply(status: int, sentence: str) -> SimReply:
    """A page of the content delivery network."""
    return text_reply(f"<!DOCTYPE html><html><head><title>{sentence}</title></head><body></body></html>\n", status)
