"""The course: what a notebook asks, checks, claims and keeps.

=================  ==============================================================
`checks`           check, hint, solution, progress: what a learner calls
`exercises`        what an exercise is; `nb00`, `nb01`, `nb02`, `nb03`, `nb04`, `nb05`, `nb08` are
                   those of each notebook; `moving` is the day of 5.4
`readers`          kinds of programs: how they read a header, name a file, find a word
`predictions`      predict and review: bets before a run, met again at the end
`order`            the journey as cards to lay in order
`baseline`         the inventory: fifteen questions for the first and the last day
`claims`           statements that are held to what just happened
`maillog`          what the servers would write into their logs, numbered
`moments`          the logbook: a trace as numbered moments
`measure`          what a journey costs, counted
`reverse`          who called: address, name and reverse name beside each other
`byhand`           a conversation by hand, and what servers offer
`visit`            play the server: a client calls, a person answers
`codes`            reply codes: what they mean, who acts, how to hear them
`roles`            which ability dies with which role
`quiz`             eight envelope cards, dealt by the servers; `quiz_draw` is their drawing
`responder`        a program that answers in a person's place, by the rules
`glossary`         the course's words in two languages
`notice`           how all of these show themselves
`notes`            what the kernel remembers of its learner
`refresh`          runs the notebooks and writes their outputs
=================  ==============================================================
"""

from labmail.course.baseline import inventory, inventory_review
from labmail.course.byhand import offers, talk
from labmail.course.checks import check, hint, progress, solution
from labmail.course.claims import claim, facts
from labmail.course.codes import decoded, explain_code
from labmail.course.glossary import term
from labmail.course.maillog import mail_log
from labmail.course.measure import (
    delay_bars,
    delays,
    effort,
    fair_range,
    share_bars,
    side_by_side,
)
from labmail.course.moments import logbook
from labmail.course.nb01 import journey
from labmail.course.nb02 import conversation, garbled
from labmail.course.nb03 import stored, twelve_replies
from labmail.course.nb04 import compare_copies, newsroom, with_villain
from labmail.course.nb05 import ward
from labmail.course.nb08 import (
    confirm,
    stampede,
    strict_saigon,
    stuck,
    twice,
    without_backup,
)
from labmail.course.notice import Table, show_source
from labmail.course.order import cards, compare
from labmail.course.predictions import predict, review
from labmail.course.quiz import deck
from labmail.course.readers import attempts, names_read, readings, searches
from labmail.course.responder import Responder
from labmail.course.reverse import callers
from labmail.course.roles import abilities, badges
from labmail.course.visit import play_server

__all__ = [
    "Responder",
    "Table",
    "abilities",
    "attempts",
    "badges",
    "callers",
    "cards",
    "check",
    "claim",
    "compare",
    "compare_copies",
    "confirm",
    "conversation",
    "deck",
    "decoded",
    "delay_bars",
    "delays",
    "effort",
    "explain_code",
    "facts",
    "fair_range",
    "garbled",
    "hint",
    "inventory",
    "inventory_review",
    "journey",
    "logbook",
    "mail_log",
    "names_read",
    "newsroom",
    "offers",
    "play_server",
    "predict",
    "progress",
    "readings",
    "review",
    "searches",
    "share_bars",
    "show_source",
    "side_by_side",
    "solution",
    "stampede",
    "stored",
    "strict_saigon",
    "stuck",
    "talk",
    "term",
    "twelve_replies",
    "twice",
    "ward",
    "with_villain",
    "without_backup",
]
