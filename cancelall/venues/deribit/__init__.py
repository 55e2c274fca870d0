"""Deribit: one account in one call, every currency, kind of instrument, combo, trigger order and quote.

Proof: two complete empty listings, which have no pages, and the venue's own word: between them the mass cancel is sent
once more, and has to find nothing. Each answer says which environment it comes from: one from the other environment is
refused, whatever else it says, and one that does not say it proves nothing.

Handled on the safe side, because the documents leave it open:
- the number alone says nothing of parts that failed: `detailed` is always sent. Its answer comes in three shapes (a
  number, groups, orders in an `order` wrapper), and all are read; a group with an `error` is fired at again
- whether a mass cancel takes resting mass quotes is not said: those that are listed afterwards go with `cancel_quotes`,
  whose refusal says nothing of the orders, and by name
- a cancelled trigger order is shown with its old state: that an answer names it is what counts
- a stale timestamp has no code of its own: a refused signature is about the clock if the venue's clock, which each
  answer tells, is further off than the way explains. Timestamps are one second late: how far ahead they may be is not
  said
- one nonce for one signature: it is random, since two requests may leave in one millisecond
- what a currency takes in, above all on spot, is the venue's word: its own listing and its own cancel are used. Which
  values that parameter has is documented too short; one that it does not take is a refusal, never an absence
- an instrument that the venue does not know has nothing to cancel: the listing of the whole account decides, and the
  public lists say whether it exists
- an unknown order status is open, and so is `triggered`; an unknown kind of order is never called ordinary
- cancelling the first order of a linked pair also takes those that it would have placed, protective ones, too
- an asymmetric key (PEM) signs a log-in only: a header for single requests is not documented, so it is refused
- the list of API keys is not read, though it would show bound addresses: it also shows secrets

Documents: https://docs.deribit.com (OpenAPI 2.1.1 of 2026-08-03; articles: authentication, errors, JSON-RPC overview,
rate limits, access scope), read 2026-11-29. Answers of live servers: typed-deribit 0.4.1, ccxt 4.5.90.
"""
