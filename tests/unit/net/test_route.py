"""The way out of the machine: proxies and CA bundles of the profile and of the environment, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall import simulator
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.errors import ConfigError
from cancelall.core.model import Verdict
from cancelall.core.profile import BrokenProfile, Overrides, Profile
from cancelall.engine.shared_limits import SharedLimits
from cancelall.net import head_start
from cancelall.net import route as routes
from cancelall.net.route import BUNDLES, Passage, Route, _loaded, is_loaded, proxy_problem, route_for, tls_context
from ports import Authority
from support import cancelall, environment, on_a_loop, profile_table, started, swept, write_config

LIVE = "https://api.bybit.com"
CANARY = "CANARYpassword"


def bybit(tables: dict[str, object], environ: dict[str, str] | None = None) -> Profile | BrokenProfile:
    document = Document(path=Path("config.toml"), data=tables)
    return loader.profile(document, "bybit", environ or {}, Overrides())


# --- what can be a proxy --------------------------------------------------------------------------------------------


USABLE = ["http://p:1", "https://p", "HTTP://p:1", "p:1", "p", "user:word@p:1", "http://u:a@b:c@p:3128/"]
USABLE += ["http://[::1]:1", "none", "None", "NONE"]


@pytest.mark.parametrize("proxy", USABLE)
def test_what_can_be_obeyed(proxy: str) -> None:
    assert proxy_problem(proxy) == ""
    made = bybit({"profiles": {"bybit": {"venue": "bybit", "proxy": proxy}}})
    assert isinstance(made, Profile)


SOCKS = ["socks", "socks4", "socks4a", "socks5", "socks5h", "SOCKS5"]
UNUSABLE = [*(f"{scheme}://me:{CANARY}@p:1" for scheme in SOCKS), f"ftp://{CANARY}@p", f"{CANARY}://p"]
UNUSABLE += ["http://", f"http://{CANARY}@:1", f"http://me:{CANARY}@p:99999", "http://p:0", f"http://p:{CANARY}"]
UNUSABLE += ["http://[::1"]


@pytest.mark.parametrize("proxy", UNUSABLE)
@pytest.mark.parametrize("where", ["profile", "defaults", "variable"])
def test_what_cannot_is_refused_when_the_config_is_read(proxy: str, where: str) -> None:
    tables: dict[str, object] = {"profiles": {"bybit": {"venue": "bybit"}}}
    environ = {}
    if where == "profile":
        tables = {"profiles": {"bybit": {"venue": "bybit", "proxy": proxy}}}
    elif where == "defaults":
        tables["defaults"] = {"proxy": proxy}
    else:
        environ["CANCELALL_BYBIT_PROXY"] = proxy
    made = bybit(tables, environ)
    assert isinstance(made, BrokenProfile)
    said = f"{made.error.message} {made.error.hint}"
    assert "proxy" in said
    assert "http" in said
    assert CANARY not in said
    named = {"profile": "[profiles.bybit]", "defaults": "[defaults]", "variable": "CANCELALL_BYBIT_PROXY"}
    assert named[where] in said
    if proxy.lower().startswith("socks"):
        assert f"a {proxy.partition(':')[0].lower()} proxy is not supported" in said


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_a_proxy(proxy: str) -> None:
    problem = proxy_problem(proxy)
    assert all(problem.find(part) < 0 for part in proxy.split() if len(part) > 12)
    route_for(LIVE, proxy, None, {"HTTPS_PROXY": proxy})


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("proxy", UNUSABLE)
def test_one_of_the_environment_is_left_out_and_named(variable: str, proxy: str) -> None:
    route = route_for(LIVE, None, None, {variable: proxy})
    (told,) = route.warnings()
    assert (route.proxy, route.in_words(0)) == (None, "")
    assert variable in told
    assert "sent directly" in told
    assert CANARY not in told
    assert route_for("http://127.0.0.1:1", None, None, {variable: proxy}).warnings() == ()


@pytest.mark.parametrize("word", ["none", "None"])
def test_the_word_none_is_no_proxy_at_all(word: str) -> None:
    environ = {"HTTPS_PROXY": "http://q:2", "ALL_PROXY": "socks5://q:2"}
    route = route_for(LIVE, word, None, environ)
    assert (route.proxy, route.warnings(), route.in_words(0)) == (None, (), "")
    made = bybit(
        {"profiles": {"bybit": {"venue": "bybit", "proxy": "http://p:1"}}}, {"CANCELALL_BYBIT_PROXY": word, **environ}
    )
    assert isinstance(made, Profile)
    assert route_for(LIVE, made.common.proxy, None, environ).proxy is None


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"])
def test_what_travels_in_clear_is_given_to_no_proxy(origin: str) -> None:
    """It would see key and signature; over TLS it only sees where to."""
    route = route_for(origin, "http://p:1", None, {"HTTP_PROXY": "http://q:2"})
    assert (route.proxy, route.in_words(0)) == (None, "")
    assert "in clear" in route.warnings()[0]
    assert route_for(origin.replace("http:", "https:"), "http://p:1", None, {}).proxy == "http://p:1"


def test_a_kill_on_loopback_keeps_its_key_from_the_proxy() -> None:
    with simulator.start("bybit", orders=3) as server, simulator.start("bybit", orders=0) as proxy:
        (report,) = swept({"bybit": profile_table("bybit", server, proxy=proxy.origin)})
        assert (report.verdict, server.open_orders()) == (Verdict.CLEAR, [])
        assert (proxy.connections, proxy.requests) == (0, [])
    assert any("in clear" in warning for warning in report.warnings)


# --- what became of it ----------------------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_claimed_when_something_got_through() -> None:
    route = Route(proxy=f"http://me:{CANARY}@p:1", passage=Passage())
    assert "through the proxy" not in route.in_words(0)
    assert route.warnings() == ()
    waiting: list[str] = []
    thread = threading.Thread(target=lambda: waiting.append(route.in_words(10)))
    thread.start()
    route.noting(lambda: None)()
    thread.join(5)
    assert waiting == ["through the proxy http://p:1 (from the environment)"]
    assert route.warnings() == ()
    assert route.passage is not None
    route.passage.around()
    (told,) = route.warnings()
    assert "some requests" in told
    assert CANARY not in told


def test_one_that_lets_nothing_through_is_not_claimed() -> None:
    route = Route(proxy="http://p:1", passage=Passage())
    route.passage.around()
    assert route.in_words(10) == "the proxy http://p:1 (from the environment) lets nothing through"
    assert "did not let anything through: sent directly" in route.warnings()[0]


def test_the_profiles_own_is_named_at_once_and_never_warned_of() -> None:
    route = Route(proxy="http://p:1")
    sent: list[int] = []
    route.noting(lambda: sent.append(1))()
    assert (route.in_words(0), route.warnings(), sent) == ("through the proxy http://p:1", (), [1])


def test_profiles_that_go_the_same_way_share_what_is_known_of_it() -> None:
    tables: dict[str, object] = {"profiles": {name: {"venue": "bybit"} for name in ("one", "two")}}
    document = Document(path=Path("config.toml"), data=tables)
    environ = {"HTTPS_PROXY": "http://p:1"}
    one, two = (loader.profile(document, name, environ, Overrides()) for name in ("one", "two"))
    shared = SharedLimits(profiles=[one, two], environ=environ)
    assert isinstance(one, Profile)
    assert isinstance(two, Profile)
    assert shared.route(one) is shared.route(two)
    shared.route(one).passage.around()
    assert shared.warnings(two) == shared.route(one).warnings() != ()


def test_a_proxy_that_a_profile_names_is_another_way_than_the_same_one_of_the_environment() -> None:
    """It is never passed by: what is known of the one says nothing of the other."""
    proxied = {"venue": "bybit", "proxy": "http://p:1"}
    tables: dict[str, object] = {"profiles": {"one": {"venue": "bybit"}, "two": proxied}}
    document = Document(path="config.toml", data=tables)
    environ = {"HTTPS_PROXY": "http://p:1"}
    one, two = (loader.profile(document, name, environ, Overrides()) for name in ("one", "two"))
    shared = SharedLimits(profiles=[one, two], environ=environ)
    assert isinstance(one, Profile)
    assert isinstance(two, Profile)
    assert (shared.route(one).proxy_from_environment, shared.route(two).proxy_from_environment) == (True, False)


# --- CA bundles -----------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cancelall.net.route._contexts", {})
    monkeypatch.setattr("cancelall.net.route._loading", {})
    monkeypatch.setattr(head_start, "_doors", {})


@pytest.mark.parametrize("index", range(len(BUNDLES)))
def test_each_variable_of_the_environment_names_a_bundle(index: int) -> None:
    environ = {name: f"/{name}.pem" for name in BUNDLES[index:]}
    assert route_for(LIVE, None, None, environ).ca_bundle == f"/{BUNDLES[index]}.pem"
    assert route_for(LIVE, None, "/mine.pem", environ).ca_bundle == "/mine.pem"


def trusts(context: ssl.SSLContext, authority: Authority) -> bool:
    """Whether a handshake with a certificate of this authority succeeds."""
    inward, outward, back, forth = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(inward, outward, server_hostname="api.venue.test")
    server = authority.context("api.venue.test").wrap_bio(back, forth, server_side=True)
    for _ in range(6):
        for side, said, into in ((client, outward, back), (server, forth, inward)):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
            into.write(said.read())
    return client.getpeercert() is not None


@pytest.mark.parametrize("shape", ["file", "directory", "hashed", "several", "link"])
def test_a_file_or_a_directory_of_any_kind(tmp_path: Path, authority: Authority, shape: str) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    text = authority.path.read_text()
    bundle = str(folder)
    if shape == "file":
        bundle = str(authority.path)
    elif shape == "link":
        bundle = str(folder / "link.pem")
        Path(bundle).symlink_to(authority.path)
    elif shape == "hashed":
        subject = ["openssl", "x509", "-hash", "-noout", "-in", str(authority.path)]
        made = subprocess.run(subject, capture_output=True, text=True, check=True)
        (folder / f"{made.stdout.strip()}.0").write_text(text)
    else:
        (folder / "corporate.crt").write_text(text)
        (folder / "README").write_text("no certificate")
        (folder / "gone.pem").symlink_to(folder / "nowhere")
        os.mkfifo(folder / "pipe.pem")
        if shape == "several":
            bundle = os.pathsep.join([str(tmp_path / "empty"), bundle])
            (tmp_path / "empty").mkdir()
    assert trusts(tls_context(bundle), authority)
    assert not trusts(tls_context(None), authority)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "missing", "text"])
def test_what_is_none_is_refused_without_being_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ca.pem"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "text":
        path.write_text("no certificate")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    with pytest.raises(ConfigError, match=str(path)) as fault:
        tls_context(str(path))
    assert "ca_bundle" in fault.value.hint
    if kind in ("pipe", "device", "socket"):
        assert kind in fault.value.message


def test_one_bundle_that_hangs_holds_up_no_other(authority: Authority, tmp_path: Path) -> None:
    hanging = str(tmp_path / "hanging.pem")
    with routes._loading.setdefault(hanging, threading.Lock()):
        assert not is_loaded(hanging)
        tls_context(str(authority.path))
    assert is_loaded(str(authority.path))


@pytest.mark.alone("measures the end at a deadline")
def test_a_kill_whose_bundle_hangs_ends_at_its_deadline_and_the_others_are_clear(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network mount that is gone: nothing bounds how long reading takes."""
    real, over = _loaded, threading.Event()

    def loaded(path: str | None) -> ssl.SSLContext:
        if path is not None and path.endswith("hanging.pem"):
            over.wait(30)
        return real(path)

    monkeypatch.setattr("cancelall.net.route._loaded", loaded)
    with simulator.start("bybit", orders=3, ssl_context=authority.context("127.0.0.1")) as server:
        good = profile_table("bybit", server, settle_coin="USDT", ca_bundle=str(authority.path))
        dead = {**good, "ca_bundle": str(tmp_path / "hanging.pem")}
        began = time.monotonic()
        *hung, fine = swept({"a": dead, "b": dead, "fine": good}, deadline=3)
        over.set()
    assert fine.verdict is Verdict.CLEAR
    for report in hung:
        assert report.verdict is Verdict.UNCONFIGURED
        assert report.error is not None
        assert f"the deadline passed while the CA bundle {dead['ca_bundle']} was read" in report.error.message
    assert time.monotonic() - began < 3 + 1.5


