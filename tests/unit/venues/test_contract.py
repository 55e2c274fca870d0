"""What venues share to write requests and to read rows: cancels by name, what exists, how orders ended."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.model import Order, Protection, Request, State
from cancelall.venues import payload
from cancelall.venues.contract import SYMBOL, Known, in_chunks, names_of, one_by_one, query, unknown_selectors
from support import Bare

ORDERS = tuple(Order(id=str(number), segment="s") for number in range(5))


def request(*ids: str) -> Request:
    return Request(method="POST", path="/".join(ids), changes=True)


def test_cancels_by_name_go_in_chunks_or_one_by_one() -> None:
    found = in_chunks(ORDERS, 2, lambda chunk: request(*(order.id for order in chunk)))
    assert [(one.path, [order.id for order in named]) for one, named in found] == [
        ("0/1", ["0", "1"]),
        ("2/3", ["2", "3"]),
        ("4", ["4"]),
    ]
    assert in_chunks((), 2, lambda chunk: request()) == ()
    assert [named for _, named in one_by_one(ORDERS, lambda order: request(order.id))] == [(one,) for one in ORDERS]


def test_parameters_keep_their_order_and_are_encoded_once() -> None:
    assert query(symbol="币/USDT", limit="5") == "symbol=%E5%B8%81%2FUSDT&limit=5"


def test_what_is_known_is_told_by_its_kind() -> None:
    known = {Known(SYMBOL, "B"), Known(SYMBOL, "A"), Known(SYMBOL, "A", "alias"), Known("coin", "C")}
    assert names_of(known, SYMBOL) == ["A", "B"]
    assert unknown_selectors(
        "X knows no --symbol", ("A", "QQQQ", "btc"), {Known(SYMBOL, "A"), Known(SYMBOL, "BTC")}, SYMBOL
    ) == (
        "X knows no --symbol QQQQ",
        'X knows no --symbol btc (did you mean "BTC"?)',
    )


def test_a_segment_leaves_empty_what_most_venues_lack() -> None:
    one = Bare(name="s")
    assert (one.mass_cancels(()), one.shares(()), one.witnesses, one.final_states(ORDERS, 0)) == ((), (), (), ())
    assert (one.singly, one.named_gap, one.unnamed, one.spawns, one.protective_kinds) == (None, 0.0, False, False, True)
    assert (one.keeps(ORDERS[0]), one.unsaid(ORDERS[0])) == (False, False)
    assert one == Bare(name="s") != Bare(name="other")


def test_two_purposes_of_the_same_bytes_are_two_requests() -> None:
    one = Request(method="GET", path="/orders", purpose="list")
    assert one != Request(method="GET", path="/orders", purpose="tell")
    assert one == Request(method="GET", path="/orders", purpose="list")


@pytest.mark.parametrize(
    ("whole", "parts", "left"),
    [
        ("10.50", ("0.5", None), "10.00"),
        ("10", (None, ""), "10"),
        ("10", ("1", "2"), "7"),
        (None, ("1",), None),
        ("", (), None),
        ("?", ("1",), None),
        ("10", ("x",), None),
        ("1e5", (), None),
        ("9" * 41, (), None),
    ],
)
def test_what_is_left_of_a_quantity(whole: str | None, parts: tuple[str | None, ...], left: str | None) -> None:
    assert payload.minus(whole, *parts) == left


digits = st.text("0123456789", min_size=1, max_size=40)
quantities = digits | st.tuples(digits, digits).map(".".join)


@given(whole=quantities, parts=st.lists(quantities, max_size=4))
def test_what_is_left_of_a_quantity_is_exact(whole: str, parts: list[str]) -> None:
    with localcontext() as exact:
        exact.prec = 100
        left = Decimal(whole) - sum(map(Decimal, parts), Decimal(0))
    assert payload.minus(whole, *parts) == f"{left:f}"


def test_a_row_that_tells_nothing_hides_no_end() -> None:
    rows = [{"id": "1"}, None, {}, {"id": "skip"}, {"id": "2"}]
    found = payload.each_row(rows, lambda row: None if row.identity("id") == "skip" else row.identity("id"))
    assert found == ("1", "2")


@pytest.mark.parametrize(
    ("protection", "kept"), [(Protection.PROTECTIVE, True), (Protection.UNKNOWN, True), (Protection.NONE, False)]
)
def test_the_row_of_an_order_is_kept_where_it_is_protective_or_may_be(protection: Protection, kept: bool) -> None:
    row = {"id": "1", "triggerPrice": "90"}
    order = Order(id="1", segment="s", protection=protection)
    (listed,), _ = payload.orders([row], lambda _: order)
    ((ended, _, _),) = payload.ends([row], lambda _: (order, State.CANCELLED, ""))
    assert [one.row for one in (listed, ended)] == ([row, row] if kept else [{}, {}])
    assert listed == ended == order


def test_what_was_filled_before_is_remarked() -> None:
    assert payload.filled_before("0.5") == "0.5 filled before"
    assert {payload.filled_before(one) for one in (None, "", "0", "0.000")} == {""}


def test_reasons_are_joined_without_the_empty_ones() -> None:
    assert payload.why("a", "", "b") == "a; b"
    assert payload.why("", "") == payload.why() == ""


@pytest.mark.parametrize(("value", "name", "odd"), [("BTC", "BTC", 0), (None, None, 1), ([], None, 1), ("", None, 1)])
def test_a_name_that_cannot_be_read_is_none(value: object, name: str | None, odd: int) -> None:
    row = payload.Row({"symbol": value})
    assert (row.name("symbol", needed=True), len(row.oddities)) == (name, odd)
