"""The kill on a Pacifica account behind a socket: what is sent, what is left, what is said."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.model import Reply, Verdict, Wire
from cancelall.core.profile import Overrides, Profile
from cancelall.core.results import ProfileReport
from cancelall.core.secret import Secret
from cancelall.credentials import chain
from cancelall.engine.client import Send
from cancelall.engine.run import Run, over_the_network
from cancelall.simulator import SimServer
from cancelall.simulator.pacifica import Pacifica
from cancelall.venues.pacifica import calls
from cancelall.venues.pacifica import venue as pacifica
from cancelall.venues.pacifica.options import NOWHERE, Secrets, _unbase58
from support import Ran, cancelall, environment, kill, paths, profile_table, states, swept

CANCEL_ALL = "POST /api/v1/orders/cancel_all"
"""More orders than an exchange begins with."""
PROBE = {"symbol": "BTC", "order_id": NOWHERE}
# A key to throw away whose seed, and so whose base58 text, begins with a zero byte.
ZERO_SECRET = "1GMkH3brNXiNNs1tiFZHu4yZSRrzJwxi5wB9bHFtMikjwpAW9DMZzU2Pqakc5it8X3N5vPmqdN7KF4CCUpmKhq"


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[SimServer]:
    """An account of forty orders of every kind. Whatever a test does, no read may have a body."""
    settings: dict[str, Any] = getattr(request, "param", {})
    with simulator.start("pacifica", **{"orders": 40, **settings}) as running:
        yield running
        assert not [each for each in running.requests if each.method == "GET" and each.body]


def with_faults(*faults: str, orders: int = 40, **more: Any) -> Any:
    return pytest.mark.parametrize("server", [{"faults": faults, "orders": orders, **more}], indirect=True)


def run(server: SimServer, home: Path, *words: str, **env: str) -> Ran:
    """The real command line."""
    return cancelall("pacifica", "--json", *words, home=home, env={**environment("pacifica", server), **env})


def fake(server: SimServer) -> Pacifica:
    assert isinstance(server.fake, Pacifica)
    return server.fake


def as_agent(server: SimServer, **changes: object) -> ProfileReport:
    """A kill with a new agent key that is bound to the server's first account."""
    keys, options = fake(server).bind_agent(server.account)
    table = {"venue": "pacifica", "base_url": server.origin, **options, **changes, "credentials": dict(keys)}
    (report,) = swept({"pacifica": table}, deadline=4)
    return report


def named(server: SimServer) -> list[Mapping[str, Any]]:
    """The bodies of the cancels that named an order, without the one that names none."""
    bodies = [json.loads(each.body) for each in server.requests if each.changes and "cancel_all" not in each.path]
    return [body for body in bodies if body.get("order_id") != NOWHERE]


def sent_by_a_kill(server: SimServer, **options: object) -> list[str]:
    """What a kill sends, in the order in which it leaves; servers may see what is sent at once in another order."""
    sent: list[str] = []

    def connect(profile: Profile) -> Send:
        send = over_the_network(profile, {})

        async def counted(wire: Wire, *more: Any) -> Reply:
            sent.append(f"{wire.method} {urlsplit(wire.url).path}")
            return await send(wire, *more)

        return counted

    table = profile_table("pacifica", server, **options)
    document = Document(path=Path("config.toml"), data={"profiles": {"pacifica": table}})
    chosen = [loader.profile(document, "pacifica", {}, Overrides(deadline=5.0))]
    sweep = Run(profiles=chosen, environ={}, started=time.monotonic(), scale=0.1, connect=connect)
    (report,) = asyncio.run(sweep.all())
    assert report.verdict is Verdict.CLEAR
    return sent


def verdicts(report: ProfileReport) -> dict[str, str]:
    return {segment.name: segment.verdict.value for segment in report.segments}


# --- the main job ---------------------------------------------------------------------------------------------------


