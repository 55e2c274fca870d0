"""A fake Kraken spot, written from https://docs.kraken.com/api-reference and .../exchange/guides (autumn 2026).

What it does not have: websockets, balances, a market (orders never match, they only fill when a fault says so), the
trading counter of each pair, and authenticator codes: the password of a key's two-factor login is static. Where the
documents leave a question open, a comment says what was chosen, and it is always what would fool a careless client.
"""

from .venue import FAKE as FAKE
