"""The exercises of notebook 02, *What exactly travelled?*

Answers are letters: written, sent, and read where they arrived, octet by octet, with the
same parser that draws the notebook's pictures.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from math import ceil
from typing import Any

from labmail.course.exercises import Exercise, Goal, Scene
from labmail.lab import Lab
from labmail.letter import Part, charsets, read, words
from labmail.letter.compose import octets
from labmail.letter.encodings import BASE64_LINE
from labmail.letter.threads import card
from labmail.letter.wrong import without_field
from labmail.trace.events import Command, Reply
from labmail.trace.letters import copies
from labmail.trace.parcel import Envelope

SON, LAN = "son@hanoi.example", "lan@hanoi.example"
MINH, HOA = "minh@saigon.example", "hoa@saigon.example"
FREMAN = "freman.alpha@arrakis.example"
REPORT = "Báo cáo quý 1.pdf"


def _letters(scene: Scene, account: str) -> list[bytes]:
    """The letters in this account's INBOX, as files; the newest last."""
    return [scene.lab.stored(account, row.uid) for row in scene.lab.box(account).rows]


def _raw_headers(letter: Part) -> Iterator[tuple[str, bytes]]:
    for part in letter.walk():
        for field in part.header.fields:
            yield field.name, field.raw


# --- 2.1: a letter in two languages, with a report ------------------------------------------------


def _from_son(scene: Scene) -> Part | None:
    """The last letter from Sơn in Minh's INBOX."""
    found = [letter for letter in map(read, _letters(scene, MINH)) if SON in _sender(letter)]
    return found[-1] if found else None


def _sender(letter: Part) -> str:
    return letter.header.text("From").lower()


def _arrived(scene: Scene) -> str:
    if _from_son(scene):
        return ""
    if waiting := scene.waiting():
        return f"A letter waits in the queue of {', '.join(waiting)}; it has not reached Minh."
    return "Sơn has not written to Minh yet."


def _header_is_right(scene: Scene) -> str:
    letter = _from_son(scene)
    if letter is None:
        return "There is no letter from Sơn in Minh's INBOX."
    for name, raw in _raw_headers(letter):
        if not raw.isascii():
            return f"{name} holds octets above 127 as they are: a header is ASCII."
    subject = letter.header.get("Subject")
    if subject is None or not subject.text.strip():
        return "The letter has no subject."
    if subject.text.isascii():
        return f"The subject, {subject.text!r}, has no Vietnamese letter in it."
    if subject.defects:
        return f"The subject is not right: {subject.defects[0]}."
    return ""


def _texts(letter: Part) -> list[Part]:
    return [part for part in letter.walk() if part.is_text and part.disposition != "attachment"]


def _two_languages(scene: Scene) -> str:
    letter = _from_son(scene)
    texts = _texts(letter) if letter else []
    if not texts:
        return "There is no text to read in the letter."
    if wrong := next((defect for part in texts for defect in part.defects), ""):
        return f"The text is not labelled right: {wrong}."
    sentences = [each for part in texts for each in _SENTENCE_ENDS.split(part.text)]
    if any("\ufffd" in each or "Ã" in each for each in sentences):
        return "The text reads as mojibake: its octets are not what its charset says."
    if not any(map(_is_vietnamese, sentences)):
        return "No sentence of the text is Vietnamese, with its marks."
    if not any(map(_is_english, sentences)):
        return _NO_ENGLISH
    return ""


_SENTENCE_ENDS = re.compile(r"[\r\n.!?:;/|()–—]+|\s-+\s")
"""Where one language may give way to the other, on one line too: ``Xin chào! / Hello!``"""
_NO_ENGLISH = (
    "No sentence of the text is English: three words or more will do, and each language "
    "has to stand in sentences, or on lines, of its own."
)


def _is_vietnamese(sentence: str) -> bool:
    marks = [c for c in unicodedata.normalize("NFD", sentence) if unicodedata.combining(c)]
    return bool(marks) or "đ" in sentence.lower()


