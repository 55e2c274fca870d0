"""Deribit: its cancel on disconnect, which can be looked at, and no more.

https://docs.deribit.com/api-reference/session-management/private-get_cancel_on_disconnect (as of 2026-11). It cancels
the orders that were placed over a connection when that connection ends; a guard, which has placed none, cannot use it
for a bot. There is no countdown.
"""

from __future__ import annotations

from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.switch import SwitchQuestion, SwitchSight, VenueSwitch
from cancelall.venues import payload
from cancelall.venues.deribit.api import get
from cancelall.venues.deribit.options import DeribitOptions
from cancelall.venues.payload import Row

_REACH = "orders placed over a connection that ends without a logout, and no others"


def questions(options: DeribitOptions, environment: str) -> tuple[SwitchQuestion, ...]:
    """The account's setting; it needs the right account:read."""
    request = get("private/get_cancel_on_disconnect", Purpose.QUESTION, None, {"scope": "account"})
    return (SwitchQuestion(request=request, read=_read),)


def _read(request: Request, reply: Reply) -> SwitchSight:
    """`enabled`, for connections that are opened from then on."""
    row = Row(payload.as_object(payload.as_object(reply.json).get("result"), "result"))
    enabled = row.flag("enabled") if "enabled" in row.record else None
    said = {True: f"on by default: {_REACH}", False: "off by default", None: "not told"}[enabled]
    return SwitchSight(armed=enabled, words=f"its cancel on disconnect is {said}")


SWITCH = VenueSwitch(
    questions=questions,
    notes=(f"its cancel on disconnect takes {_REACH}: a bot has to have it on its own connection",),
)
