"""A fake Hyperliquid, written from https://hyperliquid.gitbook.io/hyperliquid-docs (copies of 2025 and 2026).

Where the documents are silent, it follows the schemas of https://github.com/nktkas/hyperliquid (db80d59) and what
others measured on the test network: https://github.com/MarcosACH/tickwright (2026-10). What it does not have: a market,
margin, websockets, actions that a wallet signs, multi-sig. Agents, sub-accounts and vaults are made by methods, not
over the wire. Where a question is open, it does what would fool a careless client.
"""

from .venue import FAKE as FAKE
from .venue import Hyperliquid as Hyperliquid