def _is_english(sentence: str) -> bool:
    words_of_letters = [word for word in re.split(r"[\s,]+", sentence) if word.isalpha()]
    return sentence.isascii() and len(words_of_letters) >= 3


def _report_is_there(scene: Scene) -> str:
    letter = _from_son(scene)
    files = [part for part in letter.walk() if part.filename] if letter else []
    if not files:
        return "No file goes with the letter."
    for part in files:
        feedback = _report(part)
        if not feedback:
            return ""
    return feedback


def _report(part: Part) -> str:
    named = part.filename
    assert named is not None
    if part.type != "application/pdf":
        return f"{named.shown} says that it is {part.type}; a PDF is application/pdf."
    if not part.octets.startswith(b"%PDF"):
        return f"What {named.shown} carries is no PDF: a PDF begins with %PDF."
    if charsets.nfc(named.text) != REPORT:
        return f"The file is called {named.text!r}, not {REPORT!r}."
    if named.text != REPORT:
        return "The name looks right, but its marks are characters of their own (NFD)."
    if named.way != "RFC 2231":
        return f"The name is written as {named.way}: a strict program will not show it."
    return "" if part.disposition == "attachment" else "The file does not say attachment."


def write_to_minh(lab: Lab) -> None:
    """The way of exercise 2.1."""
    from email.message import EmailMessage

    son = lab.user("son@hanoi.example")
    letter = EmailMessage()
    letter["From"] = son.address
    letter["To"] = "minh@saigon.example"
    letter["Subject"] = "Báo cáo quý 1 / First quarter"
    letter.set_content("Gửi em báo cáo quý 1.\n\nHere is the report of the first quarter.\n")
    letter.add_attachment(
        b"%PDF-1.7\n% one page\n",
        maintype="application",
        subtype="pdf",
        filename="Báo cáo quý 1.pdf",
    )
    with son.smtp() as server:
        server.send_message(letter)


# --- 2.2: three garbled subjects ------------------------------------------------------------------

_MEANT = {
    "Hóa đơn tháng tư": ("utf-8", "windows-1252"),
    "Tiền điện tháng tư": ("windows-1258", "iso-8859-1"),
    "Báo giá đã sửa": ("tcvn3", "iso-8859-1"),
}
"""What each subject meant, the charset its octets are in, and the one that the label says."""


def garbled(lab: Lab) -> None:
    """Three letters from Freman reach Minh; each subject's label names the wrong charset."""
    freman = lab.user(FREMAN)
    with freman.smtp() as server:
        for meant, (written, labelled) in _MEANT.items():
            plain = octets(freman.compose(to=MINH, subject="x", text="Xem tiêu đề.\n"))
            wrong = words.encoded(charsets.misread(meant, written, labelled), labelled, "Q")
            subject = "\r\n ".join(wrong).encode("ascii")
            letter = plain.replace(b"Subject: x\r\n", b"Subject: " + subject + b"\r\n")
            server.sendmail(FREMAN, [MINH], letter)
    lab.settle()


def _of_hoa(scene: Scene) -> list[Part]:
    return [read(letter) for letter in _letters(scene, HOA)]


def _garbled_are_there(scene: Scene) -> str:
    seen = {read(letter).header.text("Subject") for letter in _letters(scene, MINH)}
    staged = [charsets.misread(meant, *how) for meant, how in _MEANT.items()]
    if all(each in seen for each in staged):
        return ""
    return "The three letters are not in this lab: run the cell with garbled(lab) again."


def _three_passed_on(scene: Scene) -> str:
    count = len(_of_hoa(scene))
    if not count:
        return "Hoa has no letter yet."
    return "" if count >= len(_MEANT) else f"Hoa has {count} of the three."


