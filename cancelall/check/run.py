"""All profiles at once: files, secrets, the way to the host, and then what the venue says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from cancelall.check import local, network
from cancelall.check.clock import Reading, dated
from cancelall.check.live import try_a_cancel
from cancelall.check.venue import QuestionAnswer, ask_all, sunset_finding, venue_findings
from cancelall.config.toml_file import Document
from cancelall.core.attempts import Attempt
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import CancelallError, OptionError
from cancelall.core.model import Reply, SignedRequest
from cancelall.core.preflight import (
    Area,
    CheckReport,
    Finding,
    Level,
    Preflight,
    failure,
    good,
    load_preflight,
    warning,
)
from cancelall.core.profile import BrokenProfile, Profile, host_of
from cancelall.credentials.chain import ResolvedSecrets, resolve
from cancelall.engine.client import Client, Send
from cancelall.engine.readings import Listings
from cancelall.engine.run import by_origin, over_the_network
from cancelall.engine.shared_limits import SharedLimits
from cancelall.engine.signer import SYSTEM_CLOCK, Clock, Signer
from cancelall.net.background import in_thread
from cancelall.net.route import route_for
from cancelall.venues.registry import load, segments

T = TypeVar("T")
_RESERVE = 1.0
_LAST_WORDS = 1.0
"""Seconds that are left at the end to report what did not answer, a quarter of the time at most."""


async def _silent(profile: str, words: str) -> None:
    """Announce nothing."""


@dataclass
class VenueCheck:
    """One venue's questions and listings, and what has come of them so far."""

    profile: Profile
    preflight: Preflight[Any]
    client: Client
    listings: Listings
    readings: list[Reading]
    """The venue's clock by the Date header of every answer."""
    answers: list[QuestionAnswer] = field(default_factory=list)

    async def ask(self) -> None:
        """Everything at once, until it is answered or the client's deadline is there. What has come by then counts."""
        work = {
            asyncio.create_task(ask_all(self.client, self.preflight, self.answers)),
            asyncio.create_task(self.listings.run()),
        }
        left = self.client.deadline - self.client.clock.monotonic()
        done, late = await asyncio.wait(work, timeout=max(0.0, left))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in done:
            task.result()

    @property
    def _group(self) -> int | None:
        """The account group, as the venue names it."""
        facts = (one.outcome.value for one in self.answers if one.outcome.value is not None)
        return next((one.account_group for one in facts if one.account_group is not None), None)

    @property
    def group(self) -> int | None:
        """An account group that the profile does not hold."""
        return self._group if getattr(self.profile.options, "account_group", 0) is None else None

    def findings(self) -> list[Finding]:
        """What all that means."""
        now_ms = self.client.clock.now_ms()
        venue = self.client.venue
        findings = [warning("venue", venue.notice, "ask the venue, or use another one")] if venue.notice else []
        findings += [sunset_finding(venue.sunset, now_ms)] if venue.sunset else []
        findings += venue_findings(self.client, self.preflight, self.answers, self.listings, self.readings, now_ms)
        return findings + self._group_findings()

    def _group_findings(self) -> list[Finding]:
        """A part of every path that costs one read before the first cancel, unless the profile holds it."""
        if self.group is not None:
            detail = f"it is {self.group}, and a kill has to ask for it before its first cancel"
            return [warning("account group", detail, f"cancelall check {self.profile.name} --store-account-group")]
        same = self._group is not None and self._group == getattr(self.profile.options, "account_group", None)
        return [good("account group", f"{self._group}, as in the profile")] if same else []


