"""A real Secret Service: gnome-keyring on a session bus of its own, or something on the bus that does not serve."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pty
import select
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring.backends.SecretService
import pytest
import secretstorage

from cancelall import simulator
from cancelall.core.model import Verdict
from cancelall.core.results import ProfileReport
from cancelall.net import transport
from cancelall.simulator import SimServer
from support import ROOT, Ran, profile_table, swept, write_config
from unit.cli.auth.conftest import SOMEBODY_ELSES, Session, Start

pytestmark = [
    pytest.mark.faults,
    pytest.mark.alone(SOMEBODY_ELSES),
]
SERVICE = "keyring.backends.SecretService.Keyring"
LOADED = (keyring.backends.SecretService, transport)
"""What a kill in this process would import while its time is taken."""
BUS_NAME = "org.freedesktop.secrets"
SECRET = "CANARY-api-secret-0001"


def command(session: Session, *words: str, given: str = "", env: dict[str, str] | None = None) -> Ran:
    """The real command in this session, with no terminal."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(session.home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "cancelall", *words],
        env={**environ, **session.env, **(env or {})},
        cwd=session.home,
        input=given,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert "CANARY" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=5) as running:
        yield running


def keyless(server: SimServer, **more: object) -> dict[str, object]:
    """A profile of the embedded exchange whose keys are somewhere else."""
    table = profile_table("bybit", server, **more)
    del table["credentials"]
    return table


