"""The shapes of Bitget's answers, and the refusals that the fake gives.

Codes: https://www.bitget.com/api-doc/contract/error-code/restapi and https://www.bitget.com/api-doc/uta/error-code/restapi
(as of 2025-12-05). A code is text, success is "00000", and a refusal comes with HTTP 400 or 200: only the code counts.
"""

from __future__ import annotations

from ..wire import SimReply, json_reply, text_reply


class Refused(Exception):
    """A request that is answered with an error code. `status` None leaves the HTTP status to the venue's habit."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def success_reply(data: object, now_ms: int, headers: tuple[tuple[str, str], ...] = ()) -> SimReply:
    """A success; every envelope carries the server's time."""
    return json_reply({"code": "00000", "msg": "success", "requestTime": now_ms, "data": data}, headers=headers)


def refusal_reply(
    code: str, message: str, now_ms: int, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()
) -> SimReply:
    """A refusal in JSON."""
    return json_reply(
        {"code": code, "msg": message, "requestTime": now_ms, "data": None}, status=status, headers=headers
    )


def unknown_path(path: str, now_ms: int) -> SimReply:
    """The web framework's own 404, which clients have met: it has no `code`."""
    return json_reply(
        {"timestamp": str(now_ms), "status": 404, "error": "Not Found", "message": "", "path": path}, status=404
    )


def gateway_page(status: int, sentence: str) -> SimReply:
    """A page of what stands in front of the API."""
    return text_reply(f"<html><head><title>{status}</title></head><body><h1>{sentence}</h1></body></html>\n", status)