@dataclass
class Check:
    """One pre-flight over some profiles. It only reads, unless it is `live`."""

    profiles: Sequence[Profile | BrokenProfile]
    document: Document
    environ: Mapping[str, str]
    started: float
    """Monotonic time from which the deadline counts."""
    live: bool = False
    trace: Callable[[str, Attempt], None] = lambda profile, attempt: None
    announce: Callable[[str, str], Awaitable[None]] = _silent
    """Called before something real is sent, and waited for."""
    finished: Callable[[CheckReport], None] = lambda report: None
    clock: Clock = SYSTEM_CLOCK
    connect: Callable[[Profile], Send] | None = None
    """How to send for a profile; tests put their own in."""

    def __post_init__(self) -> None:
        self._shared = SharedLimits(profiles=self.profiles, environ=self.environ)

    async def all(self) -> list[CheckReport]:
        """One report for each profile, in their order."""
        self._shared.count()
        return list(await asyncio.gather(*(self._reported(profile) for profile in self.profiles)))

    async def _reported(self, profile: Profile | BrokenProfile) -> CheckReport:
        try:
            report = await self._one(profile)
        except Exception as fault:  # a bug in one profile must not take the others along
            detail = f"a bug in the check: {type(fault).__name__}"
            report = report_on(profile, [failure("check", detail, "report it with the output of -v", Area.EVIDENCE)])
        self.finished(report)
        return report

    async def _one(self, profile: Profile | BrokenProfile) -> CheckReport:
        config = await in_thread(lambda: local.config_finding(self.document), "config")
        journal = asyncio.create_task(self._bounded(self._journal(), self.started + 30.0, "journal", Area.OURS))
        if isinstance(profile, BrokenProfile):
            return report_on(profile, [config, local.error_finding(profile.error), *await journal])
        return await self._usable(profile, config, journal)

    async def _usable(self, profile: Profile, config: Finding, journal: asyncio.Task[list[Finding]]) -> CheckReport:
        deadline = self.started + profile.deadline
        route = self._shared.route(profile)
        ways = [asyncio.create_task(in_thread(partial(self._way_to, profile, one), "way")) for one in profile.origins]
        second = asyncio.create_task(self._bounded(self._second_host(profile), deadline, "second host", Area.NETWORK))
        resolved, secrets = await self._secrets(profile, deadline)
        findings = [
            config,
            *local.environment_findings(profile, self.document, self.environ),
            local.proxy_finding(route, profile, self.environ),
            *await self._bounded(self._bundle(profile), deadline, "CA bundle", Area.OURS),
            *secrets,
            *await journal,
        ]
        walks = [await _within(way, deadline) for way in ways]
        for origin, walked in zip(profile.origins, walks, strict=True):
            if walked is None:
                fix = "check the resolver of this machine, the network and the firewall"
                findings.append(failure("DNS", f"{origin}: no answer within the deadline", fix, Area.NETWORK))
            else:
                findings += walked.findings
        findings += await second
        broken_bundle = any(one.check == "CA bundle" and one.level is Level.FAIL for one in findings)
        if resolved is None or not any(walked is not None and walked.open for walked in walks) or broken_bundle:
            return report_on(profile, findings)
        try:
            venue = self._venue(profile, resolved, deadline)
        except OptionError as error:
            fix = error.hint or "correct the profile"
            return report_on(profile, [*findings, failure("scope", error.message, fix, Area.OURS)])
        except CancelallError as error:  # a proxy or a bundle that cannot be used
            return report_on(profile, [*findings, local.error_finding(error)])
        await venue.ask()
        findings += venue.findings()
        if self.live:
            findings += await self._bounded(self._live(profile, resolved, venue), deadline, "live", Area.NETWORK)
        return report_on(profile, findings, venue.group)

    # --- the parts ---

    def _way_to(self, profile: Profile, origin: str) -> network.Way:
        """Blocks. A venue's several hosts are told apart by their names."""
        label = f"{host_of(origin)} " if len(profile.origins) > 1 else ""
        return network.way_to(origin, self._shared.route(profile, origin), label)

    async def _journal(self) -> list[Finding]:
        return [await in_thread(lambda: local.journal_finding(self.environ), "journal")]

    async def _bundle(self, profile: Profile) -> list[Finding]:
        try:
            await self._shared.trust(profile)
        except CancelallError as error:
            return [failure("CA bundle", error.message, error.hint, Area.OURS)]
        return [local.bundle_finding(self._shared.route(profile), profile, self.environ)]

    async def _second_host(self, profile: Profile) -> list[Finding]:
        """The host's second official name, to which a hedge goes: useful, not needed."""
        alternate = load(profile.venue).alternates.get(profile.origin)
        if alternate is None:
            return []
        route = route_for(alternate, profile.common.proxy, profile.common.ca_bundle, self.environ)
        way = await in_thread(lambda: network.way_to(alternate, route, "second host "), "second host")
        fix = "a kill works without it, but has no second way"
        return [warning(one.check, one.detail, fix) if one.fix else one for one in way.findings]

    async def _secrets(self, profile: Profile, deadline: float) -> tuple[ResolvedSecrets | None, list[Finding]]:
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, deadline - self.clock.monotonic())):
                resolved = await in_thread(lambda: resolve(profile, self.environ), "secrets")
        except TimeoutError:
            detail = "the deadline passed while the secrets were read"
            return None, [failure("secret", detail, "give more time or another source", Area.OURS)]
        except CancelallError as error:
            return None, [local.error_finding(error)]
        seconds = time.monotonic() - began
        return resolved, await in_thread(lambda: local.secret_findings(profile, resolved, seconds), "keyring")

    def _venue(self, profile: Profile, resolved: ResolvedSecrets, deadline: float) -> VenueCheck:
        """Raises OptionError when the selectors leave nothing, ConfigError when there is no way to send."""
        venue = load(profile.venue)
        segments(venue, profile.options, venue.facts, profile.environment)
        readings: list[Reading] = []
        last_words = min(_LAST_WORDS, (deadline - self.started) / 4)
        client = self._client(profile, resolved, deadline - last_words, readings, reads_only=True)
        return VenueCheck(
            profile=profile,
            preflight=load_preflight(profile.venue),
            client=client,
            listings=Listings(client, profile.environment),
            readings=readings,
        )

    async def _live(self, profile: Profile, resolved: ResolvedSecrets, venue: VenueCheck) -> list[Finding]:
        options = replace(profile.options, account_group=venue.group) if venue.group is not None else profile.options
        known = replace(profile, options=options)
        sending = self._client(known, resolved, venue.client.deadline, [], reads_only=False)

        async def announce(words: str) -> None:
            await self.announce(profile.name, words)

        return [await try_a_cancel(venue.client, sending, venue.preflight, venue.listings, announce)]

    def _client(
        self, profile: Profile, resolved: ResolvedSecrets, deadline: float, readings: list[Reading], *, reads_only: bool
    ) -> Client:
        venue = load(profile.venue)
        connect = self.connect or self._over_the_network
        signer = Signer(
            venue=venue,
            origin=profile.origin,
            secrets=resolved.secrets,
            options=profile.options,
            clock=self.clock,
            further=profile.further,
            headers=venue.headers(profile.environment),
            serial=self._shared.serial_key(profile, resolved.secrets),
        )
        return Client(
            signer=signer,
            send=self._noting(connect(profile), readings),
            clock=self.clock,
            gate=self._shared.gate(profile),
            gates={name: self._shared.gate(profile, name) for name in profile.further},
            deadline=deadline,
            reserve=_RESERVE,
            reads_only=reads_only,
            trace=lambda attempt: self.trace(profile.name, attempt),
        )

    def _over_the_network(self, profile: Profile) -> Send:
        """How to send to each of its origins. Raises ConfigError."""
        routes = {one: self._shared.route(profile, one) for one in (profile.origin, *profile.further.values())}
        return by_origin({one: over_the_network(profile, self.environ, route) for one, route in routes.items()})

    def _noting(self, send: Send, readings: list[Reading]) -> Send:
        """The same, with a look at the Date header of every answer, refusals too."""

        async def noted(signed: SignedRequest, until: float, sent: Callable[[], None]) -> Reply:
            began = self.clock.now_ms()
            reply = await send(signed, until, sent)
            if (reading := dated(reply.headers, began, self.clock.now_ms())) is not None:
                readings.append(reading)
            return reply

        return noted

    async def _bounded(
        self, work: Coroutine[Any, Any, list[Finding]], deadline: float, check: str, area: Area
    ) -> list[Finding]:
        """What was found, or that it took too long."""
        findings = await _within(asyncio.create_task(work), deadline)
        if findings is None:
            fix = "run again with a longer --deadline; a kill would not be done in time either"
            return [failure(check, "not finished within the deadline", fix, area)]
        return findings


async def _within(task: asyncio.Task[T], deadline: float) -> T | None:
    """The result, or None when the deadline comes first; what hangs is left behind."""
    done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline - time.monotonic()))
    if not done:
        task.cancel()
        return None
    return task.result()


def report_on(
    profile: Profile | BrokenProfile, findings: Sequence[Finding], account_group: int | None = None
) -> CheckReport:
    """The report of one profile, with what was found about it."""
    return CheckReport(
        profile=profile.name,
        venue=profile.venue,
        environment=profile.environment,
        host=profile.hosts,
        findings=tuple(findings),
        account_group=account_group,
    )