def test_an_agent_key_on_the_command_line(server: SimServer, home: Path) -> None:
    keys, options = fake(server).bind_agent(server.account)
    words = ["--account", str(options["account"]), "--agent-wallet", str(options["agent_wallet"])]
    ran = run(server, home, *words, CANCELALL_PACIFICA_SECRET_KEY=keys["secret_key"])
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    bodies = [json.loads(each.body) for each in server.requests if each.changes]
    assert {(body["account"], body["agent_wallet"]) for body in bodies} == {
        (server.account.key, options["agent_wallet"])
    }


def test_after_the_strategies_everything_is_cancelled_once_more(server: SimServer) -> None:
    kill("pacifica", server)
    order = list(paths(server))
    strategies = [at for at, path in enumerate(order) if path == "POST /api/v1/order_strategies/cancel"]
    assert len(strategies) == 11
    assert max(at for at, path in enumerate(order) if path == CANCEL_ALL) > max(strategies)


def test_a_secret_key_as_a_json_array(server: SimServer) -> None:
    raw = _unbase58(server.credentials["secret_key"])
    assert raw is not None
    table = {**profile_table("pacifica", server), "credentials": {"secret_key": json.dumps(list(raw))}}
    (report,) = swept({"pacifica": table})
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])


def test_a_key_that_begins_with_a_zero_byte(server: SimServer) -> None:
    account = server.add_account({"secret_key": ZERO_SECRET}, orders=20)
    table = {**profile_table("pacifica", server), "credentials": {"secret_key": ZERO_SECRET}}
    (report,) = swept({"pacifica": table})
    assert (report.verdict, server.open_orders(account)) == (Verdict.CLEAR, [])
    assert len(server.open_orders()) == 40, "the other account is untouched"


def test_signatures_that_begin_with_a_zero_byte(server: SimServer) -> None:
    class Clock:
        """Stands still at a moment at which the signature of the first cancel begins with zero."""

        def __init__(self) -> None:
            secrets = Secrets(secret_key=Secret(server.credentials["secret_key"]))
            (request,) = calls.cancel_all(pacifica.Options())
            now_ms = time.time_ns() // 1_000_000
            for at in range(now_ms, now_ms - 20_000, -1):
                body = pacifica.sign(request, secrets, pacifica.Options(), at - pacifica.VENUE.clock_lead_ms, 1).body
                if json.loads(body)["signature"].startswith("1"):
                    self.at_ms = at
                    return
            pytest.fail("one in 256 signatures should begin with zero")

        def now_ms(self) -> int:
            return self.at_ms

        monotonic = staticmethod(time.monotonic)

    document = Document(path=Path("config.toml"), data={"profiles": {"pacifica": profile_table("pacifica", server)}})
    chosen = [loader.profile(document, "pacifica", {}, Overrides(deadline=5.0))]
    sweep = Run(profiles=chosen, environ={}, started=time.monotonic(), scale=0.1, clock=Clock())
    (report,) = asyncio.run(sweep.all())
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    zeros = [each for each in server.requests if each.changes and json.loads(each.body)["signature"].startswith("1")]
    assert {each.status for each in zeros} == {200}
    assert f"POST {zeros[0].path}" == CANCEL_ALL


@with_faults(orders=2000)
def test_thousands_of_orders_within_the_credits_of_an_address(server: SimServer) -> None:
    report = kill("pacifica", server, deadline=20)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert not [each for each in server.requests if each.status == 429]
    # One page of history names a hundred of them; how many the others were, the venue has counted.
    (orders,) = (segment for segment in report.segments if segment.name == "orders")
    assert "counted" in (orders.detail or "")
    assert states(report)["cancelled"] >= 200


# --- what the proof rests on ----------------------------------------------------------------------------------------


def probes(server: SimServer) -> int:
    """How often a TWAP that cannot exist was cancelled."""
    bodies = [json.loads(each.body) for each in server.requests if each.path.endswith("/orders/twap/cancel")]
    return sum({name: body[name] for name in PROBE} == PROBE for body in bodies)


