"""DeltaDeFi's error bodies.

https://docs.deltadefi.io/start-trading/developers/status-code (as of 2026-04-17): `{"error": text, "code": number}`.
The page ties no HTTP status to a code; the team's bot logs show 400 with 4200 and with 5000. Words that neither the
page nor the logs hold are made up.
"""

from __future__ import annotations

from ..wire import SimReply, json_reply, text_reply

INVALID_REQUEST = 4000
UNAUTHORIZED = 4010
INVALID_SYMBOL = 4106
ORDER_NOT_FOUND = 4200
ORDER_NOT_OPEN = 4201
INVALID_STATE = 4202
RATE_LIMIT = 4290
INVALID_STATUS = 4404
NO_OPERATION_KEY = 4406
INTERNAL = 5000
UNAVAILABLE = 5001
LOCKED = 5002


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class RefusedBare(Exception):
    """A request that is answered by something before the API: a bare sentence, or nothing at all."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def not_found(status: int = 400) -> Refused:
    """4200. The OpenAPI text of cancel-all says 404, the logs say 400."""
    return Refused(ORDER_NOT_FOUND, "Order not found", status=status)


def invalid(what: str) -> Refused:
    """4000, with the one HTTP status that the OpenAPI text of cancel-all names for it."""
    return Refused(INVALID_REQUEST, f"Invalid request: {what}", status=422)


def no_route() -> RefusedBare:
    """What the router says, seen in the logs for an order's path with an empty id."""
    return RefusedBare(404, "404 page not found")


def error_reply(refused: Refused) -> SimReply:
    """An error in JSON, its members in the order that the logs show."""
    return json_reply({"error": refused.message, "code": refused.code}, status=refused.status)


def bare_reply(refused: RefusedBare) -> SimReply:
    """An answer without JSON."""
    return text_reply(refused.text, refused.status, "text/plain")
