"""Pages of a listing: by offset, by number, by the id or the moment after which they begin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page, where it ends among how many, and how many pages of its size there are."""

    items: Sequence[Item]
    end: int
    total: int
    pages: int

    @property
    def more(self) -> bool:
        return self.end < self.total


def by_offset(items: Sequence[Item], start: int, size: int) -> Page[Item]:
    """The page that begins after so many items."""
    return Page(items[start : start + size], start + size, len(items), -(-len(items) // size))


def by_number(items: Sequence[Item], number: int, size: int) -> Page[Item]:
    return by_offset(items, (number - 1) * size, size)


def after(items: Sequence[Item], passed: Callable[[Item], bool], size: int) -> Page[Item]:
    """The page that begins with the first item that is not passed: pages by id, or by id and moment."""
    start = next((index for index, item in enumerate(items) if not passed(item)), len(items))
    return by_offset(items, start, size)
