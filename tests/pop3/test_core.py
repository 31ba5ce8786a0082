"""What dialogs cannot show: events, limits, secrets, hang-ups, and bytes that make no sense."""

from __future__ import annotations

import poplib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmail.mailbox.store import Mailbox
from labmail.net.core import Deliver, HangUp, Heard, Limit, LogIn, Output, Say, StartTls
from labmail.net.limits import Limits
from labmail.pop3.core import COMMANDS, Pop3Core
from labmail.pop3.states import STATES, VERBS
from labmail.trace.events import Expunged, Fetched
from tests.pop3.house import ADDRESS, LETTERS, House, replies, said

FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def of(kind: type[Any], outputs: list[Output]) -> list[Any]:
    return [output for output in outputs if isinstance(output, kind)]


# --- the record -----------------------------------------------------------------------


def test_each_command_is_heard_with_its_place_in_the_stream(house: House) -> None:
    core = house.core()
    first, second = of(Heard, core.receive(b"NOOP\r\nuser minh\r\n"))
    assert (first.verb, first.line, first.offset, first.state) == ("NOOP", b"NOOP", 0, core.state)
    assert (second.verb, second.line, second.offset) == ("USER", b"user minh", 6)


def test_replies_tell_the_states_before_and_after(house: House) -> None:
    core = house.core()
    says = of(Say, core.receive(b"USER minh\r\nPASS nuoc mam\r\nQUIT\r\n"))
    assert [(say.verb, say.before, say.after) for say in says] == [
        ("USER", "AUTHORIZATION", "AUTHORIZATION"),
        ("PASS", "AUTHORIZATION", "TRANSACTION"),
        ("QUIT", "TRANSACTION", "UPDATE"),
    ]


def test_a_letter_is_a_delivery_of_its_own(house: House) -> None:
    outputs = house.session().receive(b"RETR 2\r\n")
    heard, say, letter = outputs
    assert isinstance(heard, Heard) and isinstance(say, Say) and isinstance(letter, Deliver)
    assert say.data == b"+OK 65 octets\r\n"
    assert letter.data.endswith(b"\r\n.\r\n")


def test_reading_goes_on_record_once_for_each_command(house: House) -> None:
    house.session().receive(b"RETR 2\r\nTOP 1 0\r\nLIST 1\r\nRETR 9\r\n")
    fetched = [e for e in house.recorder.events() if isinstance(e, Fetched)]
    assert [(e.uid, e.how, e.parcel) for e in fetched] == [(2, "POP3 RETR", 2), (1, "POP3 TOP", 1)]


def test_logging_in_goes_on_record(house: House) -> None:
    core = house.core()
    outputs = core.receive(b"USER minh\r\nPASS x\r\nAUTH PLAIN AG1pbmgAbnVvYyBtYW0=\r\n")
    assert of(LogIn, outputs) == [LogIn("minh", "USER", False), LogIn(ADDRESS, "PLAIN", True)]


@pytest.mark.parametrize(
    ("sent", "secret"),
    [
        (b"PASS nuoc mam\r\n", b"nuoc mam"),
        (b"pass\tnuoc mam\r\n", b"nuoc mam"),
        (b"PASSnuocmam\r\n", b"nuocmam"),
        (b"AUTH PLAIN AG1pbmgAbnVvYyBtYW0=\r\n", b"AG1pbmgAbnVvYyBtYW0="),
        (b"AUTH PLAIN\r\nAG1pbmgAbnVvYyBtYW0=\r\n", b"AG1pbmgAbnVvYyBtYW0="),
    ],
)
def test_a_password_is_marked_wherever_it_is_said(house: House, sent: bytes, secret: bytes) -> None:
    core = house.core(tls="offered", allow_clear=True)
    stream = b"NOOP\r\n" + sent
    *_, heard = of(Heard, core.receive(stream))
    [(start, end)] = heard.secrets
    assert heard.line[start:end] == secret
    [(start, end)] = heard.wire_secrets
    assert stream[start:end] == secret
    assert secret.decode() not in heard.verb.lower()