def _headers_are_ascii(scene: Scene) -> str:
    for letter in _of_hoa(scene):
        subject = letter.header.get("Subject")
        if subject is None:
            return "A letter to Hoa has no subject."
        if not subject.value.isascii():
            return "A subject went out in raw octets: a header is ASCII, so encode it."
        if subject.defects:
            return f"A subject is not written right: {subject.defects[0]}."
    return "" if _of_hoa(scene) else "Hoa has no letter yet."


def _subjects_are_meant(scene: Scene) -> str:
    given = [letter.header.text("Subject") for letter in _of_hoa(scene)]
    missing = [meant for meant in _MEANT if meant not in map(charsets.nfc, given)]
    if not missing:
        nfd = [meant for meant in _MEANT if meant not in given]
        return _NOT_NFC.format(nfd[0]) if nfd else ""
    bare = [text for text in given if _without_marks(missing[0]) == _without_marks(text)]
    if bare and bare[0].isascii():
        return f"{bare[0]!r} has lost its marks: they are in the octets."
    right = len(_MEANT) - len(missing)
    order = list(_MEANT).index(missing[0]) + 1
    return f"{right} of 3 are right. Letter {order}: which charset were its octets written in?"


_NOT_NFC = "{!r} looks right, but is not in NFC: a search would miss it."


def _without_marks(text: str) -> str:
    marks = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in marks if not unicodedata.combining(c)).casefold()


def repair_the_subjects(lab: Lab) -> None:
    """The way of exercise 2.2."""
    from labmail.letter.charsets import from_tcvn3, nfc

    minh = lab.user("minh@saigon.example")
    first, second, third = (row.subject for row in minh.inbox().rows)

    meant = [
        first.encode("windows-1252").decode("utf-8"),
        nfc(second.encode("iso-8859-1").decode("windows-1258")),  # letter and tone apart: join
        from_tcvn3(third.encode("iso-8859-1")),  # Python itself does not know TCVN3
    ]
    for subject in meant:
        minh.send(to="hoa@saigon.example", subject=subject, text="Tiêu đề đúng đây.")


# --- 2.3: the largest file that fits ------------------------------------------------------------


def _limit(scene: Scene) -> int:
    """What the submission server announced (RFC 1870 §4); 0 when nobody has asked it."""
    for reply in scene.trace.of(Reply):
        if reply.verb == "EHLO" and reply.connection.service == "submission":
            for line in reply.lines:
                keyword, _, number = line[4:].partition(b" ")
                if keyword.upper() == b"SIZE" and number.isdigit():
                    return int(number)
    return 0


@dataclass(frozen=True, slots=True)
class _Carried:
    """A file that was accepted: its octets, those of its letter, and how many more the letter
    would have with one octet more in the file."""

    file: int
    letter: int
    growth: int


def _largest(scene: Scene) -> _Carried | None:
    """The largest of the letters with a file that Sơn sent to himself and his server took."""
    own = (e for e in scene.handed_in() if _to_himself(e.envelope))
    accepted = max(own, key=lambda e: e.size, default=None)
    found = copies(scene.trace, accepted.parcel or 0) if accepted else ()
    parts = [p for p in read(found[0].content).walk() if p.filename] if found else []
    if not parts or parts[-1].encoding != "base64":
        return None
    letters = parts[-1].entity.content.translate(None, b"\r\n")
    size = len(letters) // 4 * 3 - letters[-2:].count(b"=")
    growth = _in_base64(size + 1) - _in_base64(size)
    return _Carried(size, len(found[0].content), growth)


def _to_himself(envelope: Envelope) -> bool:
    people = [envelope.reverse_path, *(each.address for each in envelope.recipients)]
    return [who.lower() for who in people] == [SON, SON]


def _in_base64(size: int) -> int:
    """Octets on the wire: four for three, and CRLF after each 76 (RFC 2045 §6.8)."""
    letters = 4 * ceil(size / 3)
    return letters + 2 * ceil(letters / BASE64_LINE)


