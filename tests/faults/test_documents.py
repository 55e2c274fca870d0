"""The matrix is whole: each row is there, is shown for each of its venues, and stands in docs/faults.md."""

from __future__ import annotations

import pytest

from cancelall.venues.registry import VENUES
from faults import documents
from faults.rows import ROWS

SHOWN = documents.shown()


def test_no_row_is_missing() -> None:
    assert sorted(SHOWN) == sorted(ROWS) == list(range(1, 69))


@pytest.mark.parametrize("number", SHOWN)
def test_each_row_is_shown_for_each_of_its_venues(number: int) -> None:
    row = ROWS[number]
    names = SHOWN[number]
    assert frozenset().union(*names.values()) == set(row.venues)
    assert set(row.not_for) < set(VENUES)
    assert row.venues


def test_the_document_is_what_the_tests_say() -> None:
    assert documents.PATH.read_text(encoding="utf-8") == documents.document(), "run `make docs`"
