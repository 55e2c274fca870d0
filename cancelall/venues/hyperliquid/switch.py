"""Hyperliquid: its `scheduleCancel`, which cancels all open orders at a moment.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/exchange-endpoint#schedule-cancel-dead-mans-switch
(as of 2026-11): `time` in milliseconds since the epoch, at least 5 s ahead; an action without it takes it back; at
most 10 triggers a day, reset at 00:00 UTC. Not documented, and met by every client: it is refused below $1,000,000 of
traded volume.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Order, Priority, Purpose, Reply, Request, State
from cancelall.core.switch import LookUp, SwitchTimer, TimerEnd, TimerReading, VenueSwitch
from cancelall.venues import payload
from cancelall.venues.hyperliquid import api
from cancelall.venues.hyperliquid.options import CORE, HyperliquidOptions
from cancelall.venues.payload import Row

_BY_SWITCH = "scheduledCancel"
"""Status of an order that it has cancelled: .../info-endpoint#query-order-status-by-oid-or-cloid"""


def _action(purpose: str, *, testnet: bool, **time: int) -> Request:
    return replace(api.action({"type": "scheduleCancel", **time}, purpose, testnet=testnet), priority=Priority.OTHER)


def timers(options: HyperliquidOptions, environment: str) -> tuple[SwitchTimer, ...]:
    testnet = environment == "testnet"

    def arm(seconds: int, now_ms: int) -> Request:
        return _action(Purpose.ARM, testnet=testnet, time=now_ms + seconds * 1000)

    disarm = _action(Purpose.DISARM, testnet=testnet)
    return (SwitchTimer(name="all orders", arm=arm, disarm=disarm, read=_read),)


def unfit(options: HyperliquidOptions, environment: str) -> str:
    if options.coin or options.dex:
        return "it cancels all open orders of the address, and this profile has selectors"
    return ""


def _read(request: Request, reply: Reply) -> TimerReading:
    """Only that it was taken: `{"type":"default"}`."""
    response = payload.as_object(payload.as_object(reply.json).get("response"), "response")
    if payload.field(response, "type") != "default":
        raise Unreadable("the answer is not that to scheduleCancel")
    return TimerReading()


def reaches(order: Order) -> bool | None:
    """All open orders, it is written; whether triggers, TWAPs and the orders of other dexes are among them is not."""
    ordinary = order.segment == CORE and not re.search("stop|take profit", order.type or "", re.IGNORECASE)
    return True if ordinary else None


def _look_up(options: HyperliquidOptions, identity: str, symbol: str) -> Request:
    user = options.vault or options.account or ""
    if not identity.isdecimal():
        raise OptionError("Hyperliquid names an order by its number, the oid")
    return api.read("orderStatus", Purpose.FINAL_STATES, user=user, oid=int(identity))


_OPEN = frozenset({"open", "triggered", ""})


def _read_end(request: Request, reply: Reply) -> TimerEnd:
    answer = payload.as_object(reply.json)
    if answer.get("status") == "unknownOid":
        return TimerEnd(state=State.GONE)
    outer: Any = payload.as_object(answer.get("order"), "order")
    status = Row(outer).text("status") or ""
    if status in _OPEN:
        return TimerEnd(state=State.OPEN, by_switch=False)
    if status == "filled":
        return TimerEnd(state=State.FILLED, reason=status, by_switch=False)
    return TimerEnd(state=State.CANCELLED, reason=status, by_switch=status == _BY_SWITCH)


SWITCH = VenueSwitch(
    least=20,
    most=86_400,
    timers=timers,
    unfit=unfit,
    absolute=True,
    reaches=reaches,
    beyond=lambda options, environment: (
        "triggers, TWAPs and the orders of other dexes: not documented",
        "sub-accounts and vaults with profiles of their own",
    ),
    notes=(
        "refused to accounts that have traded less than $1,000,000",
        "it cancels at most ten times a day; starting it anew counts as one more request of what the account may send",
    ),
    shared="one moment for the address: another program's is replaced, and no call shows that it exists",
    look_up=LookUp(request=_look_up, read=_read_end),
)
