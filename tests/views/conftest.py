"""Stories told as events, for views to draw: Sơn's letter to Minh, and how it can fail."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone

import pytest

from labmail.trace import events as ev
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Recorder, Trace

C, S = ev.Side.CLIENT, ev.Side.SERVER
HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"
IP = {
    "son-laptop.hanoi.example": "192.0.2.10",
    "minh-laptop.saigon.example": "203.0.113.10",
    HANOI: "192.0.2.25",
    MX1: "198.51.100.25",
    MX2: "198.51.100.26",
    "ns.lab": "192.0.2.53",
    "mail.arrakis.example": "198.51.100.75",
    "mx.alumni.example": "203.0.113.50",
    "mx.lists.example": "203.0.113.60",
    "mx.spam.example": "203.0.113.66",
}
PASSWORD = b"hoa-sen-2026"
LETTER = (
    "Date: Mon, 5 Jan 2026 09:00:00 +0700\r\n"
    "From: =?utf-8?b?U8ahbg==?= <son@hanoi.example>\r\n"
    "To: Minh <minh@saigon.example>\r\n"
    "Subject: =?utf-8?b?Q2jDoG8gTWluaA==?=\r\n"
    "Message-ID: <1@hanoi.example>\r\n"
    "\r\n"
    "Minh thân mến,\r\n"
    "đây là lá thư đầu tiên.\r\n" + "".join(f"Dòng {n}.\r\n" for n in range(1, 31))
).encode()


class Story:
    """Emits events as a lab would; `trace` is all of it from where `begin` was called."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 9, 0, tzinfo=timezone(timedelta(hours=7)))
        self.recorder = Recorder(lambda: self.now)
        self.emit = self.recorder.emit
        self.connections = 0
        self.start = 0
        self.offsets: dict[tuple[int, ev.Side], int] = {}

    def world(self) -> None:
        mail = (("smtp", 25), ("pop3", 110), ("imap", 143))
        self.host(HANOI, (("smtp", 25), ("submission", 587), ("imap", 143)), ("hanoi.example",))
        self.host(MX1, mail, ("saigon.example",))
        self.host(MX2, (("smtp", 25),), ("saigon.example",))
        self.host("ns.lab", (("domain", 53),), (), "dns")
        for name in ("mail.arrakis", "mx.alumni", "mx.lists", "mx.spam"):
            domain = name.partition(".")[2] + ".example"
            self.host(f"{name}.example", (("smtp", 25),), (domain,))
        self.start = len(self.recorder)

    def host(self, name: str, services: tuple, domains: tuple = (), role: str = "mail") -> None:
        self.emit(
            ev.HostStarted, host=name, addresses=(IP[name],), services=services,
            role=role, domains=domains,
        )  # fmt: skip

    def place(self, name: str, port: int) -> ev.Place:
        return ev.Place(name, IP[name], port)

    def connect(self, client: str, server: str, service: str, port: int) -> ev.Connection:
        self.connections += 1
        ends = self.place(client, 40000 + self.connections), self.place(server, port)
        connection = ev.Connection(self.connections, service, *ends)
        self.emit(ev.Connected, connection=connection)
        return connection

    def sent(self, c: ev.Connection, sender: ev.Side, data: bytes, secrets: tuple = ()) -> int:
        offset = self.offsets.get((c.number, sender), 0)
        self.offsets[c.number, sender] = offset + len(data)
        self.emit(
            ev.Sent, connection=c, sender=sender, layer=ev.Layer.OPEN, offset=offset,
            data=data, secrets=secrets,
        )  # fmt: skip
        return offset

    def command(
        self, c: ev.Connection, line: bytes, state: str = "", tag: str = "", verb: str = "",
        secrets: tuple = (),
    ) -> None:  # fmt: skip
        self.sent(c, C, line + b"\r\n", secrets)
        words = line.decode("latin-1").removeprefix(tag + " " if tag else "").split(" ")
        verb = verb or words[0].upper().split(":")[0]
        self.emit(
            ev.Command, connection=c, verb=verb, line=line, state=state, tag=tag, secrets=secrets
        )

    def reply(
        self, c: ev.Connection, *lines: bytes, verb: str = "", code: str = "", tag: str = "",
        before: str = "", after: str = "",
    ) -> None:  # fmt: skip
        self.sent(c, S, b"".join(line + b"\r\n" for line in lines))
        code = code or lines[0].decode("latin-1").split(" ")[0].split("-ERR")[0][:3] or "-ERR"
        self.emit(
            ev.Reply, connection=c, verb=verb, code=code, lines=lines, before=before,
            after=after, tag=tag,
        )  # fmt: skip

    def ask(self, c: ev.Connection, line: bytes, *answer: bytes, **more: object) -> None:
        verb = str(more.pop("verb", "")) or line.decode("latin-1").split(" ")[0].upper()
        after = str(more.pop("after", more.get("state", "")))
        self.command(c, line, verb=verb, **more)  # type: ignore[arg-type]
        self.reply(c, *answer, verb=verb, before=str(more.get("state", "")), after=after)

    def imap(
        self, c: ev.Connection, line: bytes, *answer: bytes, verb: str = "", **more: object
    ) -> None:
        tag, _, rest = line.decode("latin-1").partition(" ")
        verb = verb or rest.split(" ")[0].upper()
        self.command(c, line, tag=tag, verb=verb, **more)  # type: ignore[arg-type]
        for part in answer[:-1]:
            self.reply(c, part, verb=verb, code="*")
        word = answer[-1].decode("latin-1").split(" ")[1]
        self.reply(c, answer[-1], verb=verb, code=word, tag=tag)

    def close(self, c: ev.Connection, by: ev.Side = C, reason: str = "") -> None:
        self.emit(ev.Closed, connection=c, by=by, reason=reason)

    def tls(self, c: ev.Connection, mode: str = "starttls") -> None:
        self.emit(ev.TlsStarted, connection=c, mode=mode, version="TLSv1.3", cipher="x")

    def wait(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    @property
    def trace(self) -> Trace:
        return Trace(self.recorder, self.start)

    # --- chapters -------------------------------------------------------------------

    def submits(self, envelope: Envelope | None = None, parcel: int = 1) -> None:
        envelope = envelope or Envelope.of("son@hanoi.example", ["minh@saigon.example"])
        c = self.connect("son-laptop.hanoi.example", HANOI, "submission", 587)
        self.reply(c, b"220 smtp.hanoi.example ESMTP", after="connected")
        ehlo = b"EHLO son-laptop.hanoi.example"
        offers = (
            b"250-smtp.hanoi.example",
            b"250-PIPELINING",
            b"250-SIZE 26214400",
            b"250-8BITMIME",
        )
        self.ask(
            c,
            ehlo,
            *offers,
            b"250-STARTTLS",
            b"250 ENHANCEDSTATUSCODES",
            state="connected",
            after="greeted",
        )
        self.ask(c, b"STARTTLS", b"220 2.0.0 Ready to start TLS", state="greeted", after="tls")
        self.tls(c)
        self.ask(
            c,
            ehlo,
            *offers,
            b"250-AUTH PLAIN LOGIN",
            b"250 ENHANCEDSTATUSCODES",
            state="connected",
            after="greeted",
        )
        token = base64.b64encode(b"\0son@hanoi.example\0" + PASSWORD)
        line = b"AUTH PLAIN " + token
        self.ask(
            c,
            line,
            b"235 2.7.0 Authentication successful",
            state="greeted",
            after="known",
            secrets=((11, len(line)),),
        )
        self.emit(
            ev.LoggedIn, host=HANOI, connection=c, account="son@hanoi.example", mechanism="PLAIN"
        )
        self.transaction(c, envelope)
        self.takes(c, envelope, "4K7Q2MX", "submission", parcel)
        self.ask(c, b"QUIT", b"221 2.0.0 Bye", state="known", after="closed")
        self.close(c)

    def transaction(self, c: ev.Connection, envelope: Envelope) -> None:
        self.ask(
            c,
            f"MAIL FROM:<{envelope.reverse_path}> SIZE={len(LETTER)}".encode(),
            b"250 2.1.0 OK",
            state="known",
            after="mail",
        )
        for address in envelope.addresses:
            self.ask(
                c, f"RCPT TO:<{address}>".encode(), b"250 2.1.5 OK", state="mail", after="rcpt"
            )
        self.ask(c, b"DATA", b"354 End data with <CR><LF>.<CR><LF>", state="rcpt", after="data")
        data = LETTER + b".\r\n"
        offset = self.sent(c, C, data)
        self.emit(ev.Content, connection=c, sender=C, offset=offset, size=len(data))

    def takes(
        self,
        c: ev.Connection,
        envelope: Envelope,
        queue_id: str,
        role: str,
        parcel: int,
        verb: str = ".",
    ) -> None:
        host = c.server.name
        self.emit(
            ev.Accepted, host=host, parcel=parcel, queue_id=queue_id, envelope=envelope,
            size=len(LETTER), role=role, connection=c,
        )  # fmt: skip
        self.emit(
            ev.Queued, host=host, parcel=parcel, queue_id=queue_id, recipients=envelope.addresses
        )
        self.reply(
            c,
            f"250 2.0.0 OK: queued as {queue_id}".encode(),
            verb=verb,
            before="data",
            after="known",
        )

    def looks_up(self, parcel: int = 1) -> None:
        self.lookup(
            "MX", "saigon.example", ("10 mx1.saigon.example.", "20 mx2.saigon.example."), parcel
        )
        self.lookup("A", MX1, ("198.51.100.25",), parcel)
        hops = ((10, MX1, (IP[MX1],)), (20, MX2, (IP[MX2],)))
        self.emit(ev.Routed, host=HANOI, parcel=parcel, domain="saigon.example", hops=hops)

    def lookup(
        self,
        rtype: str,
        name: str,
        answers: tuple[str, ...],
        parcel: int,
        status: str = "NOERROR",
        server: str = "ns.lab",
    ) -> None:
        ends = {"client": self.place(HANOI, 40500), "server": self.place("ns.lab", 53)}
        labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
        number = {"MX": 15, "A": 1}[rtype].to_bytes(2, "big")
        question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + labels + b"\0" + number + b"\0\1"
        if server != "cache":
            self.emit(ev.Datagram, **ends, sender=C, data=question)
            self.emit(ev.Datagram, **ends, sender=S, data=question)
        self.emit(
            ev.LookedUp, host=HANOI, parcel=parcel, name=name, rtype=rtype, status=status,
            answers=answers, ttl=3600 if answers else None, server=server,
        )  # fmt: skip

    def relays(self, to: str = MX1, queue_id: str = "9B2WXYZ", parcel: int = 1) -> None:
        envelope = Envelope.of("son@hanoi.example", ["minh@saigon.example"])
        c = self.connect(HANOI, to, "smtp", 25)
        self.reply(c, f"220 {to} ESMTP".encode(), after="connected")
        self.ask(
            c, b"EHLO smtp.hanoi.example", f"250-{to}".encode(), b"250-SIZE 26214400",
            b"250-8BITMIME", b"250-STARTTLS", b"250 DSN", state="connected", after="greeted",
        )  # fmt: skip
        self.transaction(c, envelope)
        self.takes(c, envelope, queue_id, "exchange", parcel)
        self.ask(c, b"QUIT", b"221 2.0.0 Bye", state="greeted", after="closed")
        self.close(c)
        reply = f"250 2.0.0 OK: queued as {queue_id}"
        self.emit(
            ev.Attempted, host=HANOI, parcel=parcel, queue_id="4K7Q2MX",
            recipients=("minh@saigon.example",), to=to, ip=IP[to], number=1,
            outcome="relayed", reply=reply,
        )  # fmt: skip
        self.emit(
            ev.Relayed,
            host=HANOI,
            parcel=parcel,
            queue_id="4K7Q2MX",
            recipient="minh@saigon.example",
            to=to,
            reply=reply,
        )
        self.emit(ev.Dequeued, host=HANOI, parcel=parcel, queue_id="4K7Q2MX")

    def delivers(self, host: str = MX1, queue_id: str = "9B2WXYZ", parcel: int = 1) -> None:
        self.emit(ev.Routed, host=host, parcel=parcel, domain="saigon.example", hops=(), local=True)
        self.emit(
            ev.Delivered, host=host, parcel=parcel, recipient="minh@saigon.example",
            account="minh@saigon.example", mailbox="INBOX", uid=1,
            file="new/1767578400.p1u1.mx1.saigon.example", size=1234,
        )  # fmt: skip
        self.emit(ev.Dequeued, host=host, parcel=parcel, queue_id=queue_id)

    def pops(self) -> None:
        c = self.connect("minh-laptop.saigon.example", MX1, "pop3", 110)
        self.reply(c, b"+OK mx1.saigon.example POP3", after="authorization", code="+OK")
        self.ask(c, b"USER minh@saigon.example", b"+OK", state="authorization")
        line = b"PASS " + PASSWORD
        self.ask(
            c,
            line,
            b"+OK 1 message",
            state="authorization",
            after="transaction",
            secrets=((5, len(line)),),
        )
        self.emit(
            ev.LoggedIn, host=MX1, connection=c, account="minh@saigon.example", mechanism="PASS"
        )
        self.ask(c, b"STAT", b"+OK 1 1234", state="transaction")
        self.ask(c, b"UIDL", b"+OK", b"1 1767578400.1", b".", state="transaction")
        self.ask(c, b"RETR 1", b"+OK 1234 octets", state="transaction")
        offset = self.sent(c, S, LETTER + b".\r\n")
        self.emit(ev.Content, connection=c, sender=S, offset=offset, size=len(LETTER) + 3)
        self.emit(
            ev.Fetched,
            host=MX1,
            parcel=1,
            account="minh@saigon.example",
            mailbox="INBOX",
            uid=1,
            how="POP3 RETR",
        )
        self.command(c, b"LIST 7", "transaction")
        self.reply(
            c,
            b"-ERR no such message",
            verb="LIST",
            code="-ERR",
            before="transaction",
            after="transaction",
        )
        self.ask(c, b"QUIT", b"+OK bye", state="transaction", after="update")
        self.close(c)

    def imaps(self) -> None:
        c = self.connect("minh-laptop.saigon.example", MX1, "imaps", 993)
        self.tls(c, "implicit")
        self.reply(c, b"* OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS] mx1.saigon.example", code="*")
        line = b"a1 LOGIN minh@saigon.example " + PASSWORD
        self.imap(
            c,
            line,
            b"a1 OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS MOVE] logged in",
            state="not authenticated",
            secrets=((29, len(line)),),
        )
        self.imap(
            c, b"a2 SELECT INBOX", b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
            b"* 1 EXISTS", b"* 1 RECENT", b"* OK [UIDVALIDITY 3857529045] UIDs valid",
            b"* OK [UIDNEXT 2] next", b"a2 OK [READ-WRITE] SELECT completed", state="authenticated",
        )  # fmt: skip
        self.command(c, b"a3 UID FETCH 1 (FLAGS BODY[])", "selected", "a3", "UID FETCH")
        head = b"* 1 FETCH (UID 1 FLAGS (\\Recent) BODY[] {%d}" % len(LETTER)
        start = self.sent(c, S, head + b"\r\n" + LETTER + b")\r\n")
        lines = (head, *LETTER.split(b"\r\n")[:-1], b")")
        self.emit(
            ev.Reply,
            connection=c,
            verb="UID FETCH",
            code="*",
            lines=lines,
            before="selected",
            after="selected",
        )
        self.emit(
            ev.Content, connection=c, sender=S, offset=start + len(head) + 2, size=len(LETTER)
        )
        self.emit(
            ev.Fetched,
            host=MX1,
            parcel=1,
            account="minh@saigon.example",
            mailbox="INBOX",
            uid=1,
            how="IMAP BODY[]",
        )
        self.reply(c, b"a3 OK FETCH completed", verb="UID FETCH", code="OK", tag="a3")
        self.emit(
            ev.FlagsChanged,
            host=MX1,
            parcel=1,
            account="minh@saigon.example",
            mailbox="INBOX",
            uid=1,
            before=(),
            after=("\\Seen",),
        )
        self.imap(c, b"a4 LOGOUT", b"* BYE see you", b"a4 OK LOGOUT completed", state="selected")
        self.close(c, S)

    def refuses(self, to: str, parcel: int = 1) -> None:
        self.emit(
            ev.ConnectFailed, client=self.place(HANOI, 40900), server=self.place(to, 25),
            reason="connection refused", parcel=parcel,
        )  # fmt: skip

    def defers(self, attempts: int, **delta: float) -> None:
        self.emit(
            ev.Deferred, host=HANOI, parcel=1, queue_id="4K7Q2MX",
            recipient="minh@saigon.example", attempts=attempts,
            reason="no host of saigon.example answered: connection refused",
            next_try=self.now + timedelta(**delta),
        )  # fmt: skip


def journey() -> Story:
    """Sơn's letter, all the way to Minh's eyes."""
    story = Story()
    story.world()
    story.submits()
    story.looks_up()
    story.relays()
    story.delivers()
    story.wait(minutes=5)
    story.pops()
    story.imaps()
    return story


def failover() -> Story:
    """mx1 is down; the letter takes mx2."""
    story = Story()
    story.world()
    story.emit(ev.HostStopped, host=MX1, services=(("smtp", 25),))
    story.submits()
    story.looks_up()
    story.refuses(MX1)
    story.relays(MX2)
    return story


def bounce() -> Story:
    """Nobody answers, for five days."""
    story = Story()
    story.world()
    story.submits()
    story.looks_up()
    for attempt, hours in ((1, 0.5), (2, 1), (3, 118.5)):
        story.refuses(MX1)
        story.refuses(MX2)
        if attempt < 3:
            story.defers(attempt, hours=hours)
            story.wait(hours=hours)
    story.wait(hours=118.5)
    story.emit(
        ev.Bounced, host=HANOI, parcel=1, queue_id="4K7Q2MX", recipient="minh@saigon.example",
        reason="gave up after 5 d: connection refused", status="4.4.1", dsn=2,
    )  # fmt: skip
    story.emit(
        ev.Accepted, host=HANOI, parcel=2, queue_id="7DDQ111", size=900, role="submission",
        envelope=Envelope.of("", ["son@hanoi.example"]), connection=None,
    )  # fmt: skip
    story.emit(ev.Dequeued, host=HANOI, parcel=1, queue_id="4K7Q2MX")
    story.emit(
        ev.Delivered, host=HANOI, parcel=2, recipient="son@hanoi.example", size=900,
        account="son@hanoi.example", mailbox="INBOX", uid=1, file="new/1768010400.p2u1.smtp",
    )  # fmt: skip
    return story


def hostile() -> Story:
    """Somebody who hopes that we print what they say."""
    story = Story()
    story.world()
    c = story.connect("mx.spam.example", MX1, "smtp", 25)
    story.reply(c, b"220 mx1.saigon.example ESMTP", after="connected")
    story.ask(c, b"EHLO <script>alert(1)</script>", b"250 ok", state="connected", after="greeted")
    story.ask(
        c, b"\x1b[2J\x1b]0;owned\x07 $\\frac{1}{2}$", b"500 5.5.2 what?", state="greeted", verb="?"
    )
    story.ask(
        c,
        b"MAIL FROM:<\xff\xfe@x> \xe2\x80\xae",
        b'550 5.7.1 <img src=x onerror="x">',
        state="greeted",
    )
    story.emit(ev.LimitReached, connection=c, limit="<b>bad</b> commands", action="421, closed")
    story.close(c, S, "too many\r\nbad commands")
    return story


STORIES = {"journey": journey, "failover": failover, "bounce": bounce, "hostile": hostile}


@pytest.fixture(params=sorted(STORIES))
def story(request: pytest.FixtureRequest) -> Story:
    return STORIES[request.param]()


@pytest.fixture
def tell() -> dict:
    """The stories by name, to be told in a test."""
    return STORIES
