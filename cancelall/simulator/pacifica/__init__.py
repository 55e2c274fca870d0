"""A fake Pacifica, written from https://docs.pacifica.fi/api-documentation/api (pages as of 2026-07) and live notes.

What it does not have: websockets, hardware-wallet signatures, binding and revoking of agent keys over the wire (see
`Pacifica.bind_agent`), subaccounts, vaults, positions, TP/SL legs attached to a resting parent, and a market: orders
never match, they only fill when a fault says so. Where the documents leave a question open, a comment says what was
chosen, and it is always what would fool a careless client.
"""

from .venue import FAKE as FAKE
from .venue import Pacifica as Pacifica
