"""The exercises of notebook 03, *How do two programs hand over a letter?*"""

from __future__ import annotations

from labmail.course.exercises import Exercise

EXERCISES: tuple[Exercise, ...] = ()