def _file_was_accepted(scene: Scene) -> str:
    if not _limit(scene):
        return "Nobody has asked Sơn's server yet: its limit stands in the answer to EHLO."
    if _largest(scene):
        return ""
    return "No letter from Sơn to himself with a file (in base64) has been accepted yet."


def _no_larger_fits(scene: Scene) -> str:
    limit, largest = _limit(scene), _largest(scene)
    if largest is None:
        return "No file has been accepted yet."
    if largest.letter + largest.growth > limit:
        return ""
    what = f"The letter with your file of {largest.file:,} octets has {largest.letter:,}"
    if not largest.growth:
        return f"{what}. One octet more in the file would cost nothing: base64 takes three at once."
    return f"{what}; the server takes {limit:,}. There is room left."


def _one_more_is_refused(scene: Scene) -> str:
    limit, largest = _limit(scene), _largest(scene)
    refused = sorted(size for size in _refused_sizes(scene) if size > limit)
    if not refused:
        return "No letter has been refused for its size yet."
    if largest is None:
        return "The refused letter is too large; no file has been accepted yet."
    if refused[0] <= largest.letter + largest.growth + _SLACK:
        return ""
    return (
        f"The smallest letter that was refused had {refused[0]:,} octets, {refused[0] - limit:,} "
        "too many: one octet more in the file makes less of a difference."
    )


_SLACK = 16
"""Octets by which two letters may differ that carry the same file."""


def _refused_sizes(scene: Scene) -> Iterator[int]:
    """What was declared in each MAIL command that was answered 552 (RFC 1870 §6.1)."""
    said: dict[int, bytes] = {}
    for event in scene.trace:
        if isinstance(event, Command) and event.verb == "MAIL":
            said[event.connection.number] = event.line
        elif isinstance(event, Reply) and event.verb == "MAIL" and event.code == "552":
            declared = re.search(rb"(?i)\bSIZE=(\d+)", said.get(event.connection.number, b""))
            if declared:
                yield int(declared[1])


def fill_the_letter(lab: Lab) -> None:
    """The way of exercise 2.3."""
    from contextlib import suppress
    from smtplib import SMTPSenderRefused

    from labmail.letter.compose import File, octets
    from labmail.letter.encodings import as_base64

    son = lab.user("son@hanoi.example")
    small = octets(son.compose(son, "To quá!", "Xem phim nhé.", files=[File("phim.bin", b"AAA")]))
    head, body = small.split(b"QUFB\r\n")  # AAA in base64: the file comes in its place

    with son.smtp() as server:
        limit = int(server.esmtp_features["size"])
        lines, rest = divmod(limit - len(head + body), 78)  # 76 letters, CR and LF: 57 octets
        size = lines * 57 + max(0, rest - 2) // 4 * 3
        server.sendmail(son.address, [son.address], head + as_base64(bytes(size)) + body)
        with suppress(SMTPSenderRefused):  # 552
            server.sendmail(son.address, [son.address], head + as_base64(bytes(size + 1)) + body)


# --- 2.4: which letter answers which --------------------------------------------------------------


def conversation(lab: Lab) -> None:
    """A letter and five answers reach Lan, not in the order in which they were written.

    The programs of these people are not all good ones: one changes the subject, one writes
    no In-Reply-To, one no References.
    """
    son, lan, hoa, minh = (lab.user(address) for address in (SON, LAN, HOA, MINH))
    to = (SON, LAN, HOA, MINH)
    first = son.compose(to, "Liên hoan cuối tuần", "Thứ Bảy hay Chủ nhật?\n")
    sunday = lan.compose(to, "Re: Liên hoan cuối tuần", "Chủ nhật nhé.\n", answers=first)
    saturday = hoa.compose(to, "Re: Liên hoan cuối tuần", "Em chọn thứ Bảy.\n", answers=first)
    food = minh.compose(to, "Ăn gì?", "Còn ăn gì?\n", answers=sunday)
    noodles = son.compose(to, "Re: Ăn gì?", "Bún chả.\n", answers=food)
    agreed = lan.compose(to, "Re: Liên hoan cuối tuần", "Thì thứ Bảy.\n", answers=saturday)
    letters = {
        food: "",
        agreed: "References",
        first: "",
        noodles: "In-Reply-To",
        saturday: "",
        sunday: "",
    }
    with son.smtp() as server:
        for letter, dropped in letters.items():
            content = octets(letter)
            content = without_field(content, dropped) if dropped else content
            server.sendmail(SON, [LAN], content)
    lab.settle()


