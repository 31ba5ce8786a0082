"""Whole numbers that a person has typed: how often, and which port.

In Python ``True`` is the number 1, and 1.5 is greater than 1.  Who asks only whether a value is
great enough takes both for a count, and does something that nobody asked for.
"""

from __future__ import annotations


def is_whole(value: object, least: int, most: int | None = None) -> bool:
    """Whether this is a whole number from `least` on, up to `most`."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return value >= least and (most is None or value <= most)
