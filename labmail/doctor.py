"""Is this machine fit for the lab? A few questions, each with an answer and an advice.

A check is a function without arguments (or with arguments that default to this machine) that
returns a `Finding`. Nothing is printed and nothing outside the temporary folder is written;
`examine` asks everything, `report` makes it text for the terminal. The checks do what the lab
will do in small: a socket really connects, a certificate is really made, letters are really drawn.
"""

import importlib
import importlib.metadata
import io
import re
import shutil
import socket
import sqlite3
import ssl
import sys
import tempfile
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labmail.paths import DataNotFound, data_dir

PROJECT = "mail-lab"
OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 35, 0)  # ON CONFLICT without naming the conflict: mailbox/index.py
ENOUGH_DISK = 200_000_000  # octets; a lab and its mailboxes take a few megabytes
INSTALL = "Run 'python3 start.py' in the course's folder: it installs what is missing."
# Every vowel of Vietnamese with every tone, and Đ: "Chào Minh" must not become "Ch□o Minh".
VOWELS = "aăâeêioôơuưy"
TONES = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
VIETNAMESE = "đĐ" + "".join(
    unicodedata.normalize("NFC", letter + tone)
    for vowel in VOWELS
    for tone in TONES
    for letter in (vowel, vowel.upper())
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question about this machine.

    ``detail`` says what was seen; ``advice`` what to do next, and is empty when all is well.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers a version begins with: "4.6.1rc2" → (4, 6, 1); enough to compare releases."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in release.group().split(".")) if release else ()


def python_version(running: Sequence[int] = sys.version_info[:3]) -> Finding:
    """Python 3.11 or newer."""
    detail = ".".join(str(part) for part in running)
    if tuple(running) >= OLDEST_PYTHON:
        return Finding("Python", True, detail)
    oldest = ".".join(str(part) for part in OLDEST_PYTHON)
    return Finding(
        "Python", False, detail, f"Install Python {oldest} or newer, then run start.py with it."
    )


def required() -> dict[str, str]:
    """The packages Mail Lab runs on, each with the oldest version it is tested with.

    Raises `importlib.metadata.PackageNotFoundError` when Mail Lab itself is not installed.
    """
    lines = importlib.metadata.requires(PROJECT) or []
    matches = (re.match(r"([\w.-]+)>=([\w.]+)$", line) for line in lines)
    return {match[1]: match[2] for match in matches if match}


def package(name: str, oldest: str) -> Finding:
    """One package is installed, in a version not older than `oldest`."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", INSTALL)
    if version_tuple(version) >= version_tuple(oldest):
        return Finding(name, True, version)
    return Finding(name, False, f"{version}, but {oldest} or newer is needed", INSTALL)


def packages() -> tuple[Finding, ...]:
    """Every package that Mail Lab runs on."""
    try:
        return tuple(package(name, oldest) for name, oldest in required().items())
    except importlib.metadata.PackageNotFoundError:
        return (Finding("packages", False, f"{PROJECT} is not installed", INSTALL),)


def loopback_tcp() -> Finding:
    """A TCP connection within this machine carries bytes, as every server of the lab needs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            accepted, _ = server.accept()
            with accepted:
                client.sendall(b"NOOP\r\n")
                heard = accepted.recv(6)
    return _loopback("TCP", heard == b"NOOP\r\n")


def loopback_udp() -> Finding:
    """A UDP datagram within this machine arrives, as the lab's DNS needs."""
    kind = socket.SOCK_DGRAM
    with socket.socket(type=kind) as server, socket.socket(type=kind) as client:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        client.sendto(b"?", server.getsockname())
        heard = server.recv(16)
    return _loopback("UDP", heard == b"?")


def _loopback(transport: str, arrived: bool) -> Finding:
    name = f"{transport} on 127.0.0.1"
    if arrived:
        return Finding(name, True, "bytes go out and come back")
    return Finding(name, False, "other bytes came back than went out", LOOPBACK_ADVICE)


LOOPBACK_ADVICE = "Let a firewall or security program allow Python to connect within this machine."


def temporary_folder(folder: Path | None = None) -> Finding:
    """The lab may write its mailboxes to the temporary folder."""
    place = folder or Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryDirectory(prefix="labmail-", dir=place) as made:
            (Path(made) / "cur").write_bytes(b"Subject: \r\n\r\n")
    except OSError as error:
        return Finding(
            "temporary folder",
            False,
            f"{place}: {error.strerror}",
            "Make room there, or let TMPDIR (on Windows: TEMP) name a folder you may write to.",
        )
    return Finding("temporary folder", True, f"{place} can be written")


def sqlite_version(version: str = sqlite3.sqlite_version) -> Finding:
    """SQLite, which keeps the index of the mailboxes, is new enough."""
    if version_tuple(version) >= OLDEST_SQLITE:
        return Finding("SQLite", True, version)
    oldest = ".".join(str(part) for part in OLDEST_SQLITE)
    advice = f"Use a Python built with SQLite {oldest} or newer; those of python.org are."
    return Finding("SQLite", False, version, advice)


def certificates() -> Finding:
    """A certificate authority and a certificate for a host of the lab can be made and loaded."""
    import trustme

    certificate = trustme.CA().issue_cert("smtp.hanoi.example")
    certificate.configure_cert(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    return Finding("certificates", True, f"made with {ssl.OPENSSL_VERSION}")


def jupyterlab() -> Finding:
    """JupyterLab, in which the notebooks are read, can be started."""
    lab = importlib.import_module("jupyterlab")
    return Finding("JupyterLab", True, f"{lab.__version__} starts with 'jupyter lab'")


def kernel() -> Finding:
    """Jupyter finds a Python kernel, and its interpreter exists."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("kernel", False, "Jupyter knows no kernel 'python3'", INSTALL)
    interpreter = spec.argv[0]
    if shutil.which(interpreter):
        return Finding("kernel", True, f"python3 ({spec.display_name})")
    advice = "Remove it with 'jupyter kernelspec remove python3', then run start.py again."
    return Finding("kernel", False, f"'python3' starts {interpreter}, which is gone", advice)


def vietnamese_letters() -> Finding:
    """matplotlib's default font has every Vietnamese letter, and draws them."""
    from matplotlib.figure import Figure

    figure = Figure()
    figure.text(0, 0.5, VIETNAMESE)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure.savefig(io.BytesIO(), format="png")
    missing = [str(warning.message) for warning in said if "missing from" in str(warning.message)]
    if not missing:
        return Finding("figures", True, f"all {len(VIETNAMESE)} Vietnamese letters are drawn")
    advice = "Remove font.family from your matplotlibrc: the font it names lacks letters."
    return Finding("figures", False, missing[0], advice)


def free_disk(folder: Path | None = None, enough: int = ENOUGH_DISK) -> Finding:
    """There is room for the lab's mailboxes (`enough` in octets)."""
    place = folder or Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    detail = f"{free // 1_000_000:,} MB free at {place}"
    if free >= enough:
        return Finding("disk", True, detail)
    return Finding("disk", False, detail, f"Free {enough // 1_000_000} MB there, or set TMPDIR.")


def course_data() -> Finding:
    """The worlds, zones and letters of the course are found."""
    try:
        return Finding("course files", True, str(data_dir()))
    except DataNotFound as error:
        return Finding("course files", False, "not found", str(error))


Check = Callable[[], Finding]

CHECKS: tuple[Check, ...] = (
    python_version,
    loopback_tcp,
    loopback_udp,
    temporary_folder,
    free_disk,
    sqlite_version,
    certificates,
    jupyterlab,
    kernel,
    vietnamese_letters,
    course_data,
)

ADVICE_WHEN_IT_RAISES = {
    "loopback_tcp": LOOPBACK_ADVICE,
    "loopback_udp": LOOPBACK_ADVICE,
}


def ask(check: Check) -> Finding:
    """The finding of one check; a check that raises is a finding too, never a traceback."""
    try:
        return check()
    except Exception as error:  # whatever a broken installation raises, the doctor goes on
        name = check.__name__.replace("_", " ")
        detail = f"{type(error).__name__}: {error}"
        return Finding(name, False, detail, ADVICE_WHEN_IT_RAISES.get(check.__name__, INSTALL))


def examine(checks: Sequence[Check] = CHECKS) -> tuple[Finding, ...]:
    """Ask everything; the packages first, for most of what fails later starts there."""
    return (*packages(), *(ask(check) for check in checks))


def report(findings: Sequence[Finding]) -> str:
    """The findings as text, one line each, the advice below what needs it, and a last sentence."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{'ok ' if finding.ok else 'BAD'}  {finding.name:<{width}}  {finding.detail}")
        if finding.advice:
            lines.append(f"{'':<{width + 5}}  → {finding.advice}")
    bad = sum(not finding.ok for finding in findings)
    lines.append("")
    lines.append(
        "This machine is ready for the lab."
        if not bad
        else f"{bad} of {len(findings)} checks failed; do first what the arrows say."
    )
    return "\n".join(lines)
