"""`cancelall auth` as a user runs it, against keyrings of this process: what is written, refused, undone and told."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import keyring.core
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from keyring.backends import chainer, fail, null

from cancelall.cli import app
from cancelall.cli.auth.status import age_words
from cancelall.config import places
from cancelall.credentials import chain
from support import Ran
from unit.cli.auth.memory import Encrypted, Memory

KEY, VALUE = "CANARY-api-key-0001", "CANARY-api-secret-0001"
LINES = f"api_key={KEY}\napi_secret={VALUE}\n"
ITEMS = {"bybit.api_key": KEY, "bybit.api_secret": VALUE}
OLD = {"bybit.api_key": "CANARY-old-key", "bybit.api_secret": "CANARY-old-secret"}
BACKEND = "keyring.backends.SecretService.Encrypted"


class User:
    """Somebody with a home, a keyring and no terminal."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.config = home / ".config" / "cancelall" / "config.toml"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in list(os.environ):
            if name.startswith(("CANCELALL_", "XDG_", "DISPLAY", "WAYLAND")) or name == "CREDENTIALS_DIRECTORY":
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.chdir(home)
        self.has(Encrypted())

    def has(self, backend: keyring.backend.KeyringBackend) -> None:
        """From now on this keyring is the one that is detected, and the one that is loaded by a recorded name."""
        self.keyring = backend
        self._monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        self._monkeypatch.setattr(keyring.core, "load_keyring", lambda name: self.keyring)

    @property
    def items(self) -> dict[str, str]:
        """What the keyring holds."""
        assert isinstance(self.keyring, Memory)
        return self.keyring.items

    def runs(self, *words: str, given: str | bytes = b"") -> Ran:
        """A command of `cancelall auth`; no key is ever in what it says."""
        raw = given if isinstance(given, bytes) else given.encode()
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = app.main(["auth", *words])
        captured = self._capsys.readouterr()
        assert "CANARY" not in captured.out + captured.err
        assert "Traceback" not in captured.err
        return Ran(code=int(code), out=captured.out, err=captured.err)

    def writes_config(self, text: str) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)
        self.config.chmod(0o600)

    @property
    def tables(self) -> dict[str, object]:
        """The profiles of the config."""
        return tomllib.loads(self.config.read_text())["profiles"]  # type: ignore[no-any-return]


