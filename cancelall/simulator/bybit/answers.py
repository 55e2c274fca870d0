"""The shapes of Bybit's answers, and the refusals that the fake gives.

Codes: https://bybit-exchange.github.io/docs/v5/error (as of 2026-07-24). HTTP 200 with a `retCode` is the normal case,
for errors too. Where the document names a code without its words, the words here are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..wire import SimReply, json_reply, text_reply


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler answers. The document says that a success may read OK, success, SUCCESS or be empty."""

    result: Mapping[str, object]
    ext: Mapping[str, object] = field(default_factory=dict)
    message: str = "OK"


class Refused(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class RefusedBare(Exception):
    """A request that is answered by something before the API: a page or a bare sentence, without JSON."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def answer_reply(answer: Answer, now_ms: int, headers: tuple[tuple[str, str], ...] = ()) -> SimReply:
    """A success. Every V5 answer carries the server's time at the top level."""
    return json_reply(
        {
            "retCode": 0,
            "retMsg": answer.message,
            "result": answer.result,
            "retExtInfo": answer.ext,
            "time": now_ms,
        },
        headers=headers,
    )


def refusal_reply(
    code: int, message: str, now_ms: int, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> SimReply:
    """A refusal in JSON."""
    return json_reply(
        {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": now_ms},
        status=status,
        headers=headers,
    )


def gateway_page(status: int, sentence: str) -> SimReply:
    """The HTML page of the content delivery network, which answers in front of the API."""
    return text_reply(
        f"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>{sentence}</BODY></HTML>\n",
        status,
    )
