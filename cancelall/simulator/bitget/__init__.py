"""A fake Bitget: the classic REST API v2 and the unified account's v3 on one server.

Written from Bitget's documentation as of 2025-12-05 (https://www.bitget.com/api-doc/common/intro), the differences that
clients have met since, and, for strategy orders, the state of August 2026. Each account is classic, unified or, what
nobody has described, hybrid; here a hybrid account serves both APIs and holds orders in both.

What it does not have: websockets, tokenised stocks, the countdown of unified accounts, copy trading, bots other than
the mark that their orders carry, the limits of demo trading, and a market: orders never match, they only fill when a
fault says so.
"""

from .venue import FAKE, Bitget

__all__ = ["FAKE", "Bitget"]