@pytest.fixture
def user(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> User:
    return User(home, monkeypatch, capsys)


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


# --- set ------------------------------------------------------------------------------------------------------------


def test_lines_go_into_the_keyring_and_the_profile_into_the_config(user: User) -> None:
    ran = user.runs("set", "bybit", given=f"# mine\n\n{LINES}".replace("\n", "\r\n"))
    assert (ran.code, ran.out, user.items) == (0, "", ITEMS)
    assert user.tables == {"bybit": {"venue": "bybit", "keyring_backend": BACKEND}}
    assert user.config.stat().st_mode & 0o777 == 0o600
    assert f"bybit: api_key and api_secret in the keyring ({BACKEND}), profile in {user.config}" in ran.err
    assert "cancelall bybit --dry-run" in ran.err
    status = user.runs("status", "--json")
    assert status.code == 0
    sources = {one["field"]: one["source"] for one in status.line["secrets"]}
    assert sources == {"api_key": "keyring", "api_secret": "keyring"}
    assert all(0 <= one["age_seconds"] < 60 for one in status.line["secrets"])


def test_a_new_profile_of_another_name(user: User) -> None:
    assert "--venue" in user.runs("set", "mm-2", given=LINES).err
    ran = user.runs("set", "mm-2", "--venue", "bybit", "--environment", "testnet", given=LINES)
    assert (ran.code, set(user.items)) == (0, {"mm-2.api_key", "mm-2.api_secret"})
    assert user.tables == {"mm-2": {"venue": "bybit", "environment": "testnet", "keyring_backend": BACKEND}}
    assert "cancelall mm-2 --dry-run" in ran.err


def test_a_profile_that_is_there_keeps_what_it_says(user: User) -> None:
    user.writes_config('# my keys\n[profiles.bybit] # main\nvenue = "bybit"\nsettle_coin = "USDT" # only these\n')
    assert user.runs("set", "bybit", given=LINES).code == 0
    assert user.config.read_text() == (
        f'# my keys\n[profiles.bybit] # main\nkeyring_backend = "{BACKEND}"\n'
        'venue = "bybit"\nsettle_coin = "USDT" # only these\n'
    )
    again = user.config.read_text()
    assert user.runs("set", "bybit", given=f"api_secret={VALUE}x\n").code == 0
    assert (user.items["bybit.api_secret"], user.config.read_text()) == (f"{VALUE}x", again)


def test_the_back_end_of_all_profiles_need_not_be_recorded_again(user: User) -> None:
    user.writes_config(f'[defaults]\nkeyring_backend = "{BACKEND}"\n')
    assert user.runs("set", "bybit", given=LINES).code == 0
    assert user.tables == {"bybit": {"venue": "bybit"}}


def test_a_pem_key_comes_by_itself_or_among_the_lines(user: User, pem: str) -> None:
    file = user.home / "key.pem"
    file.write_text(pem)
    file.chmod(0o644)
    ran = user.runs("set", "bybit", "--field", "api_secret", "--file", str(file))
    assert (ran.code, user.items) == (0, {"bybit.api_secret": pem})
    assert "not set yet: api_key" in ran.err
    assert f"{file} can be read by others" in ran.err
    assert user.runs("set", "bybit", "--field", "api_secret", given=pem.rstrip()).code == 0
    assert user.runs("set", "bybit", given=f"api_secret={pem}api_key={KEY}\n").code == 0
    assert user.items == {"bybit.api_secret": pem, "bybit.api_key": KEY}


def test_a_json_array_and_an_optional_field(user: User) -> None:
    seed = ed25519.Ed25519PrivateKey.generate()
    pair = [*seed.private_bytes_raw(), *seed.public_key().public_bytes_raw()]
    array = json.dumps(pair, indent=1)
    assert user.runs("set", "pacifica", "--field", "secret_key", given=array).code == 0
    assert user.items == {"pacifica.secret_key": array}
    assert user.runs("set", "pacifica", given="secret_key=\napi_config_key=CANARY-config\n").code == 0
    assert user.items == {"pacifica.secret_key": array, "pacifica.api_config_key": "CANARY-config"}


PUBLIC = "secret_key=4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"
ED25519 = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("words", "given", "code", "said"),
    [
        (
            ["bybit"],
            "api_key=CANARY canary\napi_secret=CANARYCANARY\n",
            6,
            "api_key (from line 1 of the input) holds a",
        ),
        (["bybit"], "api_key=CANARY-1234\napi_secret=CANARY-1234\n", 6, "api_key and api_secret are the same"),
        (["bybit"], f"api_key={KEY}\n", 6, "no api_secret was given; nothing was written"),
        (["bybit"], f"api_key={KEY}\napi_key={KEY}\n", 6, "line 2 of the input gives api_key a second time"),
        (["bybit"], f"api_keyy={KEY}\n", 6, 'line 1 of the input names no secret (did you mean "api_key"?)'),
        (["bybit"], f"\n{KEY}\n", 6, "line 2 of the input is not FIELD=value"),
        (["bybit"], f"{KEY}={VALUE}\n", 6, "line 1 of the input names no secret - fields"),
        (["bybit"], f'api_key="{KEY}\napi_secret={VALUE}\n', 6, "has a quotation mark at one end"),
        (["bybit"], f'{{"key": "{KEY}"}}', 6, "neither FIELD=value lines nor a JSON object of them"),
        (["bybit"], b"api_key=CANARY\xff\n", 6, "standard input is not UTF-8 text"),
        (["bybit"], b"#" * 70000, 6, "standard input is longer than 64 KiB"),
        (["bybit"], "", 6, "CANCELALL_BYBIT_API_KEY in the environment"),
        (["bybit", "--field", "api_secret"], "", 6, "nothing came on standard input"),
        *(
            (["bybit", "--field", "api_secret"], given, 6, said)
            for given, said in (
                ("CANARY\nCANARY", "api_secret (from standard input) holds a line break"),
                ("-----BEGIN PRIVATE KEY-----\nCANARY", "not a whole private key"),
                (
                    "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----",
                    "does not hold an unencrypted private key",
                ),
                (ED25519, "but not an RSA one"),
            )
        ),
        (["bybit", "--field", "nope"], "CANARY", 2, 'bybit has no secret "nope"'),
        (["bybit", "--file", "x"], "CANARY", 2, "--file needs --field"),
        (["bybit", "--field", "api_key", "--file", "/nonexistent"], "", 6, "/nonexistent cannot be read"),
        (["bybit", "--field", "api_key", "--file", "/"], "", 6, "/ cannot be read: Is a directory"),
        (["pacifica"], PUBLIC, 6, "secret_key is 32 bytes long: that is an address"),
        (["pacifica"], "secret_key=[1, 2, 3]", 6, "secret_key"),
        (["bybit", "--venue", "bybitt"], LINES, 2, 'did you mean "bybit"'),
        (["bybit", "--environment", "mars"], LINES, 2, 'Bybit has no environment "mars"'),
        (["all", "--venue", "bybit"], LINES, 2, 'a profile cannot be called "all"'),
        (["a b", "--venue", "bybit"], LINES, 2, "a profile name has letters"),
        (["main", "--venue", "bitget"], LINES, 6, 'profile "main" is of venue bybit, not of bitget'),
        (["MAIN", "--venue", "bybit"], LINES, 2, 'its name and "main" are the same in the environment'),
        (["broken"], LINES, 6, 'unknown key "settle_coinn"'),
    ],
)
@pytest.mark.turns(0)
def test_what_cannot_be_right_is_refused_before_anything_is_written(
    user: User, words: list[str], given: str | bytes, code: int, said: str
) -> None:
    text = '[profiles.main]\nvenue = "bybit"\n[profiles.broken]\nvenue = "bybit"\nsettle_coinn = "x"\n'
    user.writes_config(text)
    ran = user.runs("set", *words, given=given)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (code, "", 1), ran
    assert said in ran.err
    assert (user.items, user.config.read_text()) == ({}, text)


