"""Runs a schedule and says what is wrong with it."""

from __future__ import annotations

import json
import random
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.attempts import Attempt
from cancelall.core.model import Answer, Judgement, Protection, Reach, Verdict
from cancelall.core.profile import Overrides, Profile
from cancelall.core.results import ProfileReport
from cancelall.engine import final_states
from cancelall.engine import run as running
from cancelall.engine.client import Send
from cancelall.engine.hold import LAST_PROOF
from cancelall.engine.profile_sweep import ProfileSweep
from cancelall.engine.run import LAST_LOOK_SECONDS, Listener, Run
from cancelall.journal.record import Record
from cancelall.journal.verdict import recompute
from cancelall.journal.writer import Journal
from cancelall.report import tables
from cancelall.report.lines import profile_line
from cancelall.simulator import Account, FakeVenue, Fault, Kind, SimOrder, SimRequest, parse_fault
from cancelall.simulator.bybit import state as bybit_state
from cancelall.simulator.fake import Cancelled
from cancelall.venues.registry import load
from tests.soak.plans import UNKNOWN_WORDS, Bot, Plan, name_of
from tests.soak.truth import FOREVER, TRUTHS, History, Steps, Truth, false_claims, strategies_of
from tests.soak.virtual import (
    READ_TIMEOUT,
    START,
    START_MS,
    Network,
    Sent,
    Stuck,
    VirtualClock,
    VirtualLoop,
    Weather,
    true_ms,
)

FASTEST = 0.2
"""Seconds between two orders of a bot that cancels can keep up with."""
GRACE = 0.5
"""Seconds by which a run may exceed its deadline."""
PATIENCE = READ_TIMEOUT + 6.0
"""Seconds of health, besides those of the way, in which everything that rests has to be requested to go: an answer that
never came is waited for, a pause for a gateway or a limit is over, and what only a listing names is read and named."""
PASSABLE = frozenset(
    {
        *("ack-only", "partial", "late-cancel", "fill", "reappear", "bot", "lag", "hidden", "replicas"),
        *("null-lists", "unknown-status", "odd-way", "hint"),
        *("fires", "trigger", "straggler", "prompt", "numbers", "sdk-words", "short-ack", "bare", "account-list"),
        *("old-kinds", "no-advance", "events-among", "level"),
        *("ghosts", "lists-stay", "used", "other-id"),
        *("lower-case", "empty", "nothing", "ack-list", "ack-form", "counts", "count-off", "older"),
    }
)
"""Faults that keep nobody who acts on everything that can be read from asking for an order, for however long."""
SURVIVE = frozenset({"ack-only", "partial", "late-cancel", "fill", "reappear", "bot"})
"""Faults that leave orders behind a cancel. What is hidden after each cancel of others can then be hidden for ever."""
PAIRS = frozenset({bybit_state.OCO, bybit_state.BIDIRECTIONAL})
"""Kinds that nothing names: with protective orders to be kept they go only where all others are known."""
NAMELESS = frozenset({"string", "null", "list", "no-id", "symbol"})
"""Odd rows that do not name their order as most venues want it named."""


@dataclass
class Result:
    """How a schedule ended, and what was wrong with it."""

    plan: Plan
    reports: list[ProfileReport]
    problems: list[str]
    lines: str
    log: list[Sent]
    seconds: float
    """Virtual ones."""
    resting: tuple[SimOrder, ...] = ()
    """What rests at the end, is in scope and was not to be kept; strategies too."""

    def story(self, requests: int = 60) -> str:
        """Everything that a person needs to find out why."""
        shown = [str(sent) for sent in self.log[-requests:]]
        verdicts = ", ".join(f"{report.profile}: {report.verdict.value}" for report in self.reports)
        return "\n".join(
            [
                f"schedule {self.plan.seed}: {verdicts}",
                *(f"  * {problem}" for problem in self.problems),
                f"replay it: make soak SEED={self.plan.seed}",
                self.plan.written(),
                f"the last {len(shown)} of {len(self.log)} requests:",
                *shown,
            ]
        )


