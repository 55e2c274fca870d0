"""Where secrets come from: five sources in a fixed order, and what is told when one of them fails."""

from __future__ import annotations

import json
import os
import stat
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.core
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked

from cancelall.config import loader
from cancelall.core import files, secret
from cancelall.core.declare import Form
from cancelall.core.errors import SecretError
from cancelall.core.profile import Profile
from cancelall.credentials import chain, secret_command
from cancelall.credentials.chain import ResolvedSecrets, checked, resolve
from support import profiles_of

KEY, VALUE = "the-api-key-0001", "the-api-secret-0001"


class Memory(keyring.backend.KeyringBackend):
    """A keyring of this process alone. Its name says where it claims to come from."""

    priority = -1  # type: ignore[assignment] - never chosen by detection

    def __init__(self, items: dict[str, str] | None = None, act: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.items = items or {}
        self.act = act
        self.requested: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.requested.append((service, username))
        self.act()
        return self.items.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


class Plaintext(Memory):
    """A plug-in from elsewhere."""


class Encrypted(Memory):
    """One of keyring's own."""


Encrypted.__module__ = "keyring.backends.SecretService"


class Named(Memory):
    """Made by its name alone, as keyring_backend does it."""

    def __init__(self) -> None:
        super().__init__({"bybit.api_key": KEY, "bybit.api_secret": VALUE})


@pytest.fixture(autouse=True)
def use_keyring(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """Make a keyring the detected one; at first none is there."""

    def use(backend: Any) -> Any:
        monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
        return backend

    use(fail.Keyring())
    return use


def a_profile(name: str = "bybit", **keys: object) -> Profile:
    (profile,) = profiles_of({name: {"venue": "bybit", **keys}})
    return profile


def values(found: ResolvedSecrets) -> tuple[str, str]:
    return found.secrets.api_key.reveal(), found.secrets.api_secret.reveal()


def with_key(folder: Path) -> dict[str, str]:
    """An environment with the key and a credentials directory."""
    return {"CREDENTIALS_DIRECTORY": str(folder), "CANCELALL_BYBIT_API_KEY": KEY}


def refusal(profile: Profile, environ: dict[str, str]) -> SecretError:
    with pytest.raises(SecretError) as caught:
        resolve(profile, environ)
    shown = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    assert VALUE not in shown
    assert "canary" not in shown
    assert caught.value.hint
    return caught.value


def put(folder: Path, field: str, content: str | bytes, mode: int = 0o400, profile: str = "bybit") -> Path:
    """A file in the credentials directory."""
    path = folder / f"cancelall.{profile}.{field}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_a_credentials_directory_that_cannot_be_looked_into_is_no_trouble_yet() -> None:
    environ = {"CREDENTIALS_DIRECTORY": f"/{'x' * 300}"}  # too long for a name; one of somebody else is alike
    assert not loader.at_hand("bybit", "api_key", environ)
    assert chain.before_keyring(a_profile(), "api_key", environ) == ()


# --- the order ------------------------------------------------------------------------------------------------------

SOURCES = {
    "directory": "credentials directory (cancelall.bybit.api_secret)",
    "environment": "environment (CANCELALL_BYBIT_API_SECRET)",
    "command": "secret_command",
    "config": "config file",
    "keyring": "keyring",
}


@pytest.mark.parametrize("first", SOURCES)
def test_each_source_wins_over_all_later_ones(tmp_path: Path, use_keyring: Callable[[Any], Any], first: str) -> None:
    there = list(SOURCES)[list(SOURCES).index(first) :]
    environ = {"CANCELALL_BYBIT_API_KEY": KEY, "CREDENTIALS_DIRECTORY": str(tmp_path), "PATH": os.environ["PATH"]}
    keys: dict[str, object] = {}
    if "directory" in there:
        put(tmp_path, "api_secret", "from-directory")
    if "environment" in there:
        environ["CANCELALL_BYBIT_API_SECRET"] = "from-environment"
    if "command" in there:
        keys["secret_command"] = {"api_secret": ["printf", "from-command"]}
    if "config" in there:
        keys["credentials"] = {"api_secret": "from-config"}
    memory = use_keyring(Encrypted({"bybit.api_secret": "from-keyring"}))
    found = resolve(a_profile(**keys), environ)
    assert values(found) == (KEY, f"from-{first}")
    assert found.sources == (("api_key", "environment (CANCELALL_BYBIT_API_KEY)"), ("api_secret", SOURCES[first]))
    assert memory.requested == ([("cancelall", "bybit.api_secret")] if first == "keyring" else [])


@pytest.mark.parametrize("empty", ["", "\n", "\r\n"])
def test_what_is_empty_is_not_set(tmp_path: Path, use_keyring: Callable[[Any], Any], empty: str) -> None:
    put(tmp_path, "api_secret", empty)
    environ = {**with_key(tmp_path), "CANCELALL_BYBIT_API_SECRET": empty}
    use_keyring(Encrypted({"bybit.api_secret": "from-keyring"}))
    found = resolve(a_profile(credentials={"api_secret": empty}), environ)
    assert found.sources[1] == ("api_secret", "keyring")
    use_keyring(Encrypted({"bybit.api_secret": empty}))
    told = refusal(a_profile(credentials={"api_secret": empty}), environ)
    assert told.message.startswith("no api_secret: looked in ")


def test_one_line_break_at_the_end_does_not_belong_to_it(tmp_path: Path) -> None:
    put(tmp_path, "api_key", f"{KEY}\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "CANCELALL_BYBIT_API_SECRET": f"{VALUE}\r\n"}
    assert values(resolve(a_profile(), environ)) == (KEY, VALUE)


def test_names_with_a_dash(tmp_path: Path) -> None:
    put(tmp_path, "api_key", KEY, profile="mm-2")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "CANCELALL_MM_2_API_SECRET": VALUE}
    found = resolve(a_profile("mm-2"), environ)
    assert values(found) == (KEY, VALUE)
    assert dict(found.sources) == {
        "api_key": "credentials directory (cancelall.mm-2.api_key)",
        "api_secret": "environment (CANCELALL_MM_2_API_SECRET)",
    }


def test_what_is_missing_is_named_with_every_place(tmp_path: Path) -> None:
    told = refusal(a_profile(), {})
    assert told.message == (
        "no api_key and no api_secret: looked in the credentials directory (none is set), $CANCELALL_BYBIT_API_KEY, "
        "secret_command and [credentials] of the config, the keyring (cancelall, bybit.api_key)"
    )
    assert told.hint == (
        "run: cancelall auth set bybit; or set CANCELALL_BYBIT_… in the environment, "
        "or [profiles.bybit.credentials] in the config"
    )
    assert refusal(a_profile(), with_key(tmp_path)).message == (
        "no api_secret: looked in $CREDENTIALS_DIRECTORY/cancelall.bybit.api_secret, $CANCELALL_BYBIT_API_SECRET, "
        "secret_command and [credentials] of the config, the keyring (cancelall, bybit.api_secret)"
    )


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o400, False), (0o600, False), (0o440, True), (0o444, True), (0o604, True)]
)
def test_a_credential_that_others_can_read_is_a_warning(tmp_path: Path, mode: int, warned: bool) -> None:
    path = put(tmp_path, "api_secret", VALUE, mode)
    found = resolve(a_profile(), with_key(tmp_path))
    assert values(found)[1] == VALUE
    assert found.warnings == ((f"{path} can be read by others: chmod 400 {path}",) if warned else ())


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the file system keeps it: kind, rights, and whose."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY, SOMEBODY = 0xFFFFFFFF, 12345
OWNER, NO_GROUP, MASK, NO_OTHERS = (1, 4, NOBODY), (4, 0, NOBODY), (16, 4, NOBODY), (32, 0, NOBODY)


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists of Linux")
@pytest.mark.parametrize(
    ("entries", "owner", "warned"),
    [
        ([OWNER, (2, 4, SOMEBODY), NO_GROUP, MASK, NO_OTHERS], 0, False),  # systemd's: one entry for the unit's user
        ([OWNER, (2, 4, SOMEBODY), NO_GROUP, MASK, NO_OTHERS], 4711, True),
        ([OWNER, (2, 4, 4711), NO_GROUP, MASK, NO_OTHERS], 4711, False),
        ([OWNER, (4, 4, NOBODY), MASK, NO_OTHERS], 0, True),
        ([OWNER, NO_GROUP, (8, 4, SOMEBODY), MASK, NO_OTHERS], 0, True),
        ([OWNER, NO_GROUP, (8, 4, SOMEBODY), (16, 0, NOBODY), NO_OTHERS], 0, False),
        ([OWNER, NO_GROUP, MASK, (32, 4, NOBODY)], 0, True),
    ],
)
def test_the_group_bits_of_a_credential_with_a_list_are_its_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[tuple[int, int, int]], owner: int, warned: bool
) -> None:
    path = put(tmp_path, "api_secret", VALUE)
    mode = 0o440 | (0o004 if entries[-1][1] else 0)
    as_root = os.stat_result((stat.S_IFREG | mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    monkeypatch.setattr(os, "getxattr", lambda place, name: acl(*entries))
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert bool(files.rights_of_others(path, as_root) & files.READ) == warned
    writing = acl(*((kind, rights | 2 if rights else 0, who) for kind, rights, who in entries))
    monkeypatch.setattr(os, "getxattr", lambda place, name: writing)
    others_write = warned or (owner, entries[1][2]) == (0, SOMEBODY)
    assert bool(files.rights_of_others(path, as_root) & files.WRITE) == others_write


@pytest.mark.skipif(sys.platform != "linux", reason="access control lists of Linux")
def test_a_credential_of_systemds_is_no_warning(tmp_path: Path) -> None:
    path = put(tmp_path, "api_secret", VALUE)
    try:
        os.setxattr(path, "system.posix_acl_access", acl(OWNER, (2, 4, os.geteuid()), NO_GROUP, MASK, NO_OTHERS))
    except OSError:
        pytest.skip("this file system has no access control lists")
    assert path.stat().st_mode & 0o777 == 0o440
    found = resolve(a_profile(), with_key(tmp_path))
    assert (values(found)[1], found.warnings) == (VALUE, ())


@pytest.mark.parametrize("directory", ["credentials", "./x", "..", "~/x"])
def test_a_credentials_directory_that_depends_on_where_we_are_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "credentials").mkdir()
    put(tmp_path / "credentials", "api_key", "canary-of-somebody-else")
    environ = {"CREDENTIALS_DIRECTORY": directory, "CANCELALL_BYBIT_API_KEY": KEY, "CANCELALL_BYBIT_API_SECRET": VALUE}
    assert refusal(a_profile(), environ).message.startswith("CREDENTIALS_DIRECTORY is not an absolute path")
    assert not loader.at_hand("bybit", "api_key", {"CREDENTIALS_DIRECTORY": directory})
    assert values(resolve(a_profile(), {**environ, "CREDENTIALS_DIRECTORY": ""})) == (KEY, VALUE)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_credential_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path, "api_key", KEY, mode)
    told = refusal(a_profile(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (told.message, told.hint) == (f"{path} can be written by others", f"chmod 400 {path}")


def test_a_container_mounts_links_that_all_can_read(tmp_path: Path) -> None:
    inner = tmp_path / "..2026_11_21"
    inner.mkdir()
    for field, content in (("api_key", KEY), ("api_secret", VALUE)):
        put(inner, field, content, 0o444)
    (tmp_path / "..data").symlink_to(inner.name)
    for path in inner.iterdir():
        (tmp_path / path.name).symlink_to(f"..data/{path.name}")
    found = resolve(a_profile(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert values(found) == (KEY, VALUE)
    assert [warning.split(" can ")[1].split(":")[0] for warning in found.warnings] == ["be read by others"] * 2


DER = b"\x30\x82\x04\xbd\x02\x01\x00\xff"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.mkdir(), "PATH cannot be read: Is a directory"),
        (lambda path: os.mkfifo(path, 0o400), "PATH is not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "PATH is not a file"),
        (lambda path: path.symlink_to(path), "PATH cannot be read: Too many levels of symbolic links"),
        (lambda path: path.write_bytes(b"x" * 16385), "PATH is longer than 16 KiB"),
        (lambda path: path.write_bytes(b"canary\xff"), "PATH is not UTF-8 text"),
        (lambda path: path.write_bytes(b"\xff\xfec"), "PATH is not UTF-8 text"),
        (lambda path: path.write_bytes(DER), "PATH is a key in binary form (DER), not a PEM block"),
    ],
    ids=["directory", "pipe", "device", "loop", "large", "bytes", "utf-16", "der"],
)
def test_a_credential_that_cannot_be_used(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    path = tmp_path / "cancelall.bybit.api_key"
    make(path)
    refused = refusal(a_profile(), {**with_key(tmp_path), "CANCELALL_BYBIT_API_SECRET": VALUE})
    assert refused.message.replace(str(path), "PATH") == problem


def test_a_credential_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_to_open(*words: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = put(tmp_path, "api_key", KEY)
    monkeypatch.setattr(os, "open", fail_to_open)
    told = refusal(a_profile(), with_key(tmp_path))
    assert told.message == f"{path} cannot be read: Permission denied"


def test_a_directory_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert refusal(a_profile(), with_key(tmp_path / "no")).message.startswith("no api_secret: looked in ")


# --- commands -------------------------------------------------------------------------------------------------------


def command(*words: str, **environ: str) -> ResolvedSecrets:
    """What comes of a command as the source of the secret."""
    environ = {"PATH": os.environ["PATH"], "CANCELALL_BYBIT_API_KEY": KEY, **environ}
    return resolve(a_profile(secret_command={"api_secret": list(words)}), environ)


def failed(*words: str) -> str:
    """Why it failed; a later source that would have it is not asked."""
    keys = {"secret_command": {"api_secret": list(words)}, "credentials": {"api_secret": VALUE}}
    return refusal(a_profile(**keys), {"PATH": os.environ["PATH"], "CANCELALL_BYBIT_API_KEY": KEY}).message


@pytest.mark.parametrize("words", [("printf", VALUE), ("echo", VALUE), ("sh", "-c", f"cat; echo '{VALUE}\r'")])
def test_what_a_command_prints_is_the_secret(words: tuple[str, ...]) -> None:
    found = command(*words)
    assert values(found) == (KEY, VALUE)
    assert found.sources[1] == ("api_secret", "secret_command")


def test_no_shell_reads_the_words() -> None:
    assert values(command("printf", "%s", "$HOME;`id`|*"))[1] == "$HOME;`id`|*"


def test_a_command_cannot_read_what_is_typed() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"typed-by-somebody")
    os.close(writing)
    before = os.dup(0)
    os.dup2(reading, 0)
    try:
        assert failed("cat") == "secret_command of api_secret (cat) printed nothing"
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reading)


def test_a_command_sees_what_it_needs_and_no_secret() -> None:
    script = 'printf "%s|%s|%s|%s" "$HOME" "$SSH_AUTH_SOCK" "$CANCELALL_BYBIT_API_KEY" "$CANCELALL_MM_API_SECRET"'
    found = command("sh", "-c", script, HOME="/h", SSH_AUTH_SOCK="/s", CANCELALL_MM_API_SECRET=VALUE, FOO="1")
    assert values(found)[1] == "/h|/s||"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("no-such-command-xyz",), "could not be started: No such file or directory"),
        (("/etc",), "could not be started: Permission denied"),
        (("sh", "-c", "exit 3"), "ended with code 3"),
        (("sh", "-c", "echo oops canary >&2; echo canary; exit 1"), "ended with code 1"),
        (("sh", "-c", "kill -9 $$"), "ended with code -9"),
        (("true",), "printed nothing"),
        (("echo",), "printed nothing"),
        (("sh", "-c", "printf 'canary\\377'"), "is not UTF-8 text"),
    ],
)
def test_a_command_that_fails_is_an_error_and_no_other_source_is_asked(words: tuple[str, ...], problem: str) -> None:
    told = failed(*words)
    assert told.removeprefix("the output of ").removeprefix(f"secret_command of api_secret ({words[0]}) ") == problem