def test_a_refused_password_is_a_secret_too(house: House) -> None:
    [heard] = of(Heard, house.core(tls="offered").receive(b"PASS nuoc mam\r\n"))
    assert heard.secrets == ((5, 13),)


# --- TLS ------------------------------------------------------------------------------


def test_what_comes_before_the_handshake_is_thrown_away(house: House) -> None:
    core = house.core(tls="offered")
    outputs = core.receive(b"STLS\r\nUSER eve\r\nQUIT\r\n")
    assert replies(outputs) == ["+OK"]
    assert isinstance(outputs[-1], StartTls)
    assert core.receive(b"PASS eve\r\n") == []
    core.tls_started()
    assert replies(core.receive(b"PASS nuoc mam\r\n")) == ["-ERR"]
    assert replies(core.receive(b"USER minh\r\nPASS nuoc mam\r\n")) == ["+OK", "+OK"]


def test_the_stream_is_counted_on_through_the_handshake(house: House) -> None:
    core = house.core(tls="offered")
    core.receive(b"STLS\r\nUSER eve\r\n")
    core.tls_started()
    [heard] = of(Heard, core.receive(b"CAPA\r\n"))
    assert heard.offset == len(b"STLS\r\nUSER eve\r\n")


def test_a_lesson_may_take_passwords_in_the_open(house: House) -> None:
    core = house.core(tls="offered", allow_clear=True)
    assert replies(core.receive(b"USER minh\r\nPASS nuoc mam\r\n")) == ["+OK", "+OK"]


def test_a_server_without_tls_takes_passwords_and_offers_no_stls(house: House) -> None:
    core = house.core(tls="none")
    assert replies(core.receive(b"STLS\r\n")) == ["-ERR"]
    assert b"STLS" not in said(core.receive(b"CAPA\r\n"))
    assert replies(core.receive(b"USER minh\r\nPASS nuoc mam\r\n")) == ["+OK", "+OK"]


# --- the maildrop ---------------------------------------------------------------------


def test_the_maildrop_is_for_one_session_at_a_time(house: House) -> None:
    first, second = house.session(), house.core()
    answer = said(second.receive(b"USER minh\r\nPASS nuoc mam\r\n"))
    assert b"-ERR [IN-USE] another session has the maildrop; try again later" in answer
    assert second.state == "AUTHORIZATION"
    second.lost()
    assert replies(house.core().receive(b"USER minh\r\nPASS nuoc mam\r\n")) == ["+OK", "-ERR"]
    first.receive(b"QUIT\r\n")
    house.session()


@pytest.mark.parametrize("end", ["lost", "timed_out"])
def test_however_a_session_ends_the_maildrop_is_free_again(house: House, end: str) -> None:
    core = house.session()
    core.receive(b"DELE 1\r\n")
    getattr(core, end)()
    assert replies(house.session().receive(b"RETR 1\r\n")) == ["+OK"]


def test_removing_goes_on_record_at_quit_and_not_before(house: House) -> None:
    core = house.session()
    core.receive(b"DELE 1\r\nDELE 3\r\n")
    assert not [e for e in house.recorder.events() if isinstance(e, Expunged)]
    core.receive(b"QUIT\r\n")
    gone = [e for e in house.recorder.events() if isinstance(e, Expunged)]
    assert [(e.uid, e.how) for e in gone] == [(1, "POP3 QUIT"), (3, "POP3 QUIT")]
    assert [message.uid for message in house.inbox.messages()] == [2]


def test_mail_that_comes_during_a_session_waits_for_the_next(house: House) -> None:
    core = house.session()
    house.inbox.deliver(b"new\r\n", recipient=ADDRESS, parcel=4, key="Q4")
    assert core.changed() == []
    assert said(core.receive(b"STAT\r\n")).startswith(b"+OK 3 ")
    core.receive(b"QUIT\r\n")
    assert said(house.session().receive(b"STAT\r\n")).startswith(b"+OK 4 ")