@dataclass
class _Owner:
    """One account, what is known of it, and the profile that is to clear it."""

    name: str
    account: Account
    history: History
    table: dict[str, Any]
    truth: Truth
    secrets: tuple[str, ...]
    stock: list[SimOrder]
    network: Network


class Notes(Journal):
    """A journal that is kept in memory, with the lines as a reader of the file would find them."""

    def __init__(self) -> None:
        super().__init__((), "soak")
        self.records: list[Mapping[str, Any]] = []
        self.lost: list[str] = []
        self.write("run_start", {})

    def write(self, event: str, fields: Mapping[str, object], *, at_once: bool = True) -> None:
        self.records.append(json.loads(self._body(event, fields) + "}"))

    def lose(self, why: str, events: int = 1) -> None:
        self.lost.append(why)

    def warnings(self) -> tuple[str, ...]:
        return ()


class World:
    """A fake venue with its accounts, under virtual time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = VirtualLoop()
        self.rng = random.Random(plan.seed ^ 0x5EED)
        self.steps = Steps(self.loop)
        self.attempts: list[str] = []
        self.judged: defaultdict[str, list[Judgement]] = defaultdict(list)
        """What the answers to signed requests of each profile were taken for."""
        self.sweeps: dict[str, ProfileSweep] = {}
        self.held: dict[str, tuple[Verdict, float]] = {}
        self.notes = Notes()
        self.fake: FakeVenue = simulator.create(
            plan.venue, orders=plan.orders, seed=plan.seed % 1_000_003, now_ms=lambda: true_ms(self.loop)
        )
        for _ in range(plan.accounts - 1):
            self.fake.add_account(orders=plan.orders)
        if plan.mode:
            self.fake.set_faults([f"mode={plan.mode}"])
        self._be_on_time()
        self.requested: dict[str, float] = {}
        """When each order was last meant by a cancel that reached the venue, in the loop's time."""
        self.over = 0.0
        """When the kill was over, in the loop's time."""
        self._note_requested()
        self.owners: list[_Owner] = []
        for key in list(self.fake.accounts):
            self.owners.append(self._owner(len(self.owners), self.fake.accounts[key]))
        self._note_strategies()

    def _owner(self, number: int, account: Account) -> _Owner:
        plan = self.plan
        needed, chosen = dict(account.options), dict(plan.options)
        credentials: Mapping[str, str] = account.credentials
        if plan.venue == "ascendex":
            own = needed.pop("account_group")
            if chosen.get("account_group") == 0:
                chosen["account_group"] = own
        if plan.venue == "pacifica" and self.rng.random() < 0.3:
            credentials, agent = self.fake.bind_agent(account)  # type: ignore[attr-defined]
            needed |= agent
        owner = _Owner(
            name=plan.venue if number == 0 else f"{plan.venue}-{number + 1}",
            account=account,
            history=History(self.steps),
            table={
                "venue": plan.venue,
                "environment": plan.environment,
                **needed,
                **chosen,
                "credentials": dict(credentials),
            },
            truth=TRUTHS[plan.venue](self.fake, plan.options, plan.environment),
            secrets=tuple(value for value in credentials.values() if len(value) > 8),
            stock=list(account.book.open()),
            network=Network(
                self.loop, self.fake, plan.weather, self.rng, self.steps, self._lag_ms, self._note_strategies
            ),
        )
        owner.history.watch(account)
        return owner

    def _be_on_time(self) -> None:
        """What is due later happens at its own moment, not when the next request comes by."""
        fake, loop = self.fake, self.loop
        real = fake.later

        def later(due_ms: int, action: Callable[[int], object]) -> None:
            real(due_ms, action)
            loop.call_at(loop.time() + max(0.0, (due_ms - true_ms(loop)) / 1000 + 0.0005), fake.catch_up)

        fake.later = later  # type: ignore[method-assign]

    def _note_requested(self) -> None:
        """Note which orders each cancel means, whatever the faults of the book make of it."""
        fake = self.fake
        real = fake.cancel

        def cancel(account: Account, orders: Sequence[SimOrder], request: SimRequest) -> Cancelled:
            self.requested.update((order.id, self.loop.time()) for order in orders)
            return real(account, orders, request)

        fake.cancel = cancel  # type: ignore[method-assign]

    def healthy_from(self) -> float | None:
        """Since when nothing kept a cancel from being carried out, in the loop's time; None if something did.

        What was to come after the end of the kill counts as if it had come.
        """
        names = self.plan.fault_names
        if self.plan.weather.trouble or ("hidden" in names and (self.plan.bots or SURVIVE & names)):
            return None
        moment, faults = self.plan.faults[-1] if self.plan.faults else (0.0, ())
        if self.over >= START + moment:
            end_ms = self.fake.faults_end_ms(blocks)
            return None if end_ms is None else max(START + moment, (end_ms - START_MS) / 1000)
        specs = type(self.fake).fault_specs()
        ends = [fault.seconds for one in faults if blocks(fault := parse_fault(one, specs))]
        known = [end for end in ends if end is not None]
        return START + moment + max(known, default=0.0) if len(known) == len(ends) else None

    @staticmethod
    def _lag_ms(fake: FakeVenue) -> int:
        """By how much a listing may be behind now."""
        on = [fault.number for name in ("lag", "unlisted", "replicas") if (fault := fake.has_fault(name))]
        return round(max(on, default=0.0) * 1000)

    def _note_strategies(self) -> None:
        for owner in self.owners:
            alive = strategies_of(self.fake, owner.account)
            if alive is not None:
                owner.history.alive(alive)

    # --- what happens besides the kill ---

    def _schedule(self) -> None:
        specs = type(self.fake).fault_specs()
        for moment, faults in self.plan.faults:
            parsed = [parse_fault(one, specs) for one in faults]
            if moment == 0:
                self.fake.set_faults(parsed)
            else:
                self.loop.call_later(moment, self.fake.set_faults, parsed)
        for moment in self.plan.firings:
            self.loop.call_later(moment, self._fire)
        for bot in self.plan.bots:
            self.loop.call_later(bot.first, self._bot, bot, self.loop.time() + bot.last)

    def _bot(self, bot: Bot, last: float) -> None:
        if self.loop.time() > last:
            return
        self.fake.catch_up()
        for owner in self.owners:
            if owner.stock:
                self.fake.place_like(owner.account, self.rng.choice(owner.stock), true_ms(self.loop))
        self.loop.call_later(bot.pause * self.rng.uniform(0.5, 1.5), self._bot, bot, last)

    def _fire(self) -> None:
        """A trigger order of each account turns into the order that it stands for."""
        self.fake.catch_up()
        for owner in self.owners:
            waiting = [(order, turned) for order in owner.account.book.open() if (turned := owner.truth.fired(order))]
            if waiting:
                order, turned = self.rng.choice(waiting)
                owner.account.book.close(order.id, "filled", true_ms(self.loop))
                self.fake.place_like(owner.account, turned, true_ms(self.loop))

    # --- the kill ---

    def kill(self) -> tuple[list[ProfileReport], float]:
        """Run it. The number is how many virtual seconds it took."""
        document = Document(path=Path("config.toml"), data={"profiles": {one.name: one.table for one in self.owners}})
        overrides = Overrides(deadline=self.plan.deadline, keep_protective=self.plan.keep or None)
        run = Run(
            profiles=[loader.profile(document, one.name, {}, overrides) for one in self.owners],
            environ={},
            started=self.loop.time(),
            dry_run=self.plan.dry_run,
            hold=self.plan.hold,
            listener=Listener(attempt=self._attempt, sweeping=self.sweeps.__setitem__, holding=self.holding),
            record=Record(journal=self.notes),
            clock=VirtualClock(loop=self.loop, skew_ms=self.plan.skew_ms),
            connect=self._connect,
        )
        self._schedule()
        if self.plan.interrupted is not None:
            self.loop.call_later(self.plan.interrupted, run.interrupt, "SIGINT")

        async def timed() -> tuple[list[ProfileReport], float]:
            reports = await run.all()
            self.over = self.loop.time()
            return reports, self.over - run.started

        return self.loop.finish(timed())

    def _connect(self, profile: Profile) -> Send:
        return next(one for one in self.owners if one.name == profile.name).network.send

    def holding(self, name: str, verdict: Verdict, seconds: float) -> None:
        """Note the verdict with which the hold of a profile begins, and when, in the loop's time."""
        self.held[name] = (verdict, self.loop.time())

    def _attempt(self, profile: str, attempt: Attempt) -> None:
        said = attempt.judgement.message if attempt.judgement else attempt.fault.message if attempt.fault else ""
        proves = load(self.plan.venue).proves_key(attempt.request)
        if attempt.judgement is not None and (proves or attempt.judgement.answer is Answer.REFUSED):
            self.judged[profile].append(attempt.judgement)
        self.attempts.append(f"{profile} {attempt.request.target} {said} {attempt!r}")

    @property
    def log(self) -> list[Sent]:
        """What all profiles have sent, in order."""
        return sorted((sent for owner in self.owners for sent in owner.network.log), key=lambda sent: sent.began)


