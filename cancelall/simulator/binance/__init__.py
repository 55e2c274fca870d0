"""A fake Binance, all of whose hosts are one: the paths tell them apart.

What it does not have: websockets, FIX, convert, stocks, block trades, bots, a margin, and a market: orders never match.
Numbers of orders are equal now and then, in another symbol or book, as the documents allow.
"""

from .venue import FAKE as FAKE
