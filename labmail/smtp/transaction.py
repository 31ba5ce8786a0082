"""The envelope as it grows: one MAIL, then RCPT by RCPT (RFC 5321 §3.3)."""

from __future__ import annotations

from aiosmtpd.smtp import Envelope as BaseEnvelope

from labmail.trace.parcel import Envelope, Recipient


class Transaction(BaseEnvelope):
    """One transaction of a session, while it is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.reverse_path: str | None = None
        self.recipients: list[Recipient] = []
        self.body = "7BIT"
        self.smtputf8 = False
        self.ret: str | None = None
        self.envid: str | None = None

    def sealed(self) -> Envelope:
        """The envelope as it is handed on."""
        assert self.reverse_path is not None
        return Envelope(
            self.reverse_path,
            tuple(self.recipients),
            body=self.body,
            smtputf8=self.smtputf8,
            ret=self.ret,
            envid=self.envid,
        )
