"""What the venue itself says: its clock, the key, the account, and the open orders of every segment."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from cancelall.check import key
from cancelall.check.clock import Reading, clock_finding
from cancelall.core.attempts import Attempt, Outcome
from cancelall.core.dataclass import dataclass
from cancelall.core.errors import ErrorKind
from cancelall.core.model import Answer, Judgement, Listing
from cancelall.core.preflight import Area, Finding, KeyFacts, Preflight, Question, failure, good, warning
from cancelall.engine.client import Client
from cancelall.engine.discovery import Discoveries
from cancelall.engine.readings import Listings

_TRIES = 3
_NAMES: dict[ErrorKind, str] = {
    "ip": "address",
    "region": "region",
    "clock": "clock",
    "mode": "account mode",
    "environment": "environment",
    "tls": "certificate",
    "permission": "rights",
    "auth": "key",
}
"""What a refusal is about."""
_ELSEWHERE: frozenset[ErrorKind] = frozenset({"network", "timeout"})


@dataclass(frozen=True, kw_only=True)
class QuestionAnswer:
    """A question and what came of it."""

    question: Question
    outcome: Outcome[KeyFacts]
    got_ms: int
    """This machine's clock when the answer was there."""

    @property
    def reading(self) -> Reading | None:
        """The venue's clock against this machine's, if the answer has it."""
        facts = self.outcome.value
        if facts is None or facts.server_ms is None:
            return None
        spent = (self.outcome.attempt.ended - self.outcome.attempt.began) * 1000
        return Reading(offset_ms=round(facts.server_ms - (self.got_ms - spent / 2)), doubt_ms=round(spent / 2))


async def ask_all(client: Client, preflight: Preflight[Any], answers: list[QuestionAnswer]) -> None:
    """Every question, in parallel; each answer is there as soon as it has come."""

    async def one(question: Question) -> None:
        outcome = await client.ask(question.request, question.read, most=_TRIES)
        answers.append(QuestionAnswer(question=question, outcome=outcome, got_ms=client.clock.now_ms()))

    await asyncio.gather(*map(one, preflight.questions(client.signer.options, client.clock.now_ms())))


def venue_findings(
    client: Client,
    preflight: Preflight[Any],
    answers: list[QuestionAnswer],
    listings: Listings,
    dated: list[Reading],
    now_ms: int,
) -> list[Finding]:
    """Everything that the venue said, in the order clock, key, account, open orders."""
    options, refusal = client.signer.options, in_doubt(client)
    facts = [preflight.known(options), *(one.outcome.value for one in answers if one.outcome.value is not None)]
    exact = next((reading for one in answers if (reading := one.reading) is not None), None)
    findings = [clock_finding(exact, dated, preflight.window(options))]
    if refusal is not None:
        findings.append(refusal_finding(refusal))
    else:
        unread = (one for one in answers if one.outcome.value is None)
        findings += [
            _unread_answer(one) for one in unread if one.outcome.answer is not Answer.ABSENT
        ]  # not of its mode
    findings += key.key_findings(facts, preflight.key_page, now_ms, refused=refusal is not None)
    findings += _order_findings(listings, refusal)
    return findings + _discovery_findings(listings.discoveries, refusal)


def in_doubt(client: Client) -> Judgement | None:
    """Why the profile is refused as a whole, even by a refusal of the key that stands alone: a check is careful."""
    return client.turned_away or client.refusals.doubted


def sunset_finding(sunset: str, now_ms: int) -> Finding:
    """When the venue closes or has closed, a year and a month."""
    over = time.strftime("%Y-%m", time.gmtime(now_ms / 1000)) >= sunset
    detail = f"it has closed, or is closing: announced or reported for {sunset}" if over else f"it closes in {sunset}"
    return warning("sunset", detail, "take what you have there elsewhere")


def refusal_finding(refusal: Judgement) -> Finding:
    """What stopped every request of this key."""
    name = _NAMES.get(refusal.kind or "auth", "key")
    return failure(name, refusal.message, refusal.hint or "look at the venue's site", Area.VENUE)


def _unread_answer(one: QuestionAnswer) -> Finding:
    _, message, hint = _met(one.outcome.attempt)
    return warning(one.question.name, f"could not be read: {message}", hint or "run again, or look at the venue's site")


def _met(attempt: Attempt | None) -> tuple[ErrorKind, str, str]:
    """What an attempt ran into: its kind, a message, and what to do."""
    if attempt is not None and attempt.judgement is not None:
        judgement = attempt.judgement
        return judgement.kind or "unreadable", judgement.message or judgement.answer.value, judgement.hint
    if attempt is not None and attempt.fault is not None:
        return attempt.fault.kind, attempt.fault.message, "check the network between here and the venue"
    return "timeout", "no answer in time", "run again with a longer --deadline"


def _order_findings(listings: Listings, refusal: Judgement | None) -> list[Finding]:
    findings: list[Finding] = []
    absent = 0
    for name in listings.segments:
        attempts, listing = listings.attempts.get(name, []), listings.read.get(name)
        judged = [one.judgement for one in attempts if one.judgement is not None]
        if listing is not None and listing.complete:
            findings.append(good("open orders", f"{name}: {len(listing.orders) or 'none'}"))
        elif judged and all(one.answer is Answer.ABSENT for one in judged):
            absent += 1
            findings.append(good("open orders", f"{name}: the account has no such product ({judged[-1].message})"))
        elif refusal is None:
            findings.append(_unread(name, attempts, listing))
    if refusal is not None:
        fix = "see what was refused above"
        findings.append(failure("open orders", "they could not all be read: the venue refused", fix, Area.VENUE))
    elif absent and absent == len(listings.segments):
        fix = "check environment and selectors of this profile"
        findings.append(failure("open orders", "the account has none of these products", fix, Area.VENUE))
    return findings


def _unread(name: str, attempts: list[Attempt], listing: Listing | None) -> Finding:
    bad = [one for one in attempts if one.judgement is None or one.judgement.answer is not Answer.ACCEPTED]
    said = [one for one in bad if one.answered] or bad or attempts
    kind, message, hint = _met(said[-1] if said else None)
    message = listing.why if not bad and listing is not None else message
    area = Area.NETWORK if kind in _ELSEWHERE else Area.VENUE
    return failure("open orders", f"{name}: could not be read: {message}", hint or "run again", area)


def _discovery_findings(discoveries: Discoveries, refusal: Judgement | None) -> list[Finding]:
    findings = []
    if discoveries.pending and refusal is None:
        kind, message, hint = _met(discoveries.last)
        area = Area.NETWORK if kind in _ELSEWHERE else Area.VENUE
        detail = f"could not be read: {', '.join(discoveries.pending)} ({message})"
        findings.append(failure("account", detail, hint or "run again: without it a kill is unproven at best", area))
    fix = "put it right in the profile or the account: a kill would be unproven at best"
    return [*findings, *(failure("scope", doubt, fix, Area.OURS) for doubt in discoveries.doubts)]


def is_empty(listings: Listings, names: tuple[str, ...]) -> bool:
    """Whether all these segments were read completely and hold nothing."""
    read = [listings.read.get(name) for name in names]
    return all(one is not None and one.complete and not one.orders for one in read)
