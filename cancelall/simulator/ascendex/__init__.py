"""A fake AscendEX, written from its three documents: cash and margin (2025-10-29), futures v2 (2022-08-16) and the
retired futures v1 (2021-02-19).

https://ascendex.github.io/ascendex-pro-api/, https://ascendex.github.io/ascendex-futures-pro-api-v2/ and
https://github.com/bitmax-exchange/bitmax-futures-api-doc.

What it does not have: websockets, transfers, deposits, margin loans, sub-account administration, the history form with
the group in its path, and a market: orders never match and conditional ones never trigger, they only fill when a fault
says so. Where the documents leave a question open, a comment says what was chosen.
"""

from .venue import FAKE as FAKE
from .venue import AscendEX as AscendEX