def test_a_part_is_checked_with_what_is_elsewhere(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANCELALL_BYBIT_API_KEY", KEY)
    same = user.runs("set", "bybit", given=f"api_secret={KEY}\n")
    assert (same.code, user.items) == (6, {})
    ran = user.runs("set", "bybit", given=f"api_secret={VALUE}\n")
    assert (ran.code, user.items) == (0, {"bybit.api_secret": VALUE})
    ran = user.runs("set", "bybit", given=LINES)
    assert "api_key comes from the environment (CANCELALL_BYBIT_API_KEY) as long as that is set" in ran.err


def test_no_option_takes_a_secret_as_its_value() -> None:
    import typer.main

    group = typer.main.get_command(app.build())
    auth = group.commands["auth"]  # type: ignore[attr-defined]
    options = {
        name: {option for one in command.params for option in one.opts} for name, command in auth.commands.items()
    }
    common = {"--config", "--help"}
    fields = {*("name", "--venue", "--environment", "--field", "--file", "--allow-plaintext", "--to")}
    assert options["set"] - common == fields
    assert options["status"] - common == {"names", "--json"}
    assert options["remove"] - common == {"name", "--venue"}
    assert options["export-systemd"] - common == {"name", "--venue", "--run", "--with-key"}


# --- a set that is not finished -------------------------------------------------------------------------------------


def _fails_at(*numbers: int) -> object:
    def act(number: int) -> None:
        if number in numbers:
            raise RuntimeError(f"the disk is full, {VALUE}")

    return act


@pytest.mark.parametrize("before", [{}, OLD])
def test_a_keyring_that_fails_in_the_middle_is_as_it_was(user: User, before: dict[str, str]) -> None:
    user.has(Encrypted(before))
    user.keyring.on_write = _fails_at(2)  # type: ignore[attr-defined]
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, user.items, user.config.exists()) == (6, before, False)
    assert "cancelall/bybit.api_secret could not be written: RuntimeError: the disk is full, ***" in ran.err
    assert "the keyring is as it was before" in ran.err


def test_what_cannot_be_taken_back_is_told(user: User) -> None:
    user.has(Encrypted(OLD))
    user.keyring.on_write = _fails_at(2, 4)  # type: ignore[attr-defined]
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, user.items) == (6, {**OLD, "bybit.api_key": KEY})
    assert "bybit.api_key in the keyring may be changed: run auth set again" in ran.err