# --- what must hold -------------------------------------------------------------------------------------------------

_NO_SUCH_PRODUCT = frozenset({"10028", "40731"})
_OKX_LACKS = {"EVENTS": "events", "chase": "chase", "twap": "TWAP", "smart_iceberg": "smart", "sprd": "spreads"}
"""How the parts of an account of OKX begin that it may lack; what says so is the usual code, or one for spreads."""


def blocks(fault: Fault) -> bool:
    """Whether a fault can keep an order from being cancelled, however often it is tried."""
    if fault.name == "odd-row":
        return fault.value in NAMELESS
    return fault.name not in PASSABLE


def _absent(plan: Plan, order: SimOrder) -> bool:
    """Whether the venue says of this part of the account that there is no such thing."""
    for fault in (fault for _, faults in plan.faults for fault in faults if name_of(fault) == "lacks"):
        product, _, code = fault.partition("=")[2].partition("/")
        if plan.venue == "okx":
            said = code or ("51010" if product == "sprd" else "51000")
            if order.segment.startswith(_OKX_LACKS[product]) and said in ("51000", "51010", "50038"):
                return True
            continue
        part = order.segment == product if plan.venue == "bybit" else product in order.segment
        if plan.venue in ("bybit", "bitget") and part and (code or "10028") in _NO_SUCH_PRODUCT:
            return True
    return False


