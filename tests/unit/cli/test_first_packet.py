"""Where a line connects first: never elsewhere than where its profile, once it is read, says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.cli import kills, process
from cancelall.cli.process import first_origin
from cancelall.config import loader, places, toml_file
from cancelall.core.errors import CancelallError
from cancelall.core.profile import Profile, parts_of
from cancelall.net.head_start import usual_host
from cancelall.net.route import route_for
from cancelall.venues.registry import VENUES, schema


def first_host(words: list[str], environ: dict[str, str]) -> tuple[str, int] | None:
    return usual_host(first_origin(words, environ)) if words else None


HERE = {"HOME": "/nonexistent", "CANCELALL_BYBIT_API_KEY": "k" * 18, "CANCELALL_BYBIT_API_SECRET": "s" * 36}


@pytest.mark.parametrize("venue", VENUES)
def test_of_a_venue_with_one_host_it_is_that_one(venue: str) -> None:
    accepts = schema(venue)
    only = None if accepts.further else parts_of(accepts.hosts["live"])[1:]
    assert first_host([venue, "--dry-run"], HERE) == only
    where = {**HERE, f"CANCELALL_{venue.upper()}_BASE_URL": "https://127.0.0.1:4444"}
    assert first_host([venue], where) == ("127.0.0.1", 4444)


@pytest.mark.parametrize(
    "words",
    [
        *([], [""], ["all"], ["orders", "bybit"], ["--help"], ["-v", "bybit"], ["b.bit"], ["bybıt"], ["BYBIT"]),
        *(["bybit", "--help"], ["bybit", "-h"], ["bybit", "--profile", "mm"], ["bybit", "--profile=mm"]),
        *(["bybit", "--environment", "testnet"], ["bybit", "--config", "/x.toml"], ["bybit", "-qv"]),
    ],
)
def test_a_line_that_may_lead_elsewhere_says_nothing(words: list[str]) -> None:
    assert first_host(words, HERE) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("CANCELALL_CONFIG", ""), ("CANCELALL_BYBIT_ENVIRONMENT", "demo"), ("CANCELALL_BYBIT_PROXY", "none")),
        *(("HTTPS_PROXY", "http://p:1"), ("all_proxy", "http://p:1"), ("CANCELALL_BYBIT_VENUE", "okx")),
        *(
            ("CANCELALL_BYBIT_BASE_URL", url)
            for url in ("http://127.0.0.1:1", "https://127.0.0.1:0", "x", "https://:1")
        ),
    ],
)
def test_nor_does_a_variable_that_may(name: str, value: str) -> None:
    assert first_host(["bybit"], {**HERE, name: value}) is None


@pytest.mark.parametrize("whose", ["user", "machine"])
def test_with_a_config_nothing_is_foreseen(whose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cancelall" / "config.toml"
    monkeypatch.setattr(places, "MACHINE", str(path) if whose == "machine" else "/nonexistent")
    environ = {**HERE, "XDG_CONFIG_HOME": str(tmp_path)} if whose == "user" else HERE
    assert first_host(["bybit"], environ) is not None
    path.parent.mkdir()
    path.symlink_to("nowhere")  # whoever reads it says what is wrong with it
    assert first_host(["bybit"], environ) is None


@pytest.mark.parametrize("what", ["kept out", "a loop"])
def test_nor_where_there_may_be_one_that_cannot_be_looked_at(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may name a proxy. Whoever reads it says what is wrong."""
    environ = {**HERE, "XDG_CONFIG_HOME": str(tmp_path)}
    assert first_host(["bybit"], environ) is not None
    directory = tmp_path / "cancelall"
    if what == "a loop":
        directory.symlink_to(directory)
    else:

        def kept_out(path: str) -> Any:
            raise PermissionError(13, "Permission denied", path)

        monkeypatch.setattr(process.os, "lstat", kept_out)
    assert first_host(["bybit"], environ) is None


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_on_every_system_the_usual_place_is_looked_at(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml_file.sys, "platform", system)
    for name in ("HOME", "APPDATA", "XDG_CONFIG_HOME"):
        environ = {**HERE, name: str(tmp_path / name)}
        usual, _ = toml_file.locate(None, environ)
        if usual is None or not usual.startswith(str(tmp_path)):
            continue
        assert first_host(["bybit"], environ) is not None
        Path(usual).parent.mkdir(parents=True)
        Path(usual).touch()
        assert first_host(["bybit"], environ) is None


def test_nothing_is_looked_for_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cancelall").mkdir()
    (tmp_path / "cancelall" / "config.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert first_host(["bybit"], {**HERE, "XDG_CONFIG_HOME": "", "HOME": "/nonexistent"}) is not None


FLAGS = ["--settle-coin", "USDT", "--dry-run", "--everything", "--symbol", "--quiet", "--json", "-v", "--reason", "--"]
WORDS = st.lists(
    st.sampled_from([*FLAGS, "--profile", "--profile=bybit", "--environment=demo", "--environment", "testnet", "bybit"])
    | st.text(max_size=3),
    max_size=5,
)
VALUES = st.sampled_from(
    [
        *("", "live", "testnet", "demo", "bybit", "okx", "none", "USDT", "1", "*", "localhost", "http://p:1"),
        *("https://api.example.com", "http://[::1]:8", "https://127.0.0.1:4444", "https://A.example.com"),
        "https://x:080",
    ]
)
NAMES = ["ENVIRONMENT", "BASE_URL", "PROXY", "VENUE", "SETTLE_COIN", "DEADLINE", "SYMBOL", "PRODUCT", "CA_BUNDLE"]
ENVIRONS = st.dictionaries(
    st.sampled_from(NAMES).map("CANCELALL_BYBIT_{}".format)
    | st.sampled_from(NAMES).map("CANCELALL_BINANCE_{}".format)
    | st.sampled_from(["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "CANCELALL_CONFIG"]),
    VALUES,
    max_size=4,
)


@given(venue=st.sampled_from(["bybit", "binance", "bitget", "okx"]), words=WORDS, environ=ENVIRONS)
def test_what_is_foreseen_is_where_the_profile_goes(venue: str, words: list[str], environ: dict[str, str]) -> None:
    environ = {**HERE, **environ}
    foreseen = first_host([venue, *words], environ)
    line = kills.read([venue, *words])
    if foreseen is None or line is None:
        return
    _, kill = line
    try:
        document = toml_file.read(kill.config, environ)
        name = loader.choose(document, venue, kill.profile)
        profile = loader.profile(document, name, environ, kills.overrides(kill), implicit_venue=venue)
    except CancelallError:  # nothing goes anywhere
        return
    if isinstance(profile, Profile):
        first = profile.origins[0]
        assert parts_of(first)[1:] == foreseen
        assert route_for(first, profile.common.proxy, None, environ).proxy is None