def test_an_accepted_cancel_is_the_signed_answer_and_the_account_is_counted(server: SimServer) -> None:
    report = kill("pacifica", server)
    assert (report.verdict, probes(server)) == (Verdict.CLEAR, 0)
    asked = list(paths(server))
    strategies, counted = (
        [at for at, path in enumerate(asked) if path == f"GET /api/v1/{name}"]
        for name in ("order_strategies", "account")
    )
    # Beside the last listing, which comes after those of what places orders: an earlier count is older than the proof.
    assert counted[-1] > strategies[-1]


@with_faults("counts=1")
def test_an_account_that_counts_more_than_it_lists_is_unproven(server: SimServer) -> None:
    report = kill("pacifica", server, deadline=1.5)
    assert (report.verdict, report.exit_status) == (Verdict.UNPROVEN, 11)
    assert verdicts(report) == {"strategies": "clear", "TWAP": "clear", "orders": "unproven"}
    (orders,) = (segment for segment in report.segments if segment.name == "orders")
    assert "another answer of the venue says otherwise" in (orders.detail or "")


def test_a_contradiction_is_answered_with_another_cancel() -> None:
    with simulator.start("pacifica", orders=3, faults=["counts=1@1"]) as server:
        report = kill("pacifica", server, scale=1.0, deadline=8)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
        counted = [at for at, path in enumerate(paths(server)) if path == "GET /api/v1/account"]
        assert CANCEL_ALL in paths(server)[counted[0] :]


@pytest.mark.parametrize(("fault", "expected"), [("older", Verdict.UNPROVEN), ("older@4", Verdict.CLEAR)])
def test_a_listing_older_than_the_one_before_is_no_second_one(fault: str, expected: Verdict) -> None:
    with simulator.start("pacifica", orders=3, faults=[fault]) as server:
        report = kill("pacifica", server, options={"symbol": ["BTC"]}, deadline=3)
        listed = [path for path in paths(server) if path == "GET /api/v1/orders"]
    assert report.verdict is expected
    assert len(listed) > 4
    (orders,) = (segment for segment in report.segments if segment.name == "orders")
    if expected is Verdict.UNPROVEN:
        assert "older than the one before" in (orders.detail or "")


@with_faults("lacks=strategies", orders=3)
def test_a_host_without_strategies_proves_nothing(server: SimServer, home: Path) -> None:
    ran = run(server, home, "--deadline", "6")
    assert ran.code == 11
    assert ran.line["verdict"] == "unproven"
    assert "this host has no /api/v1/order_strategies: not checked" in ran.line["error"]["message"]
    assert {segment["name"]: segment["verdict"] for segment in ran.line["segments"]} == {
        "strategies": "unproven",
        "TWAP": "clear",
        "orders": "clear",
    }


@with_faults("lacks=twap")
def test_a_host_without_twaps_proves_nothing(server: SimServer) -> None:
    report = kill("pacifica", server, deadline=2)
    assert report.verdict is not Verdict.CLEAR
    assert report.exit_status != 0


@with_faults("lag=0.8", orders=200)
def test_listings_that_lag_cost_no_storm_of_cancels(server: SimServer) -> None:
    report = kill("pacifica", server, scale=1.0, deadline=15)
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert not [each for each in server.requests if each.status == 429]


# --- the wrong account ----------------------------------------------------------------------------------------------


def test_an_agent_of_another_account_is_refused_though_that_account_looks_empty(server: SimServer) -> None:
    other = server.add_account(orders=0)
    report = as_agent(server, account=other.key)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert "Agent not authorized for account" in report.error.message
    assert "apikey" in report.error.hint
    assert len(server.open_orders(server.account)) == 40


def test_an_account_that_nobody_has_is_never_clear(server: SimServer) -> None:
    keys = fake(server).new_credentials()
    table = {"venue": "pacifica", "base_url": server.origin, "credentials": dict(keys)}
    (report,) = swept({"pacifica": table}, deadline=3)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert report.error.kind == "environment"