def test_a_keyring_that_keeps_something_else_is_found_out(user: User) -> None:
    class Clipping(Encrypted):
        def set_password(self, service: str, username: str, password: str) -> None:
            super().set_password(service, username, password[:10])

    Clipping.__module__ = Encrypted.__module__
    user.has(Clipping())
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, user.items) == (6, {})
    assert "cancelall/bybit.api_key does not hold what was written to it" in ran.err


def test_a_config_that_cannot_be_written_leaves_nothing_behind(user: User) -> None:
    (user.home / "file").write_text("")
    ran = user.runs("set", "bybit", "--config", str(user.home / "file" / "config.toml"), given=LINES)
    assert (ran.code, user.items) == (6, {})
    assert "cannot be written" in ran.err
    assert "the keyring is as it was before" in ran.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_takes_back_what_was_written(user: User, number: signal.Signals, code: int) -> None:
    user.has(Encrypted(OLD))

    def interrupt(write: int) -> None:
        if write == 1:
            os.kill(os.getpid(), number)

    user.keyring.on_write = interrupt  # type: ignore[attr-defined]
    before = signal.getsignal(number)
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, user.items, user.config.exists()) == (code, OLD, False)
    assert f"stopped by {number.name} - the keyring is as it was before" in ran.err
    assert signal.getsignal(number) is before


# --- keyrings that do not serve -------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_without_a_keyring_it_says_what_to_use_instead(
    user: User, monkeypatch: pytest.MonkeyPatch, backend: type[keyring.backend.KeyringBackend]
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    user.has(backend())
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, len(ran.err.splitlines()), user.config.exists()) == (6, 1, False)
    for words in (
        "the keyring cannot be used: this session has none that keeps anything",
        "$CREDENTIALS_DIRECTORY/cancelall.bybit.api_key",
        "cancelall auth export-systemd bybit",
        "CANCELALL_BYBIT_API_KEY in the environment",
        "secret_command in the config",
    ):
        assert words in ran.err
    monkeypatch.setenv("CANCELALL_BYBIT_API_KEY", KEY)
    ran = user.runs("remove", "bybit")
    assert ran.code == 6
    assert "bybit: api_key is still in the environment" in ran.err
    assert ran.err.rstrip().endswith(" - run it where the keyring is")


def test_a_back_end_without_encryption_has_to_be_named(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.has(Memory())
    ran = user.runs("set", "bybit", given=LINES)
    assert (ran.code, user.items, user.config.exists()) == (6, {}, False)
    assert "unit.cli.auth.memory.Memory may store secrets unencrypted" in ran.err
    assert "--allow-plaintext" in ran.err
    ran = user.runs("set", "bybit", "--allow-plaintext", given=LINES)
    assert (ran.code, user.items) == (0, ITEMS)
    assert "WARNING: unit.cli.auth.memory.Memory may keep secrets unencrypted" in ran.err
    assert user.tables == {"bybit": {"venue": "bybit", "keyring_backend": "unit.cli.auth.memory.Memory"}}
    assert user.runs("status").code == 0  # by its recorded name
    encrypted = Encrypted()
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [user.keyring, null.Keyring(), encrypted])
    monkeypatch.setattr(keyring.core, "_keyring_backend", chainer.ChainerBackend())
    assert user.runs("set", "other", "--venue", "bybit", given=LINES).code == 0
    assert set(encrypted.items) == {"other.api_key", "other.api_secret"}
    assert user.items == ITEMS


def test_a_keyring_that_hangs_is_not_waited_for(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "KEYRING_SECONDS", 0.2)
    for_ever = threading.Event()
    user.has(Encrypted(OLD))
    user.keyring.on_write = lambda number: number == 2 and for_ever.wait(20)  # type: ignore[attr-defined]
    began = time.monotonic()
    ran = user.runs("set", "bybit", given=LINES)
    assert time.monotonic() - began < 5
    for_ever.set()
    assert ran.code == 6
    assert "cancelall/bybit.api_secret was not taken within 0.2 s: is the keyring locked?" in ran.err
    assert "bybit.api_secret in the keyring may be changed" in ran.err
    assert user.items["bybit.api_key"] == OLD["bybit.api_key"]


