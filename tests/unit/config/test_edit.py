"""A few keys of one profile change in the config file; everything else stays as its owner wrote it."""

from __future__ import annotations

import fcntl
import os
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.config import edit
from cancelall.config.edit import Value, of_profile, save, with_keys
from cancelall.config.example import example_config
from cancelall.core.errors import ConfigError

BACKEND = "keyring.backends.SecretService.Keyring"
KEYS = {"venue": "bybit", "keyring_backend": BACKEND}
ADDED = f'[profiles.bybit]\nvenue = "bybit"\nkeyring_backend = "{BACKEND}"\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ADDED),
        ("# mine\n[defaults]\ndeadline = 3 # short", f"# mine\n[defaults]\ndeadline = 3 # short\n\n{ADDED}"),
        (
            '[profiles.bybit]  # main\nvenue = "bybit" # it is\n\n# more\n[profiles.b]\nvenue = "bitget"\n',
            f'[profiles.bybit]  # main\nkeyring_backend = "{BACKEND}"\nvenue = "bybit" # it is\n\n'
            '# more\n[profiles.b]\nvenue = "bitget"\n',
        ),
        (
            "[profiles.'bybit']\nkeyring_backend='x' # old\nvenue = 'bybit'",
            f"[profiles.'bybit']\nkeyring_backend=\"{BACKEND}\" # old\nvenue = 'bybit'",
        ),
        ("[profiles.bybit.credentials]\napi_key = 'k'\n", f"[profiles.bybit.credentials]\napi_key = 'k'\n\n{ADDED}"),
        ("[profiles.bybit]", f'[profiles.bybit]\nvenue = "bybit"\nkeyring_backend = "{BACKEND}"\n'),
        (
            "[profiles.bybit]\r\nvenue = 'bybit'\r\n",
            f"[profiles.bybit]\r\nkeyring_backend = \"{BACKEND}\"\r\nvenue = 'bybit'\r\n",
        ),
        (
            "x = '''\n[profiles.bybit]\n'''\n[ profiles . bybit ]\n",
            "x = '''\n[profiles.bybit]\n'''\n[ profiles . bybit ]\n"
            f'venue = "bybit"\nkeyring_backend = "{BACKEND}"\n',
        ),
        (ADDED, ADDED),
        (f'profiles.bybit = {{ venue = "bybit", keyring_backend = "{BACKEND}" }} # all of it', None),
    ],
)
def test_the_text_is_edited_where_it_stands(before: str, after: str | None) -> None:
    edit = with_keys(before, of_profile("bybit"), KEYS)
    assert (edit.text, edit.keeps_comments) == (before if after is None else after, True)


def test_the_starter_file_keeps_every_word() -> None:
    edit = with_keys(example_config(), of_profile("bybit"), KEYS)
    assert edit.keeps_comments
    assert edit.text.startswith(example_config())


@pytest.mark.parametrize(
    "text", ["profiles = { bybit = { venue = 'bybit' } } # mine\n", "[profiles] # mine\nbybit.venue = 'bybit'\n"]
)
def test_what_cannot_be_edited_is_written_anew_and_kept_beside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    told = save(path, {of_profile("bybit"): KEYS})
    assert "has lost its comments" in told
    assert tomllib.loads(path.read_text()) == {"profiles": {"bybit": KEYS}}
    backup = tmp_path / "config.toml.before"
    assert str(backup) in told
    assert (backup.read_text(), backup.stat().st_mode & 0o777) == (text, 0o600)


@pytest.mark.parametrize("text", ["profiles = 5\n", "[profiles]\nbybit = 'x'\n", "not toml"])
def test_a_file_with_no_place_for_a_profile_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no place"):
        save(path, {of_profile("bybit"): KEYS})
    assert path.read_text() == text


def test_the_file_is_private_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "new" / "config.toml"
    real.write_text(ADDED)
    real.chmod(0o644)
    link.parent.mkdir()
    link.symlink_to(real)
    before = os.umask(0)
    try:
        assert save(link, {of_profile("bybit"): KEYS}) == ""
        assert save(tmp_path / "other" / "config.toml", {of_profile("bybit"): KEYS}) == ""
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == (ADDED, 0o600)
    other = tmp_path / "other" / "config.toml"
    assert (other.stat().st_mode & 0o777, other.parent.stat().st_mode & 0o777) == (0o600, 0o700)


