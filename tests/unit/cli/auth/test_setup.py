"""`cancelall setup` through a pseudo-terminal: from nothing to a clear rehearsal, left at each question and resumed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from support import cancelall
from unit.cli.auth.conftest import SOMEBODY_ELSES, Session, Start
from unit.cli.auth.test_secret_service import Terminal

VENUE, ENVIRONMENT, PLACE, WRITE = "Which venue? [bybit] ", "Which environment? [live] ", "keys live? [", "[Y/n] "
PANIC = "The panic command, to copy:"


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("bybit", orders=0) as running:
        yield running


def begun(home: Path, server: SimServer, *words: str, session: Session | None = None) -> Terminal:
    """A user on a machine without a keyring, unless there is a session with one."""
    session = session or Session(address="", home=home, runtime=home)
    return Terminal(session, "setup", *words, CANCELALL_BYBIT_BASE_URL=server.origin, COLUMNS="100")


def answers(server: SimServer) -> list[tuple[str, str]]:
    """Each question, and what is typed."""
    keys = [(f"{field}: ", f"{value}\n") for field, value in server.credentials.items()]
    return [(VENUE, "1\n"), (ENVIRONMENT, "\n"), (PLACE, "\n"), *keys, (WRITE, "y\n")]


def config_of(home: Path) -> Path:
    return home / ".config" / "cancelall" / "config.toml"


def test_from_nothing_to_a_clear_rehearsal(home: Path, server: SimServer) -> None:
    user = begun(home, server)
    for question, answer in answers(server):
        user.sees(question)
        assert not config_of(home).exists()  # nothing is written before it is agreed to
        user.types(answer)
    user.sees("READY")
    user.sees("CLEAR")
    user.sees("no order is open; nothing was sent")
    user.sees(PANIC)
    code, shown = user.ends()
    assert code == 0
    assert "    cancelall bybit\r\n" in shown
    written = tomllib.loads(config_of(home).read_text())
    assert written == {"profiles": {"bybit": {"venue": "bybit", "credentials": dict(server.credentials)}}}
    assert not any(request.changes for request in server.requests)
    assert cancelall("bybit", "-q", home=home, env={"CANCELALL_BYBIT_BASE_URL": server.origin}).code == 0


@pytest.mark.parametrize("step", range(6))
def test_it_is_left_at_each_question_and_nothing_was_written(home: Path, server: SimServer, step: int) -> None:
    user = begun(home, server)
    for question, answer in answers(server)[:step]:
        user.sees(question)
        user.types(answer)
    user.sees(answers(server)[step][0])
    user.types("\x03" if step % 2 else "\x04" if step < 3 else "\x03")
    code, shown = user.ends()
    assert code == 130
    assert "go on with: cancelall setup" in shown
    assert not [value for value in server.credentials.values() if value in shown]
    assert not config_of(home).exists()


def test_it_is_gone_on_with_where_the_keys_are_there(home: Path, server: SimServer) -> None:
    lines = "".join(f"{field}={value}\n" for field, value in server.credentials.items())
    assert cancelall("auth", "set", "bybit", "--to", "config", home=home, given=lines).code == 0
    user = begun(home, server, "bybit")
    user.sees("bybit: its keys are there (config file)")
    user.sees(PANIC)
    assert user.ends()[0] == 0


def test_no_to_what_is_shown_writes_nothing(home: Path, server: SimServer) -> None:
    user = begun(home, server, "bybit")
    for question, answer in answers(server)[1:-1]:
        user.sees(question)
        user.types(answer)
    user.sees("This will be written:")
    user.sees(WRITE)
    user.types("n\n")
    assert user.ends()[0] == 130
    assert not config_of(home).exists()


def test_a_wrong_answer_is_asked_again(home: Path, server: SimServer) -> None:
    user = begun(home, server)
    user.sees(VENUE)
    user.types("bybitt\n")
    user.sees('It is none of them (did you mean "bybit"?)')
    user.sees(VENUE)
    user.types("\x04")
    assert user.ends()[0] == 130


@pytest.mark.faults
@pytest.mark.alone(SOMEBODY_ELSES)
def test_with_a_keyring(start_session: Start, server: SimServer) -> None:
    session = start_session()
    user = begun(session.home, server, "bybit", session=session)
    for question, answer in answers(server)[1:]:
        user.sees(question)
        user.types(answer)
    user.sees("keys in the keyring")
    user.sees(PANIC)
    assert user.ends()[0] == 0
    (table,) = tomllib.loads(config_of(session.home).read_text())["profiles"].values()
    assert table["keyring_backend"].endswith(("SecretService.Keyring", "Encrypted"))
    assert "credentials" not in table


def test_without_a_terminal_the_commands_are_named(home: Path) -> None:
    ran = cancelall("setup", home=home)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "cancelall auth set VENUE, cancelall check, cancelall VENUE --dry-run" in ran.err
