"""The course: what a notebook asks, checks, claims and keeps.

=================  ==============================================================
`checks`           check, hint, solution, progress: what a learner calls
`exercises`        what an exercise is; `nb00`, `nb01`, … are those of each notebook
`predictions`      predict and review: bets before a run, met again at the end
`cards`            the journey as cards to lay in order
`inventory`        fifteen questions for the first and the last day
`claims`           statements that are held to what just happened
`logbook`          a trace as numbered moments
`measure`          what a journey costs, counted
`abilities`        which ability dies with which role
`glossary`         the course's words in two languages
`notice`           how all of these show themselves
`notes`            what the kernel remembers of its learner
`refresh`          runs the notebooks and writes their outputs
=================  ==============================================================
"""

from labmail.course.abilities import abilities, badges
from labmail.course.cards import cards, compare
from labmail.course.checks import check, hint, progress, solution
from labmail.course.claims import claim, claims
from labmail.course.glossary import glossary, term
from labmail.course.inventory import inventory, inventory_review
from labmail.course.logbook import logbook
from labmail.course.measure import delay_bars, delays, effort, side_by_side
from labmail.course.notice import show_source
from labmail.course.predictions import predict, review

__all__ = [
    "abilities",
    "badges",
    "cards",
    "check",
    "claim",
    "claims",
    "compare",
    "delay_bars",
    "delays",
    "effort",
    "glossary",
    "hint",
    "inventory",
    "inventory_review",
    "logbook",
    "predict",
    "progress",
    "review",
    "show_source",
    "side_by_side",
    "solution",
    "term",
]
