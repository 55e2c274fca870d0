"""The kill on a Pacifica account: what no other venue has. The rest stands in the contract suite."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.profile import Profile
from cancelall.core.results import ProfileReport
from cancelall.core.secret import Secret
from cancelall.credentials import chain, keyrings
from cancelall.simulator import SimServer
from cancelall.simulator.pacifica import Pacifica
from cancelall.venues.pacifica import api
from cancelall.venues.pacifica import venue as pacifica
from cancelall.venues.pacifica.api import NOWHERE
from cancelall.venues.pacifica.options import PacificaSecrets, _unbase58
from kills.truth import PACIFICA
from kills.virtual import Faced, cleared, faced
from support import Ran, a_run, cancelall, environment, kill, paths, profile_table, states, swept

CANCEL_ALL = "POST /api/v1/orders/cancel_all"
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
    (report,) = swept({"pacifica": table})
    return report


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


def test_signatures_that_begin_with_a_zero_byte(server: SimServer) -> None:
    class Clock:
        """Stands still at a moment at which the signature of the first cancel begins with zero."""

        def __init__(self) -> None:
            secrets = PacificaSecrets(secret_key=Secret(server.credentials["secret_key"]))
            (request,) = api.cancel_all(pacifica.PacificaOptions())
            now_ms = time.time_ns() // 1_000_000
            for at in range(now_ms, now_ms - 20_000, -1):
                body = pacifica.sign(
                    request, secrets, pacifica.PacificaOptions(), at - pacifica.VENUE.clock_lead_ms, 1
                ).body
                if json.loads(body)["signature"].startswith("1"):
                    self.at_ms = at
                    return
            pytest.fail("one in 256 signatures should begin with zero")

        def now_ms(self) -> int:
            return self.at_ms

        monotonic = staticmethod(time.monotonic)

    report = kill("pacifica", server, clock=Clock())
    assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    zeros = [each for each in server.requests if each.changes and json.loads(each.body)["signature"].startswith("1")]
    assert {each.status for each in zeros} == {200}
    assert f"POST {zeros[0].path}" == CANCEL_ALL


# --- the wrong account ----------------------------------------------------------------------------------------------


def test_an_agent_of_another_account_is_refused_though_that_account_looks_empty(server: SimServer) -> None:
    other = server.add_account(orders=0)
    report = as_agent(server, account=other.key)
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert "Agent not authorized for account" in report.error.message
    assert "apikey" in report.error.hint
    assert len(server.open_orders(server.account)) == 40
    assert as_agent(server, account=other.key, keep_protective=True).verdict is Verdict.REFUSED


def test_an_account_that_nobody_has_is_never_clear(server: SimServer) -> None:
    keys = fake(server).new_credentials()
    table = {"venue": "pacifica", "base_url": server.origin, "credentials": dict(keys)}
    (report,) = swept({"pacifica": table})
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


@pytest.mark.parametrize("words", ["--account abc", f"--agent-wallet {'1' * 32}", "--expiry-window 1"])
def test_bad_options(server: SimServer, home: Path, words: str) -> None:
    assert (run(server, home, *words.split()).code, server.requests) == (2, [])


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


# --- credits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", [{"faults": ["credits=3"]}], indirect=True)
def test_a_config_key_has_credits_of_its_own(server: SimServer, home: Path) -> None:
    key = fake(server).new_api_config_key()
    ran = run(server, home, CANCELALL_PACIFICA_API_CONFIG_KEY=key)
    assert (ran.code, server.open_orders()) == (0, []), ran.err
    assert {each.headers.get("pf-api-key") for each in server.requests} == {key}
    assert key not in ran.out + ran.err


def test_nobody_looks_into_a_keyring_for_what_is_not_needed(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fields: list[str] = []
    monkeypatch.setattr(keyrings.KeyringReader, "read", lambda reader, profile, field, seconds: fields.append(field))
    (profile,) = a_run({"pacifica": profile_table("pacifica", server)}).profiles
    assert isinstance(profile, Profile)
    assert chain.resolve(profile, {}).secrets.api_config_key is None
    assert fields == []


# --- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["JSON array", "begins with a zero byte"])
def test_a_secret_key_in_another_form(server: SimServer, how: str) -> None:
    raw = _unbase58(server.credentials["secret_key"])
    assert raw is not None
    text = json.dumps(list(raw)) if how == "JSON array" else ZERO_SECRET
    account = server.account if how == "JSON array" else server.add_account({"secret_key": text}, orders=20)
    (report,) = swept({"pacifica": {**profile_table("pacifica", server), "credentials": {"secret_key": text}}})
    assert (report.verdict, server.open_orders(account)) == (Verdict.CLEAR, [])
    assert len(server.open_orders()) == (0 if how == "JSON array" else 40), "the other account is untouched"


@pytest.mark.parametrize("options", [{}, {"symbol": ["BTC"]}])
@pytest.mark.parametrize("configured", [False, True])
def test_an_account_that_is_taken_from_the_key_is_told(
    server: SimServer, options: dict[str, object], configured: bool
) -> None:
    account = {"account": server.account.key} if configured else {}
    report = kill("pacifica", server, options={**options, **account})
    assert report.verdict is Verdict.CLEAR
    assert any("taken from the key" in warning for warning in report.warnings) is not configured
    assert "GET /api/v1/account" not in paths(server) or not configured or not options, "it is not looked up"


# --- under virtual time ---------------------------------------------------------------------------------------------


def one(*faults: str, **more: Any) -> Faced:
    return faced("pacifica", *faults, **{"orders": 40, **more})


def probes(result: Faced) -> int:
    """How often a TWAP that cannot exist was cancelled."""
    bodies = [json.loads(sent.request.body) for sent in result.log if sent.request.path.endswith("/orders/twap/cancel")]
    return sum({name: body[name] for name in PROBE} == PROBE for body in bodies)


def detail(result: Faced, name: str = "orders") -> str:
    (one_of,) = (segment for segment in result.report.segments if segment.name == name)
    return one_of.detail or ""


def test_after_the_strategies_everything_is_cancelled_once_more() -> None:
    order = cleared(one()).paths
    strategies = [at for at, path in enumerate(order) if path == "POST /api/v1/order_strategies/cancel"]
    assert len(strategies) == 11
    assert max(at for at, path in enumerate(order) if path == CANCEL_ALL) > max(strategies)


def test_thousands_of_orders_within_the_credits_of_an_address() -> None:
    result = cleared(one(orders=2000))
    assert 429 not in result.statuses
    # One page of history names a hundred of them; how many the others were, the venue has counted.
    assert "counted" in detail(result)
    assert states(result.report)["cancelled"] >= 200


def test_an_accepted_cancel_is_the_signed_answer_and_the_account_is_counted() -> None:
    result = cleared(one())
    assert probes(result) == 0
    strategies, counted = (
        [at for at, path in enumerate(result.paths) if path == f"GET /api/v1/{name}"]
        for name in ("order_strategies", "account")
    )
    # With the last listing, which comes after those of what places orders: an earlier count is older than the proof.
    assert counted[-1] > strategies[-1]


def test_an_account_that_counts_more_than_it_lists_is_unproven() -> None:
    result = one("counts=1", deadline=8.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.UNPROVEN, 11)
    assert result.segments == {"strategies": "clear", "TWAP": "clear", "orders": "unproven"}
    assert "another answer of the venue says otherwise" in detail(result)
    passing = cleared(one("counts=1@1", orders=3))
    assert CANCEL_ALL in passing.paths[passing.paths.index("GET /api/v1/account") :], "answered with another cancel"


@pytest.mark.parametrize(("fault", "expected"), [("older", Verdict.UNPROVEN), ("older@4", Verdict.CLEAR)])
def test_a_listing_older_than_the_one_before_is_no_second_one(fault: str, expected: Verdict) -> None:
    result = one(fault, orders=3, options={"symbol": ["BTC"]}, deadline=10.0)
    assert result.verdict is expected
    assert result.paths.count("GET /api/v1/orders") > 4
    assert expected is Verdict.CLEAR or "older than the one before" in detail(result)


@pytest.mark.parametrize(("lacks", "segment"), [("strategies", "strategies"), ("twap", "TWAP")])
def test_a_host_without_strategies_or_twaps_proves_nothing(lacks: str, segment: str) -> None:
    result = one(f"lacks={lacks}", orders=3, deadline=8.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.UNPROVEN, 11)
    assert result.segments[segment] == "unproven"
    if lacks == "strategies":
        assert "this host has no /api/v1/order_strategies: not checked" in result.said
        assert {verdict for name, verdict in result.segments.items() if name != segment} == {"clear"}


def test_listings_that_lag_cost_no_storm_of_cancels() -> None:
    assert 429 not in cleared(one("lag=0.8", orders=200)).statuses


def test_a_refused_read_does_not_stop_the_cancels() -> None:
    result = one("listing-refused", deadline=8.0)
    assert result.verdict is Verdict.UNPROVEN, "reads need no key: who refuses them says nothing of it"
    assert not [order for order in result.left if order.segment != "strategies" and not order.extra]


@pytest.mark.parametrize("seconds", PACIFICA.clocks)
def test_a_wrong_clock_is_repaired_from_the_date_of_the_answer(seconds: int) -> None:
    """The same where requests from the future are refused, too."""
    for ahead in ((), ("ahead=5",)):
        result = cleared(one(f"clock={seconds}", *ahead))
        refused = [sent for sent in result.log if sent.kind.changes and sent.status == 400]
        assert len(refused) <= 16
        assert bool(refused) == (seconds > 29 or bool(seconds < -5 and ahead))


@pytest.mark.alone("counts the cancels and listings that fit before the deadline")
def test_cancels_by_name_leave_the_credits_of_a_proof_alone() -> None:
    with simulator.start("pacifica", orders=400, faults=["credits=60"]) as server:
        report = kill("pacifica", server, options={"keep_protective": True}, deadline=3)
        named = [json.loads(each.body) for each in server.requests if each.changes]
        assert 429 not in {each.status for each in server.requests}
    assert (report.verdict, report.exit_status) == (Verdict.OPEN, 10)
    assert 20 < len([body for body in named if body.get("order_id", NOWHERE) != NOWHERE or "strategy_id" in body]) < 100
    assert any("wanted a wait" in warning for warning in report.warnings)
    assert {segment.listings > 1 for segment in report.segments} == {True}


def test_strategies_are_cancelled_though_the_credits_are_kept_for_a_proof() -> None:
    """Nothing else cancels them, and each goes on placing orders."""
    result = one("credits=16", orders=60, deadline=10.0)
    assert 10 < len([order for order in result.stock if order.segment == "strategies"]) < 20
    assert not [order for order in result.left if order.segment == "strategies"]


def test_when_the_credits_are_gone_the_venue_is_believed() -> None:
    result = one("credits=5", deadline=10.0)
    assert result.verdict is not Verdict.CLEAR
    assert any("wanted a wait of 60 s" in warning for warning in result.report.warnings)


def test_kinds_that_nobody_knows_are_kept_and_open_with_the_protective_ones() -> None:
    result = one("unknown-status", mode="keep-protective", deadline=8.0)
    assert result.verdict is Verdict.OPEN
    assert [row.order.type for row in result.report.orders if row.state.value == "open"] == ["Limbo"]
    assert "Limbo" not in {row.order.type for row in result.report.orders if row.state.value != "open"}


def test_keeping_protective_orders_of_an_account_without_any_is_proven_by_a_signed_answer() -> None:
    result = cleared(one(mode="keep-protective", orders=0))
    assert {path for path in result.paths if path.startswith("POST")} == {"POST /api/v1/orders/twap/cancel"}
    assert len([path for path in result.paths if path.startswith("POST")]) == probes(result)
    assert probes(result) in (1, 2, 3), "as many as left before the first answer"
    missing = one("error-500=1~/orders/twap/cancel", mode="keep-protective", orders=0, deadline=15.0)
    assert (missing.verdict, probes(missing) > 3) == (Verdict.UNPROVEN, True)
    assert set(missing.segments.values()) == {"unproven"}
    assert all("500" in (segment.detail or "") for segment in missing.report.segments)
    assert len(missing.log) <= 125, "not sent in a storm: no more than its credits"
