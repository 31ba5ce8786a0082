"""Master files: zones as people write them (RFC 1035 §5).

A master file is a list of entries, one a line.  An entry is a directive
(``$ORIGIN``, ``$TTL``) or a record::

    [name] [TTL] [class] type data        ; a comment runs to the end of the line

Three rules explain nearly every surprise:

* A name that ends in a dot is complete.  Any other name is continued with the
  origin: in hanoi.example, ``smtp`` means ``smtp.hanoi.example.``, and
  ``smtp.hanoi.example`` without its dot means ``smtp.hanoi.example.hanoi.example.``.
* A line that begins with a space has no name of its own: its record belongs to
  the name above.  ``@`` is the origin itself.
* Parentheses let an entry run over several lines; quotes keep spaces and
  semicolons inside one text.

dnspython splits the text into tokens and reads the data of each type.  The
entries are read here, so that every error can say on which line its entry
begins, what was expected there, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl

MAX_TTL = 2**31 - 1
"""RFC 2181 §8: a time to live is a positive 31-bit number of seconds."""

EXPECTED_DATA = {
    "A": "an IPv4 address, like 192.0.2.25",
    "AAAA": "an IPv6 address, like 2001:db8::25",
    "CNAME": "the one name that this name stands for, like www.hanoi.example.",
    "MX": "a preference and a host name, like 10 mx1.saigon.example.",
    "NS": "the name of a name server, like ns.lab.",
    "PTR": "the name of the host with this address, like smtp.hanoi.example.",
    "SOA": "server, contact, and five numbers (serial, refresh, retry, expire, minimum), "
    "like ns.lab. hostmaster.hanoi.example. 1 7200 900 1209600 300",
    "SRV": "priority, weight, port and host name, like 0 1 993 imap.hanoi.example.",
    "TXT": 'texts of at most 255 octets in double quotes, like "v=spf1 mx -all"',
}
"""What stands behind the type of a record; other types are described by their RFC."""

RECORD_SHAPE = (
    "expected [name] [TTL] [IN] type data, like www 3600 IN A 192.0.2.80; "
    "begin the line with a space if the record belongs to the name above"
)


NAME_SHAPE = (
    "expected labels of 1 to 63 octets with single dots between them, "
    "255 octets in all, like smtp.hanoi.example."
)

PLACE_WIDTH = 100
"""Letters of a wrong line that an error shows."""

_LIKE_A_TTL = re.compile(r"(\d+[wdhms]?)+", re.IGNORECASE)
"""3600, 1h30m: what can stand before the type and is no class.  An address is nothing like it."""


class ZoneError(ValueError):
    """A master file that cannot be served.

    file: the file, by its last folders and name; line: the first line of the
    entry at fault, from 1; problem: what is wrong; advice: what was expected
    and what to do.  ``str()`` says all of it in one sentence.  text: the whole file,
    from which `place` shows the line; at: the word of it that is wrong.
    """

    def __init__(
        self, file: str, line: int, problem: str, advice: str, text: str = "", at: str = ""
    ) -> None:
        super().__init__(f"{file}, line {line}: {problem}; {advice}")
        self.file = file
        self.line = line
        self.problem = problem
        self.advice = advice
        self.place = _place(text, line, at)
        """The line, with a mark under the part that is wrong; "" when there is no such line."""
        if self.place:
            self.add_note(self.place)

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback: the mistake is in the zone, not in the
        code."""
        return [f"{type(self).__name__}: {self}", *([self.place] if self.place else [])]


def _place(text: str, line: int, at: str) -> str:
    lines = text.split("\n")
    if not 0 < line <= len(lines) or not lines[line - 1].strip():
        return ""
    source = lines[line - 1].expandtabs().rstrip()[:PLACE_WIDTH]
    wrong = at if at and at in source else source.partition(";")[0].strip() or source.strip()
    head = f"{line:>6} | "
    return f"{head}{source}\n{' ' * (len(head) + source.rindex(wrong))}{'^' * len(wrong)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it was read: `line` is where it begins, `ttl` is in seconds."""

    line: int
    name: dns.name.Name
    ttl: int
    rdata: dns.rdata.Rdata