def _problems(world: World, reports: list[ProfileReport], took: float, shown: str) -> Iterator[str]:
    plan = world.plan
    last = world.steps()
    most = plan.deadline + GRACE + (plan.hold + max(LAST_PROOF, plan.deadline) if plan.hold else 0.0)
    if took > most:
        yield f"took {took:.3f} s, with a deadline of {plan.deadline} s"
    if plan.interrupted is not None:
        if took > plan.interrupted + LAST_LOOK_SECONDS + GRACE:
            yield f"took {took:.3f} s, interrupted after {plan.interrupted} s"
        for sent in world.log:
            if sent.kind.changes and sent.at > START + plan.interrupted:
                yield f"a cancel after the interruption: {sent}"
    for complaint in world.loop.complaints:
        yield f"the event loop: {complaint}"
    yield from _second_opinion(world)
    for owner, report in zip(world.owners, reports, strict=True):
        if report.error is not None and report.error.kind == "internal":
            sweep = world.sweeps.get(owner.name)
            bug = sweep.bug if sweep is not None else None
            trace = "".join(traceback.format_exception(bug)) if bug is not None else report.error.message
            yield f"internal error: {trace}"
        for secret in owner.secrets:
            if secret in shown:
                yield f"a secret is shown: {shown[max(0, shown.index(secret) - 80) :][:80]}"
        yield from _overreach(plan, owner, report)
        yield from _unrequested(world, owner, report)
        if report.verdict is Verdict.CLEAR and not plan.dry_run:
            yield from _false_clear(world, owner, report, last)
        elif _harmless(plan) and report.verdict not in (Verdict.CLEAR, Verdict.UNCONFIGURED):
            if (report.error is not None and report.error.kind == "parameter") or _limited(report):
                continue  # selectors that do not fit each other
            yield f"{report.verdict.value}, though nothing was in the way: {report.error}"


