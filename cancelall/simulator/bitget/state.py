"""What the handlers of Bitget's requests share: what the fake remembers, and what many requests name."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from ..book import SimOrder
from ..fake import FakeVenue
from ..refusals import Refused, string
from ..routes import Call
from . import kinds
from .instruments import Instruments

_FIRST_ID = 1_190_000_000_001_000_003
_ID_STEP = 1_000_003


class State(FakeVenue):
    def begin(self) -> None:
        self.instruments = Instruments(self.now_ms())
        self.struck_ms: dict[str, int] = {}
        """When each order was last meant by a cancel that could have taken it."""
        self._ids = count(_FIRST_ID, _ID_STEP)

    def new_id(self, like: SimOrder) -> str:
        """Digits, higher than all before, because pages go by it."""
        return str(next(self._ids))

    def cancelled_under(self, order: SimOrder) -> str:
        """The planType that reaches a futures plan order. For trailing trigger orders no document names one."""
        fault = self.has_fault("trailing")
        return str(fault.value) if fault and order.kind == "track_plan" else order.kind

    def fire_trigger(self, call: Call, waiting: str, market: str) -> None:
        """With the fault `fires`: the newest trigger order of the one segment becomes an order of the other."""
        book, now_ms = call.account.book, self.now_ms()
        triggers = ("normal_plan", "amount", "total", kinds.TRIGGER)
        order = next((each for each in book.open(waiting) if each.kind in triggers), None)
        if order and self.fault("fires", call.request):
            book.close(order.id, "filled", now_ms)
            fired = replace(order, segment=market, kind=kinds.NORMAL, type="limit", price="100")
            self.place_like(call.account, fired, now_ms)


def bad(name: str) -> Refused:
    return Refused("40020", f"Parameter {name} error")


def invalid(what: str) -> Refused:
    """The refusal of a parameter as v3 words it."""
    return Refused("25200", f"{what} validation error")


def body(call: Call) -> dict[str, object]:
    try:
        return call.request.json_object()
    except ValueError as error:
        raise Refused("400172", "Parameter verification failed") from error


def text(values: Mapping[str, object], name: str) -> str:
    return string(values, name, bad(name))


def needed(values: Mapping[str, object], name: str) -> str:
    if value := text(values, name):
        return value
    raise Refused("40019", f"Parameter {name} cannot be empty")


def product_type(values: Mapping[str, object]) -> str:
    """A futures request's product type; the venue's own samples write it in either case."""
    value = needed(values, "productType").upper()
    if value not in kinds.FUTURES:
        raise bad("productType")
    return value


def category(values: Mapping[str, object]) -> str:
    value = text(values, "category").upper()
    if value not in kinds.CATEGORIES:
        raise invalid("category")
    return value


def named(call: Call, values: Mapping[str, object], *segments: str) -> SimOrder | None:
    """The order of these segments that the ids name, open or closed; the id goes before the client's own."""
    order_id, client_id = text(values, "orderId"), text(values, "clientOid")
    if not (order_id or client_id):
        raise Refused("400172", "Parameter verification failed orderId clientOid")
    order = call.account.book.find(order_id, client_id)
    return order if order is not None and order.segment in segments else None


def ids(order: SimOrder) -> dict[str, str]:
    return {"orderId": order.id, "clientOid": order.client_id}
