"""A line protocol without I/O, small enough to see through: it answers each line with itself."""

from labmail.net.core import (
    Deliver,
    Enough,
    HandOn,
    HangUp,
    Heard,
    Output,
    Say,
    StartTls,
    never_enough,
    nothing_early,
)


class EchoCore:
    def __init__(self) -> None:
        self._buffer = b""
        self._given = 0
        self.gone = False
        self.hand_on: HandOn = nothing_early
        self.enough: Enough = never_enough

    def greet(self) -> list[Output]:
        return [self._say(b"hello", "")]

    def receive(self, data: bytes) -> list[Output]:
        self._buffer += data
        self._given += len(data)
        outputs: list[Output] = []
        while b"\n" in self._buffer and not self.enough():
            line, self._buffer = self._buffer.split(b"\n", 1)
            outputs += self._command(line.rstrip(b"\r"), len(line) + 1)
            outputs = self.hand_on(outputs)
        return outputs

    def _command(self, line: bytes, size: int) -> list[Output]:
        offset = self._given - len(self._buffer) - size
        verb = line.split(b" ")[0].decode("ascii", "replace").upper()
        secret = ((5, len(line)),) if verb == "PASS" else ()
        wire = tuple((offset + a, offset + b) for a, b in secret)
        heard = Heard(verb, line, "ready", offset, secrets=secret, wire_secrets=wire)
        match verb:
            case "TLS":
                self._buffer = b""
                return [heard, self._say(b"go on", verb), StartTls()]
            case "QUIT":
                return [heard, self._say(b"bye", verb), HangUp()]
            case "BIG":
                return [heard, Deliver(b"x" * 1_000_000)]
            case "LETTER":
                return [heard, self._say(b"here", verb), Deliver(b"body\r\n.\r\n")]
        return [heard, self._say(line, verb)]

    def tls_started(self) -> list[Output]:
        return []

    def changed(self) -> list[Output]:
        return [self._say(b"news", "")]

    def timed_out(self) -> list[Output]:
        return [self._say(b"too slow", "")]

    def lost(self) -> list[Output]:
        self.gone = True
        return []

    def _say(self, text: bytes, verb: str) -> Say:
        return Say(text + b"\r\n", "+OK", verb, "ready", "ready")
