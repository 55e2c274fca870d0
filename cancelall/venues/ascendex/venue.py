"""AscendEX: which ledgers there are, and what a kill of them leaves out."""

from __future__ import annotations

from functools import partial

from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Priority, Purpose, Reply, Request
from cancelall.venues import payload
from cancelall.venues.ascendex.api import LIMITS, account_info, get, home_of, judge, sign
from cancelall.venues.ascendex.options import AscendexFacts, AscendexOptions, Ledger, group_of, holds, selected
from cancelall.venues.ascendex.segments import LedgerOrders
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, Segment, Venue, names_of
from cancelall.venues.payload import Row


def segments(options: AscendexOptions, facts: AscendexFacts, environment: str) -> tuple[Segment, ...]:
    """One segment for each ledger in scope; none while the account group is not known."""
    group = group_of(options, facts)
    if group is None:
        return ()
    retired = home_of(group, "futures", "v1") if options.futures_api == "v1" else ""
    return tuple(
        LedgerOrders(
            name=ledger,
            group=group,
            symbols=tuple(symbol for symbol in options.symbol if holds(ledger, symbol)),
            retired=retired if ledger == "futures" else "",
        )
        for ledger in selected(options)
    )


def discoveries(options: AscendexOptions, facts: AscendexFacts) -> tuple[Discovery[AscendexFacts], ...]:
    """The account group; once that is known, what the selectors may say, and what hangs on positions.

    A wrong group must not look like an empty account: `info` is read even if the profile names the group.
    """
    reads = [Discovery(name="account group", request=account_info(), read=_info, learn=_learn_group)]
    group, chosen = group_of(options, facts), selected(options)
    if group is None:
        return tuple(reads)
    for ledger in chosen if options.symbol else ():
        request = get(_PRODUCTS[ledger], Purpose.DISCOVERY, signed=False)
        reads.append(Discovery(name=f"{ledger} products", request=request, read=_products))
    if "futures" in chosen:
        request = get(f"{home_of(group, 'futures')}/position", Purpose.DISCOVERY, priority=Priority.OTHER)
        name, read = "take-profits and stop-losses of positions", partial(_positions, options.symbol)
        reads.append(Discovery(name=name, request=request, read=read, optional=True))
    return tuple(reads)


_PRODUCTS: dict[Ledger, str] = {
    "cash": "/api/pro/v1/cash/products",
    "margin": "/api/pro/v1/margin/products",
    "futures": "/api/pro/v2/futures/contract",
}


def _info(request: Request, reply: Reply) -> Batch:
    info = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    group = payload.number(info, "accountGroup")
    if group is None or group < 0:
        raise Unreadable("accountGroup is missing")
    return Batch(names=(Known("group", str(group)),))


def _products(request: Request, reply: Reply) -> Batch:
    """Symbols, and the names on the website, which differ for contracts: BTC-PERP is shown as BTCUSDT."""
    rows = payload.as_list(payload.as_object(reply.json).get("data"), "data")

    def read(row: Row) -> Known | None:
        symbol, shown = row.name("symbol"), row.name("displayName")
        return None if symbol is None else Known(SYMBOL, symbol, shown or "")

    names = payload.each_row(rows, read)
    if not names:
        raise Unreadable("the list of products names none")
    return Batch(names=names)


def _positions(symbols: tuple[str, ...], request: Request, reply: Reply) -> Batch:
    """https://ascendex.github.io/ascendex-futures-pro-api-v2/#position: "0" where a position has no such exit."""
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    exits = {"take-profit": "takeProfitPrice", "stop-loss": "stopLossPrice"}

    def read(row: Row) -> Known | None:
        symbol = row.text("symbol") or payload.UNREADABLE
        prices = {name: row.text(key) or "0" for name, key in exits.items()}
        kept = " and ".join(f"{name} at {payload.message(one)}" for name, one in prices.items() if one.strip("0."))
        in_scope = not symbols or symbol in (*symbols, payload.UNREADABLE)
        return Known("exit", f"{payload.message(symbol)} keeps its {kept}") if kept and in_scope else None

    return Batch(names=payload.each_row(payload.as_list(data.get("contracts"), "contracts"), read))


def _learn_group(facts: AscendexFacts, names: tuple[Known, ...]) -> AscendexFacts:
    return AscendexFacts(account_group=int(names[0].name))


def doubts(options: AscendexOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """An account group that is not this key's, and symbols that the venue does not know."""
    groups = names_of(names, "group")
    doubts = [
        f"account_group is {options.account_group} in this profile, but {group} is the one of this key"
        for group in groups
        if options.account_group is not None and group != str(options.account_group)
    ]
    known = names_of(names, SYMBOL)
    shown = {one.alias: one.name for one in names if one.alias}
    for symbol in options.symbol:
        if symbol not in known:
            meant = f' (did you mean "{shown[symbol]}"?)' if symbol in shown else nearest(symbol, known)
            doubts.append(f"AscendEX knows no --symbol {symbol}{meant}")
    return tuple(doubts)


def remarks(options: AscendexOptions, names: frozenset[Known]) -> tuple[str, ...]:
    """Take-profits and stop-losses of positions: no cancel reaches them."""
    return tuple(f"the position in {one}: that is no order, no cancel removes it" for one in names_of(names, "exit"))


def not_covered(options: AscendexOptions, environment: str) -> tuple[str, ...]:
    """https://ascendex.github.io/ascendex-futures-pro-api-v2/#position (exits belong to the position)."""
    futures = ("take-profits and stop-losses of positions",) if "futures" in selected(options) else ()
    return (*futures, "orders of sub-accounts (they have keys of their own)")


def unwitnessed(options: AscendexOptions, keeps_some: bool, reads_only: bool) -> str:
    """The retired futures paths may answer without meaning it."""
    if options.futures_api == "v1" and "futures" in selected(options):
        return "futures v1 was retired on 2021-02-28 and proves nothing: v2 is cancelled and listed as well"
    return ""


VENUE = Venue(
    facts=AscendexFacts(),
    segments=segments,
    discoveries=discoveries,
    sign=sign,
    limits=LIMITS,
    judge=judge,
    late_ms=lambda options: 30_000,
    doubts=doubts,
    remarks=remarks,
    not_covered=not_covered,
    unwitnessed=unwitnessed,
    notice="AscendEX was reported closed in July 2026; this module could not be tried on the live venue",
    sunset="2026-07",
)
