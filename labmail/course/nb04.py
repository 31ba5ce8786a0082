"""The exercises of notebook 04, *Which address counts?*"""

from __future__ import annotations

from labmail.course.exercises import Exercise

EXERCISES: tuple[Exercise, ...] = ()