@pytest.mark.alone("measures the end at a deadline")
def test_a_check_whose_bundle_hangs_ends_at_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from checking import checked_all, level

    over = threading.Event()
    monkeypatch.setattr("cancelall.net.route._loaded", lambda path: over.wait(30))
    with simulator.start("bybit", orders=3) as server:
        began = time.monotonic()
        (report,) = checked_all(
            {"bybit": profile_table("bybit", server, ca_bundle=str(tmp_path / "hanging.pem"))}, deadline=2
        )
        took = time.monotonic() - began
        over.set()
    assert level(report, "CA bundle") == "fail"
    assert took < 2 + 1.5


@contextlib.contextmanager
def opening_hangs(path: Path) -> Iterator[None]:
    """A regular file that the kernel lets nobody else open for a while: we hold a lease on it."""
    import fcntl

    ignored = signal.signal(signal.SIGIO, signal.SIG_IGN)
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        pytest.skip("this file system has no leases")
    try:
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, ignored)


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_signal_ends_a_run_whose_bundle_hangs(authority: Authority, home: Path) -> None:
    with simulator.start("bybit", orders=3, ssl_context=authority.context("127.0.0.1")) as server:
        table = profile_table("bybit", server, settle_coin="USDT", ca_bundle=str(authority.path))
        path = write_config(home / "config.toml", {"bybit": table})
        with opening_hangs(authority.path):
            process = started("bybit", "--config", str(path), "--json", "--deadline", "20", home=home)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.5)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=5)
    assert process.returncode == 143
    assert b'"interrupted"' in out
    assert server.requests == []


def test_a_pipe_in_its_place_is_told_at_once(home: Path) -> None:
    bundle = home / "ca.pem"
    os.mkfifo(bundle)
    with simulator.start("bybit", orders=1) as server:
        env = {**environment("bybit", server), "SSL_CERT_DIR": str(bundle)}
        ran = cancelall("bybit", "--json", home=home, env=env, seconds=10)
    assert (ran.code, ran.line["verdict"]) == (6, "unconfigured")
    assert f"{bundle} is a pipe" in ran.line["error"]["message"]


@on_a_loop
async def test_trusting_is_told_once_however_many_ask(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    real, loads = _loaded, []

    def loaded(path: str | None) -> ssl.SSLContext:
        loads.append(path)
        return real(path)

    monkeypatch.setattr("cancelall.net.route._loaded", loaded)
    made = bybit({"profiles": {"bybit": {"venue": "bybit", "ca_bundle": str(authority.path)}}})
    assert isinstance(made, Profile)
    shared = SharedLimits(profiles=[made], environ={})
    await asyncio.gather(*(shared.trust(made) for _ in range(20)))
    assert loads == [str(authority.path)]
