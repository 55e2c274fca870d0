"""What every cancel of Bitget has in common: its own reasons not to take an order, and the two lists of the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..book import Account, SimOrder

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import Bitget

_AGAIN_AFTER_MS = 1000
TOO_FREQUENT = (
    "45129",
    "Cancel order is too frequent, the same orderId is only allowed to be canceled once in a second",
)
NOT_CANCELLABLE = ("45056", "The current order type cannot be cancelled")
FAILED = ("45024", "Cancel error")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An order that was not cancelled, or an id that names none, and why."""

    order_id: str
    client_id: str
    code: str
    message: str

    @classmethod
    def of(cls, order: SimOrder, reason: tuple[str, str]) -> Failure:
        """The failure to cancel an order that exists."""
        return cls(order_id=order.id, client_id=order.client_id, code=reason[0], message=reason[1])


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a cancel."""

    accepted: tuple[SimOrder, ...] = ()
    failed: tuple[Failure, ...] = ()


def take(
    venue: Bitget, account: Account, orders: Iterable[SimOrder], request: SimRequest, *, by_name: bool = False
) -> Taken:
    """Cancel these open orders. One that is named again within a second of its last cancel is refused.

    https://www.bitget.com/api-doc/contract/error-code/restapi, 45129; for which calls it holds is not written.
    """
    now_ms = venue.now_ms()
    chosen: list[SimOrder] = []
    failed: list[Failure] = []
    for order in orders:
        too_soon = now_ms - venue.struck_ms.get(order.id, -_AGAIN_AFTER_MS) < _AGAIN_AFTER_MS
        if by_name and too_soon:
            failed.append(Failure.of(order, TOO_FREQUENT))
        elif order.extra.get("orderSource") in _BOTS and venue.fault("bot-orders", request):
            failed.append(Failure.of(order, NOT_CANCELLABLE))
        else:
            chosen.append(order)
            venue.struck_ms[order.id] = now_ms
    done = venue.cancel(account, chosen, request)
    return Taken(accepted=done.accepted, failed=(*failed, *(Failure.of(order, FAILED) for order in done.failed)))


_BOTS = frozenset({"strategy_positive", "strategy_reverse"})


def two_lists(taken: Taken, *, with_code: bool = True) -> dict[str, object]:
    """`successList` and `failureList`, as v2 answers; the plan calls give no `errorCode`."""
    return {
        "successList": ids(taken.accepted),
        "failureList": [
            {"orderId": one.order_id, "clientOid": one.client_id, "errorMsg": one.message}
            | ({"errorCode": one.code} if with_code else {})
            for one in taken.failed
        ],
    }


def ids(orders: Sequence[SimOrder]) -> list[dict[str, str]]:
    """The two ids of each order."""
    return [{"orderId": order.id, "clientOid": order.client_id} for order in orders]
