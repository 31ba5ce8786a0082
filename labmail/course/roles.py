"""Which ability dies with which role?

A small world is started, some of its services are stopped, and two people try
to do what they do each day.  What no longer works shows what the stopped part was for.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Mapping
from imaplib import IMAP4
from poplib import error_proto

from labmail.course.notice import Table
from labmail.lab import Lab
from labmail.trace.events import Delivered

_SON, _LAN, _MINH = "son@hanoi.example", "lan@hanoi.example", "minh@saigon.example"
_TROUBLE = (OSError, smtplib.SMTPException, IMAP4.error, error_proto)


def _hands_in(lab: Lab, sender: str, to: str) -> bool:
    lab.user(sender).send(to=to, subject="Thử", text="Có ai đó không?")
    lab.settle()
    return True


def _arrived(lab: Lab, account: str) -> bool:
    return any(e.account == account for e in lab.trace.of(Delivered))


def _reads_by_imap(lab: Lab) -> bool:
    return lab.user(_SON).inbox() is not None


def _reads_by_pop3(lab: Lab) -> bool:
    server = lab.user(_SON).pop3()
    server.stat()
    server.quit()
    return True


ABILITIES: Mapping[str, Callable[[Lab], bool]] = {
    "Sơn can hand in a letter": lambda lab: _hands_in(lab, _SON, _LAN),
    "Lan, next door, gets it": lambda lab: _arrived(lab, _LAN),
    "Minh gets a letter from Sơn": lambda lab: _hands_in(lab, _SON, _MINH) and _arrived(lab, _MINH),
    "Sơn gets a letter from Minh": lambda lab: _hands_in(lab, _MINH, _SON) and _arrived(lab, _SON),
    "Sơn can read by IMAP": _reads_by_imap,
    "Sơn can read by POP3": _reads_by_pop3,
}
"""What people do with mail each day, tried in this order."""


def abilities(stop: str = "") -> dict[str, bool]:
    """What still works when services are stopped in a fresh world.

    stop: ``"smtp.hanoi.example imap imaps"``: a host and its services (none: all of
    it); several hosts are separated by commas.
    """
    with Lab(beside=True) as lab:
        for order in filter(None, (part.split() for part in stop.split(","))):
            lab.host(order[0]).stop(*order[1:])
        return {words: _works(lab, ability) for words, ability in ABILITIES.items()}


def _works(lab: Lab, ability: Callable[[Lab], bool]) -> bool:
    try:
        return ability(lab)
    except _TROUBLE:
        return False


class Badges(Table):
    """One column for each thing that was stopped, one row for each ability.

    ``badges(…)["the DNS"]`` is what still worked in that column.
    """

    def __init__(self, results: Mapping[str, Mapping[str, bool]]) -> None:
        rows = [
            (words, *("works" if result[words] else "✘ dead" for result in results.values()))
            for words in ABILITIES
        ]
        super().__init__("What still works when this is stopped", ("", *results), rows, whole=(0,))
        self._results = results

    def __getitem__(self, stopped: str) -> Mapping[str, bool]:
        return self._results[stopped]


def badges(roles: Mapping[str, str]) -> Badges:
    """Stop each of these in a world of its own and see what dies.

    roles: a name for the column → what `abilities` is to stop for it.
    """
    return Badges({name: abilities(stop) for name, stop in roles.items()})
