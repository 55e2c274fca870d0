"""What a kill imports, read from the interpreter's own lines."""

from __future__ import annotations

import pytest

from benchmarks.imports import STAGES, Imported, _lines, rows

INTERPRETER, CONNECTION, BYTE = STAGES
LINES = """\
import time: self [us] | cumulative | imported package
import time:       250 |        672 | _frozen_importlib_external
import time:      1000 |       5511 | re
import time:       116 |        116 | cancelall
import time:      2000 |       2779 |   typing
import time:       569 |      19940 | cancelall.venues.bybit.hosts
import time:    -35268 |      10668 | cancelall.core.model
import time:       380 |        380 | hmac
cancelall: bybit: cancelling settle-coin USDT on bybit (live) http://127.0.0.1:46133
import time:      2171 |       2171 | cancelall.journal.basis
"""


def test_each_module_has_its_stage_and_what_comes_after_the_first_byte_has_none() -> None:
    assert list(_lines(LINES.splitlines())) == [
        ("_frozen_importlib_external", INTERPRETER, 0.25),
        ("re", INTERPRETER, 1.0),
        ("cancelall", CONNECTION, 0.116),
        ("typing", CONNECTION, 2.0),
        ("cancelall.venues.bybit.hosts", CONNECTION, 0.569),
        ("cancelall.core.model", BYTE, 0.0),  # another thread imported meanwhile
        ("hmac", BYTE, 0.38),
    ]


def test_ours_and_others_are_added_up() -> None:
    modules = [Imported(name=name, stage=stage, ms=ms) for name, stage, ms in _lines(LINES.splitlines())]
    found = rows(modules)
    assert list(found) == [
        f"{INTERPRETER}: the standard library's",
        f"{CONNECTION}: ours",
        f"{CONNECTION}: the standard library's",
        f"{BYTE}: ours",
        f"{BYTE}: the standard library's",
    ]
    assert found[f"{CONNECTION}: ours"] == {"modules": 2, "ms": pytest.approx(0.685)}
