"""A fake OKX, written from the V5 documents as of 2026-07 (https://www.okx.com/docs-v5/en/) and recorded answers.

What it does not have: websockets, block trading, running bots, `mass-cancel` and `cancel-all-after`, amendments, the
links between the legs of an OCO order, and a market: orders never match, they only fill when a fault says so.
"""

from .venue import FAKE as FAKE
