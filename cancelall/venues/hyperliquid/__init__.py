"""Hyperliquid: orders of each dex, the first one with spot and outcomes, and TWAPs.

No call cancels everything: each kill lists first, and cancels by name. Anyone may list any address, an agent's own
looks empty, and what an agent signs does not name its account. So two complete empty listings of each dex and of the
log of TWAPs prove something only if the venue says that the key acts for the address that was listed: as its agent, as
the account itself, for the master of the sub-account or the leader of the vault. Without a configured account that
word names it.

Handled on the safe side, because the documents leave it open:
- how far a listing may lag behind an action is not said: two seconds lie between the two empty ones
- that outcomes are listed with the first dex is assumed; they have no list of names here, so a selector for one that
  nothing was listed under proves nothing
- how far back the log of TWAPs goes is not said: one of 2000 rows in less than seven days, the longest that a TWAP
  runs, proves nothing; nor does a running one without an id, which no cancel can name
- children of an order stand in its row and by themselves: those that stand in the row only are cancelled, too; what
  becomes of them when their parent is partly filled is not said, so they are named like any other; with a parent that
  a client id selects they go, too, whatever their own ids
- `triggered` and every status that is not documented is open
- how the flag for fast cancels is refused, which trigger orders may not have, is not said: it is not sent
- the sentences of refusals are not documented: one that is not known is ambiguous, and the listing decides
- an action is refused whole for what is wrong with one of its orders: then each goes by itself
- what a request too many has done is not said: it is sent again
- a market is named by its place in the venue's list: an order of one that is not in it is open

Documents: https://hyperliquid.gitbook.io/hyperliquid-docs (copies of 2025-11 and 2026-06), the venue's
hyperliquid-python-sdk 0.24.0, the schemas of https://github.com/nktkas/hyperliquid (db80d59, 2026-08-02), and what
others measured on the test network: https://github.com/MarcosACH/tickwright (2026-10-08). Read 2026-11-29.
"""
