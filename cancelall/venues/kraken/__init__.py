"""Kraken spot: every order of cash and margin, as one segment, with stops that have not triggered.

Proof: two complete empty listings, 2 s apart, and between them a last cancel of everything that counts 0. Each request
carries a nonce that has to be higher than any that the key has had before, so they go one at a time, the cancel first;
the listing leaves when it is answered or given up. A cancel of everything only counts: what it took is named by the
history, after the verdict. With `--pair`, or when protective orders are kept, orders are cancelled by name; there is
no cancel of everything for a pair, and a last one is then missing from the proof.

Handled on the safe side, because the documents leave it open:
- another program may have used the key with a finer nonce, or with a clock that is ahead: nonces are milliseconds; one
  that is refused is followed by the venue's time and some seconds, then by nanoseconds; the third refusal ends the key,
  before too many of them lock it out for a quarter of an hour, and nothing is ever above nanoseconds
- what is given up keeps its nonce; the next one is higher, whatever became of it
- whether a cancel of everything may still be pending when it is answered is not said: its count is what was accepted
- that it counts 0 where nothing is open is seen in the venue's SDK only: a proof needs it, a cancel does not
- whether it reaches tokenized stocks is not said: what is listed is cancelled by name as well
- an order with a conditional close places another one when it fills: hence 2 s, and the cancel between the listings
- the listing has no pages; a `count` that does not fit its rows leaves it unsure
- an unknown status is open, and so is `pending`; an unknown kind of order is never called ordinary
- whether an order on margin may only reduce a position is not listed: one that waits for a trigger is unknown
- one unknown id may fail a batch of cancels as a whole, and so may the costs of its orders: then they go in small ones
- a pair is compared in any of the venue's spellings before the public list is there, which has to know it
- the engine may be down while listings answer: while a cancel is answered so, an empty listing proves nothing
- what a refused address is answered with is not said: the words for a wrong key and a missing right hint at it

The dead man's switch (`CancelAllOrdersAfter`) is never touched: a timer may be a bot's own.

Documents: https://docs.kraken.com/api-reference and https://docs.kraken.com/exchange/guides (autumn 2026), the venue's
kraken-api-sdk (0f713979) and kraken-cli (aa32814), and support.kraken.com articles 360001491786 and 360000714526, read
2026-11-21.
"""
