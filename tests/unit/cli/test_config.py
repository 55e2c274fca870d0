"""`cancelall config` as a user types it: a starter file, keys that are set, every mistake in one list."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import cancelall


@pytest.fixture
def path(home: Path) -> Path:
    return home / ".config" / "cancelall" / "config.toml"


def test_a_starter_file_and_a_kill_do_not_send_one_to_each_other(home: Path, path: Path) -> None:
    assert "cancelall auth set bybit" in cancelall("all", home=home).err
    assert cancelall("config", "init", home=home).code == 0
    ran = cancelall("all", home=home)
    assert (ran.code, "config init" in ran.err, str(path) in ran.err) == (6, False, True)
    assert "add one, with its keys: cancelall auth set bybit" in ran.err


def test_keys_are_set_where_they_belong(home: Path, path: Path) -> None:
    for key, value in (
        ("venue", "bitget"),
        ("product_type", "SPOT,USDT-FUTURES"),
        ("deadline", "20"),
        ("keep_protective", "yes"),
        ("notify_command", "mail -s 'a b' me"),
    ):
        ran = cancelall("config", "set", "mm-2", key, value, home=home)
        assert (ran.code, ran.err) == (0, f"cancelall: {path}: profiles.mm-2.{key} is set\n")
    assert cancelall("config", "set", "defaults", "deadline", "2.5", home=home).code == 0
    assert path.read_text() == (
        "[profiles.mm-2]\n"
        'notify_command = ["mail", "-s", "a b", "me"]\n'
        "keep_protective = true\n"
        "deadline = 20\n"
        'product_type = ["SPOT", "USDT-FUTURES"]\n'
        'venue = "bitget"\n'
        "\n[defaults]\ndeadline = 2.5\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    checked = cancelall("config", "check", home=home)
    assert (checked.code, checked.out) == (0, f"{path}: 1 profile(s), no mistake(s)\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mm-2", "venue", "bitgt"), 2, 'there is no venue "bitgt" (did you mean "bitget"?)'),
        (("mm-3", "deadline", "3"), 6, "begin with: cancelall config set mm-3 venue NAME"),
        (("bybit", "dedline", "3"), 2, 'unknown key "dedline" (did you mean "deadline"?)'),
        (("bybit", "deadline", "soon"), 2, "deadline must be a number"),
        (("bybit", "category", "liner"), 2, "category must be one of linear"),
        (("bybit", "api_key", "abc"), 2, "run: cancelall auth set bybit --field api_key"),
        (("bybit", "base_url", "http://far.example"), 2, "nothing was written: "),
        (("defaults", "symbol", "BTCUSDT"), 2, 'unknown key "symbol"'),
        (("a b", "venue", "bybit"), 2, "a profile name has letters"),
    ],
)
def test_what_cannot_be_set_is_told_and_changes_nothing(
    words: tuple[str, ...], code: int, said: str, home: Path, path: Path
) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text("[profiles.bybit]\nvenue = 'bybit' # mine\n")
    path.chmod(0o600)
    ran = cancelall("config", "set", *words, home=home)
    assert (ran.code, len(ran.err.splitlines())) == (code, 1), ran
    assert said in ran.err
    assert path.read_text() == "[profiles.bybit]\nvenue = 'bybit' # mine\n"


def test_every_mistake_is_listed_and_show_tells_of_them(home: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text("[profiles.bybit]\nvenue = 'bybit'\nsymbl = 'x'\ndeadline = 'soon'\n")
    path.chmod(0o600)
    ran = cancelall("config", "check", home=home)
    assert (ran.code, len(ran.out.splitlines())) == (6, 3)
    assert ran.out.endswith(f"{path}: 1 profile(s), 2 mistake(s)\n")
    shown = cancelall("config", "show", home=home)
    assert "WARNING: it has 2 mistake(s), and what they are in is not used: cancelall config check" in shown.err


def test_a_directory_of_others_is_refused(home: Path) -> None:
    folder = home / "open"
    folder.mkdir()
    folder.chmod(0o777)
    ran = cancelall("config", "set", "bybit", "venue", "bybit", "--config", str(folder / "c.toml"), home=home)
    assert (ran.code, "nothing was written there" in ran.err, list(folder.iterdir())) == (6, True, [])
