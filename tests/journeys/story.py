"""One long story, and a digest of what happened in it: run as a program it prints both.

`test_determinism` runs it in this process and in others.
"""

import dataclasses
import sys
from hashlib import blake2b

from labmail import Lab
from labmail.trace.events import Event, Layer, Sent


def tell(lab: Lab) -> None:
    """Letters to one, to many and to nobody; two hosts fall and rise; mail is read three ways."""
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    son.send(to=minh, subject="Chào Minh", text="Bao giờ em về?\n")
    son.send(
        to=[minh, "lan@hanoi.example", "ba@nhaminh.example", "ai@khongthu.example"],
        subject="Bốn người",
        text="…",
    )
    minh.inbox()
    minh.read(1)
    server = minh.pop3()
    server.retr(1)
    server.dele(1)
    server.quit()
    mx1, mx2 = lab.host("mx1.saigon.example"), lab.host("mx2.saigon.example")
    mx1.stop()
    son.send(to=minh, subject="Qua mx2", text="…")
    lab.settle()
    mx2.stop()
    letter = son.compose(minh, "Ảnh", "Xem ảnh nhé.\n")
    letter.add_attachment(bytes(300_000), maintype="image", subtype="png", filename="phở.png")
    with son.smtp() as submission:
        submission.send_message(letter)
    lab.advance("2h")
    mx1.start()
    mx2.start()
    lab.advance("8h")
    son.inbox()
    imap = minh.imap()
    imap.select("INBOX")
    imap.append("INBOX", "(\\Seen)", None, b"Subject: x\r\n\r\n" + (b"z" * 70 + b"\r\n") * 3000)
    imap.close()
    imap.shutdown()  # without LOGOUT
    lab.host("ns.lab").stop()
    lab.health()
    lab.settle()


def plain(event: Event) -> str:
    """An event as text.  Keys and ciphertext are left out: every lab draws its keys anew."""
    fields = {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.compare}
    if isinstance(event, Sent) and event.layer is Layer.CIPHER:
        fields |= {"data": "ciphertext", "offset": 0}
    return f"{type(event).__name__} {fields}"


def events_of_the_story() -> list[str]:
    with Lab() as lab:
        tell(lab)
        return [plain(event) for event in lab.trace]


def digest(events: list[str]) -> str:
    return blake2b("\n".join(events).encode(), digest_size=12).hexdigest()


if __name__ == "__main__":
    happened = events_of_the_story()
    sys.stdout.write(f"{len(happened)} {digest(happened)}\n")
