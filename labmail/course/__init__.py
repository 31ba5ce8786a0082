"""The course: what a notebook asks, checks, claims and keeps.

=================  ==============================================================
`checks`           check, hint, solution, progress: what a learner calls
`exercises`        what an exercise is; `nb00`, `nb01`, `nb02`, `nb03`, `nb04`, `nb05` are those of
                   each notebook
`readers`          kinds of programs: how they read a header, name a file, find a word
`predictions`      predict and review: bets before a run, met again at the end
`order`            the journey as cards to lay in order
`baseline`         the inventory: fifteen questions for the first and the last day
`claims`           statements that are held to what just happened
`moments`          the logbook: a trace as numbered moments
`measure`          what a journey costs, counted
`roles`            which ability dies with which role
`glossary`         the course's words in two languages
`notice`           how all of these show themselves
`notes`            what the kernel remembers of its learner
`refresh`          runs the notebooks and writes their outputs
=================  ==============================================================
"""

from labmail.course.baseline import inventory, inventory_review
from labmail.course.checks import check, hint, progress, solution
from labmail.course.claims import claim, facts
from labmail.course.glossary import term
from labmail.course.measure import delay_bars, delays, effort, side_by_side
from labmail.course.moments import logbook
from labmail.course.nb01 import journey
from labmail.course.nb02 import conversation, garbled
from labmail.course.notice import show_source
from labmail.course.order import cards, compare
from labmail.course.predictions import predict, review
from labmail.course.readers import attempts, names_read, readings, searches
from labmail.course.roles import abilities, badges

__all__ = [
    "abilities",
    "attempts",
    "badges",
    "cards",
    "check",
    "claim",
    "compare",
    "conversation",
    "delay_bars",
    "delays",
    "effort",
    "facts",
    "garbled",
    "hint",
    "inventory",
    "inventory_review",
    "journey",
    "logbook",
    "names_read",
    "predict",
    "progress",
    "readings",
    "review",
    "searches",
    "show_source",
    "side_by_side",
    "solution",
    "term",
]