def test_a_message_removed_from_elsewhere_is_gone_and_its_number_stays(house: House) -> None:
    core = house.session()
    house.inbox.expunge([1], how="EXPUNGE")
    assert (
        said(core.receive(b"RETR 1\r\n")) == b"-ERR message 1 is gone, removed from elsewhere\r\n"
    )
    assert said(core.receive(b"RETR 2\r\n")).startswith(b"+OK 65 octets\r\n")
    assert said(core.receive(b"DELE 1\r\nQUIT\r\n")).endswith(b"0 messages removed\r\n")


def test_quit_ends_the_session_even_if_nothing_can_be_removed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **more: Any) -> list[int]:
        raise OSError("no space left on device")

    core = house.session()
    core.receive(b"DELE 1\r\n")
    monkeypatch.setattr(Mailbox, "expunge", full)
    outputs = core.receive(b"QUIT\r\n")
    assert b"-ERR [SYS/TEMP] not all messages" in said(outputs)
    assert isinstance(outputs[-1], HangUp)
    house.session()


def test_a_mailbox_that_cannot_be_read_is_a_temporary_trouble(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> bytes:
        raise OSError("input/output error")

    core = house.session()
    monkeypatch.setattr(Mailbox, "read", broken)
    assert said(core.receive(b"RETR 1\r\n")).startswith(b"-ERR [SYS/TEMP]")
    assert replies(core.receive(b"NOOP\r\n")) == ["+OK"]


# --- limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_endless_line_ends_the_session_before_it_ends(house: House, size: int) -> None:
    core = house.core(limits=Limits(command_line=100))
    outputs: list[Output] = []
    for start in range(0, 101, size):
        outputs += core.receive((b"x" * 1000)[start : start + size])
    assert of(Limit, outputs) == [Limit("command line", "hung up")]
    assert isinstance(outputs[-1], HangUp)
    assert core.receive(b"NOOP\r\n" * 10) == []


def test_the_longest_line_is_obeyed_and_one_octet_more_is_not(house: House) -> None:
    limits = Limits(command_line=40)
    line = b"USER " + b"m" * 33
    assert replies(house.core(limits=limits).receive(line + b"\r\n")) == ["+OK"]
    assert of(HangUp, house.core(limits=limits).receive(line + b"m\r\n"))


def test_a_password_in_an_endless_line_is_marked(house: House) -> None:
    core = house.core(limits=Limits(command_line=20))
    [heard] = of(Heard, core.receive(b"PASS " + b"s" * 50))
    assert heard.wire_secrets == ((5, 20),)


def test_too_much_nonsense_ends_the_session(house: House) -> None:
    outputs = house.core(limits=Limits(bad_commands=3)).receive(b"GET / HTTP/1.1\r\n" * 9)
    assert replies(outputs) == ["-ERR"] * 4
    assert of(Limit, outputs) == [Limit("bad commands", "hung up")]
    assert isinstance(outputs[-1], HangUp)


def test_guessing_passwords_is_counted_too(house: House) -> None:
    core = house.core(limits=Limits(bad_commands=3))
    assert of(HangUp, core.receive(b"USER minh\r\nPASS guess\r\n" * 3))


# --- any bytes ------------------------------------------------------------------------

WORDS = st.one_of(
    st.sampled_from([verb.encode() for verb in sorted(VERBS - {"QUIT"})]),
    st.sampled_from([b"PLAIN", b"minh", b"nuoc mam", b"AG1pbmgAbnVvYyBtYW0=", b"*", b"="]),
    st.integers(-1, 5).map(lambda n: str(n).encode()),
    st.binary(max_size=12),
)
LINES = st.lists(WORDS, max_size=4).map(b" ".join)
CALM = Limits(command_line=200, bad_commands=10_000)


@FUZZ
@given(data=st.binary(max_size=600), cuts=st.lists(st.integers(1, 50)))
def test_any_bytes_leave_the_core_alive_and_its_buffer_small(
    house: House, data: bytes, cuts: list[int]
) -> None:
    core = house.core(limits=CALM)
    for cut in [*cuts, len(data) + 1]:
        core.receive(data[:cut])
        data = data[cut:]
        assert len(core._buffer) <= CALM.command_line
    core.lost()


@FUZZ
@given(lines=st.lists(LINES, max_size=12), logged_in=st.booleans())
def test_whatever_was_said_the_next_command_gets_its_own_answer(
    house: House, lines: list[bytes], logged_in: bool
) -> None:
    core = house.session(limits=CALM) if logged_in else house.core(limits=CALM)
    whole = b"".join(line.replace(b"\n", b"") + b"\r\n" for line in lines)
    answers = replies(core.receive(whole))
    assert len(answers) == len(lines)
    if answers[-1:] == ["+"]:
        core.receive(b"*\r\n")
    assert said(core.receive(b"CAPA\r\n")).startswith(b"+OK this is what I can do\r\nTOP\r\n")
    core.lost()


@FUZZ
@given(lines=st.lists(LINES, max_size=8))
def test_it_does_not_matter_how_the_network_cuts_the_bytes(
    house: House, lines: list[bytes]
) -> None:
    whole = b"".join(line + b"\r\n" for line in lines)
    at_once, piecemeal = house.core(limits=CALM), house.core(limits=CALM)
    one = at_once.receive(whole)
    at_once.lost()
    other = [output for octet in whole for output in piecemeal.receive(bytes([octet]))]
    piecemeal.lost()
    assert one == other


# --- tables and a foreign reader --------------------------------------------------------


def test_there_is_a_method_for_every_command_of_the_table() -> None:
    assert set(COMMANDS) == VERBS
    assert all(callable(getattr(Pop3Core, command.method)) for command in COMMANDS.values())
    assert all(after in STATES for table in STATES.values() for after in table.values())


def test_poplib_takes_home_what_was_delivered(house: House) -> None:
    """Python's own client, reading what the core says from memory."""

    class Client(poplib.POP3):
        def __init__(self, core: Pop3Core) -> None:
            self.core = core
            self.waiting = said(core.greet())
            self._debugging = 0
            self._tls_established = True
            self.welcome = self._getline()[0]

        def _putline(self, line: bytes) -> None:
            self.waiting += said(self.core.receive(line + b"\r\n"))

        def _getline(self) -> tuple[bytes, int]:
            line, _, self.waiting = self.waiting.partition(b"\r\n")
            return line, len(line) + 2

    client = Client(house.core())
    assert client.capa()["SASL"] == ["PLAIN"]
    client.user("minh")
    client.pass_("nuoc mam")
    assert client.stat() == (3, sum(map(len, LETTERS)))
    for number, letter in enumerate(LETTERS, start=1):
        _, lines, _ = client.retr(number)
        assert b"".join(line + b"\r\n" for line in lines) == letter.removesuffix(b"\r\n") + b"\r\n"


# --- cut off ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said_before", "rest", "secret"),
    [
        (b"USER minh\r\n", b"PASS nuoc", b"nuoc"),
        (b"", b"AUTH PLAIN AGE", b"AGE"),
        (b"AUTH PLAIN\r\n", b"AG1p", b"AG1p"),
    ],
)
def test_a_password_in_a_line_that_was_cut_off_is_marked(
    house: House, said_before: bytes, rest: bytes, secret: bytes
) -> None:
    core = house.core()
    core.receive(said_before + rest)
    (heard,) = core.lost()
    assert isinstance(heard, Heard)
    everything = said_before + rest
    assert [everything[start:end] for start, end in heard.wire_secrets] == [secret]
    assert core.lost() == []


def test_a_line_that_was_cut_off_and_holds_no_password_is_no_news(house: House) -> None:
    core = house.core()
    core.receive(b"USER mi")
    assert core.lost() == []


def test_a_password_said_behind_stls_is_marked(house: House) -> None:
    outputs = house.core(tls="offered").receive(b"STLS\r\nUSER minh\r\nPASS nuoc mam\r\n")
    heard = [o for o in outputs if isinstance(o, Heard)]
    assert [h.wire_secrets for h in heard] == [(), ((22, 32),)]
    assert outputs[-1] == StartTls()


def test_commands_wait_until_the_client_has_read(house: House) -> None:
    core = house.session()
    full = [True]
    core.enough = lambda: full[0]
    assert core.receive(b"STAT\r\nNOOP\r\n") == []
    full[0] = False
    assert replies(core.receive(b"")) == ["+OK", "+OK"]
    core.lost()