# --- one that works -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def collection_of(session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[secretstorage.Collection]:
    """The session's default collection, as another program sees it."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", session.address)
    with contextlib.closing(secretstorage.dbus_init()) as connection:
        yield secretstorage.get_default_collection(connection)


def plugged_in(folder: Path) -> tuple[str, Path]:
    """A keyring plug-in as packages bring them: a PYTHONPATH to find it, and a file that tells when it was loaded."""
    info, loaded = folder / "plain-1.0.dist-info", folder / "loaded"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plain\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[keyring.backends]\nplain = plainplugin\n")
    (folder / "plainplugin.py").write_text(
        f"import pathlib; pathlib.Path({str(loaded)!r}).touch()\n"
        "import keyring.backend\n"
        "class Plain(keyring.backend.KeyringBackend):\n"
        "    priority = 0.5\n"
        "    def get_password(self, service, username): return 'CANARY-plain'\n"
        "    def set_password(self, service, username, password): pass\n"
    )
    return f"{ROOT}:{folder}", loaded


def test_set_kill_status_remove(
    start_session: Start, server: SimServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = start_session()
    path = session.home / "config.toml"
    write_config(path, {"bybit": keyless(server)})
    path.write_text(f"# mine\n{path.read_text()}")
    config = ["--config", str(path)]
    lines = "".join(f"{field}={value}\n" for field, value in server.credentials.items())
    python_path, loaded = plugged_in(tmp_path / "site")
    env = {"PYTHONPATH": python_path}

    ran = command(session, "auth", "set", "bybit", *config, given=lines, env=env)
    assert ran.code == 0, ran
    assert f'keyring_backend = "{SERVICE}"' in path.read_text()
    assert path.read_text().startswith("# mine\n")
    stored = list((session.home / ".local/share/keyrings").iterdir())
    assert stored
    assert not [one for one in stored if server.credentials["api_secret"].encode() in one.read_bytes()]
    with collection_of(session, monkeypatch) as collection:
        (item,) = collection.search_items({"service": "cancelall", "username": "bybit.api_secret"})
        assert item.get_secret().decode() == server.credentials["api_secret"]

    # By the recorded name, the plug-ins of the machine are not even looked for; detection did load them.
    assert loaded.exists()
    loaded.unlink()
    ran = command(session, "bybit", "--json", *config, env=env)
    assert (ran.code, ran.line["verdict"], server.open_orders()) == (0, "clear", []), ran
    assert not loaded.exists()

    ran = command(session, "auth", "status", "--json", *config)
    assert (ran.code, [one["source"] for one in ran.line["secrets"]]) == (0, ["keyring", "keyring"])
    assert all(one["age_seconds"] < 60 for one in ran.line["secrets"])
    ran = command(session, "auth", "remove", "bybit", *config)
    assert (ran.code, "removed api_key and api_secret" in ran.err) == (0, True)
    with collection_of(session, monkeypatch) as collection:
        assert list(collection.search_items({"service": "cancelall"})) == []
    ran = command(session, "auth", "status", *config)
    assert (ran.code, ran.out.count("missing")) == (6, 2)


READS = """
import sys
import secretstorage
from pathlib import Path
from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.credentials import chain
from cancelall.core.profile import Overrides
opened, real = [], secretstorage.dbus_init
secretstorage.dbus_init = lambda: opened.append(1) or real()
data = {"profiles": {"bitget": {"venue": "bitget", "keyring_backend": sys.argv[1]}}}
profile = loader.profile(Document(path=Path("config.toml"), data=data), "bitget", {}, Overrides())
secrets = chain.resolve(profile, {}).secrets
print(secrets.api_key.reveal(), secrets.passphrase.reveal(), len(opened), "keyring" in sys.modules)
"""


def test_a_kill_reads_all_items_on_one_connection_and_without_keyring(start_session: Start) -> None:
    """Unless keyring is told where to look: then keyring reads them."""
    session = start_session()
    given = "api_key=CANARY-key-12345678\napi_secret=CANARY-secret-12345678\npassphrase=CANARY-phrase\n"
    assert command(session, "auth", "set", "bitget", given=given).code == 0
    environ = {"PATH": os.environ["PATH"], "HOME": str(session.home), "PYTHONPATH": str(ROOT), **session.env}

    def read(**more: str) -> str:
        words = [sys.executable, "-c", READS, SERVICE]
        return subprocess.run(words, env={**environ, **more}, capture_output=True, text=True, check=True).stdout.strip()

    assert read() == "CANARY-key-12345678 CANARY-phrase 1 False"
    told = read(KEYRING_PROPERTY_APPID="cancelall")
    assert told.split()[0] == "CANARY-key-12345678"
    assert told.endswith(" True")


class Terminal:
    """A user at a terminal, who waits for each question before typing."""

    def __init__(self, session: Session, *words: str, **more: str) -> None:
        environ = {
            **more,
            "PATH": os.environ["PATH"],
            "HOME": str(session.home),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
        }
        self.shown = ""
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.execve(  # noqa: S606
                sys.executable, [sys.executable, "-m", "cancelall", *words], {**environ, **session.env}
            )

    def _readable(self, seconds: float) -> bool:
        """Whether anything comes in this time. `select` takes no descriptor above 1023."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def sees(self, words: str) -> None:
        """Wait until this has been shown since the last time."""
        until = time.monotonic() + 30
        while words not in self.shown:
            assert self._readable(max(0.0, until - time.monotonic())), self.shown
            self.shown += os.read(self.descriptor, 4096).decode()
        self.shown = self.shown.partition(words)[2]

    def types(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def ends(self) -> tuple[int, str]:
        """The exit code, and all that was shown after what was last waited for."""
        with contextlib.suppress(OSError):  # how Linux tells the end of a terminal
            while part := os.read(self.descriptor, 4096):
                self.shown += part.decode()
        assert termios.tcgetattr(self.descriptor)[3] & termios.ECHO, "the terminal was left without echo"
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.shown


def test_a_user_at_a_terminal(start_session: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start_session()
    user = Terminal(session, "auth", "set", "bitget")
    user.sees("api_key: API key. > ")
    user.types("CANARY key\n")
    user.sees("api_key (from the terminal) holds a space")
    user.sees("api_key: API key. > ")
    user.types("CANARY-key-1\nCANARY-pasted-beyond-the-line\n")
    user.sees("api_secret: API secret, or the PEM private key of an RSA key. > ")
    user.types(f"{SECRET}\n")
    user.sees("passphrase: Passphrase chosen when the key was made. > ")
    user.types("CANARY-phrase\n")
    code, shown = user.ends()
    assert (code, "CANARY" in shown) == (0, False), shown
    assert "bitget: api_key and api_secret and passphrase in the keyring" in shown
    with collection_of(session, monkeypatch) as collection:
        held = {item.get_attributes()["username"]: item.get_secret().decode() for item in collection.get_all_items()}
    assert held == {"bitget.api_key": "CANARY-key-1", "bitget.api_secret": SECRET, "bitget.passphrase": "CANARY-phrase"}

    user = Terminal(session, "auth", "set", "bitget")  # a new passphrase, the rest as it is
    for field in ("api_key", "api_secret"):
        user.sees(f"{field}: ")
        user.sees("Enter keeps the one that is set. > ")
        user.types("\n")
    user.sees("passphrase: ")
    user.sees(" > ")
    user.types("CANARY-phrase-2\n")
    code, shown = user.ends()
    assert (code, "bitget: passphrase in the keyring" in shown) == (0, True)

    user = Terminal(session, "auth", "set", "bybit")  # who thinks better of it
    user.sees("api_key: API key. > ")
    user.types("CANARY-key-2\n")
    user.sees("api_secret: ")
    user.types("CANARY-half\x03")
    code, shown = user.ends()
    assert (code, "interrupted - nothing was written" in shown, "CANARY" in shown) == (130, True, False)
    with collection_of(session, monkeypatch) as collection:
        assert not list(collection.search_items({"username": "bybit.api_key"}))
    assert "bybit" not in (session.home / ".config/cancelall/config.toml").read_text()


# --- those that do not ----------------------------------------------------------------------------------------------


def no_bus(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    return ""


def no_socket(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    return f"unix:path={home}/nothing"


def silent_bus(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    listening = stack.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind(str(home / "bus"))
    listening.listen()
    return f"unix:path={home}/bus"


def never_set_up(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    return start(unlocked=False).address


def locked(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    session = start()
    with pytest.MonkeyPatch.context() as patched, collection_of(session, patched) as collection:
        collection.lock()
    return session.address


def nobody_answers_the_prompt(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    address = locked(start, home, stack)
    prompter = Session(address=address, home=home, runtime=home).own("org.gnome.keyring.SystemPrompter")
    stack.callback(prompter.close)
    return address


def never_answers(start: Start, home: Path, stack: contextlib.ExitStack) -> str:
    session = start(unlocked=False)
    stack.callback(session.own(BUS_NAME).close)
    return session.address


Situation = Callable[[Start, Path, contextlib.ExitStack], str]
NO_SESSION = "there is no keyring in this session: use the credentials directory, the environment or secret_command"
UNLOCK = "unlock the keyring, or use the credentials directory, the environment or secret_command"
SITUATIONS: dict[Situation, tuple[float, str, str]] = {
    no_bus: (0.5, "could not be read: SecretServiceNotAvailableException: ", NO_SESSION),
    no_socket: (0.5, "could not be read: FileNotFoundError", NO_SESSION),
    silent_bus: (1.5, "could not be read: ", NO_SESSION),
    never_set_up: (1.0, "could not be read: PromptDismissedException: Prompt dismissed", UNLOCK),
    locked: (1.0, "could not be read: LockedException: the keyring stayed locked", UNLOCK),
    nobody_answers_the_prompt: (3.2, "was not given within 3 s: is the keyring locked?", "unlock it, or use the cred"),
    never_answers: (3.2, "was not given within 3 s: is the keyring locked?", "unlock it, or use the cred"),
}
"""Each with the seconds that it may take, what is said of it, and the cure."""
_SLACK = 4.0
"""Seconds for a busy machine."""


@pytest.mark.alone("measures how long a keyring is waited for")
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_a_keyring_that_does_not_serve_is_bounded_and_holds_up_nobody(
    start_session: Start, server: SimServer, home: Path, monkeypatch: pytest.MonkeyPatch, situation: Situation
) -> None:
    seconds, said, cure = SITUATIONS[situation]
    with contextlib.ExitStack() as stack:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", situation(start_session, home, stack))
        tables = {"bad": keyless(server, keyring_backend=SERVICE), "good": profile_table("bybit", server)}
        reports: dict[str, ProfileReport] = {one.profile: one for one in swept(tables, deadline=8)}
    bad, good = reports["bad"], reports["good"]
    assert good.timing.verdict is not None
    assert bad.timing.verdict is not None
    assert (good.verdict, server.open_orders()) == (Verdict.CLEAR, [])
    assert good.timing.verdict < min(1000 * _SLACK, bad.timing.verdict if seconds > 3 else math.inf)
    assert (bad.verdict, bad.requests) == (Verdict.UNCONFIGURED, 0)
    assert bad.error is not None
    assert bad.error.kind == "secret"
    assert said in bad.error.message
    assert cure in bad.error.hint
    assert bad.timing.verdict < 1000 * (seconds + _SLACK)


@pytest.mark.alone("measures how long a keyring is waited for")
@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (no_bus, "this session has none that keeps anything (DBUS_SESSION_BUS_ADDRESS is not set)"),
        (locked, "could not be read: KeyringLocked: Failed to unlock the collection!"),
        (never_answers, "cancelall/bybit.api_key was not given within 3 s: is the keyring locked?"),
    ],
)
def test_set_tells_at_once_that_a_keyring_does_not_serve(
    start_session: Start, home: Path, situation: Situation, said: str
) -> None:
    with contextlib.ExitStack() as stack:
        address = situation(start_session, home, stack)
        session = Session(address=address, home=home, runtime=home)
        env = {} if address else {"DBUS_SESSION_BUS_ADDRESS": ""}
        began = time.monotonic()
        ran = command(session, "auth", "set", "bybit", given="api_key=CANARY-1\napi_secret=CANARY-2\n", env=env)
        assert time.monotonic() - began < 3 + 2 * _SLACK
        assert (ran.code, len(ran.err.splitlines())) == (6, 1), ran
        assert said in ran.err
        assert "secret_command" in ran.err
        assert not (home / ".config").exists()
        if situation is locked:
            status = command(session, "auth", "status", "bybit", "--json")
            assert status.code == 6
            errors = [one["error"]["message"] for one in json.loads(status.out)["secrets"]]
            assert all("KeyringLocked" in message for message in errors)
            assert len(errors) == 2


def test_who_sits_at_a_screen_is_given_time_to_unlock(start_session: Start, home: Path) -> None:
    with contextlib.ExitStack() as stack:
        address = nobody_answers_the_prompt(start_session, home, stack)
        session = Session(address=address, home=home, runtime=home)
        user = Terminal(session, "auth", "set", "bybit", DISPLAY=":99")
        user.sees("waiting for the keyring to be unlocked")
        user.types("\x03")
        code, shown = user.ends()
    assert (code, "interrupted - nothing was written" in shown) == (130, True), shown
    assert not (home / ".config").exists()