@pytest.mark.parametrize("how", ["public key", "public key and account", "other account", "agent without wallet"])
def test_a_key_that_cannot_be_right_is_refused_offline(server: SimServer, home: Path, how: str) -> None:
    keys, options = fake(server).bind_agent(server.account)
    address = server.account.key
    env, words = {
        "public key": (address, []),
        "public key and account": (address, ["--account", address]),
        "other account": (server.credentials["secret_key"], ["--account", str(options["agent_wallet"])]),
        "agent without wallet": (keys["secret_key"], ["--account", address]),
    }[how]
    ran = run(server, home, *words, CANCELALL_PACIFICA_SECRET_KEY=env)
    assert (ran.code, ran.line["verdict"], ran.line["error"]["kind"]) == (6, "unconfigured", "secret")
    assert server.requests == []
    assert env not in ran.out + ran.err or env == address


@pytest.mark.parametrize(
    ("words", "code"), [(["--account", "abc"], 2), (["--agent-wallet", "1" * 32], 2), (["--expiry-window", "1"], 2)]
)
def test_bad_options(server: SimServer, home: Path, words: list[str], code: int) -> None:
    ran = run(server, home, *words)
    assert (ran.code, server.requests) == (code, [])


@pytest.mark.parametrize("options", [{}, {"symbol": ["BTC"]}, {"keep_protective": True}, {"exclude_reduce_only": True}])
@pytest.mark.parametrize("shown", ["shown", "hidden"])
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.faults
def test_an_agent_s_key_is_never_taken_for_an_account(shown: str, options: dict[str, object], dry_run: bool) -> None:
    """Its own address looks like an account without orders, and its cancels succeed."""
    with simulator.start("pacifica", faults=[f"strangers={shown}"]) as server:
        keys, _ = fake(server).bind_agent(server.account)
        table = {"venue": "pacifica", "base_url": server.origin, **options, "credentials": dict(keys)}
        (report,) = swept({"pacifica": table}, deadline=2.5, dry_run=dry_run)
        assert len(server.open_orders()) == 40
    assert report.verdict is not Verdict.CLEAR
    assert report.exit_status != 0
    assert report.error is not None
    assert "account, taken from the key" in report.error.message or "set account" in report.error.message


@pytest.mark.parametrize("options", [{}, {"symbol": ["BTC"]}])
def test_an_account_that_is_taken_from_the_key_is_told(server: SimServer, options: dict[str, object]) -> None:
    report = kill("pacifica", server, options=options)
    assert report.verdict is Verdict.CLEAR
    assert any("account taken from the key" in warning for warning in report.warnings)


def test_a_configured_account_is_not_looked_up_and_not_told(server: SimServer) -> None:
    report = kill("pacifica", server, options={"account": server.account.key, "symbol": ["BTC"]})
    assert report.verdict is Verdict.CLEAR
    assert not any("taken from the key" in warning for warning in report.warnings)
    assert "GET /api/v1/account" not in paths(server)


# --- refusals and troubles ------------------------------------------------------------------------------------------


@with_faults("listing-refused")
def test_a_refused_read_does_not_stop_the_cancels(server: SimServer) -> None:
    report = kill("pacifica", server, deadline=1.5)
    assert report.verdict is Verdict.UNPROVEN, "reads need no key: who refuses them says nothing of it"
    assert not [order for order in server.open_orders() if order.segment != "strategies" and not order.extra]


@pytest.mark.parametrize("seconds", [-600, -25, 25, 40, 600])
@pytest.mark.parametrize("ahead", [(), ("ahead=5",)])
def test_a_wrong_clock_is_repaired_from_the_date_of_the_answer(seconds: int, ahead: tuple[str, ...]) -> None:
    with simulator.start("pacifica", faults=[f"clock={seconds}", *ahead]) as server:
        report = kill("pacifica", server)
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
        refused = [each for each in server.requests if each.changes and each.status == 400]
        assert len(refused) <= 16
        assert bool(refused) == (seconds > 29 or bool(seconds < -5 and ahead))


# --- credits --------------------------------------------------------------------------------------------------------


