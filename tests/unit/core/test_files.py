"""Where the journal and the evidence are kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from cancelall.core.files import state_directories

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the paths of POSIX systems")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, []),
        ({"HOME": "/home/a"}, ["/home/a/.local/state/cancelall"]),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "/s"}, ["/s/cancelall"]),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "relative"}, ["/home/a/.local/state/cancelall"]),
        ({"HOME": "relative"}, []),
        ({"STATE_DIRECTORY": "/var/lib/cancelall", "HOME": "/root"}, ["/var/lib/cancelall"]),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, ["/var/lib/a"]),
        ({"HOME": "/h", "XDG_RUNTIME_DIR": "/run/user/1"}, ["/h/.local/state/cancelall", "/run/user/1/cancelall"]),
    ],
)
def test_the_places_in_their_order(environ: Mapping[str, str], expected: list[str]) -> None:
    assert [str(path) for path in state_directories(environ)] == expected