def test_what_a_command_prints_has_the_form_of_the_secret() -> None:
    assert failed("printf", "canary\ncanary\n") == "api_secret (from secret_command) holds a line break"


@pytest.mark.alone("measures how long a secret is waited for")
@pytest.mark.parametrize("words", [("cat", "/dev/zero"), ("sh", "-c", "cat /dev/zero"), ("yes", "canary")])
def test_a_command_that_prints_without_end(words: tuple[str, ...]) -> None:
    began = time.monotonic()
    assert failed(*words) == f"secret_command of api_secret ({words[0]}) printed more than 16 KiB"
    assert time.monotonic() - began < 2


def test_a_command_that_prints_a_little_too_much() -> None:
    told = failed("sh", "-c", "head -c 16385 /dev/zero | tr '\\0' 'x'")
    assert told == "secret_command of api_secret (sh) printed more than 16 KiB"
    at_most = "head -c 8192 /dev/zero | tr '\\0' 'x'; head -c 8192 /dev/zero | tr '\\0' '1'"
    assert len(values(command("sh", "-c", at_most))[1]) == 16384


def test_a_command_with_a_lot_to_say_beside_the_secret() -> None:
    assert values(command("sh", "-c", f"head -c 1000000 /dev/zero >&2; printf {VALUE}"))[1] == VALUE


