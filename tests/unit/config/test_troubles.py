"""Every mistake of a config at once, each with its line and the nearest word."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.config.toml_file import Document, parsed
from cancelall.config.troubles import troubles
from cancelall.core.errors import ConfigError

BAD = """\
[defaults]
deadlin = 3
[profiles.a]
venu = "bybit"
[profiles.b]
venue = "bybt"
[profiles.c]
venue = "bybit"
api_key = "CANARY-0123456789"
symbl = "x"
deadline = "soon"
[profiles.c.credentials]
api_secre = "q"
api_key = 5
[profiles.d]
venue = "bitget"
environment = "lvie"
"""


def found(text: str, **environ: str) -> list[str]:
    document = parsed(Path("/c.toml"), text, environ)
    return [f"{error.message} - {error.hint}" for error in troubles(document, environ)]


def test_all_of_them_in_the_order_of_the_file() -> None:
    told = found(BAD)
    assert not [line for line in told if "CANARY" in line]
    expected = [
        (2, 'unknown key "deadlin" (did you mean "deadline"?)'),
        (4, 'unknown key "venu" (did you mean "venue"?)'),
        (6, 'unknown venue "bybt" (did you mean "bybit"?)'),
        (9, "api_key stands in the wrong table - put it into [profiles.c.credentials]"),
        (10, 'unknown key "symbl" (did you mean "symbol"?)'),
        (11, "deadline must be a number"),
        (13, 'unknown secret "api_secre" (did you mean "api_secret"?)'),
        (14, "api_key must be text"),
        (17, 'no environment "lvie" (did you mean "live"?)'),
    ]
    assert [int(re.findall(r", line (\d+)", line)[0]) for line in told] == [line for line, _ in expected]
    assert all(words in line for line, (_, words) in zip(told, expected, strict=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[defaults]\napi_key = 'x'\n[profiles.a]\nvenue = 'bybit'\n", "put it into [profiles.NAME.credentials]"),
        ("[defaults]\ndeadlin = 3\n", 'unknown key "deadlin"'),
        ("[profiles]\na = 3\n", "a profile must be a table"),
        ("[profiles.a]\nvenue = 'bybit'\nsecret_command = 3\n", "secret_command must be a table"),
    ],
)
def test_what_stands_elsewhere(text: str, words: str) -> None:
    (line,) = found(text)
    assert words in line


def test_credentials_outside_of_a_profile() -> None:
    with pytest.raises(ConfigError) as error:
        parsed(Path("/c.toml"), "[credentials]\napi_key = 'k'\n", {})
    assert (error.value.hint, "line 1" in error.value.message) == ("put it into [profiles.NAME.credentials]", True)


def test_a_good_config_has_none() -> None:
    assert found("[defaults]\ndeadline = 3\n[profiles.a]\nvenue = 'bybit'\n") == []
    assert troubles(Document(path=None), {}) == []


def test_a_variable_that_is_wrong_is_one() -> None:
    (line,) = found("[profiles.a]\nvenue = 'bybit'\n", CANCELALL_A_DEADLINE="soon")
    assert line.startswith("environment variable CANCELALL_A_DEADLINE must be a number")


_LINES = ["[profiles.a]", "[defaults]", "venue = 'bybit'", "venue = 3", "symbol = ['x']", "deadline = 'x'", "odd = 1"]
_LINES += ["[profiles.a.credentials]", "api_key = 3", "api_key = 'k'", "[profiles]", "secret_command = {}", "x.y = 2"]


@given(st.lists(st.sampled_from(_LINES), max_size=8))
def test_any_config_is_read_to_its_end(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
        document = parsed(Path("/c.toml"), text, {})
    except (ValueError, ConfigError):
        return
    first = troubles(document, {})
    assert len({error.message for error in first}) == len(first)