def _second_opinion(world: World) -> Iterator[str]:
    """What the journal shows is what was said, as far as `clear` goes."""
    for lost in world.notes.lost:
        yield f"second opinion: the journal lacks a line: {lost}"
    for opinion in recompute(world.notes.records):
        if opinion.verdict is None:
            yield f"second opinion: {opinion.profile} cannot be recomputed: {opinion.why}"
        elif opinion.contradicted:
            yield f"second opinion: {opinion.profile} is clear, but the record does not show it: {opinion.why}"


def _harmless(plan: Plan) -> bool:
    """Whether nothing can keep this kill from being proven."""
    words = {str(word) for value in plan.options.values() for word in (value if isinstance(value, list) else [value])}
    quiet = not (any(faults for _, faults in plan.faults) or plan.bots or plan.weather.trouble or plan.dry_run)
    ordinary = not plan.keep and plan.interrupted is None and plan.options.get("account_group") != 7
    known = not words & UNKNOWN_WORDS[plan.venue] and "futures_api" not in plan.options and plan.environment == "live"
    # Out of the reach of selectors a running strategy of Bybit goes on placing orders.
    known &= plan.venue != "bybit" or plan.options.keys() <= {"recv_window"}
    return quiet and ordinary and known and plan.weather.latency <= 0.3 and plan.deadline >= 20 and plan.orders <= 40


def _false_clear(world: World, owner: _Owner, report: ProfileReport, last: int) -> Iterator[str]:
    plan, truth = world.plan, owner.truth
    words = {word for value in plan.options.values() for word in (value if isinstance(value, list) else [value])}
    if unknown := words & UNKNOWN_WORDS[plan.venue]:
        yield f"clear, though nobody knows {unknown}"
    if plan.keep and any(fault in ("capped=1", "capped=7") for _, faults in plan.faults for fault in faults):
        return  # what is kept stands before all others, on a listing that silently shows so few

    hidden = plan.dry_run and "hidden" in plan.fault_names  # which reads once
    admitted = hidden or any("not looked for" in warning for warning in report.warnings)

    def wanted(order: SimOrder) -> bool:
        kept = plan.keep and truth.protective(order)
        named = truth.listed(order) or not admitted
        return truth.wanted(order) and named and not kept and not _absent(plan, order)

    for why in false_claims(owner.history, wanted, truth, owner.network.log, world.steps, last):
        yield f"false clear: {why}"


def _unrequested(world: World, owner: _Owner, report: ProfileReport) -> Iterator[str]:
    """No order is left that the venue would have cancelled at a request."""
    plan, truth = world.plan, owner.truth
    if plan.dry_run or plan.interrupted is not None or report.verdict in (Verdict.CLEAR, Verdict.UNCONFIGURED):
        return
    if (report.error is not None and report.error.kind == "parameter") or plan.options.get("account_group") == 7:
        return
    if _limited(report):
        return
    healthy = world.healthy_from()
    patience = PATIENCE + 3 * plan.weather.latency
    if healthy is None or healthy + patience > START + plan.deadline or _refused_for_good(world.judged[owner.name]):
        return
    scarce = [sent for sent in owner.network.log if sent.status == 429 and sent.at >= healthy]
    # In halves of a credit, which all behind one address share.
    spent = sum(1 if sent.kind.changes else 2 for one in world.owners for sent in one.network.log)
    if plan.venue == "pacifica" and (scarce or spent >= 170):
        return  # its credits are for a minute, and one that places orders without end takes all of them
    if report.verdict is Verdict.REFUSED:
        return  # in the venue's own words, said twice
    if (plan.keep or truth.by_name) and "hidden" in plan.fault_names:
        return  # what no listing shows cannot be named
    if any(bot.pause < FASTEST for bot in plan.bots):
        return  # it places more than the venue's limits let anybody cancel
    unsure = {row.order.id for row in report.orders if row.order.protection is Protection.UNKNOWN}
    left = []
    for life in owner.history.lives.values():
        order = life.order
        born = max(START, (world.steps.times[life.born] - START_MS) / 1000)
        kept = plan.keep and (truth.protective(order) or order.id in unsure)
        kept |= (plan.keep or truth.by_name) and order.kind in PAIRS
        if life.died < FOREVER or kept or not truth.wanted(order) or not truth.listed(order) or _absent(plan, order):
            continue
        if life.born and (plan.venue == "pacifica" or not _shown(owner, order, born, world.over - patience)):
            continue  # of a bot: where nothing rested any more nobody looks again, and credits do not last for ever
        if max(world.requested.get(order.id, 0.0), _named(owner, order)) < healthy:
            left.append(f"{order.segment} {order.kind} {order.symbol} {order.id}")
    if left:
        why = f"{len(left)} never requested to go after {healthy - START:.3f} s, when all faults were over"
        yield f"left: {why}, {report.verdict.value} after {world.over - START:.3f} s: {', '.join(left[:3])}"