def test_status_waits_for_a_hanging_keyring_only_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "KEYRING_SECONDS", 0.2)
    for_ever, reads = threading.Event(), []

    class Hanging(Encrypted):
        def get_password(self, service: str, username: str) -> str | None:
            reads.append(username)
            for_ever.wait(20)
            return None

    Hanging.__module__ = Encrypted.__module__
    user.has(Hanging())
    ran = user.runs("status", "bybit", "--json")
    for_ever.set()
    assert (ran.code, reads) == (6, ["bybit.api_key"])
    assert all("within 0.2 s" in one["error"]["message"] for one in ran.line["secrets"])


@pytest.fixture(autouse=True)
def _no_threads_left_waiting() -> Iterator[None]:
    yield
    until = time.monotonic() + 2
    while any(thread.name == "keyring" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.005)


# --- status and remove ----------------------------------------------------------------------------------------------


def test_status_says_where_each_secret_is_and_what_is_wrong(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.has(Encrypted({"held.api_key": KEY}))
    folder = user.home / "creds"
    folder.mkdir()
    (folder / "cancelall.held.api_secret").write_text("CANARY canary")
    (folder / "cancelall.held.api_secret").chmod(0o400)
    day = time.time() - 26 * 3600
    (folder / "cancelall.filed.api_key").write_text("CANARY-filed")
    (folder / "cancelall.filed.api_key").chmod(0o400)
    os.utime(folder / "cancelall.filed.api_key", (day, day))
    user.writes_config(
        '[profiles.held]\nvenue = "bybit"\n[profiles.filed]\nvenue = "bybit"\n'
        'secret_command = { api_secret = ["echo", "CANARY-command"] }\n[profiles.broken]\nvenue = "bybbit"\n'
        '[profiles.written]\nvenue = "deltadefi"\n[profiles.written.credentials]\napi_key = "CANARY-written"\n'
    )
    os.utime(user.config, (day, day))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    ran = user.runs("status", "--json")
    found = {line["profile"]: line for line in ran.lines}
    assert (ran.code, [line["ok"] for line in ran.lines]) == (6, [False, True, False, True])
    held, filed, written = (found[name]["secrets"] for name in ("held", "filed", "written"))
    assert (held[0]["source"], held[0]["since"], held[0]["error"]) == ("keyring", None, None)
    assert (held[1]["source"], held[1]["error"]["kind"]) == (None, "secret")
    assert "holds a space" in held[1]["error"]["message"]
    assert filed[0]["source"] == "credentials directory (cancelall.filed.api_key)"
    assert filed[0]["age_seconds"] == written[0]["age_seconds"] == pytest.approx(26 * 3600, abs=120)
    assert (filed[1]["source"], filed[1]["age_seconds"]) == ("secret_command", None)
    assert written[0]["source"] == "config file"
    assert 'did you mean "bybit"' in found["broken"]["error"]["message"]
    text = user.runs("status", "filed", "written")
    assert text.code == 0
    assert "api_key     credentials directory (cancelall.filed.api_key), changed 1 day ago" in text.out
    assert user.runs("status", "nobody").code == 6


def test_status_without_a_config_looks_where_a_kill_would(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user.runs("status").code == 6
    monkeypatch.setenv("CANCELALL_DELTADEFI_API_KEY", "CANARY-delta")
    ran = user.runs("status")
    assert (ran.code, ran.out) == (0, "deltadefi (deltadefi)\n  api_key  environment (CANCELALL_DELTADEFI_API_KEY)\n")


def test_status_tells_a_pair_that_the_venue_cannot_use(user: User) -> None:
    user.has(Encrypted({"pacifica.secret_key": PUBLIC.partition("=")[2]}))
    ran = user.runs("status", "pacifica")
    assert ran.code == 6
    assert "secret_key      keyring" in ran.out
    assert "api_config_key  not set (optional)" in ran.out
    assert "that is an address" in ran.out


def test_what_is_not_needed_fails_no_status(user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pair = list(key.private_bytes_raw() + key.public_key().public_bytes_raw())
    monkeypatch.setenv("CANCELALL_PACIFICA_SECRET_KEY", json.dumps(pair))
    monkeypatch.setenv("CANCELALL_PACIFICA_API_CONFIG_KEY", "${CANARY}")
    ran = user.runs("status", "pacifica")
    assert ran.code == 0
    assert "is the name of a variable" in ran.out
    monkeypatch.delenv("CANCELALL_PACIFICA_API_CONFIG_KEY")
    user.writes_config(
        '[profiles.pacifica]\nvenue = "pacifica"\nsecret_command = { api_config_key = ["echo", "t-0001"] }\n'
    )
    ran = user.runs("status", "pacifica")
    assert (ran.code, "nobody waits for its secret_command" in ran.out) == (0, True), ran


@pytest.mark.parametrize(
    "given",
    [
        f"api_key=\"{KEY}\"\napi_secret='{VALUE}'\n",
        f"export api_key={KEY}\r\nexport api_secret = {VALUE} \r\n",
        f"\ufeff# mine\nCANCELALL_BYBIT_API_KEY={KEY}\nCANCELALL_BYBIT_API_SECRET=“{VALUE}”\n",
        json.dumps({"api_key": KEY, "api_secret": VALUE}),
    ],
)
def test_set_reads_what_people_have(user: User, given: str) -> None:
    assert user.runs("set", "bybit", given=given).code == 0
    assert user.items == {"bybit.api_key": KEY, "bybit.api_secret": VALUE}


def test_remove_takes_out_all_and_tells_what_is_elsewhere(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user.runs("set", "bybit", given=LINES).code == 0
    user.items["other.api_key"] = "CANARY-other"
    monkeypatch.setenv("CANCELALL_BYBIT_API_KEY", KEY)
    ran = user.runs("remove", "bybit")
    assert (ran.code, user.items) == (0, {"other.api_key": "CANARY-other"})
    assert "bybit: removed api_key and api_secret from the keyring" in ran.err
    assert "bybit: api_key is still in the environment (CANCELALL_BYBIT_API_KEY)" in ran.err
    assert f"bybit: the profile is still in {user.config}" in ran.err
    assert user.runs("status", "--json").line["secrets"][0]["since"] is None
    again = user.runs("remove", "bybit")
    assert (again.code, "nothing was removed from the keyring" in again.err) == (0, True)
    assert user.runs("remove", "other", "--venue", "bybit").code == 0
    assert user.items == {}


def test_a_signal_stops_a_removal_between_two_items(user: User) -> None:
    user.has(Encrypted(ITEMS))
    user.keyring.on_write = lambda number: os.kill(os.getpid(), signal.SIGTERM)  # type: ignore[attr-defined]
    ran = user.runs("remove", "bybit")
    assert (ran.code, user.items) == (143, {"bybit.api_secret": VALUE})
    assert "removed api_key from" in ran.err
    assert "stopped by SIGTERM - run it again" in ran.err


def test_remove_tells_what_it_could_not(user: User) -> None:
    user.has(Encrypted(ITEMS))
    user.keyring.on_write = _fails_at(1)  # type: ignore[attr-defined]
    ran = user.runs("remove", "bybit")
    assert (ran.code, user.items) == (6, {"bybit.api_key": KEY})
    assert "removed api_secret" in ran.err
    assert "cancelall/bybit.api_key could not be removed: RuntimeError" in ran.err


@pytest.mark.parametrize(
    ("spent", "words"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7300, "2 hours ago"), (86400 * 400, "400 days ago")],
)
def test_ages_in_words(spent: float, words: str) -> None:
    assert age_words(1000.0, 1000.0 + spent) == words


# --- the machine's config ---


def test_the_machines_config_is_read_but_never_written(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first profile of the user's own begins a config of his own, and he is warned of what that ends."""
    machine = tmp_path / "machine.toml"
    machine.write_text('[profiles.desk]\nvenue = "bybit"\n')
    machine.chmod(0o600)
    before = machine.read_bytes()
    monkeypatch.setattr(places, "MACHINE", str(machine))
    notice = f"cancelall: reading {machine}, as you have no config of your own"
    shown = user.runs("status")
    assert (shown.code, notice in shown.err, "desk" in shown.out) == (6, True, True)
    assert "cancelall.desk.api_key" in user.runs("export-systemd", "desk").out
    unread = f"WARNING: {machine} is not read by you any more, but {user.config}"
    assert unread in user.runs("set", "bybit", given=LINES).err
    assert unread not in user.runs("set", "bybit", given=LINES).err
    assert list(user.tables) == ["bybit"]
    assert machine.read_bytes() == before
