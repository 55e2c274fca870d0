"""A fake Bybit, written from the V5 documentation as of 2026-07-24 (https://bybit-exchange.github.io/docs/v5/intro).

What it does not have: websockets, RFQ and block trading, trading bots, disconnection protection, pre-market phases,
classic and first-generation unified accounts, and a market: orders never match, they only fill when a fault says so.
"""

from .venue import FAKE, Bybit

__all__ = ["FAKE", "Bybit"]
