"""A conversation by hand: lines go out as they were written, replies come back.

``talk("mx1.saigon.example", "EHLO son-laptop", "NOOP")`` opens a connection as any program
would, says line after line, and waits for each reply.  `offers` lays the answers to EHLO of several
servers beside each other.
"""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader

from labmail.course.notice import Table
from labmail.lab import current_lab
from labmail.views.chars import shorten_middle
from labmail.views.wire import ended

PATIENCE = 10.0
"""Real seconds to wait for a reply."""
HUNG_UP = "(the server has hung up)"
SILENT = "(no answer)"


class Talk(Table):
    """What was said and what came back; `replies` and `codes` hold the answers, the greeting
    first."""

    def __init__(self, title: str, said: list[str], replies: list[str]) -> None:
        self.replies = tuple(replies)
        rows = [(s, _short(r)) for s, r in zip(said, replies, strict=True)]
        super().__init__(title, ("the client says", "the server answers"), rows, limits=(46, 58))

    @property
    def codes(self) -> tuple[int, ...]:
        """The numbers of the replies; 0 where none came."""
        return tuple(int(r[:3]) if r[:3].isdecimal() else 0 for r in self.replies)


def _short(reply: str) -> str:
    first, *more = reply.split("\n")
    return first + (f" … +{len(more)} lines" if len(more) > 1 else "")


def talk(host: str, *lines: str | bytes, port: int = 25) -> Talk:
    r"""Say these lines to a server, each with CR LF behind it; bytes go out as they are.

    A letter is one line that ends with a dot: ``"Subject: x\r\n\r\nHello\r\n."``.  After
    STARTTLS the rest is said inside TLS; when the server hangs up, it is not said.
    """
    said, replies = ["(connects)"], []
    sock = socket.create_connection((host, port), timeout=PATIENCE)
    try:
        answers = sock.makefile("rb")
        replies.append(_answer(answers.readline))
        for line in lines:
            if replies[-1] in (HUNG_UP, SILENT):
                break
            octets = line if isinstance(line, bytes) else line.encode() + b"\r\n"
            said.append(_shown(octets))
            with suppress(OSError):
                sock.sendall(octets)
            replies.append(_answer(answers.readline))
            if said[-1].upper() == "STARTTLS" and replies[-1].startswith("220"):
                sock, answers = _inside_tls(sock, host)
    finally:
        answers.close()
        sock.close()
    if (lab := current_lab()) is not None:
        lab.settle()
    return Talk(f"By hand, with {host}, port {port}", said, replies)


def _shown(octets: bytes) -> str:
    """The line, with its CR and LF as signs, and not longer than a table needs."""
    middle = b" \xe2\x80\xa6 " if len(octets) > 400 else b""
    short = octets[:200] + middle + octets[-200:] if middle else octets
    return shorten_middle(ended(short).removesuffix(r"\r\n"), 46)


def _inside_tls(sock: socket.socket, host: str) -> tuple[socket.socket, BufferedReader]:
    """The same connection, from here on inside TLS."""
    lab = current_lab()
    assert lab is not None, "no lab is running: lab = Lab() first"
    inside = lab.client_context().wrap_socket(sock, server_hostname=host)
    return inside, inside.makefile("rb")


def _answer(readline: Callable[[], bytes]) -> str:
    """One reply, all its lines."""
    try:
        return "\n".join(_lines(readline)) or HUNG_UP
    except TimeoutError:
        return SILENT
    except OSError:
        return HUNG_UP


def _lines(readline: Callable[[], bytes]) -> Iterator[str]:
    """Lines up to the first that has no "-" behind its number (RFC 5321 §4.2.1)."""
    while line := readline():
        yield line.decode("utf-8", "replace").rstrip("\r\n")
        if line[3:4] != b"-":
            return


# --- what servers offer -----------------------------------------------------------------------


class Offers(Table):
    """Which extension which server offers; `sets` has them by server, `known` all of them."""

    def __init__(self, sets: dict[str, dict[str, str]]) -> None:
        self.sets = sets
        self.known = list(dict.fromkeys(word for words in sets.values() for word in words))
        rows = [(word, *(_offered(words, word) for words in sets.values())) for word in self.known]
        head = ("extension", *sets)
        super().__init__("What each server offers", head, rows, whole=(0,))


def _offered(words: dict[str, str], word: str) -> str:
    return f"✔ {words[word]}".strip() if word in words else "–"


def offers(servers: dict[str, tuple[str, int, str]]) -> Offers:
    """The answers to EHLO, compared: ``{"mx1, port 25": ("mx1.saigon.example", 25, "EHLO")}``.

    The third word is "EHLO", "STARTTLS" (EHLO again, inside TLS) or "HELO".
    """
    return Offers({name: _asked(*how) for name, how in servers.items()})


def _asked(host: str, port: int, how: str) -> dict[str, str]:
    lab = current_lab()
    assert lab is not None, "no lab is running: lab = Lab() first"
    with smtplib.SMTP(host, port, timeout=PATIENCE) as server:
        if how == "HELO":
            server.helo()
        else:
            server.ehlo()
        if how == "STARTTLS":
            server.starttls(context=lab.client_context())
            server.ehlo()
        first, *lines = (server.ehlo_resp or server.helo_resp or b"").decode().split("\n")
        return dict(line.upper().partition(" ")[::2] for line in lines) if first else {}
