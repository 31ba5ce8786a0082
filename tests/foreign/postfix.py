"""A Postfix of one's own: configuration, queue and mailboxes in one folder, ports above 1024.

It is mail.ngoai.example.  Port `smtp` is its front door, where it takes mail for its own people
only; port `submission` takes mail for anybody, and `routes` says where to.  Nothing of the
machine's own Postfix is read or written.
"""

import contextlib
import itertools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

NAME, DOMAIN, IP = "mail.ngoai.example", "ngoai.example", "203.0.113.90"
PEOPLE = ("lan", "nga")
LOOPBACK = "127.0.0.1"

MAIN = """\
compatibility_level = 3.6
maillog_file = /dev/stdout
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {name}
mydestination =
mynetworks =
smtp_dns_support_level = disabled
smtp_host_lookup = native
transport_maps = {routes}
default_transport = error:nobody knows the way
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = {people}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/tls.pem
smtp_tls_security_level = may
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_connection_rate_limit = 0
"""

MASTER = """\
{smtp} inet n - n - - smtpd
{submission} inet n - n - - smtpd
  -o mynetworks=127.0.0.1/32
  -o smtpd_relay_restrictions=permit_mynetworks,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One running instance.  `stop` ends it and removes everything it had."""

    def __init__(self, routes: Mapping[str, int]) -> None:
        self._postfix, self._postqueue = _program("postfix"), _program("postqueue")
        if os.geteuid() != 0:
            pytest.skip("Postfix wants to be started by root")
        self.ports = dict(zip(("smtp", "submission"), _free_ports(2), strict=True))
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self._process: subprocess.Popen[str] | None = None
        self._log: queue.Queue[str] = queue.Queue()
        self._seen: list[str] = []
        try:
            self._write(routes)
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            [self._postfix, "-c", str(self.folder), "start-fg"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        self.until(r"daemon started")

    def pause(self) -> None:
        """End the program, whatever it is doing; its folder stays."""
        process, self._process = self._process, None
        if process is None:
            return
        subprocess.run(
            [self._postfix, "-c", str(self.folder), "stop"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            master = (self.folder / "queue/pid/master.pid").read_text()
            os.kill(int(master), signal.SIGKILL)
            process.kill()
            process.wait(30)

    def stop(self) -> None:
        """End the program and remove its folder."""
        self.pause()
        shutil.rmtree(self.folder, ignore_errors=True)

    def until(self, pattern: str, seconds: float = 30) -> str:
        """The first line of the log with this pattern that has not been waited for yet."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._log.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                log = "".join(self._seen)
                raise AssertionError(f"Postfix has not said {pattern!r}:\n{log}") from None
            self._seen.append(line)
            if re.search(pattern, line):
                return line

    def rest(self) -> None:
        """Wait until every letter that was taken up has left the queue."""
        while self._ids(r"(\w+): from=<.*queue active") - self._ids(r"(\w+): removed"):
            self.until(": removed")

    def _ids(self, pattern: str) -> set[str]:
        return {found[1] for line in self._seen if (found := re.search(pattern, line))}

    def letters(self, person: str) -> list[bytes]:
        """What lies in somebody's mailbox, with line ends as they were on the wire."""
        files = sorted((self.folder / "mail" / person / "new").glob("*"))
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in files]

    def waiting(self) -> str:
        """What ``postqueue -p`` says."""
        done = subprocess.run(
            [self._postqueue, "-c", str(self.folder), "-p"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return done.stdout

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._log.put(line)

    def _write(self, routes: Mapping[str, int]) -> None:
        import pwd  # Windows has none, and no Postfix either

        owner = pwd.getpwnam("postfix")
        self.folder.chmod(0o755)  # Postfix's own user has to come in
        for name in ("queue", "data", "mail"):
            (self.folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        certificate = trustme.CA().issue_cert(NAME)
        chain = certificate.private_key_and_cert_chain_pem.bytes()
        (self.folder / "tls.pem").write_bytes(chain)
        (self.folder / "tls.pem").chmod(0o600)
        main = MAIN.format(
            folder=self.folder,
            name=NAME,
            domain=DOMAIN,
            routes=_table({to: f"smtp:[{LOOPBACK}]:{port}" for to, port in routes.items()}),
            people=_table({f"{person}@{DOMAIN}": f"{person}/" for person in PEOPLE}),
            uid=owner.pw_uid,
            gid=owner.pw_gid,
        )
        (self.folder / "main.cf").write_text(main)
        listening = {service: f"{LOOPBACK}:{port}" for service, port in self.ports.items()}
        (self.folder / "master.cf").write_text(MASTER.format(**listening))


def _program(name: str) -> str:
    """Where this program of Postfix lies: often in a folder that is root's only."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    return path or pytest.skip("Postfix is not installed")


def _table(entries: Mapping[str, str]) -> str:
    """A lookup table that stands in main.cf itself."""
    listed = ", ".join(f"{{ {key} = {value} }}" for key, value in entries.items())
    return f"inline:{{ {listed} }}" if listed else ""


def _free_ports(count: int) -> list[int]:
    """Ports that stay free until Postfix takes them: systems give away by themselves only those
    from 32768 on (Linux), or higher."""
    ports: list[int] = []
    for port in itertools.count(10_000 + os.getpid() % 20_000):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind((LOOPBACK, port))
            ports.append(port)
        if len(ports) == count:
            break
    return ports
