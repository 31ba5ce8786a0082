"""The exercises of notebook 02, *What exactly travelled?*"""

from __future__ import annotations

from labmail.course.exercises import Exercise

EXERCISES: tuple[Exercise, ...] = ()