_ANSWERS = 5
_Answer = Callable[[EmailMessage], Any]


def _conversation_is_there(scene: Scene) -> str:
    answers = [letter for letter in _conversation(scene) if card(letter).references]
    if len(answers) >= _ANSWERS:
        return ""
    return "The conversation is not in this lab: run the cell with conversation(lab) again."


def _conversation(scene: Scene) -> list[bytes]:
    """The letters in Lan's INBOX that belong to the conversation."""
    everything = _letters(scene, LAN)
    return [letter for letter in everything if SON.encode() in read(letter).header["To"].value]


def _hang_right(scene: Scene) -> str:
    return _judged(scene, _conversation(scene))


def _subjects_do_not_matter(scene: Scene) -> str:
    letters = [_with_subject(letter, "Re: họp") for letter in _conversation(scene)]
    said = _judged(scene, letters)
    return f"With one and the same subject in all letters: {said}" if said else ""


def _folding_does_not_matter(scene: Scene) -> str:
    letters = [letter.replace(b"> <", b">\r\n\t<") for letter in _conversation(scene)]
    said = _judged(scene, letters)
    return f"With References over several lines, as long ones are: {said}" if said else ""


def _with_subject(letter: bytes, subject: str) -> bytes:
    line = b"Subject: " + " ".join(words.encoded(subject)).encode("ascii") + b"\r\n"
    field = read(letter).header["Subject"]
    return letter[: field.at] + line + letter[field.end :]


def _judged(scene: Scene, letters: list[bytes]) -> str:
    """Where the learner's function goes wrong with these letters; "" when it never does."""
    if not callable(scene.answer):
        return "Give check a function: it takes a letter and returns a Message-ID, or None."
    if not letters:
        return "The conversation is not in this lab."
    asked: _Answer = scene.answer
    wrong = []
    for uid, letter in enumerate(letters, 1):
        parsed = message_from_bytes(letter, EmailMessage, policy=policy.default)
        try:
            given = asked(parsed)
        except Exception as error:
            return f"UID {uid}: your function raised {type(error).__name__}: {error}."
        true = (card(letter).references or (None,))[-1]
        if (str(given).strip() if given else None) != true:
            wrong.append((uid, given, true))
    return _what_is_wrong(wrong, len(letters)) if wrong else ""


def _what_is_wrong(wrong: list[tuple[int, Any, str | None]], count: int) -> str:
    if all(given is None for _, given, _ in wrong) and len(wrong) == _ANSWERS:
        return "Nothing hangs below anything yet: your function returns None for every letter."
    uid, given, true = wrong[0]
    said = f"{count - len(wrong)} of {count} hang right. Look at UID {uid}:"
    if given is None:
        return f"{said} it answers a letter, and your function does not see it."
    if true is None:
        return f"{said} it begins the conversation and answers nothing."
    return f"{said} your function gives {str(given).strip()!r}, which is not what it answers."


def find_the_parent(lab: Lab) -> _Answer:
    """The way of exercise 2.4."""
    return lambda letter: next(
        reversed((letter["References"] or letter["In-Reply-To"] or "").split()), None
    )


