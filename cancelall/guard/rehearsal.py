"""Whether a kill could read a profile's open orders, and how long it would take: what is known before it fires."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import CancelallError, bug_words
from cancelall.core.model import Answer, Order
from cancelall.core.preflight import load_preflight
from cancelall.core.profile import Profile
from cancelall.credentials.chain import ResolvedSecrets
from cancelall.engine.client import Client
from cancelall.engine.readings import Listings
from cancelall.engine.run import by_origin, over_the_network
from cancelall.engine.shared_limits import SharedLimits
from cancelall.engine.signer import Clock, Signer
from cancelall.venues.contract import Limit
from cancelall.venues.registry import load, segments

SECONDS = 20.0
"""Longest time for reading the open orders of a profile."""


@dataclass(frozen=True, kw_only=True)
class Readable:
    """What reading a profile's open orders has shown."""

    trouble: str = ""
    """Why they could not all be read, with what to do; empty: they could."""
    orders: tuple[Order, ...] = field(default=(), repr=False)
    """What was open, as far as it could be read."""
    listing_seconds: float = 0.0
    """What the slowest segment took."""
    answer_seconds: float = 0.0
    """What the quickest answer took."""
    headers: tuple[tuple[str, Mapping[str, str]], ...] = field(default=(), repr=False)
    """Those of the last answers, each with the name of its host: some tell what is left of a limit."""


async def read(
    profile: Profile,
    secrets: ResolvedSecrets,
    environ: Mapping[str, str],
    shared: SharedLimits,
    clock: Clock,
    offset_ms: int,
) -> Readable:
    """Read every segment once, signed. It changes nothing, and raises nothing but that it was cancelled."""
    answers: list[Attempt] = []
    try:
        deadline = clock.monotonic() + min(SECONDS, profile.deadline)
        with ExitStack() as closing:
            client = line(
                profile, secrets, environ, shared, clock, offset_ms, deadline=deadline, reads_only=True, closing=closing
            )
            client.trace = answers.append
            listings = Listings(client, profile.environment)
            late = False
            try:
                async with asyncio.timeout(max(0.0, client.deadline - clock.monotonic())):
                    await listings.run()
            except TimeoutError:
                late = True
        took = [one.ended - one.began for one in listings.read.values() if one.complete]
        trouble = _trouble(client, listings, late=late)
        return Readable(
            trouble=trouble,
            orders=tuple(order for one in listings.read.values() for order in one.orders),
            listing_seconds=max(took, default=0.0),
            answer_seconds=min((one.ended - one.began for one in answers if one.answered), default=0.0),
            headers=tuple((one.request.host, one.headers) for one in answers[-_LAST:]),
        )
    except CancelallError as error:
        return Readable(trouble=_with_hint(error.message, error.hint))
    except Exception as fault:  # whatever it is, the guard goes on
        return Readable(trouble=bug_words(fault))


_LAST = 20
"""Answers whose headers are kept."""


def line(
    profile: Profile,
    secrets: ResolvedSecrets,
    environ: Mapping[str, str],
    shared: SharedLimits,
    clock: Clock,
    offset_ms: int,
    *,
    deadline: float,
    reads_only: bool,
    closing: ExitStack | None = None,
) -> Client:
    """A line to a profile's venue for what is no kill, until a monotonic time. Raises ConfigError, OptionError.

    It keeps connections only where somebody closes them.
    """
    venue = load(profile.venue)
    facts = venue.with_key(venue.facts, secrets.secrets)
    segments(venue, profile.options, facts, profile.environment)
    routes = {one: shared.route(profile, one) for one in (profile.origin, *profile.further.values())}
    own_limit = venue.own_limit(secrets.secrets)
    signer = Signer(
        venue=venue,
        origin=profile.origin,
        secrets=secrets.secrets,
        options=profile.options,
        clock=clock,
        further=profile.further,
        headers=venue.headers(profile.environment),
        serial=shared.serial_key(profile, secrets.secrets),
        offset_ms=offset_ms,
    )
    return Client(
        signer=signer,
        send=by_origin(
            {
                origin: over_the_network(profile, environ, route, closing=closing, thrifty=closing is None)
                for origin, route in routes.items()
            }
        ),
        clock=clock,
        gate=shared.gate(profile, own_limit=own_limit),
        gates={name: shared.gate(profile, name, own_limit=own_limit) for name in profile.further},
        deadline=deadline,
        reserve=0.0,
        reads_only=reads_only,
    )


