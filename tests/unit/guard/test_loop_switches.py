"""A guard that keeps a venue's own switch: armed by beats alone, and given up as it should be."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.config.guards import GuardSettings
from cancelall.core import drills
from cancelall.core.errors import ConfigError
from cancelall.guard import loop, standby
from cancelall.guard.control import DrillRequest
from cancelall.guard.model import GuardState
from cancelall.guard.standby import Standby
from cancelall.net import warm
from cancelall.simulator import SimServer
from support import on_a_loop, profile_table, profiles_of
from unit.guard.test_loop import ME, Standing, settings_of, standing

AFTER = "/api/v5/trade/cancel-all-after"

pytestmark = pytest.mark.alone("a guard keeps its times on the wall clock")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "Standby", partial(Standby, scale=0.05))
    monkeypatch.setattr(loop, "_TOLD", 0.05)
    monkeypatch.setattr(standby, "lock_memory", lambda: False)
    monkeypatch.setattr(warm, "RESTED_SECONDS", 0.0)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """One whose name leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="guard-") as place:
        yield Path(place)


@pytest.fixture
def okx() -> Iterator[SimServer]:
    with simulator.start("okx", orders=6) as server:
        yield server


def of(server: SimServer) -> tuple[object, ...]:
    return tuple(profiles_of({"okx": profile_table("okx", server)}))


def timeouts(server: SimServer) -> list[str]:
    """What was armed, in their order."""
    return [one.body.decode().split('"')[3] for one in server.requests if one.path == AFTER]


async def armed(stood: Standing) -> None:
    """Beat until the guard and the venue's switch are armed."""
    await stood.armed()
    async with asyncio.timeout(10):
        while not any("is armed for" in one for one in stood.told.words):
            stood.beat()
            await asyncio.sleep(0.05)


@on_a_loop
async def test_it_is_armed_after_a_beat_and_disarmed_at_the_end(okx: SimServer, tmp_path: Path) -> None:
    more = {"profiles": of(okx), "venue_switch": "arm", "venue_timeout": 60.0, "timeout": 5.0, "grace": 5.0}
    async with standing(okx, tmp_path, **more) as stood:
        await stood.told.state(GuardState.WAITING)
        assert timeouts(okx) == []
        await armed(stood)
        status = stood.guard.status()
        assert status.degraded == ()
        assert "armed until" in status.profiles[0].switch
        assert "it does not reach 1 order in TP/SL" in status.profiles[0].switch
        assert any("algo orders" in words for words in status.unprotected)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stood.ended() == 143
    assert timeouts(okx) == ["60", "0"]
    assert stood.told.words[-1] == "okx: the venue's switch (ordinary orders) is disarmed"


@on_a_loop
async def test_one_that_breaks_off_leaves_the_timer_to_run_out(okx: SimServer, tmp_path: Path) -> None:
    more = {"profiles": of(okx), "venue_switch": "arm", "venue_timeout": 60.0, "timeout": 5.0, "grace": 5.0}
    async with standing(okx, tmp_path, **more) as stood:
        await armed(stood)
    assert timeouts(okx) == ["60"]
    assert "okx: the venue's switch may still cancel until" in stood.told.words[-1]


@on_a_loop
async def test_it_is_disarmed_once_the_account_is_clear_and_not_before(okx: SimServer, tmp_path: Path) -> None:
    more = {"profiles": of(okx), "venue_switch": "arm", "venue_timeout": 60.0, "hold": 0.0}
    async with standing(okx, tmp_path, **more) as stood:
        await armed(stood)
        await stood.told.state(GuardState.LATCHED)
        assert not okx.open_orders()
        await stood.told.until(lambda: any("is disarmed" in one for one in stood.told.words))
    paths = [one.path for one in okx.requests]
    last = len(paths) - 1 - paths[::-1].index(AFTER)
    assert timeouts(okx)[-1] == "0"
    assert any("cancel" in path for path in paths[:last] if path != AFTER)


@on_a_loop
async def test_what_is_refused_degrades_it(tmp_path: Path) -> None:
    with simulator.start("okx", orders=3, faults=[f"permission:create={AFTER}"]) as server:
        more = {"profiles": of(server), "venue_switch": "arm", "venue_timeout": 60.0, "timeout": 5.0, "grace": 5.0}
        async with standing(server, tmp_path, **more) as stood:
            await stood.armed()
            stood.beat()
            await stood.told.until(lambda: any("50120" in one for one in stood.told.alarms))
            assert any("is not armed" in one for one in stood.guard.status().degraded)


@on_a_loop
async def test_a_time_that_the_venue_does_not_take_does_not_start(okx: SimServer, tmp_path: Path) -> None:
    for seconds in (0.06, 9.0, 121.0):
        with pytest.raises(ConfigError, match="whole seconds from 10 to 120"):
            async with standing(okx, tmp_path, profiles=of(okx), venue_switch="arm", venue_timeout=seconds):
                pytest.fail("it stands")


@on_a_loop
async def test_another_configuration_arms_it_after_the_old_one_has_let_go(okx: SimServer, tmp_path: Path) -> None:
    more = {"profiles": of(okx), "venue_switch": "arm", "timeout": 5.0, "grace": 5.0}

    def reread() -> GuardSettings:
        return settings_of(okx, tmp_path, venue_timeout=30.0, **more)

    async with standing(okx, tmp_path, reread=reread, venue_timeout=60.0, **more) as stood:
        await armed(stood)
        os.kill(os.getpid(), signal.SIGHUP)
        await stood.told.until(lambda: "another configuration is in force" in stood.told.words)
        async with asyncio.timeout(10):
            while timeouts(okx)[-1] != "30":
                stood.beat()
                await asyncio.sleep(0.05)
    assert timeouts(okx) == ["60", "0", "30"]


@on_a_loop
async def test_a_guard_is_drilled(okx: SimServer, tmp_path: Path) -> None:
    before = len(okx.open_orders())
    async with standing(okx, tmp_path, profiles=of(okx), timeout=5.0, grace=5.0) as stood:
        await stood.told.state(GuardState.WAITING)
        shown = await stood.guard.drill(ME, DrillRequest())
        assert shown.ok, shown.lines
        assert "first bytes on the wire" in shown.lines[0]
        refused = await stood.guard.drill(ME, DrillRequest(profile="okx", order="nothing"))
        assert (refused.ok, len(refused.lines)) == (False, 1)
        assert "no open order" in refused.lines[0]
        with pytest.raises(ConfigError, match="no profile nobody"):
            await stood.guard.drill(ME, DrillRequest(profile="nobody"))
    assert len(okx.open_orders()) == before
    assert not [one for one in okx.requests if one.changes]
    assert drills.read({"HOME": str(tmp_path)}) == {}


@pytest.mark.faults
@on_a_loop
async def test_a_guard_leaves_an_order_to_the_venue(okx: SimServer, tmp_path: Path) -> None:
    """It takes the ten seconds that the venue takes."""
    order = next(one for one in okx.open_orders() if one.segment == "orders")
    for one in [each for each in okx.open_orders() if each.id != order.id and each.segment in ("orders", "events")]:
        okx.account.book.close(one.id, "cancelled", okx.fake.now_ms())
    async with standing(okx, tmp_path, profiles=of(okx), timeout=30.0, grace=30.0) as stood:
        await stood.told.state(GuardState.WAITING)
        shown = await stood.guard.drill(ME, DrillRequest(order=order.id))
        assert shown.ok, shown.lines
        assert "cancelSource 20" in shown.lines[0]
    kept = drills.read({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")})
    assert kept["okx"].proved
