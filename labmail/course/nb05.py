"""The exercises of notebook 05, *How did one server know where the other is?*"""

from __future__ import annotations

from labmail.course.exercises import Exercise

EXERCISES: tuple[Exercise, ...] = ()