@with_faults("credits=60", orders=400)
def test_cancels_by_name_leave_the_credits_of_a_proof_alone(server: SimServer) -> None:
    report = kill("pacifica", server, options={"keep_protective": True}, deadline=3)
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    assert not [each for each in server.requests if each.status == 429]
    assert 20 < len(named(server)) < 100
    assert any("asked to wait" in warning for warning in report.warnings)
    assert {segment.listings > 1 for segment in report.segments} == {True}


@with_faults("credits=16", orders=60)
def test_strategies_are_cancelled_though_the_credits_are_kept_for_a_proof(server: SimServer) -> None:
    """Nothing else cancels them, and each goes on placing orders."""
    assert 10 < len([order for order in server.open_orders() if order.segment == "strategies"]) < 20
    kill("pacifica", server, deadline=3)
    assert not [order for order in server.open_orders() if order.segment == "strategies"]


@with_faults("credits=5")
def test_when_the_credits_are_gone_the_venue_is_believed(server: SimServer) -> None:
    report = kill("pacifica", server, deadline=2)
    assert report.verdict is not Verdict.CLEAR
    assert any("asked to wait 60 s" in warning for warning in report.warnings)


@with_faults("credits=3")
def test_a_config_key_has_credits_of_its_own(server: SimServer, home: Path) -> None:
    key = fake(server).new_api_config_key()
    ran = run(server, home, CANCELALL_PACIFICA_API_CONFIG_KEY=key)
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    assert {each.headers.get("pf-api-key") for each in server.requests} == {key}
    assert key not in ran.out + ran.err


def test_nobody_looks_into_a_keyring_for_what_is_not_needed(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(chain, "_from_keyring", lambda profile, field, environ: asked.append(field))
    document = Document(path=Path("config.toml"), data={"profiles": {"pacifica": profile_table("pacifica", server)}})
    profile = loader.profile(document, "pacifica", {}, Overrides())
    assert isinstance(profile, Profile)
    found = chain.resolve(profile, {})
    assert found.secrets.api_config_key is None
    assert asked == []


# --- scope ----------------------------------------------------------------------------------------------------------


@with_faults("unknown-status")
def test_kinds_that_nobody_knows_are_kept_and_open_with_the_protective_ones(server: SimServer) -> None:
    report = kill("pacifica", server, options={"keep_protective": True}, deadline=2)
    assert report.verdict is Verdict.OPEN
    assert [row.order.type for row in report.orders if row.state.value == "open"] == ["Limbo"]
    assert "Limbo" not in {row.order.type for row in report.orders if row.state.value != "open"}


def test_keeping_protective_orders_of_an_account_without_any_is_proven_by_a_signed_answer() -> None:
    with simulator.start("pacifica", orders=0) as server:
        report = kill("pacifica", server, options={"keep_protective": True})
        assert report.verdict is Verdict.CLEAR
        assert Counter(path for path in paths(server) if path.startswith("POST")) == {
            "POST /api/v1/orders/twap/cancel": probes(server)
        }
        assert probes(server) in (1, 2, 3), "as many as were asked before the first answer"
    with simulator.start("pacifica", orders=0) as server:
        report = as_agent(server, account=server.add_account(orders=0).key, keep_protective=True)
        assert report.verdict is Verdict.REFUSED


@with_faults("error-500=1~/orders/twap/cancel", orders=0)
def test_a_signed_answer_that_does_not_come_is_named_and_not_asked_for_in_a_storm(server: SimServer) -> None:
    report = kill("pacifica", server, options={"keep_protective": True}, deadline=4)
    assert (report.verdict, probes(server) > 3) == (Verdict.UNPROVEN, True)
    assert {segment.verdict for segment in report.segments} == {Verdict.UNPROVEN}
    assert all("500" in (segment.detail or "") for segment in report.segments)
    assert len(server.requests) < 125, "no more than its credits"


def test_looking_up_a_symbol_never_holds_up_the_kill(server: SimServer) -> None:
    sent = sent_by_a_kill(server, symbol=["BTC"])
    assert sent.index(CANCEL_ALL) < sent.index("GET /api/v1/info")