def _trouble(client: Client, listings: Listings, *, late: bool) -> str:
    """Why the open orders could not all be read, or not be proven; empty where they could."""
    refusal = client.turned_away or client.refusals.doubted
    if refusal is not None:
        return _with_hint(refusal.message or refusal.answer.value, refusal.hint)
    unread = 0
    for name in listings.segments:
        listing, attempts = listings.read.get(name), listings.attempts.get(name, [])
        if listing is not None and listing.complete:
            continue
        judged = [one.judgement for one in attempts if one.judgement is not None]
        if judged and all(one.answer is Answer.ABSENT for one in judged):
            unread += 1
            continue
        why = _words(attempts) or (listing.why if listing is not None else "no answer in time")
        return f"{name}: the open orders could not be read: {why}"
    if late or not listings.segments:
        return "the open orders could not be read in time"
    if unread == len(listings.segments):
        return "the account has none of these products - check environment and selectors of this profile"
    if listings.discoveries.pending:
        return f"could not be read: {', '.join(listings.discoveries.pending)}"
    return next(iter(listings.discoveries.doubts), "")


def _words(attempts: Sequence[Attempt]) -> str:
    """What the last of some attempts that went wrong has met."""
    for one in reversed(attempts):
        if one.judgement is not None and one.judgement.answer is not Answer.ACCEPTED:
            return _with_hint(one.judgement.message or one.judgement.answer.value, one.judgement.hint)
        if one.fault is not None:
            return one.fault.message
    return ""


def _with_hint(message: str, hint: str) -> str:
    return f"{message} - {hint}" if hint else message


# --- how it would go ------------------------------------------------------------------------------------------------


def budget(
    profile: Profile, answers: Sequence[tuple[str, Mapping[str, str]]], readable: Readable | None
) -> float | None:
    """Share of the scarcest limit that is left, as the venue's last answers tell it, each with the name of its host;
    None where they do not.
    """
    tells = load_preflight(profile.venue).budget
    told = [tells(*answer) for answer in (*answers, *(readable.headers if readable is not None else ()))]
    return min((one for one in told if one is not None), default=None)


def verdict_seconds(profile: Profile, latency: float | None, readable: Readable | None, scale: float) -> float | None:
    """From the trigger to the verdict of an account whose orders the first cancels take: a round trip for these, what
    the limits make them wait, two listings, and the gap between them. None while no answer tells how long they take.
    """
    if latency is None or readable is None:
        return None
    venue = load(profile.venue)
    with suppress(CancelallError):
        known = segments(venue, profile.options, venue.facts, profile.environment)
        cancels = Counter(one.bucket for segment in known for one in segment.blind)
        listings = Counter(one.bucket for segment in known for stage in segment.listings for one in stage)
        waits = [_wait(number, venue.limits, bucket) for bucket, number in (cancels + listings + listings).items()]
        turns = 0.0
        if venue.serial is not None:  # one request at a time
            turns = latency * (cancels.total() + 2 * (listings.total() - len(known)))
        listing = max(readable.listing_seconds, latency)
        return round(latency + turns + 2 * listing + venue.proof_gap * scale + max(waits, default=0.0), 2)
    return None


def _wait(number: int, limits: Mapping[str, Limit], bucket: str) -> float:
    """Seconds that so many requests of a bucket wait for its limit."""
    limit = limits.get(bucket) or limits.get(bucket.partition(":")[0])
    return 0.0 if limit is None else max(0, math.ceil(number / limit.count) - 1) * limit.seconds
