"""What the venue's answers mean for the key: enough rights to cancel, and none to take money away."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar

from cancelall.core.preflight import Area, Finding, KeyFacts, failure, good, warning

T = TypeVar("T")
SOON_DAYS = 14
"""A key that ends within so many days is worth a warning."""
_DAY_MS = 86_400_000


def key_findings(facts: Sequence[KeyFacts], page: str, now_ms: int, *, refused: bool) -> list[Finding]:
    """Rights, addresses, end and mode, from what several answers say together."""
    findings = [] if refused else _rights(facts, page)
    findings += _dangers(facts, page)
    findings += _end(facts, page, now_ms)
    findings += _account(facts)
    findings += [warning("key", remark, f"see {page}") for one in facts for remark in one.remarks]
    return findings


def _first(facts: Sequence[KeyFacts], pick: Callable[[KeyFacts], T | None]) -> T | None:
    return next((value for one in facts if (value := pick(one)) is not None), None)


def _any(facts: Sequence[KeyFacts], pick: Callable[[KeyFacts], bool | None]) -> bool | None:
    """Whether any of them says so; None when none says anything. Several speak where an account has two APIs."""
    said = [value for one in facts if (value := pick(one)) is not None]
    return any(said) if said else None


def _rights(facts: Sequence[KeyFacts], page: str) -> list[Finding]:
    can_cancel, can_list = _any(facts, lambda one: one.can_cancel), _any(facts, lambda one: one.can_list)
    lacking = [product for one in facts for product in one.cannot]
    findings = []
    if can_list is False:
        fix = f"give the key the right to view: {page}"
        findings.append(failure("rights", "the key may not read orders: nothing could be proven", fix, Area.VENUE))
    if can_cancel is False:
        fix = f"give the key the right to trade, and none to withdraw: {page}"
        findings.append(failure("rights", "the key is read-only: it cannot cancel", fix, Area.VENUE))
    elif lacking:
        fix = f"give the key the right to trade them, or narrow the profile: {page}"
        findings.append(warning("rights", f"the key may have no right for {', '.join(lacking)}", fix))
    elif can_cancel:
        findings.append(good("rights", "the key can cancel"))
    return findings


def _dangers(facts: Sequence[KeyFacts], page: str) -> list[Finding]:
    findings = []
    withdraw = _any(facts, lambda one: one.can_withdraw)
    why = _first(facts, lambda one: one.withdraw_note or None)
    if withdraw:
        fix = f"take that right from the key, or use another one: {page}"
        findings.append(failure("withdrawal", f"the key can withdraw{f': {why}' if why else ''}", fix, Area.VENUE))
    elif withdraw is None and why:
        findings.append(warning("withdrawal", why, f"look at the key's rights: {page}"))
    elif withdraw is False:
        findings.append(good("withdrawal", "the key cannot withdraw"))
    if _any(facts, lambda one: one.can_transfer):
        findings.append(warning("transfer", "the key can move money between accounts", f"take that right away: {page}"))
    free = _any(facts, lambda one: None if one.bound is None else not one.bound)
    if free is False:
        findings.append(good("addresses", "the key works from certain addresses only, and this is one of them"))
    elif free:
        fix = f"bind it to the address of the machine that fires: {page}"
        findings.append(warning("addresses", "the key works from any address", fix))
    return findings


def _end(facts: Sequence[KeyFacts], page: str, now_ms: int) -> list[Finding]:
    ends = [end for one in facts for end in _ends(one, now_ms)]
    if not ends:
        return [good("expiry", "the key does not expire")] if any(one.endless for one in facts) else []
    left = (min(ends) - now_ms) / _DAY_MS
    fix = f"renew it, or make a new one: {page}"
    if left <= 0:
        return [failure("expiry", "the key has expired", fix, Area.VENUE)]
    words = f"the key expires in {left:.0f} day(s)"
    return [warning("expiry", words, fix) if left < SOON_DAYS else good("expiry", words)]


def _ends(facts: KeyFacts, now_ms: int) -> list[int]:
    """Every way in which an answer names the end; what is not a date after 1970 names none."""
    ends = [facts.expires_ms] if facts.expires_ms is not None else []
    if facts.days_left is not None:
        ends.append(now_ms + facts.days_left * _DAY_MS)
    try:
        named = datetime.datetime.fromisoformat(facts.expires_at)
        ends.append(int(named.replace(tzinfo=named.tzinfo or datetime.UTC).timestamp() * 1000))
    except (ValueError, OverflowError):
        pass
    return [end for end in ends if end > _DAY_MS]


def _account(facts: Sequence[KeyFacts]) -> list[Finding]:
    mode, trouble = _first(facts, lambda one: one.mode or None), _first(facts, lambda one: one.mode_trouble or None)
    if mode is None:
        return []
    if trouble:
        return [failure("account mode", f"{mode}: {trouble}", "change the account's mode, or wait for it", Area.VENUE)]
    return [good("account mode", f"{mode}; a kill uses the calls of that mode")]