def _ended(process: int) -> bool:
    """Whether a process is gone, or waits to be reaped by somebody else."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.alone("measures how long a secret is waited for")
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_command_that_hangs_is_ended_with_all_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "COMMAND_SECONDS", 0.8)
    began = time.monotonic()
    told = failed("sh", "-c", f"echo $$ > {tmp_path}/ids; sleep 60 & echo $! >> {tmp_path}/ids; wait")
    assert time.monotonic() - began < 4
    assert told == "secret_command of api_secret (sh) did not end within 0.8 s"
    parent, child = (int(line) for line in (tmp_path / "ids").read_text().split())
    assert not Path(f"/proc/{parent}").exists(), "it is not even left to be reaped"
    until = time.monotonic() + 5
    while not _ended(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert _ended(child)


@pytest.mark.alone("measures how long a secret is waited for")
@pytest.mark.parametrize("handles", [True, False], ids=["told", "looked for"])
def test_a_child_that_keeps_the_pipe_open_costs_nothing(monkeypatch: pytest.MonkeyPatch, handles: bool) -> None:
    if not handles:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    began = time.monotonic()
    assert values(command("sh", "-c", f"sleep 30 & printf {VALUE}"))[1] == VALUE
    assert failed("sh", "-c", "sleep 30 & exit 3") == "secret_command of api_secret (sh) ended with code 3"
    assert time.monotonic() - began < chain.COMMAND_SECONDS / 2


def test_a_command_that_closes_its_output_first_is_waited_for() -> None:
    assert values(command("sh", "-c", f"printf {VALUE}; exec >&-; sleep 0.1"))[1] == VALUE


def meeting(folder: Path, mine: str, other: str, says: str) -> list[str]:
    """A command that prints once another one has begun, too: one after the other they never end."""
    script = f"touch {folder}/{mine}; until test -e {folder}/{other}; do sleep 0.01; done; printf {says}"
    return ["sh", "-c", script]


@pytest.mark.parametrize("threads", [False, True])
def test_the_commands_of_a_profile_are_asked_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: bool
) -> None:
    if threads:  # where pipes cannot be watched
        monkeypatch.setattr(secret_command, "_as_they_end", secret_command._in_threads)
    commands = {"api_key": meeting(tmp_path, "a", "b", KEY), "api_secret": meeting(tmp_path, "b", "a", VALUE)}
    found = resolve(a_profile(secret_command=commands), {"PATH": os.environ["PATH"]})
    assert values(found) == (KEY, VALUE)


def test_a_command_that_is_a_secret_pasted_there_is_not_repeated() -> None:
    key = "kX9vQ2mZ7pL4wR8tY1nB"
    assert failed(key) == "secret_command of api_secret (kX9v…) could not be started: No such file or directory"


# --- what is not needed ---------------------------------------------------------------------------------------------


def ticketed(environ: dict[str, str], **keys: object) -> ResolvedSecrets:
    """The secrets of a profile of which one is optional: a ticket for higher limits."""
    (profile,) = profiles_of({"pacifica": {"venue": "pacifica", **keys}})
    return resolve(profile, {"PATH": os.environ["PATH"], **environ})


@pytest.fixture
def pair() -> str:
    """A secret key of Pacifica."""
    key = ed25519.Ed25519PrivateKey.generate()
    return json.dumps(list(key.private_bytes_raw() + key.public_key().public_bytes_raw()))


def without_ticket(found: ResolvedSecrets) -> str:
    """The one warning, where the ticket is missing and nothing else is."""
    assert found.secrets.api_config_key is None
    assert [field for field, _ in found.sources] == ["secret_key"]
    (told,) = found.warnings
    assert told.startswith(("api_config_key", "secret_command of api_config_key", "the keyring item", "/"))
    assert "canary" not in told
    return told


LEFT_OUT = "; it is optional and was left out: "


@pytest.mark.alone("measures how long a secret is waited for")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sh", "-c", "echo canary >&2; exit 1"], "ended with code 1"),
        (["no-such-command-xyz"], "could not be started: No such file or directory"),
        (["true"], "printed nothing"),
        (["sh", "-c", "exec sleep 60"], "did not end within 0.1 s"),
        (["yes", "canary"], "printed more than 16 KiB"),
    ],
)
def test_a_command_that_is_not_needed_refuses_and_delays_nothing(pair: str, words: list[str], told: str) -> None:
    began = time.monotonic()
    found = ticketed({}, secret_command={"secret_key": ["printf", "%s", pair], "api_config_key": words})
    assert f"{told}{LEFT_OUT}" in without_ticket(found)
    assert time.monotonic() - began < chain.COMMAND_SECONDS / 2


def test_a_command_that_is_not_needed_is_asked_beside_one_that_is(pair: str, tmp_path: Path) -> None:
    (tmp_path / "pair").write_text(pair)
    commands = {
        "secret_key": meeting(tmp_path, "a", "b", f'"$(cat {tmp_path}/pair)"'),
        "api_config_key": meeting(tmp_path, "b", "a", "ticket-0001"),
    }
    found = ticketed({}, secret_command=commands)
    assert found.secrets.api_config_key.reveal() == "ticket-0001"
    assert found.warnings == ()


def test_a_command_that_is_not_needed_is_not_waited_for_where_the_rest_is_at_hand(pair: str, tmp_path: Path) -> None:
    commands = {"api_config_key": ["touch", str(tmp_path / "asked")]}
    told = without_ticket(ticketed({"CANCELALL_PACIFICA_SECRET_KEY": pair}, secret_command=commands))
    assert "nobody waits for its secret_command" in told
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("text", ["${TICKET}", "ticket canary", "canary ✓"])
def test_one_that_is_not_needed_and_malformed_is_left_out(pair: str, text: str) -> None:
    environ = {"CANCELALL_PACIFICA_SECRET_KEY": pair, "CANCELALL_PACIFICA_API_CONFIG_KEY": text}
    assert LEFT_OUT in without_ticket(ticketed(environ))


def test_a_file_that_is_not_needed_and_that_others_can_write_is_left_out(pair: str, tmp_path: Path) -> None:
    put(tmp_path, "api_config_key", "ticket", 0o666, "pacifica")
    environ = {"CANCELALL_PACIFICA_SECRET_KEY": pair, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert f"can be written by others{LEFT_OUT}chmod 400" in without_ticket(ticketed(environ))


@pytest.mark.alone("measures how long a secret is waited for")
def test_a_keyring_that_has_what_is_needed_is_not_waited_for_beyond_that(
    pair: str, use_keyring: Callable[[Any], Any]
) -> None:
    for_ever = threading.Event()

    class Half(Encrypted):
        def get_password(self, service: str, username: str) -> str | None:
            if username.endswith("api_config_key"):
                for_ever.wait(20)
            return super().get_password(service, username)

    Half.__module__ = Encrypted.__module__
    use_keyring(Half({"pacifica.secret_key": pair}))
    began = time.monotonic()
    assert LEFT_OUT in without_ticket(ticketed({}))
    assert time.monotonic() - began < chain.KEYRING_SECONDS / 2
    for_ever.set()


# --- the keyring ----------------------------------------------------------------------------------------------------


def of_keyring(**keys: object) -> ResolvedSecrets:
    return resolve(a_profile(**keys), {})


def why_not(**keys: object) -> str:
    return refusal(a_profile(**keys), {}).message


ITEMS = {"bybit.api_key": KEY, "bybit.api_secret": VALUE}
ITEM = "the keyring item cancelall/bybit.api_key"


def test_the_keyring_is_read_by_service_and_name(use_keyring: Callable[[Any], Any]) -> None:
    memory = use_keyring(Encrypted(ITEMS))
    found = of_keyring()
    assert values(found) == (KEY, VALUE)
    assert found.sources == (("api_key", "keyring"), ("api_secret", "keyring"))
    assert memory.requested == [("cancelall", "bybit.api_key"), ("cancelall", "bybit.api_secret")]


@pytest.mark.parametrize("backend", [null.Keyring, fail.Keyring, Encrypted])
def test_a_keyring_without_the_item_or_none_at_all(use_keyring: Callable[[Any], Any], backend: type) -> None:
    use_keyring(backend())
    assert why_not().startswith("no api_key and no api_secret: looked in ")


def _raise(error: Exception) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyringLocked("Failed to unlock the collection!"), "KeyringLocked: Failed to unlock the collection!"),
        (RuntimeError("x" * 500), f"RuntimeError: {'x' * 150}"),
        (OSError(5, "D-Bus is gone"), "OSError: [Errno 5] D-Bus is gone"),
        (ImportError("No module named 'dbus'"), "ImportError: No module named 'dbus'"),
        (RuntimeError(f"bad item {VALUE}"), "RuntimeError: bad item ***"),
    ],
)
def test_a_keyring_that_fails_is_an_error(use_keyring: Callable[[Any], Any], error: Exception, words: str) -> None:
    secret.register(VALUE)
    use_keyring(Encrypted(act=_raise(error)))
    assert why_not() == f"{ITEM} could not be read: {words}"


@pytest.mark.alone("measures how long a secret is waited for")
def test_a_keyring_that_hangs_is_not_waited_for(
    use_keyring: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "KEYRING_SECONDS", 0.2)
    for_ever = threading.Event()
    use_keyring(Encrypted(ITEMS, act=lambda: for_ever.wait(20)))
    began = time.monotonic()
    assert why_not() == f"{ITEM} was not given within 0.2 s: is the keyring locked?"
    assert time.monotonic() - began < 1
    for_ever.set()


def test_a_plug_in_that_may_store_plain_text_is_not_asked(use_keyring: Callable[[Any], Any]) -> None:
    memory = use_keyring(Plaintext(ITEMS))
    name = f"{Plaintext.__module__}.Plaintext"
    assert why_not() == (
        f"{ITEM} could not be read: the keyring back-end {name} may store secrets unencrypted: "
        "name it in keyring_backend to use it"
    )
    assert memory.requested == []


def test_a_back_end_that_is_named_is_used_without_detection(use_keyring: Callable[[Any], Any]) -> None:
    other = use_keyring(Encrypted())
    assert values(of_keyring(keyring_backend=f"{Named.__module__}.Named")) == (KEY, VALUE)
    assert other.requested == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no.such.Backend", "ModuleNotFoundError: No module named 'no'"),
        ("keyring.backends.null.Nope", "AttributeError: module 'keyring.backends.null' has no attribute 'Nope'"),
    ],
)
def test_a_back_end_that_does_not_exist(name: str, told: str) -> None:
    assert why_not(keyring_backend=name) == f"{ITEM} could not be read: {told}"


def test_several_back_ends_are_asked_in_turn_but_no_plain_text_one(
    use_keyring: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, first, second = Plaintext(ITEMS), Encrypted(), Encrypted(ITEMS)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plugin, first, second])
    use_keyring(chainer.ChainerBackend())
    assert values(of_keyring()) == (KEY, VALUE)
    assert (plugin.requested, len(first.requested), len(second.requested)) == ([], 2, 2)
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [plugin, Plaintext()])
    assert "may store secrets unencrypted" in why_not()
    assert plugin.requested == []


def test_a_keyring_is_not_even_loaded_when_the_rest_is_there(use_keyring: Callable[[Any], Any]) -> None:
    memory = use_keyring(Encrypted(act=_raise(KeyringLocked("locked"))))
    environ = {"CANCELALL_BYBIT_API_KEY": KEY, "CANCELALL_BYBIT_API_SECRET": VALUE}
    assert values(resolve(a_profile(), environ)) == (KEY, VALUE)
    assert memory.requested == []


# --- forms ----------------------------------------------------------------------------------------------------------

PEM = "-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----\n"
RSA, BASE58 = PEM.replace("PRIVATE", "RSA PRIVATE"), "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        *(("token", f"canary-123{end}", "canary-123") for end in ("", "\n", "\r\n")),
        ("token", SIGNS, SIGNS),
        ("token or pem", "canary-123", "canary-123"),
        *(("token or pem", text, PEM) for text in (PEM, f"\n  {PEM}\n\n")),
        ("pem", PEM.replace("\n", "\r\n"), PEM),
        ("pem", RSA, RSA),
        ("base58", BASE58, BASE58),
        ("base58 or json", "4uQeVj5tq", "4uQeVj5tq"),
        ("base58 or json", " [1, 2,\n3] \n", "[1, 2,\n3]"),
    ],
)
def test_a_secret_of_the_right_form_is_taken(form: Form, text: str, expected: str) -> None:
    assert checked("api_secret", form, text, "environment (X)") == expected


WRONG: dict[str, list[tuple[Form, str]]] = {
    "is empty": [("token", ""), ("token", "\n")],
    "holds a line break": [("token", "canary\ncanary"), ("token", "canary\rcanary")],
    "holds a character outside ASCII, such as a “smart quote”": [
        *(("token", "canary\u2019s"), ("token", "canary\udcff"), ("token", "cänary"))
    ],
    "holds a NUL character": [("token", "canary\0")],
    "holds a space": [
        *(("token", "can ary"), ("token or pem", "canary canary"), ("base58", "[1, 2]"), ("base58 or json", "can ary"))
    ],
    "holds a control character": [("token", "canary\x1b[0m"), ("token", "canary\x7f")],
    "is a PEM block, where text without line breaks belongs": [("token", PEM)],
    "is a PEM block, but not a whole private key: its end is missing": [("token or pem", PEM[:40])],
    "is not a PEM block": [("pem", "canary")],
    "is not base58 text": [("base58", "canary0"), ("base58", "canary-"), ("base58", "Il"), ("base58 or json", "O")],
}


@pytest.mark.parametrize(
    ("form", "text", "problem"), [(*one, problem) for problem, several in WRONG.items() for one in several]
)
def test_a_secret_of_another_form_is_refused_without_showing_it(form: Form, text: str, problem: str) -> None:
    with pytest.raises(SecretError) as caught:
        checked("api_secret", form, text, "environment (X)")
    assert caught.value.message == f"api_secret (from environment (X)) {problem}"
    assert caught.value.hint
    assert "canary" not in caught.value.message + caught.value.hint


@settings(deadline=None)
@given(form=st.sampled_from(["token", "pem", "token or pem", "base58", "base58 or json"]), text=st.text(max_size=80))
def test_whatever_is_taken_can_stand_in_a_header_or_is_a_block(form: Form, text: str) -> None:
    taken = ""
    try:
        taken = checked("api_secret", form, text, "x")
    except SecretError:
        return
    is_block = "-----BEGIN" in taken or taken.startswith("[")
    assert is_block or (taken.isascii() and taken.isprintable() and " " not in taken)
    assert taken


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """Private keys as PEM."""
    made = {"rsa": rsa.generate_private_key(65537, 2048), "ed25519": ed25519.Ed25519PrivateKey.generate()}
    private = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = made["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {name: key.private_bytes(*private).decode() for name, key in made.items()} | {"public": public.decode()}


@pytest.mark.parametrize("through", ["file", "environment", "config"])
def test_a_pem_key_comes_through_every_source(tmp_path: Path, keys: dict[str, str], through: str) -> None:
    environ, more = with_key(tmp_path), {"credentials": {"api_secret": keys["rsa"]}} if through == "config" else {}
    if through == "file":
        put(tmp_path, "api_secret", keys["rsa"])
    elif through == "environment":
        environ["CANCELALL_BYBIT_API_SECRET"] = keys["rsa"]
    assert values(resolve(a_profile(**more), environ))[1] == keys["rsa"]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("ed25519", "api_secret is a private key, but not an RSA one"),
        ("public", f"api_secret (from {SOURCES['environment']}) is a public key: that half belongs to the venue"),
        (PEM, "api_secret is a PEM block that does not hold an unencrypted private key"),
    ],
)
def test_a_key_that_the_venue_cannot_use(keys: dict[str, str], key: str, problem: str) -> None:
    text = keys.get(key, key)
    told = refusal(a_profile(), {"CANCELALL_BYBIT_API_KEY": KEY, "CANCELALL_BYBIT_API_SECRET": text})
    assert told.message == problem


def test_secrets_are_registered_before_anything_can_be_said(tmp_path: Path) -> None:
    resolve(a_profile(), {"CANCELALL_BYBIT_API_KEY": KEY, "CANCELALL_BYBIT_API_SECRET": VALUE})
    assert secret.scrub(f"{KEY} {VALUE}") == "*** ***"


@pytest.fixture(autouse=True)
def _no_threads_left_waiting() -> Iterator[None]:
    yield
    until = time.monotonic() + 2
    while any(thread.name == "keyring" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.005)