EXERCISES = (
    Exercise(
        key="2.1",
        title="Two languages and a report",
        minutes=10,
        goals=(
            Goal("a letter from Sơn lies in Minh's INBOX", _arrived),
            Goal("its header is ASCII, and its subject speaks Vietnamese", _header_is_right),
            Goal("its text speaks both languages", _two_languages),
            Goal(f"{REPORT} goes with it, its name written by RFC 2231", _report_is_there),
        ),
        hints=(
            "EmailMessage does most of it: give the field Subject a text with all its marks, and "
            "it writes encoded words.",
            "set_content(…) takes the text, add_attachment(…) the file: it wants the octets, "
            "maintype, subtype and filename.",
            'filename="Báo cáo quý 1.pdf" is written by RFC 2231 for you. '
            "with son.smtp() as server: server.send_message(letter) sends it.",
        ),
        solve=write_to_minh,
        done="Three ways for three places: encoded words, transfer encoding, RFC 2231.",
    ),
    Exercise(
        key="2.2",
        title="Three garbled subjects",
        minutes=12,
        goals=(
            Goal("three garbled letters lie in Minh's INBOX", _garbled_are_there),
            Goal("Hoa has three letters", _three_passed_on),
            Goal("their subjects are written as a header must be", _headers_are_ascii),
            Goal("their subjects say what was meant, in NFC", _subjects_are_meant),
        ),
        hints=(
            "Nothing is lost: the octets are right, only the label is wrong. "
            "text.encode(the label's charset) gives the octets back.",
            "Then .decode(the charset in which they were written). E2.8 shows what UTF-8, "
            "windows-1258 and TCVN3 look like when they are misread.",
            "The labels say windows-1252, iso-8859-1, iso-8859-1; the octets are UTF-8, "
            "windows-1258, TCVN3. Python has no TCVN3: labmail.letter.charsets.from_tcvn3. And "
            "windows-1258 sets the tones apart: nfc(…) joins them.",
        ),
        solve=repair_the_subjects,
        done="Mojibake is a wrong label on right octets: as long as nobody saved it, it can be "
        "undone.",
        stage=garbled,
    ),
    Exercise(
        key="2.3",
        title="The largest file that fits",
        minutes=12,
        goals=(
            Goal(
                "a letter with a file, from Sơn to himself, was accepted by a server that told "
                "its limit",
                _file_was_accepted,
            ),
            Goal("not one octet more would fit into that file", _no_larger_fits),
            Goal("one octet more was tried, and refused", _one_more_is_refused),
        ),
        hints=(
            'The server says its limit when it is greeted: server.esmtp_features["size"]. '
            "It counts the whole letter with its CR LF, but not what SMTP adds on the way: dots "
            "that are doubled, and the dot at the end (RFC 1870 §5).",
            "Send the letter with a very small file first: what is not file is header, text and "
            "boundaries. The rest of the limit is for base64: 57 octets of the file make a line "
            "of 76 letters, and CR LF.",
            "What does not make a full line: 4 letters for each 3 octets, and 2 for CR LF. Too "
            "large a letter is refused at MAIL already, so trying costs nothing.",
        ),
        solve=fill_the_letter,
        done="A limit is about the letter on the wire: of 25 MiB allowed, a file gets 18.",
    ),
    Exercise(
        key="2.4",
        title="Which letter answers which?",
        minutes=10,
        goals=(
            Goal("a letter and five answers lie in Lan's INBOX", _conversation_is_there),
            Goal("every answer hangs below the letter that it answers", _hang_right),
            Goal("the tree stays the same whatever the subjects say", _subjects_do_not_matter),
            Goal("the tree stays the same when References is folded", _folding_does_not_matter),
        ),
        hints=(
            'letter["References"] and letter["In-Reply-To"] are texts with one name or several, '
            "or None. Which of the names in References is the nearest?",
            "References lists all that came before, oldest first: the last one is what was "
            "answered.",
            "Not every letter has both: take References, else In-Reply-To; split() it, and take "
            "the last.",
        ),
        solve=find_the_parent,
        done="A thread is made of names that no reader sees; the subject is decoration.",
        stage=conversation,
    ),
)