_LINES = st.sampled_from(
    [
        *("[profiles.bybit]", "[profiles.b]", "[profiles.bybit.credentials]", "[defaults]", "# [profiles.bybit]", ""),
        *("venue = 'bybit'", 'venue = "bitget" # c', "keyring_backend = 'x'", "api_key = 'k'", "x = '''", "'''"),
        *("y = [", "]", "deadline = 3", "bybit.venue = 'b'", "[profiles]", "[[a]]", "'venue' = 'x'"),
    ]
)


def test_a_number_is_written_and_replaced() -> None:
    text = "[profiles.a]\nvenue = 'ascendex'\naccount_group = 3 # mine\n"
    assert with_keys(text, of_profile("a"), {"account_group": 0}).text == text.replace("3", "0")
    assert with_keys(text, of_profile("b"), {"account_group": 7}).text == f"{text}\n[profiles.b]\naccount_group = 7\n"


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("symbol = ['A'] # mine", ["B", "C"], 'symbol = ["B", "C"] # mine'),
        ("symbol=[\"A\", '#']", ["B"], 'symbol=["B"]'),
        ("keep_protective = false", True, "keep_protective = true"),
        ("deadline = 3", 2.5, "deadline = 2.5"),
        ("deadline = 3", 3.0, "deadline = 3.0"),
        ("deadline = 3 # s", 3, "deadline = 3 # s"),
    ],
)
def test_values_of_every_kind_are_written_in_their_place(before: str, value: Value, after: str) -> None:
    key = before.partition("=")[0].strip()
    edit = with_keys(f"# top\n[defaults]\n{before}\n", ("defaults",), {key: value})
    assert (edit.text, edit.keeps_comments) == (f"# top\n[defaults]\n{after}\n", True)


def test_a_table_below_a_profile() -> None:
    text = "[profiles.a]\nvenue = 'bybit'\n"
    secrets = ("profiles", "a", "credentials")
    assert with_keys(text, secrets, {"api_key": "k"}).text == f'{text}\n[profiles.a.credentials]\napi_key = "k"\n'
    with pytest.raises(ConfigError, match=r"no place for \[profiles.a.credentials\]"):
        with_keys("[profiles.a]\ncredentials = 3\n", secrets, {"api_key": "k"})


def test_a_place_that_others_can_change_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    path = folder / "config.toml"
    with pytest.raises(ConfigError, match="nothing was written"):
        save(path, {of_profile("bybit"): KEYS}, careful=True)
    assert not path.exists()
    assert "no kill will read it there" in save(path, {of_profile("bybit"): KEYS})


def test_several_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    names = [f"p{number}" for number in range(16)]
    with ThreadPoolExecutor(max_workers=16) as pool:
        assert set(pool.map(lambda name: save(path, {of_profile(name): KEYS}), names)) == {""}
    assert tomllib.loads(path.read_text())["profiles"] == dict.fromkeys(names, KEYS)


def test_who_holds_the_file_is_not_waited_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "LOCK_SECONDS", 0.1)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(ConfigError, match="being changed by another process"):
            save(tmp_path / "config.toml", {of_profile("bybit"): KEYS})
    finally:
        os.close(descriptor)
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None)
@given(lines=st.lists(_LINES, max_size=9), value=st.text(st.characters(codec="utf-8"), max_size=8))
def test_whatever_the_file_says_the_rest_of_it_means_the_same(lines: list[str], value: str) -> None:
    text = "\n".join(lines)
    try:
        meant = tomllib.loads(text)
        edit = with_keys(text, of_profile("bybit"), {"venue": "bybit", "keyring_backend": value})
    except (ValueError, ConfigError):
        return
    meant.setdefault("profiles", {}).setdefault("bybit", {}).update({"venue": "bybit", "keyring_backend": value})
    assert tomllib.loads(edit.text) == meant
    if edit.keeps_comments:
        assert all(line in edit.text for line in lines if line.startswith("#"))
