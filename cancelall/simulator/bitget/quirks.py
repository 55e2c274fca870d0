"""Listings as they have been met, or may be, besides what the pages show: fields that are missing, null, or odd."""

from __future__ import annotations

from ..wire import SimRequest
from .state import State

_LISTS = ("entrustedList", "orderList", "list")
_WAYS_ON = ("endId", "cursor", "idLessThan")


def spoilt(venue: State, request: SimRequest, data: object) -> object:
    """The data of a listing under the faults that are about listings."""
    if not _rows(data):
        return data
    if venue.fault("null-list", request):
        return None if isinstance(data, list) else _but(data, _LISTS, None) if isinstance(data, dict) else data
    if fault := venue.fault("odd-field", request):
        _rows(data)[0][str(fault.value)] = {}
    if venue.fault("bare-rows", request):
        for row in _rows(data):
            row.pop("holdMode", None)
            row.pop("reduceOnly", None)
    if isinstance(data, dict) and (fault := venue.fault("no-way-on", request)):
        return _but(data, _WAYS_ON, {"null": None, "empty": "", "odd": "?"}.get(str(fault.value), _MISSING))
    return data


_MISSING = object()


def _rows(data: object) -> list[dict[str, object]]:
    found = next((data[name] for name in _LISTS if name in data), None) if isinstance(data, dict) else data
    return found if isinstance(found, list) else []


def _but(data: dict[str, object], names: tuple[str, ...], value: object) -> dict[str, object]:
    """The same with another value under whichever of these names there is, or without it."""
    changed = {key: value if key in names else held for key, held in data.items()}
    return {key: held for key, held in changed.items() if held is not _MISSING}
