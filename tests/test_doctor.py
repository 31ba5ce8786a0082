"""The doctor: what is well is said, what is not comes with an advice, nothing raises."""

import dataclasses
import errno
import importlib.metadata
import os
import socket
from pathlib import Path

import pytest

from labmail import doctor
from labmail.doctor import Finding


def test_this_machine_is_examined() -> None:
    findings = {finding.name: finding for finding in doctor.examine()}
    assert {"Python", "TCP on 127.0.0.1", "certificates", "figures", "course files"} <= set(
        findings
    )
    assert all(finding.ok or finding.advice for finding in findings.values())
    for name in ("Python", "TCP on 127.0.0.1", "UDP on 127.0.0.1", "certificates", "figures"):
        assert findings[name].ok, findings[name]


def test_a_finding_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Finding("Python", True, "3.12.1").ok = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("4.6.1", (4, 6, 1)), ("50.0.2rc1", (50, 0, 2)), ("3.9.1.post1", (3, 9, 1)), ("new", ())],
)
def test_versions_are_compared_by_their_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert doctor.version_tuple(version) == numbers


@pytest.mark.parametrize(
    ("running", "ok"), [((3, 10, 13), False), ((3, 11, 0), True), ((3, 14, 0), True)]
)
def test_python_must_be_new_enough(running: tuple[int, ...], ok: bool) -> None:
    finding = doctor.python_version(running)
    assert finding.ok is ok
    assert bool(finding.advice) is not ok


@pytest.mark.parametrize(("version", "ok"), [("3.34.1", False), ("3.35.0", True), ("3.40", True)])
def test_sqlite_must_be_new_enough(version: str, ok: bool) -> None:
    assert doctor.sqlite_version(version).ok is ok


def test_a_package_is_there_or_missing_or_old(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"dnspython": "2.10.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert doctor.package("dnspython", "2.7.0") == Finding("dnspython", True, "2.10.0")
    old = doctor.package("dnspython", "2.11")
    assert (old.ok, old.detail) == (False, "2.10.0, but 2.11 or newer is needed")
    missing = doctor.package("trustme", "1.2.0")
    assert (missing.ok, missing.detail, missing.advice) == (False, "not installed", doctor.INSTALL)


def test_the_required_packages_are_those_without_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["aiosmtpd>=1.4.6", "import-linter>=2.5; extra == 'test'", "trustme>=1.2.0"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines)
    assert doctor.required() == {"aiosmtpd": "1.4.6", "trustme": "1.2.0"}


def test_a_project_that_is_not_installed_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert doctor.packages() == (
        Finding("packages", False, "mail-lab is not installed", doctor.INSTALL),
    )


def test_a_closed_loopback_is_a_finding_with_an_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> socket.socket:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket, "create_server", refuse)
    finding = doctor.ask(doctor.loopback_tcp)
    assert not finding.ok
    assert finding.advice == doctor.LOOPBACK_ADVICE


def test_a_temporary_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    finding = doctor.temporary_folder(gone)
    assert not finding.ok
    assert finding.detail == f"{gone}: {os.strerror(errno.ENOENT)}"
    assert "TMPDIR" in finding.advice


def test_a_good_temporary_folder_is_left_as_it_was(tmp_path: Path) -> None:
    assert doctor.temporary_folder(tmp_path).ok
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed(tmp_path: Path) -> None:
    assert doctor.free_disk(tmp_path, enough=1).ok
    full = doctor.free_disk(tmp_path, enough=10**18)
    assert not full.ok
    assert "TMPDIR" in full.advice


def test_a_font_without_vietnamese_letters_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import matplotlib

    with matplotlib.rc_context({"font.family": "cmr10", "axes.formatter.use_mathtext": True}):
        finding = doctor.vietnamese_letters()
    assert not finding.ok
    assert "matplotlibrc" in finding.advice


def test_all_vietnamese_letters_are_asked_for() -> None:
    assert len(doctor.VIETNAMESE) == len(set(doctor.VIETNAMESE)) == 2 * (12 * 6 + 1)
    assert set("ưởễậđĐỲặ") <= set(doctor.VIETNAMESE)


def test_a_kernel_that_is_gone_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from jupyter_client import kernelspec

    spec = kernelspec.KernelSpec(argv=[str(tmp_path / "python")], display_name="Old")
    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    finding = doctor.kernel()
    assert not finding.ok
    assert "jupyter kernelspec remove" in finding.advice


def test_a_check_that_raises_is_a_finding() -> None:
    def certificates() -> Finding:
        raise ImportError("No module named 'trustme'")

    finding = doctor.ask(certificates)
    assert finding == Finding(
        "certificates", False, "ImportError: No module named 'trustme'", doctor.INSTALL
    )


def test_the_report_gives_each_finding_a_line_and_each_fault_an_arrow() -> None:
    findings = [Finding("Python", True, "3.12.1"), Finding("disk", False, "1 MB free", "Free 200.")]
    assert doctor.report(findings).splitlines() == [
        "ok   Python  3.12.1",
        "BAD  disk    1 MB free",
        "             → Free 200.",
        "",
        "1 of 2 checks failed; do first what the arrows say.",
    ]
    assert doctor.report(findings[:1]).endswith("This machine is ready for the lab.")