def _limited(report: ProfileReport) -> bool:
    """Whether a limit of the venue let fewer cancels out than there were, and the result says how long they take."""
    return report.error is not None and "limit lets" in report.error.message and "--deadline" in report.error.hint


def _shown(owner: _Owner, order: SimOrder, since: float, until: float) -> bool:
    """Whether a listing that was answered within this time shows this order."""
    return any(
        sent.kind is Kind.LISTING
        and sent.answered is not None
        and since <= (sent.processed_ms - START_MS) / 1000 <= until
        and order.id.rpartition(":")[2].encode() in sent.shows
        for sent in owner.network.log
    )


def _named(owner: _Owner, order: SimOrder) -> float:
    """When a cancel that names this order was last answered, in the loop's time."""
    identity = order.id.rpartition(":")[2].encode()  # Binance's numbers are unique within a symbol only
    named = [
        sent
        for sent in owner.network.log
        if sent.kind is Kind.CANCEL
        and sent.processed is not None
        and identity in (sent.request.body or sent.request.query.encode())
    ]
    return max(((sent.processed_ms - START_MS) / 1000 for sent in named), default=0.0)


def _refused_for_good(judged: Sequence[Judgement]) -> bool:
    """Whether the venue blocked this address, or refused this key twice and never accepted anything of it."""
    refused = [said.reach for said in judged if said.answer is Answer.REFUSED]
    accepted = any(said.answer in (Answer.ACCEPTED, Answer.NOTHING_OPEN) for said in judged)
    of_the_key = [reach for reach in refused if reach in (Reach.KEY, Reach.ADDRESS)]
    return Reach.HOST in refused or (len(of_the_key) > 1 and not accepted)


def _overreach(plan: Plan, owner: _Owner, report: ProfileReport) -> Iterator[str]:
    """Nothing is touched that should stay."""
    changing = [sent for sent in owner.network.log if sent.kind.changes]
    if plan.dry_run and changing:
        yield f"a dry run that changes something: {changing[0]}"
    created = [sent for sent in changing if sent.kind is Kind.CREATE]
    if created:
        yield f"something was created: {created[0]}"
    if report.verdict is Verdict.UNCONFIGURED and owner.network.log:
        yield "unconfigured, and yet requests were sent"
    if "symbol-lost" in plan.fault_names:
        return
    for life in owner.history.lives.values():
        order = life.order
        if life.end != "cancelled" or "strategy" in order.extra:  # a strategy takes its orders with it
            continue
        if not owner.truth.wanted(order):
            yield f"cancelled, though not in scope: {order}"
        elif plan.keep and owner.truth.protective(order):
            yield f"cancelled, though to be kept: {order}"


