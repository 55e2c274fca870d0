"""Row tables: how a venue writes an order down, one word a cell.

    row_table = tables(CELLS)
    ROW = row_table("orderId=.id symbol side price qty=.quantity stopPrice=?stop|0 fee=0 expires=#null")
    ROW(order, view)

`name` is the cell of that name, `name=.cell` another one, `name=?key` what the order's `extra` holds (null if nothing),
`name=?key|TEXT` and `name=?key|#JSON` the same with something in its place, `name=#JSON` a value as JSON writes it,
`name=TEXT` that text. A cell is computed from the order and from the view: whatever the venue's cells need to know,
such as its clock.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

Cell = Callable[[Any, Any], object]

COMMON: Mapping[str, Cell] = {
    "number": lambda order, _: int(order.id),
    "client_id_or_null": lambda order, _: order.client_id or None,
    "Side": lambda order, _: order.side.capitalize(),
    "executed": lambda order, _: str(order.executed),
    "average": lambda order, _: order.price if order.executed else "0",
    "created": lambda order, to_server: to_server(order.created_ms),
    "updated": lambda order, to_server: to_server(order.updated_ms),
    "created_text": lambda order, to_server: str(to_server(order.created_ms)),
    "updated_text": lambda order, to_server: str(to_server(order.updated_ms)),
}
"""Cells that need no word of a venue. The last four are for views that are a clock: a function of a moment."""


class Table:
    def __init__(self, text: str, cells: Mapping[str, Cell]) -> None:
        known = {**COMMON, **cells}
        sources = [_split(word) for word in text.split()]
        # What is fixed, and what is a field of the order, is told apart here: thousands of rows are written.
        self._fixed = {name: None if source[:1] in (".", "?") else _literal(source) for name, source in sources}
        self._fields = [(name, source[1:]) for name, source in sources if source[:1] == "." and source[1:] not in known]
        self._cells = [
            (name, known[source[1:]] if source[0] == "." else _extra(source[1:]))
            for name, source in sources
            if source[:1] == "?" or (source[:1] == "." and source[1:] in known)
        ]

    def __call__(self, order: object, view: object = None) -> dict[str, object]:
        row = self._fixed.copy()
        for name, field in self._fields:
            row[name] = getattr(order, field)
        for name, cell in self._cells:
            row[name] = cell(order, view)
        return row


def tables(cells: Mapping[str, Cell]) -> Callable[[str], Table]:
    """What makes the tables of a venue: with its own cells besides the common ones."""
    return partial(Table, cells=cells)


def written(module: str) -> dict[str, str]:
    """The texts in `rows.txt` next to this module's file, by the names that stand above them with a colon."""
    blocks = Path(module).with_name("rows.txt").read_text(encoding="utf-8").split("\n\n")
    return {name.rstrip(":"): text for name, text in (block.split("\n", 1) for block in blocks)}


def fixed(text: str) -> dict[str, object]:
    """The cells of a text that are the same for everything: `name=TEXT` and `name=#JSON`."""
    return {name: _literal(source) for name, source in map(_split, text.split())}


def iso(when_ms: int) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(when_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _split(word: str) -> tuple[str, str]:
    name, equals, source = word.partition("=")
    return name, source if equals else f".{name}"


def _extra(source: str) -> Cell:
    key, bar, text = source.partition("|")
    default = _literal(text) if bar else None
    return lambda order, _: order.extra.get(key, default)


def _literal(source: str) -> object:
    return json.loads(source[1:]) if source.startswith("#") else source
