"""Positions for people and for scripts: what stays open, what protects it, what has lost its stop. Not known is never
none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cancelall.core.positions import Position, PositionReport, PositionsReport, ProtectiveOrder, Role
from cancelall.core.results import ProfileReport
from cancelall.report.badges import BAD, DOUBTFUL, GOOD, WARNING, badge
from cancelall.report.tables import badge_line, drawn, one_line
from cancelall.report.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_TABLE, _WIDE = 76, 120
"""Columns from which there is a table, and one with every field."""
_LONGEST = 500
_SHOWN = 3
"""Prices of stops of one position."""
_DEEPEST = 8
"""Levels of a venue's row that are shown."""
ROWS = 40
"""Positions that a table shows, those without a stop first; --json always has all."""

# --- for scripts ----------------------------------------------------------------------------------------------------


def json_fields(report: PositionsReport) -> dict[str, object]:
    """What a profile's line says of positions: null where none could be read, and why not all are known."""
    rows = [_position(one) for one in report.positions] if report.known else None
    return {"positions": rows, "positions_unknown": clean(report.unknown, _LONGEST) or None}


def _position(report: PositionReport) -> dict[str, object]:
    position = report.position
    return {
        "symbol": clean(position.symbol),
        "side": clean(position.side),
        "size": clean(position.size),
        "entry": _maybe(position.entry),
        "mark": _maybe(position.mark),
        "notional": _maybe(position.notional),
        "unrealised": _maybe(position.unrealised),
        "liquidation": _maybe(position.liquidation),
        "margin_mode": _maybe(position.margin_mode),
        "stop_loss": _maybe(position.stop_loss),
        "take_profit": _maybe(position.take_profit),
        "protected_by": None if report.stops is None else [clean(one.order_id) for one in report.stops],
        "lost_stops": [_order(one) for one in report.lost_stops],
    }


def _order(order: ProtectiveOrder) -> dict[str, object]:
    return {
        "order_id": clean(order.order_id),
        "client_id": _maybe(order.client_id),
        "symbol": _maybe(order.symbol),
        "role": order.role.value,
        "type": _maybe(order.type),
        "side": _maybe(order.side),
        "trigger_price": _maybe(order.trigger_price),
        "price": _maybe(order.price),
        "quantity": _maybe(order.quantity),
        "reduce_only": order.reduce_only,
        "row": _plain(order.row),
    }


def _maybe(text: str | None) -> str | None:
    return None if text is None else clean(text)


def _plain(value: object, depth: int = 0) -> object:
    """A venue's row as JSON has it, its texts made harmless."""
    if value is None or isinstance(value, bool | int):
        return value
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value]
    return clean(str(value), _LONGEST)


# --- for people -----------------------------------------------------------------------------------------------------


def after_a_kill(report: ProfileReport, made: Console) -> str:
    """What follows a verdict: the positions that stay open, and what they have lost."""
    positions = report.positions
    if positions is None:
        return ""
    return drawn(made, *_parts(report, positions, made, "positions that stay open")).rstrip() + "\n\n"


def listed(report: ProfileReport, made: Console, *, quiet: bool) -> str:
    """The positions as the result itself; how many, and the exit code, stand in the last line."""
    from rich.text import Text

    positions = report.positions or PositionsReport(known=False, unknown="not read")
    parts = [] if quiet else _parts(report, positions, made, "positions")
    parts += [Text(f"warning: {clean(warning, _LONGEST)}", style=WARNING) for warning in report.warnings]
    if report.error is not None and not positions.unknown:
        parts.append(Text(f"{report.error.kind}: {clean(report.error.message, _LONGEST)}", style=WARNING))
    if report.error is not None and report.error.hint:
        parts.append(Text(f"what to do: {clean(report.error.hint, _LONGEST)}"))
    return drawn(made, *parts) + _last_line(report, positions, made) + ("" if quiet else "\n")


def _last_line(report: ProfileReport, positions: PositionsReport, made: Console) -> str:
    good = int(report.exit_status) == 0
    style = badge(GOOD if good else DOUBTFUL, made.color_system)
    spent = report.timing.verdict
    seconds = () if spent is None else (f"{spent / 1000:.1f} s",)
    words = _counts(positions)
    return one_line(badge_line("POSITIONS" if good else "NOT KNOWN", style, report, words, *seconds), made)


def _counts(positions: PositionsReport) -> str:
    if positions.none:
        return clean(positions.none)
    if not positions.known:
        return f"not known ({clean(positions.unknown, _LONGEST)})"
    bare = sum(one.has_stop is False for one in positions.positions)
    open_ended = sum(one.has_stop is None for one in positions.positions)
    counts = [f"{len(positions.positions)} open" if positions.positions else "none open"]
    counts += [f"{bare} without a stop"] if bare else []
    counts += [f"of {open_ended} it is not known whether a stop is open"] if open_ended else []
    counts += [f"not all known ({clean(positions.unknown, _LONGEST)})"] if positions.unknown else []
    return ", ".join(counts)