def read_entries(text: str, file: str, origin: str) -> Iterator[Entry]:
    """The records of a master file, in its order.

    `origin` continues names without a final dot until a ``$ORIGIN`` says
    otherwise; `file` is the name that errors show.  Raises ZoneError at the
    first line that cannot be read.
    """
    return _MasterFile(text, file, _origin(text, file, origin)).entries()


def _origin(text: str, file: str, origin: str) -> dns.name.Name:
    """The domain that a file is about; a mistake in it is shown where the file has it too."""
    try:
        return dns.name.from_text(origin)
    except (dns.exception.DNSException, ValueError) as error:
        above, there, _ = text.partition(origin)
        line = above.count("\n") + 1 if there else 1
        problem = f'"{origin}", the origin, is not a domain name'
        raise ZoneError(file, line, problem, NAME_SHAPE, text if there else "", origin) from error


class _MasterFile:
    """A master file being read: the tokens still to come, and what lines above have set."""

    def __init__(self, text: str, file: str, origin: dns.name.Name) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._tokens = dns.tokenizer.Tokenizer(text, filename=file)
        self._source = text.split("\n")
        self._file = file
        self._origin = origin
        self._line = 1
        self._has_name = False
        self._owner: dns.name.Name | None = None
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None

    def entries(self) -> Iterator[Entry]:
        while not (first := self._first_token()).is_eof():
            if first.is_eol():
                continue
            if first.is_identifier() and first.value.startswith("$"):
                self._directive(first.value.upper())
            elif not first.is_whitespace() or not self._line_is_blank():
                yield self._record(first)

    # --- one entry ------------------------------------------------------------------

    def _first_token(self) -> dns.tokenizer.Token:
        self._line = self._tokens.where()[1]
        self._has_name = False
        return self._token(want_leading=True)

    def _directive(self, name: str) -> None:
        if name == "$ORIGIN":
            self._origin = self._name(self._word(f"a domain after {name}"))
        elif name == "$TTL":  # RFC 2308 §4
            self._default_ttl = self._ttl(self._word(f"a time after {name}"))
        else:
            advice = "expected $ORIGIN or $TTL; write the records themselves into this file"
            raise self._error(f"the lab does not know the directive {name}", advice)
        self._end_of_directive(name)

    def _record(self, first: dns.tokenizer.Token) -> Entry:
        self._has_name = not first.is_whitespace()
        if self._has_name:
            self._owner = self._name(first.value)
        if self._owner is None:
            raise self._error(
                "this record has no name, and no line above has one",
                "begin the line with a name; @ is the domain itself",
            )
        stated, rdtype = self._ttl_and_type()
        rdata = self._data(rdtype)
        if stated is not None:
            self._last_ttl = stated
        return Entry(self._line, self._owner, self._effective_ttl(stated), rdata)

    def _ttl_and_type(self) -> tuple[int | None, dns.rdatatype.RdataType]:
        """Read ``[TTL] [class] type``; TTL and class may change places (RFC 1035 §5.1)."""
        ttl: int | None = None
        while True:
            word = self._word("a record type")
            if _LIKE_A_TTL.fullmatch(word):
                ttl = self._ttl(word)
            elif word.upper() in ("CH", "CS", "HS"):
                raise self._error(f"class {word} is not served here", "expected IN, or no class")
            elif word.upper() != "IN":
                return ttl, self._type(word)

    def _effective_ttl(self, stated: int | None) -> int:
        """The stated TTL, else that of ``$TTL`` (RFC 2308 §4), else the last stated one."""
        for ttl in (stated, self._default_ttl, self._last_ttl):
            if ttl is not None:
                return ttl
        raise self._error(
            "nothing says how long this record may be remembered",
            "put a line such as $TTL 3600 at the top of the file",
        )

    # --- the parts of an entry ----------------------------------------------------------

    def _name(self, text: str) -> dns.name.Name:
        try:
            return dns.name.from_text(text, self._origin)
        except (dns.exception.DNSException, ValueError) as error:
            raise self._error(
                f'"{text}" is not a domain name',
                NAME_SHAPE,
                at=text,
            ) from error

    def _ttl(self, text: str) -> int:
        try:
            ttl = dns.ttl.from_text(text)
        except dns.exception.DNSException:
            ttl = MAX_TTL + 1
        if ttl > MAX_TTL:
            raise self._error(
                f'"{text}" is not a time to live',
                f"expected seconds, at most {MAX_TTL}, or a time like 1h30m",
                at=text,
            )
        return ttl

    def _type(self, text: str) -> dns.rdatatype.RdataType:
        try:
            rdtype = dns.rdatatype.from_text(text)
        except (dns.exception.DNSException, ValueError) as error:
            problem = f'"{text}" is not a record type'
            raise self._error(problem, RECORD_SHAPE + self._hint(), at=text) from error
        if dns.rdatatype.is_metatype(rdtype):
            raise self._error(
                f"{text} can be asked for, but not be stored in a zone", RECORD_SHAPE, text
            )
        return rdtype

    def _data(self, rdtype: dns.rdatatype.RdataType) -> dns.rdata.Rdata:
        try:
            return dns.rdata.from_text(
                dns.rdataclass.IN, rdtype, self._tokens, self._origin, relativize=False
            )
        except (dns.exception.DNSException, ValueError) as error:
            kind = dns.rdatatype.to_text(rdtype)
            expected = EXPECTED_DATA.get(kind, f"the data that the RFC of {kind} describes")
            raise self._error(
                f'cannot read the {kind} record "{self._source_line()}"',
                f"expected after {kind}: {expected}{self._hint()}",
                at=self._after(kind),
            ) from error

    # --- tokens -----------------------------------------------------------------------

    def _token(self, want_leading: bool = False) -> dns.tokenizer.Token:
        try:
            return self._tokens.get(want_leading=want_leading)
        except dns.exception.DNSException as error:
            problem = f'cannot read "{self._source_line()}"'
            raise self._error(problem, RECORD_SHAPE + self._hint()) from error

    def _word(self, wanted: str) -> str:
        token = self._token()
        if token.is_identifier() and token.value:
            return str(token.value)
        found = "the entry ends" if token.is_eol_or_eof() else f'"{token.value}" stands'
        raise self._error(f"{found} where {wanted} should be", RECORD_SHAPE)

    def _line_is_blank(self) -> bool:
        token = self._token()
        if token.is_eol_or_eof():
            return True
        self._tokens.unget(token)
        return False

    def _end_of_directive(self, name: str) -> None:
        token = self._token()
        if not token.is_eol_or_eof():
            raise self._error(
                f'"{token.value}" is too much after {name}',
                f"expected one value after {name}; put a ; before a comment",
                at=str(token.value),
            )

    # --- errors -----------------------------------------------------------------------

    def _error(self, problem: str, advice: str, at: str = "") -> ZoneError:
        text = "\n".join(self._source)
        return ZoneError(self._file, self._line, problem, advice, text, at)

    def _after(self, kind: str) -> str:
        """The data behind the type on the line at fault; "" when there is none."""
        line = self._source[self._line - 1] if self._line <= len(self._source) else ""
        found = re.search(rf"\b{kind}\s+([^;]*[^;\s])", line, re.IGNORECASE)
        return found.group(1) if found else ""

    def _source_line(self) -> str:
        if self._line > len(self._source):
            return "the end of the file"
        return " ".join(self._source[self._line - 1].split())[:100]

    def _hint(self) -> str:
        """What often is the reason when an entry that looks like this one cannot be read."""
        line = self._source_line()
        first = line.partition(" ")[0]
        if first in EXPECTED_DATA and self._has_name:
            return f"; {first} at the very left is taken for a name: put a space before it"
        if line.count("(") != line.count(")"):
            return "; and every ( needs its )"
        if line.count('"') % 2:
            return "; and a quote must be closed on its own line"
        return ""
