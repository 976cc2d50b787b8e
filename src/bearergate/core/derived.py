"""Derived: a value that an object derives when it is first asked for, and then keeps.

Without a lock, unlike functools.cached_property up to Python 3.11: that one is shared by all instances, and a process
that forks while another thread holds it can never take it again. Two threads may derive the same value; either is good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

T = TypeVar("T")


class Derived(Generic[T]):
    """A property that is derived when it is first asked for and then kept."""

    def __init__(self, derive: Callable[[Any], T]) -> None:
        self._derive = derive

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    if TYPE_CHECKING:

        def __set__(self, x: object, value: T) -> None: ...

    def __get__(self, x: object, owner: type) -> T:
        # In the instance from now on, where it is found before this descriptor. A row may put it there itself.
        value = x.__dict__[self._name] = self._derive(x)
        return value
