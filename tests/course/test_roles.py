"""One role stopped, one ability dead; and the notebook's own lab is not disturbed."""

import pytest

from labmail import Lab
from labmail.course import abilities, badges
from labmail.course.roles import ABILITIES


@pytest.mark.parametrize(
    ("stop", "dead"),
    [
        ("", ()),
        ("smtp.hanoi.example smtp", ("Sơn gets a letter from Minh",)),
        ("smtp.hanoi.example imap imaps", ("Sơn can read by IMAP",)),
        ("smtp.hanoi.example pop3 pop3s", ("Sơn can read by POP3",)),
        (
            "smtp.hanoi.example submission submissions",
            ("Sơn can hand in a letter", "Lan, next door, gets it", "Minh gets a letter from Sơn"),
        ),
        ("mx1.saigon.example smtp, mx2.saigon.example smtp", ("Minh gets a letter from Sơn",)),
        ("mx2.saigon.example", ()),
    ],
)
def test_what_dies(stop: str, dead: tuple[str, ...]) -> None:
    assert tuple(words for words, works in abilities(stop).items() if not works) == dead


def test_the_table_has_a_column_for_each(lab: Lab) -> None:
    table = badges({"nothing": "", "names": "ns.lab"})
    assert table.head == ("", "nothing", "names")
    assert len(table.rows) == len(ABILITIES)
    assert {row[2] for row in table.rows} == {"✘ dead"}
    assert table["nothing"]["Sơn can hand in a letter"]
    assert lab.is_open
    assert not lab.box("minh@saigon.example").rows
