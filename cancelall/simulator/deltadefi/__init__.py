"""A fake DeltaDeFi, written from its docs of 2026-04-17 (https://docs.deltadefi.io), its SDKs and its team's bot logs.

What it does not have: websockets, on-chain swap intents, vault accounts, Cardano transactions (any signed text is
taken), Hydra cycles that lock trading by themselves (the fault `locked` does), and a market: orders never match, they
only fill when a fault says so.
"""

from .venue import FAKE as FAKE
from .venue import DeltaDeFi as DeltaDeFi