def _parts(report: ProfileReport, positions: PositionsReport, made: Console, title: str) -> list[RenderableType]:
    """The table or the lines, what is not known, and what was lost: the worst is the last."""
    from rich.text import Text

    name = clean(report.profile)
    parts: list[RenderableType] = []
    shown = sorted(positions.positions, key=lambda one: (not one.lost_stops, one.has_stop is not False))
    if shown and made.width >= _TABLE:
        parts.append(_table(f"{name}: {title}", shown[:ROWS], made))
    elif shown:
        parts.append(Text(f"{name}: {title}", style="bold"))
        parts += [line for one in shown[:ROWS] for line in _lines(one, made)]
    if hidden := max(0, len(shown) - ROWS):
        parts.append(Text(f"… and {hidden} more; --json lists every one", style="dim"))
    if positions.none:
        parts.append(Text(f"{name}: positions: {clean(positions.none)}", style="dim"))
    elif positions.unknown:
        how_many = "not all known" if positions.known else "not known"
        parts.append(Text(f"{name}: positions: {how_many} ({clean(positions.unknown, _LONGEST)})", style="bold"))
    elif not shown:
        parts.append(Text(f"{name}: positions: none open in this scope"))
    losses = [line for one in shown for line in _losses(one)]
    parts += losses[:ROWS]
    if hidden := max(0, len(losses) - ROWS):
        parts.append(Text(f"… and {hidden} more protective orders were cancelled; --json lists every one", style="dim"))
    parts += [
        Text(f"{name}: cancelled: {_order_words(one)}, and whether its position is open is not known", style="bold")
        for one in positions.unplaced[:ROWS]
    ]
    return parts


def _table(title: str, shown: Sequence[PositionReport], made: Console) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    wide = made.width >= _WIDE
    columns = _ALL if wide else _FEW
    for column in columns:
        left = column in ("symbol", "side", "margin", "stop", "position")
        table.add_column(column, justify="left" if left else "right", overflow="fold")
    for one in shown:
        position = one.position
        cells = {
            "symbol": position.symbol,
            "side": position.side,
            "size": position.size,
            "position": "\n".join([f"{position.symbol} {position.side} {position.size}", *_more(position)]),
            "entry": position.entry,
            "mark": position.mark,
            "notional": position.notional,
            "unrealised": position.unrealised,
            "liquidation": position.liquidation,
            "margin": position.margin_mode,
        }
        shown_cells = (_cell(cells[each]) for each in columns if each != "stop")
        table.add_row(*(Text(cell) for cell in shown_cells), _stop(one, made))
    return table


def _cell(text: str | None) -> str:
    """A venue's text, line by line; a dash for what it does not say."""
    return "\n".join(map(clean, (text or "-").split("\n")))


def _more(position: Position) -> list[str]:
    """What has no column of its own where there is little room: margin mode and notional."""
    return [*filter(None, [position.margin_mode, position.notional and f"notional {position.notional}"])]


_ALL = ("symbol", "side", "size", "entry", "mark", "notional", "unrealised", "liquidation", "margin", "stop")
_FEW = ("position", "entry", "mark", "unrealised", "liquidation", "stop")
"""Each ends with the stop."""


def _lines(one: PositionReport, made: Console) -> list[Text]:
    """A position below the width of a table."""
    from rich.text import Text

    position = one.position
    prices = f"  entry {clean(position.entry or '-')}, mark {clean(position.mark or '-')}"
    result = f"  unrealised {clean(position.unrealised or '-')}, liquidation {clean(position.liquidation or '-')}"
    head = Text(f"{clean(position.symbol)} {clean(position.side)} {clean(position.size)}", style="bold")
    more = [Text(f"  {clean(', '.join(_more(position)))}")] if _more(position) else []
    return [head, *more, Text(prices), Text(result), Text.assemble("  stop: ", _stop(one, made))]


def _stop(one: PositionReport, made: Console) -> Text:
    """What protects a position, in short; loud where nothing does."""
    from rich.text import Text

    if own := one.position.stop_loss:
        return Text(f"its own at {clean(own)}")
    if one.stops:
        prices = dict.fromkeys(clean(stop.trigger_price or "trailing") for stop in one.stops)
        return Text(f"{', '.join(list(prices)[:_SHOWN])}{' …' if len(prices) > _SHOWN else ''}")
    lost = next((order for order in one.lost_stops if order.role in (Role.STOP, Role.UNKNOWN)), None)
    if lost is None and one.stops is None:
        return Text("not known", style=WARNING)
    words = "none" if lost is None else f"LOST{f' (was {clean(lost.trigger_price)})' if lost.trigger_price else ''}"
    return Text(words if made.color_system is None else f" {words} ", style=badge(BAD, made.color_system))


def _losses(one: PositionReport) -> list[Text]:
    """A line for each protective order that this kill has cancelled."""
    from rich.text import Text

    position = one.position
    where = f"{clean(position.symbol)} {clean(position.side)} {clean(position.size)}"
    return [
        Text(f"{where} has lost its {_ROLE[order.role]}: {_order_words(order)}", style="bold")
        for order in one.lost_stops
    ]


_ROLE = {
    Role.STOP: "stop",
    Role.UNKNOWN: "stop or take-profit",
    Role.TAKE_PROFIT: "take-profit",
    Role.ORDINARY: "reduce-only order",
}


def _order_words(order: ProtectiveOrder) -> str:
    """An order as a trader would say it, with its id."""
    parts = [clean(part) for part in (order.symbol, order.type, order.side) if part]
    parts.append(clean(order.quantity) if order.quantity else "the whole position")
    trigger = f" at {clean(order.trigger_price)}" if order.trigger_price else ""
    price = f" @ {clean(order.price)}" if order.price and order.price != order.trigger_price else ""
    return f"{' '.join(parts)}{trigger}{price} (order {clean(order.order_id)})"
