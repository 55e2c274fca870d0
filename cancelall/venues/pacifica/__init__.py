"""Pacifica: orders with stops and TP/SL, TWAPs of the engine, and order strategies that place orders of their own.

Proof: two complete empty listings of each, and the venue's own word. Anyone may read any account here, and one that
nobody has looks empty: so there has to be a signed answer for this account on this host. An accepted cancel is one.
Where none was due, it is a TWAP cancel of an id that cannot exist: success needs a key and agent of this account.
Besides, the counts of `/account` must fit the listing, and after the strategies are gone a last cancel of everything
must find nothing. Reading alone (`--dry-run`, `orders`) cannot tell a mistyped account from an empty one. Without a
configured account `/account` must show that something is at the key's own address: it may be an agent's.

Handled on the safe side, because the documents leave it open:
- strategies are said nowhere to be stopped by a cancel of everything: each is cancelled by name, twenty of them before
  anything is kept back for the proof, and then everything again
- what `cancelled_count` counts is not said: it is information, but after the last cancel it must be 0
- whether `exclude_reduce_only` leaves stops and TWAPs is not said: of each order its own `reduce_only` decides
- a strategy without a readable market or `reduce_only` is open; it is cancelled only where no selector depends on it
- `expiry_window` is always sent and signed; timestamps are one second late, since how far ahead they may be is not said
- numbers of errors have changed over the years, so the words decide first; a refusal may come as bare text, and only
  known sentences of it are the venue's: any other, and a refused read, may be a gateway's word
- an order whose type cannot be read is named in both calls, as an order and as a stop; one whose symbol cannot be read
  cannot be named, and only the cancel of everything reaches it
- in which order the history comes is not said: where it is not read to its end, there may be more
- a listing that says that there is more is never complete: no document tells how to read on
- how far a listing may lag is not said: one whose `last_order_id` is smaller than before is no second one
- a host without one of the listings (404) proves nothing

Documents: https://docs.pacifica.fi/api-documentation (2026-07 and, where those are silent, 2025-12), the venue's
python-sdk (583661a) and its live tests in pacifica-mcp (4748fec), read 2026-11-21.
"""
