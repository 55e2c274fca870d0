"""Positions joined with orders: what protects one, what it has lost, and what nobody may say for sure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cancelall.core.errors import ExitStatus
from cancelall.core.model import Listing, Order, Protection, Reply, Request, SignedRequest, State, Verdict
from cancelall.core.positions import LONG, SHORT, Position, PositionsReport, ProtectiveOrder, Role
from cancelall.core.results import OrderReport, ProfileReport
from cancelall.engine import positions
from cancelall.engine.positions import PositionsReading
from cancelall.venues.positions import PositionListing, PositionPage, PositionsModule

BITCOIN = Position(symbol="BTC", side=LONG, size="1", mark="100", market="BTC")
STOP = ProtectiveOrder(order_id="s", symbol="BTC", market="BTC", closes=LONG, role=Role.STOP, trigger_price="90")
PROFIT = ProtectiveOrder(order_id="p", symbol="BTC", market="BTC", closes=LONG, role=Role.TAKE_PROFIT)
LIMIT = ProtectiveOrder(order_id="l", symbol="BTC", market="BTC", closes=LONG, role=Role.ORDINARY)


def of(order: ProtectiveOrder, **fields: Any) -> ProtectiveOrder:
    return ProtectiveOrder(**{**vars(order), **fields})


def joined(
    monkeypatch: pytest.MonkeyPatch,
    *orders: tuple[ProtectiveOrder, State],
    position: Position = BITCOIN,
    protection: Protection = Protection.PROTECTIVE,
    complete: bool = True,
    reads_only: bool = False,
    pending: tuple[str, ...] = (),
    taken: tuple[str, ...] = (),
    nameless: int = 0,
    unknown: str = "",
) -> PositionsReport:
    """One position and one segment, whose orders have ended as said; those that are open or kept are listed."""
    known = {order.order_id: order for order, _ in orders}
    rows = [
        OrderReport(order=Order(id=order.order_id, segment="x", symbol="BTC", protection=protection), state=state)
        for order, state in orders
    ]
    rows += [OrderReport(order=Order(id=f"n{each}", segment="x"), state=State.CANCELLED) for each in range(nameless)]
    still = (State.OPEN, State.KEPT, State.FAILED)
    listed = tuple(row.order for row in rows if row.state in still and row.order.id not in taken)
    ledger = SimpleNamespace(
        last=Listing(began=0.0, ended=0.0, orders=listed, complete=complete),
        absent=None,
        keeps=lambda order: False,
        orders={row.order.id: SimpleNamespace(taken=row.order.id in taken) for row in rows},
    )
    sweep: Any = SimpleNamespace(
        ledgers={"x": ledger},
        client=SimpleNamespace(reads_only=reads_only),
        discoveries=SimpleNamespace(pending=list(pending)),
    )
    module = PositionsModule[object](protective=lambda order: known.get(order.id))
    monkeypatch.setattr(positions, "load_positions", lambda name: module)
    monkeypatch.setattr(positions.verdicts, "order_rows", lambda one: tuple(rows))
    shown = () if unknown else (position,)
    return positions.joined(sweep, "venue", PositionsReading(positions=shown, known=not unknown, unknown=unknown))


FIRST = Request(method="GET", path="/first", purpose="list positions")
PAGE = Request(method="GET", path="/second", purpose="list positions")
GONE, OPEN = State.CANCELLED, State.OPEN
BY_MARK = of(STOP, role=Role.UNKNOWN)


@pytest.mark.parametrize(
    ("orders", "stops", "lost"),
    [
        ([], "", ""),
        ([(STOP, GONE)], "", "s"),
        ([(STOP, State.GONE)], "", "s"),
        ([(STOP, OPEN)], "s", ""),
        ([(STOP, State.KEPT)], "s", ""),
        ([(STOP, State.FAILED)], "s", ""),
        ([(STOP, State.FILLED)], "", ""),
        ([(PROFIT, OPEN)], "", ""),
        ([(LIMIT, OPEN)], "", ""),
        ([(LIMIT, GONE), (PROFIT, GONE), (STOP, GONE)], "", "spl"),
        ([(STOP, OPEN), (of(STOP, order_id="t"), GONE)], "s", ""),
        ([(PROFIT, OPEN), (STOP, GONE)], "", "s"),
        ([(of(STOP, closes=SHORT), GONE)], "", ""),
        ([(of(STOP, closes=SHORT), OPEN)], "", ""),
        ([(of(STOP, market="ETH"), GONE)], "", ""),
        ([(of(STOP, market="ETH"), OPEN), (of(STOP, order_id="t"), GONE)], "", "t"),
        ([(of(STOP, closes=""), GONE)], "", "s"),
        ([(of(STOP, closes=""), OPEN)], "", ""),
        ([(BY_MARK, OPEN)], "s", ""),
        ([(of(BY_MARK, trigger_price="110"), OPEN)], "", ""),
        ([(of(BY_MARK, trigger_price="?"), OPEN)], "", ""),
        ([(of(BY_MARK, trigger_price="?"), GONE)], "", "s"),
        ([(of(BY_MARK, trigger_price="NaN"), GONE)], "", "s"),
    ],
)
def test_what_protects_and_what_is_lost(
    orders: list[tuple[ProtectiveOrder, State]], stops: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = joined(monkeypatch, *orders).positions
    assert one.stops is not None
    assert "".join(stop.order_id for stop in one.stops) == stops
    assert "".join(order.order_id for order in one.lost_stops) == lost
    assert one.has_stop is bool(stops)


@pytest.mark.parametrize(
    ("side", "trigger", "role"),
    [
        (LONG, "90", Role.STOP),
        (LONG, "110", Role.TAKE_PROFIT),
        (SHORT, "110", Role.STOP),
        (SHORT, "90", Role.TAKE_PROFIT),
        (LONG, "100", Role.UNKNOWN),
        (LONG, None, Role.UNKNOWN),
    ],
)
def test_the_mark_price_tells_a_stop(
    side: str, trigger: str | None, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = Position(symbol="BTC", side=side, size="1", mark="100", market="BTC")
    order = of(STOP, role=Role.UNKNOWN, closes=side, trigger_price=trigger)
    (one,) = joined(monkeypatch, (order, GONE), position=position).positions
    assert [each.role for each in one.lost_stops] == [role]


def test_an_exit_of_the_position_itself_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    position = Position(symbol="BTC", side=LONG, size="1", market="BTC", stop_loss="80")
    (one,) = joined(monkeypatch, (STOP, GONE), position=position).positions
    assert (one.lost_stops, one.has_stop) == ((), True)


@pytest.mark.parametrize("more", [{"complete": False}, {"pending": ("account group",)}])
def test_without_all_orders_no_position_is_without_a_stop(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = joined(monkeypatch, **more).positions
    assert (one.stops, one.has_stop) == (None, None)
    (one,) = joined(monkeypatch, (STOP, OPEN), **more).positions
    assert one.has_stop is True


@pytest.mark.parametrize("field", ["symbol", "side"])
def test_whose_side_cannot_be_read_is_not_without_a_stop(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    position = Position(**{**vars(BITCOIN), field: "?"})
    (one,) = joined(monkeypatch, position=position).positions
    assert one.has_stop is None


def test_of_a_kind_that_nobody_knows_nothing_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = joined(monkeypatch, (STOP, OPEN), protection=Protection.UNKNOWN).positions
    assert one.has_stop is False
    (one,) = joined(monkeypatch, (STOP, GONE), protection=Protection.UNKNOWN).positions
    assert one.lost_stops == (STOP,)
    (one,) = joined(monkeypatch, (STOP, GONE), protection=Protection.NONE).positions
    assert one.lost_stops == ()


def test_a_cancel_that_is_accepted_and_not_read_back_counts_as_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = joined(monkeypatch, (STOP, OPEN), taken=("s",), complete=False).positions
    assert (one.lost_stops, one.stops) == ((STOP,), None)


def test_who_only_reads_has_taken_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = joined(monkeypatch, (STOP, State.GONE), reads_only=True, nameless=1).positions
    assert one.lost_stops == ()


def test_cancelled_orders_of_which_only_the_id_is_known_may_have_been_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    found = joined(monkeypatch, nameless=2)
    assert found.unknown == "what 2 cancelled order(s) were is not known, a stop may be among them"
    assert found.known


def test_what_was_cancelled_is_told_where_no_position_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = joined(monkeypatch, (LIMIT, GONE), (PROFIT, GONE), (STOP, GONE), unknown="no answer in time")
    assert (found.positions, found.known) == ((), False)
    assert [order.order_id for order in found.unplaced] == ["s", "p"]


# --- reading --------------------------------------------------------------------------------------------------------


def test_positions_that_could_not_be_read_decide_a_run_that_was_for_them() -> None:
    report = ProfileReport(
        profile="x", venue="v", environment=None, host=None, scope={}, dry_run=True, verdict=Verdict.OPEN
    )
    good = positions.judged(report, PositionsReport())
    assert (good.exit_status, good.error) == (ExitStatus.CLEAR, None)
    for verdict, status in (
        (Verdict.REFUSED, ExitStatus.REFUSED),
        (Verdict.UNREACHABLE, ExitStatus.UNREACHABLE),
        (Verdict.UNPROVEN, ExitStatus.UNPROVEN),
        (Verdict.CLEAR, ExitStatus.UNPROVEN),
    ):
        bad = positions.judged(report, PositionsReport(unknown="why", verdict=verdict))
        assert bad.exit_status is status
        assert bad.error is not None
        assert "why" in bad.error.message
    orders = ProfileReport(**{**vars(report), "verdict": Verdict.REFUSED, "all_read": False})
    assert positions.judged(orders, PositionsReport(unknown="why")).exit_status is ExitStatus.REFUSED


@pytest.mark.parametrize(
    ("pages", "shown", "why"),
    [
        ([PositionPage(null=True), PositionPage(null=True)], 0, ""),
        ([PositionPage(null=True), PositionPage(positions=(BITCOIN,))], 1, ""),
        ([PositionPage(null=True)], 0, "a null in the place of its list"),
        ([PositionPage(positions=(BITCOIN,), next=PAGE), PositionPage(positions=(BITCOIN,))], 2, ""),
        ([PositionPage(positions=(BITCOIN,), next=PAGE), PositionPage(next=PAGE)], 1, "its pages do not end"),
        ([PositionPage(positions=(BITCOIN,), next=PAGE)], 1, "no answer in time"),
        ([PositionPage(positions=(BITCOIN,), unsure="odd")], 1, "odd"),
        ([], 0, "no answer in time"),
    ],
)
def test_pages_are_read_to_their_end(pages: list[PositionPage], shown: int, why: str) -> None:
    """What has come stays, however it ends."""
    left = list(pages)

    async def ask(request: Request, read: object, **more: object) -> SimpleNamespace:
        page = left.pop(0) if left else None
        return SimpleNamespace(value=page, attempt=SimpleNamespace(sent=True, answered=page is not None))

    listed = positions._PartlyRead(PositionListing(name="all", request=FIRST, read=lambda *answer: PositionPage()))
    asyncio.run(positions._read(SimpleNamespace(ask=ask, bug=None), listed))  # type: ignore[arg-type]
    assert (sum(len(page.positions) for page in listed.pages), listed.why) == (shown, why)


def test_a_line_for_positions_may_only_read_and_tells_the_other_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client, with a venue whose reader has a bug: the sweep's own line stays as it was."""
    from cancelall.core.secret import Secret
    from cancelall.engine.client import Client
    from cancelall.engine.rate_limiter import HostGate
    from cancelall.engine.signer import Signer, SystemClock
    from cancelall.venues.registry import load, schema

    left: list[str] = []

    async def send(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
        sent()
        left.append(signed.request.path)
        return Reply(status=200, headers={}, body=b'{"retCode":0,"result":{}}')

    async def read() -> tuple[PositionsReading, Client]:
        about = schema("bybit")
        signer = Signer(
            venue=load("bybit"), origin="http://127.0.0.1", options=about.options(), clock=SystemClock(),
            secrets=about.secrets(api_key=Secret("k" * 18), api_secret=Secret("s" * 36)),
        )  # fmt: skip
        client = Client(
            signer=signer, send=send, clock=SystemClock(), gate=HostGate.alone(None), deadline=0.0, reserve=1.0,
            over=True,
        )  # fmt: skip
        request = Request(method="GET", path="/p", purpose="list positions")
        listing = PositionListing(name="all", request=request, read=lambda *answer: 1 // 0)  # type: ignore[arg-type, return-value]
        changing = replace(listing, name="a cancel", request=replace(request, path="/cancel", changes=True))
        module = PositionsModule[object](listings=lambda options, orders: (listing, changing))
        monkeypatch.setattr(positions, "load_positions", lambda name: module)
        segment = SimpleNamespace(listings=((request,),))
        sweep: Any = SimpleNamespace(
            client=client,
            ledgers={"x": SimpleNamespace(absent=None, segment=segment)},
            discoveries=SimpleNamespace(pending=[]),
        )
        return await positions.read(sweep, "bybit", None, time.monotonic() + 2.0), client

    reading, client = asyncio.run(read())
    assert (reading.known, reading.verdict) == (False, Verdict.UNPROVEN)
    assert "ZeroDivisionError" in reading.unknown
    assert "a cancel: a bug: DryRunViolation" in reading.unknown
    assert set(left) == {"/p"}
    assert (client.bug, client.tally.requests, client.reads_only, client.over) == (None, 0, False, True)
