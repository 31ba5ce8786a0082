"""The lab's certificate authority.

Every lab makes its own when it starts, so no key is ever committed and no
certificate of one lab is worth anything in another.  `trustme` does the work.

Servers note the keys of each TLS session in a file of the lab's folder, so that the lab can
show what an eavesdropper cannot read.  `take_keys` takes them out again at once: the file
holds what belongs to handshakes that are under way, and no more.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


class Authority:
    """Issues certificates for the lab's hosts, and says how to trust them.

    before: an authority of this lab that has ended; who trusted it trusts this one.
    """

    def __init__(self, folder: Path, before: Authority | None = None) -> None:
        import trustme

        self._ca: trustme.CA = (
            before._ca
            if before
            else trustme.CA(
                organization_name="Mail Lab",
                organization_unit_name="Certificate authority of one lab",
            )
        )
        self.file = folder / "ca.pem"
        """The authority's certificate: give it to a client that should trust the lab."""
        self._ca.cert_pem.write_to_path(str(self.file))
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._keys = folder / "tls-keys.txt"

    def server_context(self, *names: str) -> ssl.SSLContext:
        """What a server presents that is known by these host names (one certificate for all)."""
        if names not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996 §2: nothing older
            self._ca.issue_cert(*names).configure_cert(context)
            self._keys.touch(0o600)
            context.keylog_filename = str(self._keys)
            self._contexts[names] = context
        return self._contexts[names]

    def client_context(self) -> ssl.SSLContext:
        """A client context that verifies names and trusts this lab only."""
        context = ssl.create_default_context(cafile=str(self.file))
        return context

    def close(self) -> None:
        """Let go of the file of keys, and remove it."""
        for context in self._contexts.values():
            context.keylog_filename = None  # type: ignore[assignment]  # closes the file
        self._keys.unlink(missing_ok=True)


def take_keys(context: ssl.SSLContext, client_random: bytes) -> str:
    """Take the keys of one session out of the file in which this context's servers note them.

    Each line names its session by the random number with which the client began it
    (draft-ietf-tls-keylogfile §2).  "" where there are none; a file that cannot be read or
    written must not keep anybody from talking.
    """
    if not context.keylog_filename:
        return ""
    file, mine = Path(context.keylog_filename), f" {client_random.hex()} "
    try:
        lines = file.read_text("ascii").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if mine not in line), "ascii")
    except OSError:
        return ""
    return "".join(line for line in lines if mine in line)