def run(plan: Plan) -> Result:
    """Run one schedule and judge it."""
    bugs: list[str] = []
    with virtual(bugs):
        random.seed(plan.seed)
        world = World(plan)
        try:
            reports, took = world.kill()
        except Stuck as stuck:
            return Result(plan=plan, reports=[], problems=[*bugs, str(stuck)], lines="", log=world.log, seconds=0.0)
        lines = "".join(profile_line(report) for report in reports)
        shown = "\n".join([lines, *(repr(report) for report in reports), *world.attempts, *_tables(plan, reports)])
        problems = [*bugs, *_problems(world, reports, took, shown)]
    return Result(
        plan=plan,
        reports=reports,
        problems=problems,
        lines=lines,
        log=world.log,
        seconds=took,
        resting=tuple(_resting(world)),
    )


def _resting(world: World) -> Iterator[SimOrder]:
    for owner in world.owners:
        for life in owner.history.lives.values():
            kept = world.plan.keep and owner.truth.protective(life.order)
            if life.died == FOREVER and owner.truth.wanted(life.order) and not kept:
                yield life.order


def _tables(plan: Plan, reports: list[ProfileReport]) -> list[str]:
    """The drawn tables; of every fourth schedule, because Rich takes longer than the rest."""
    if plan.seed % 4:
        return []
    canvas = tables.console(100, terminal=False, environ={})
    return [tables.profile_table(report, canvas) for report in reports]


@contextmanager
def virtual(bugs: list[str]) -> Iterator[None]:
    """No threads, no network, and no bug that goes unnoticed."""
    real = final_states._read_segment

    async def inline(work: Callable[[], Any], name: str = "") -> Any:
        return work()

    async def noticed(*args: Any, **kwargs: Any) -> None:
        try:
            await real(*args, **kwargs)
        except Exception:
            bugs.append("after the verdict: " + traceback.format_exc())
            raise

    def never(*args: Any) -> Any:
        raise AssertionError("nothing leaves this process")

    with ExitStack() as stack:
        stack.enter_context(patch.object(running, "in_thread", inline))
        stack.enter_context(patch.object(running, "over_the_network", never))
        stack.enter_context(patch.object(final_states, "_read_segment", noticed))
        yield


# --- smaller ones ---------------------------------------------------------------------------------------------------


def smaller(plan: Plan) -> Iterator[Plan]:
    """Schedules that are simpler by one thing."""
    for name, simplest in (
        ("accounts", 1),
        ("interrupted", None),
        ("hold", 0.0),
        ("bots", ()),
        ("firings", ()),
        ("options", {}),
        ("keep", False),
        ("environment", "live"),
        ("skew_ms", 0),
        ("weather", Weather()),
    ):
        if getattr(plan, name) != simplest:
            yield replace(plan, **{name: simplest})
    if plan.weather.trouble:
        yield replace(plan, weather=replace(plan.weather, trouble=0.0))
    if plan.weather.latency:
        yield replace(plan, weather=replace(plan.weather, latency=0.0))
    for number in range(len(plan.bots)):
        yield replace(plan, bots=(*plan.bots[:number], *plan.bots[number + 1 :]))
    for key in plan.options:
        yield replace(plan, options={name: value for name, value in plan.options.items() if name != key})
    for number, (moment, faults) in enumerate(plan.faults):
        rest = (plan.faults[:number], plan.faults[number + 1 :])
        yield replace(plan, faults=(*rest[0], *rest[1]))
        for one in faults:
            fewer = tuple(other for other in faults if other != one)
            yield replace(plan, faults=(*rest[0], (moment, fewer), *rest[1]))
    for orders in (1, 3, 8, 12, 25, 40):
        if orders < plan.orders:
            yield replace(plan, orders=orders)


def minimal(plan: Plan, fails: Callable[[Result], bool], most: int = 400) -> Result:
    """The smallest schedule that still fails, as far as leaving things out one by one finds it."""
    best, tried = run(plan), 0
    progress = True
    while progress and tried < most:
        progress = False
        for candidate in smaller(best.plan):
            tried += 1
            try:
                result = run(candidate)
            except Exception:  # noqa: S112 - not every part can be left out
                continue
            if fails(result):
                best, progress = result, True
                break
    return best
