"""Every source file of the package has its test file, at the same place under tests/.

labmail/dns/zone.py ↔ tests/dns/test_zone.py. Files that say nothing of their own, or that are
tested together with another, are listed below, each with the file that tests them.
"""

import re
from pathlib import Path

TESTED_ELSEWHERE: dict[str, str] = {
    "course/quiz_draw.py": "tests/course/test_quiz.py",
    "handles.py": "tests/test_lab.py",
    "mailbox/errors.py": "tests/mailbox/test_store.py",
    "mailbox/model.py": "tests/mailbox/test_mailbox.py",
    "net/addresses.py": "tests/net/test_network.py",
    "net/core.py": "tests/net/test_connection.py",
    "net/driver.py": "tests/net/test_connection.py",
    "net/limits.py": "tests/net/test_connection.py",
    "net/transport.py": "tests/net/test_connection.py",
    "smtp/arguments.py": "tests/smtp/test_dialogs.py",
    "smtp/post.py": "tests/smtp/test_server.py",
    "smtp/transaction.py": "tests/smtp/test_server.py",
    "trace/events.py": "tests/trace/test_recorder.py",
    "trace/parcel.py": "tests/trace/test_recorder.py",
    "trace/snapshots.py": "tests/views/test_facts.py",
    "views/attempts_draw.py": "tests/views/test_attempts.py",
    "views/arrows.py": "tests/views/test_envelope.py",
    "views/arrows_draw.py": "tests/views/test_envelope.py",
    "views/card_row.py": "tests/views/test_envelope.py",
    "views/card_row_draw.py": "tests/views/test_envelope.py",
    "views/chars.py": "tests/views/test_facts.py",
    "views/custody.py": "tests/views/test_facts.py",
    "views/custody_draw.py": "tests/views/test_forms.py",
    "views/decision_draw.py": "tests/views/test_forms.py",
    "views/depth_draw.py": "tests/views/test_depth.py",
    "views/dnswire.py": "tests/views/test_facts.py",
    "views/envelope_draw.py": "tests/views/test_envelope.py",
    "views/explain.py": "tests/views/test_facts.py",
    "views/explain_imap.py": "tests/views/test_facts.py",
    "views/explain_pop3.py": "tests/views/test_facts.py",
    "views/explain_smtp.py": "tests/views/test_facts.py",
    "views/ladder.py": "tests/views/test_forms.py",
    "views/ladder_draw.py": "tests/views/test_forms.py",
    "views/ladder_rows.py": "tests/views/test_facts.py",
    "views/letterhead.py": "tests/views/test_facts.py",
    "views/markup.py": "tests/views/test_forms.py",
    "views/palette.py": "tests/views/test_forms.py",
    "views/machine_draw.py": "tests/views/test_machine.py",
    "views/paper.py": "tests/views/test_forms.py",
    "views/resolution_draw.py": "tests/views/test_forms.py",
    "views/spoken.py": "tests/views/test_facts.py",
    "views/story.py": "tests/views/test_forms.py",
    "views/tables.py": "tests/views/test_facts.py",
    "views/transcript.py": "tests/views/test_facts.py",
    "views/view.py": "tests/views/test_forms.py",
    "views/world_map.py": "tests/views/test_forms.py",
    "views/world_map_draw.py": "tests/views/test_forms.py",
}


def test_every_source_file_has_its_test_file(root: Path) -> None:
    missing = []
    for source in sorted((root / "labmail").rglob("*.py")):
        name = source.relative_to(root / "labmail")
        if name.name == "__init__.py" or name.as_posix() in TESTED_ELSEWHERE:
            continue
        test = root / "tests" / name.parent / f"test_{name.name}"
        if not test.is_file():
            missing.append(f"{name.as_posix()} wants {test.relative_to(root).as_posix()}")
    assert missing == []


def test_every_exception_is_still_one(root: Path) -> None:
    for source, test in TESTED_ELSEWHERE.items():
        assert (root / "labmail" / source).is_file(), f"{source} is gone: take it off the list"
        assert (root / test).is_file(), f"{test}, which is to test {source}, is not there"
        own = root / "tests" / Path(source).parent / f"test_{Path(source).name}"
        assert not own.is_file(), f"{source} has its own test file: take it off the list"


def test_every_package_says_what_is_in_it(root: Path) -> None:
    """The docstring of a package names each of its files; so the map cannot go stale."""
    unnamed = []
    for package in sorted((root / "labmail").glob("*/**/__init__.py")):
        text = package.read_text(encoding="utf-8")
        name = package.parent.relative_to(root).as_posix()
        for source in sorted(package.parent.glob("*.py")):
            named = re.search(rf"`(\w+/)*{source.stem}(\.py)?`", text)
            if source.name != "__init__.py" and not named:
                unnamed.append(f"{name} does not name {source.name}")
    assert unnamed == []
