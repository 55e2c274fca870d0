"""Bybit: its disconnect protection (DCP), which can be looked at, and no more.

https://bybit-exchange.github.io/docs/v5/account/dcp-info and .../order/dcp (as of 2026-11). It is no countdown: it
cancels once all private WebSocket connections that subscribe to it have been gone for its window. Only institutional
accounts have it, by their client manager; to any other account the list is empty.
"""

from __future__ import annotations

from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.switch import SwitchQuestion, SwitchSight, VenueSwitch
from cancelall.venues import payload
from cancelall.venues.bybit import api
from cancelall.venues.bybit.options import BybitOptions
from cancelall.venues.payload import Row


def questions(options: BybitOptions, environment: str) -> tuple[SwitchQuestion, ...]:
    request = api.get("/v5/account/query-dcp-info", "dcp info", Purpose.QUESTION, {})
    return (SwitchQuestion(request=request, read=_read),)


def _read(request: Request, reply: Reply) -> SwitchSight:
    """A row for each product that was configured: SPOT, DERIVATIVES, OPTIONS."""
    result = payload.as_object(payload.as_object(reply.json).get("result"), "result")
    rows, _ = payload.null_or_list(result, "dcpInfos")
    on = payload.each_row(rows, _on)
    if not on:
        return SwitchSight(armed=False, words="its disconnect protection (DCP) is not set up for this account")
    return SwitchSight(
        armed=True,
        words=f"its disconnect protection (DCP) is on for {', '.join(on)}: once every private connection that "
        "subscribes to it has gone; this guard has none, and conditional orders are not documented",
    )


def _on(row: Row) -> str | None:
    if row.text("dcpStatus") != "ON":
        return None
    product = payload.message(row.text("product", needed=True))
    return f"{product} after {payload.message(row.text('timeWindow'))} s"


SWITCH = VenueSwitch(
    questions=questions,
    notes=(
        "its disconnect protection (DCP) is for institutional accounts, and is triggered by the loss of WebSocket "
        "connections that subscribe to it: a guard has none",
    ),
)
