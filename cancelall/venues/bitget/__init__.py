"""Bitget: a classic account by product type (REST v2), or a unified one by category (v3), and whatever both hold.

Nobody has to say which it is. The classic cancels leave first; code 40085 says that the account is unified, 40084
that it is not, and `account/settings`, read beside the kill, tells which of the two, or both (`hybrid`). Nothing else
is taken for an answer: while that read fails, or the account is being switched, it is never called clear.

Proof: two complete empty listings and, for classic futures, a `cancel-all-orders` between them that answers 22001, "no
order to cancel": the venue's own word, and not bound to the three months that a listing may look back. Elsewhere no
such answer is documented; there the cancel is asked all the same (plan orders: one for each type), and that it took an
order is a contradiction. By symbol, keeping protective orders or only reading there is no such witness, and a warning
says so.

Handled on the safe side, because the documents leave it open:
- a cancel of plan orders with the wrong `planType`, or none, is a success that cancels nothing: each goes by its own
- the listing without a status may leave out partly filled orders: they are asked for by name, afterwards
- `cancel-all-orders` may ignore a symbol: it never gets one
- a listing may look back three months only: what is older is found by the cancel of a whole product, and by nothing
  where there is none (ordinary spot orders, trailing trigger orders, strategy orders, everything by symbol)
- code and HTTP status disagree (errors come with 400 and 200): the code decides
- a list that is null inside its object is empty, as observed; a null in the place of the object is unreadable
- an unknown order status is open, an unknown code is ambiguous, an unknown plan type is never called harmless

Documents: https://www.bitget.com/api-doc/ (classic and uta, as of 2025-12-05) and what clients have observed since,
read 2026-11-21.
"""
