"""DeltaDeFi: a spot exchange with balances and no positions. https://docs.deltadefi.io, page "Order types"."""

from __future__ import annotations

from cancelall.venues.positions import PositionsModule

POSITIONS: PositionsModule[object] = PositionsModule(none="DeltaDeFi has none: it trades spot only")
