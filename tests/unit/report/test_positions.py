"""What is shown of positions: at three widths, through a pipe, and as JSON. Not known is never none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cancelall.core.model import Verdict
from cancelall.core.positions import LONG, SHORT, Position, PositionReport, PositionsReport, ProtectiveOrder, Role
from cancelall.core.results import ProfileReport
from cancelall.report import positions, tables
from cancelall.report.lines import profile_line

BITCOIN = Position(
    symbol="BTCUSDT", side=LONG, size="0.5", entry="60000", mark="61000", notional="30500", unrealised="500",
    liquidation="41000", margin_mode="cross", market="BTCUSDT",
)  # fmt: skip
ETHER = Position(symbol="ETHUSDT", side=SHORT, size="2", entry="2500", mark="?", market="ETHUSDT")
STOP = ProtectiveOrder(
    order_id="6a1b2c3d-0000-4444-8888-123456789abc", client_id="bot-7", symbol="BTCUSDT", market="BTCUSDT", closes=LONG,
    role=Role.STOP, type="stoploss", side="sell", trigger_price="58000", quantity="0.5", reduce_only=True,
    row={"orderId": "6a1b2c3d", "triggerBy": "MarkPrice", "positionIdx": 1, "deep": [{"x": None}]},
)  # fmt: skip
PROFIT = replace(STOP, order_id="2", role=Role.TAKE_PROFIT, type="takeprofit", trigger_price="70000", quantity=None)
LOST = PositionReport(position=BITCOIN, lost_stops=(STOP, PROFIT))
REPORT = ProfileReport(
    profile="desk", venue="bybit", environment="live", host="https://api.bybit.com", scope={},
    dry_run=False, verdict=Verdict.CLEAR,
)  # fmt: skip


def shown(report: PositionsReport, width: int = 80, *, terminal: bool = False) -> str:
    made = tables.console(width, terminal=terminal, environ={"TERM": "xterm-256color"})
    return positions.after_a_kill(replace(REPORT, positions=report), made)


def listed(report: PositionsReport, *, quiet: bool = False, **fields: Any) -> str:
    made = tables.console(100, terminal=False, environ={})
    return positions.listed(replace(REPORT, positions=report, dry_run=True, **fields), made, quiet=quiet)


# --- after a kill ---------------------------------------------------------------------------------------------------


def test_every_field_has_a_column_where_there_is_room() -> None:
    text = shown(PositionsReport(positions=(LOST, PositionReport(position=ETHER))), 200)
    head = next(line for line in text.splitlines() if "symbol" in line)
    assert head.split() == "symbol side size entry mark notional unrealised liquidation margin stop".split()
    assert "BTCUSDT   long" in text
    assert "LOST (was 58000)" in text
    assert next(line for line in text.splitlines() if "ETHUSDT" in line).split() == (
        "ETHUSDT short 2 2500 ? - - - - none".split()
    )
    assert "BTCUSDT long 0.5 has lost its stop: BTCUSDT stoploss sell 0.5 at 58000 (order 6a1b2c3d-0000" in text
    assert "has lost its take-profit: BTCUSDT takeprofit sell the whole position at 70000 (order 2)" in text


def test_on_80_columns_nothing_is_left_out_and_no_table_is_wider() -> None:
    text = shown(PositionsReport(positions=(LOST,)), 80)
    for word in ("BTCUSDT long 0.5", "cross ", "notional 30500", "60000", "61000", "500", "41000", "LOST (was 58000)"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [40, 59, 75])
def test_where_there_is_little_room_there_are_lines_and_no_table(width: int) -> None:
    text = shown(PositionsReport(positions=(LOST,)), width)
    assert text.splitlines()[:6] == [
        "desk: positions that stay open",
        "BTCUSDT long 0.5",
        "  cross, notional 30500",
        "  entry 60000, mark 61000",
        "  unrealised 500, liquidation 41000",
        "  stop: LOST (was 58000)",
    ]
    assert "─" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (PositionReport(position=BITCOIN), "none"),
        (PositionReport(position=BITCOIN, stops=None), "not known"),
        (PositionReport(position=BITCOIN, stops=(STOP,)), "58000"),
        (PositionReport(position=BITCOIN, stops=(replace(STOP, trigger_price=None),)), "trailing"),
        (PositionReport(position=replace(BITCOIN, stop_loss="50000")), "its own at 50000"),
        (PositionReport(position=BITCOIN, lost_stops=(replace(STOP, trigger_price=None),)), "LOST"),
        (PositionReport(position=BITCOIN, lost_stops=(PROFIT,)), "none"),
        (PositionReport(position=BITCOIN, stops=tuple(replace(STOP, trigger_price=str(one)) for one in range(5))),
         "0, 1, 2 …"),
    ],
)  # fmt: skip
def test_what_stands_under_stop(report: PositionReport, words: str) -> None:
    assert f"  stop: {words}\n" in shown(PositionsReport(positions=(report,)), 40)


def test_the_positions_that_have_lost_their_stop_stand_first() -> None:
    reports = [PositionReport(position=replace(BITCOIN, symbol="SAFE"), stops=(STOP,))]
    reports += [PositionReport(position=replace(BITCOIN, symbol="BARE")), LOST]
    text = shown(PositionsReport(positions=tuple(reports)), 120)
    assert text.index("BTCUSDT") < text.index("BARE") < text.index("SAFE")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (PositionsReport(), "desk: positions: none open in this scope"),
        (PositionsReport(none="DeltaDeFi has none"), "desk: positions: DeltaDeFi has none"),
        (PositionsReport(known=False, unknown="no answer in time"), "desk: positions: not known (no answer in time)"),
        (PositionsReport(unknown="inverse: 10024"), "desk: positions: not all known (inverse: 10024)"),
    ],
)
def test_one_line_where_there_is_no_table(report: PositionsReport, line: str) -> None:
    assert shown(report) == f"{line}\n\n"


def test_what_was_cancelled_is_told_where_no_position_is_known() -> None:
    text = shown(PositionsReport(known=False, unknown="refused", unplaced=(STOP,)), 200)
    assert "desk: cancelled: BTCUSDT stoploss sell 0.5 at 58000 (order 6a1b2c3d-0000-4444-8888-123456789abc)" in text


def test_thousands_of_them_are_counted() -> None:
    many = tuple(replace(LOST, position=replace(BITCOIN, symbol=f"C{number}")) for number in range(500))
    text = shown(PositionsReport(positions=many), 120)
    assert "… and 460 more; --json lists every one" in text
    assert "… and 960 more protective orders were cancelled; --json lists every one" in text
    assert len(text.splitlines()) < 120


def test_foreign_text_stays_text() -> None:
    position = replace(BITCOIN, symbol="[red]\x1b[31m", entry="\u202e1")
    for width in (40, 80, 200):
        text = shown(PositionsReport(positions=(PositionReport(position=position),)), width)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]" in text


# --- positions alone ------------------------------------------------------------------------------------------------


def test_the_last_line_tells_the_whole() -> None:
    report = PositionsReport(
        positions=(PositionReport(position=BITCOIN, stops=(STOP,)), PositionReport(position=ETHER))
    )
    text = listed(report)
    assert text.splitlines()[0].rstrip() == "desk: positions"
    assert text.rstrip().splitlines()[-1] == (" POSITIONS  desk (bybit live): 2 open, 1 without a stop · exit 0")
    assert listed(report, quiet=True) == " POSITIONS  desk (bybit live): 2 open, 1 without a stop · exit 0\n"


@pytest.mark.parametrize(
    ("report", "fields", "words"),
    [
        (PositionsReport(), {}, " POSITIONS  desk (bybit live): none open · exit 0"),
        (PositionsReport(none="DeltaDeFi has none"), {}, " POSITIONS  desk (bybit live): DeltaDeFi has none · exit 0"),
        (PositionsReport(positions=(PositionReport(position=BITCOIN, stops=None),)), {},
         " POSITIONS  desk (bybit live): 1 open, of 1 it is not known whether a stop is open · exit 0"),
        (PositionsReport(known=False, unknown="no answer in time"), {"verdict": Verdict.UNREACHABLE, "all_read": False},
         " NOT KNOWN  desk (bybit live): not known (no answer in time) · exit 12"),
        (PositionsReport(unknown="inverse: no"), {"verdict": Verdict.UNPROVEN, "all_read": False},
         " NOT KNOWN  desk (bybit live): none open, not all known (inverse: no) · exit 11"),
    ],
)  # fmt: skip
def test_not_known_is_never_none(report: PositionsReport, fields: dict[str, Any], words: str) -> None:
    assert listed(report, quiet=True, **fields).splitlines()[-1] == words


# --- JSON -----------------------------------------------------------------------------------------------------------


def line_of(report: PositionsReport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(profile_line(replace(REPORT, positions=report)))
    return {key: found[key] for key in ("positions", "positions_unknown")}


def test_a_position_as_json_is_the_documented_object() -> None:
    assert line_of(PositionsReport(positions=(replace(LOST, lost_stops=(STOP,)),))) == {
        "positions": [
            {
                "symbol": "BTCUSDT",
                "side": "long",
                "size": "0.5",
                "entry": "60000",
                "mark": "61000",
                "notional": "30500",
                "unrealised": "500",
                "liquidation": "41000",
                "margin_mode": "cross",
                "stop_loss": None,
                "take_profit": None,
                "protected_by": [],
                "lost_stops": [
                    {
                        "order_id": "6a1b2c3d-0000-4444-8888-123456789abc",
                        "client_id": "bot-7",
                        "symbol": "BTCUSDT",
                        "role": "stop",
                        "type": "stoploss",
                        "side": "sell",
                        "trigger_price": "58000",
                        "price": None,
                        "quantity": "0.5",
                        "reduce_only": True,
                        "row": {
                            "orderId": "6a1b2c3d",
                            "triggerBy": "MarkPrice",
                            "positionIdx": 1,
                            "deep": [{"x": None}],
                        },
                    }
                ],
            }
        ],
        "positions_unknown": None,
    }


def test_what_is_not_known_is_null() -> None:
    assert line_of(PositionsReport(known=False, unknown="refused")) == {
        "positions": None,
        "positions_unknown": "refused",
    }
    assert line_of(PositionsReport()) == {"positions": [], "positions_unknown": None}
    (one,) = line_of(PositionsReport(positions=(PositionReport(position=ETHER, stops=None),)))["positions"]
    assert (one["mark"], one["notional"], one["protected_by"]) == ("?", None, None)


def test_a_hostile_row_is_harmless_and_bounded() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = [deep]
    row = {"a\x1b": "\x1b[2J\ud800", "deep": deep, "long": "x" * 9999, "n": 1, "flag": True}
    (one,) = line_of(PositionsReport(positions=(replace(LOST, lost_stops=(replace(STOP, row=row),)),)))["positions"]
    found = one["lost_stops"][0]["row"]
    assert "\x1b" not in json.dumps(found)
    assert len(found["long"]) < 600
    assert (found["n"], found["flag"]) == (1, True)
