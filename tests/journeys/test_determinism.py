"""The same story, told twice, happens the same way: event by event."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from labmail import Lab

STORY = Path(__file__).with_name("story.py")


@pytest.fixture(scope="module")
def story() -> ModuleType:
    spec = importlib.util.spec_from_file_location("story", STORY)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Every processor has something better to do."""
    spin = [sys.executable, "-c", "while True: pass"]
    spinners = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    yield
    for spinner in spinners:
        spinner.kill()
        spinner.wait()


def in_another_process(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-W", "error", STORY],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split()


def test_two_labs_tell_it_alike(story: ModuleType) -> None:
    assert story.events_of_the_story() == story.events_of_the_story()


@pytest.mark.slow
def test_other_processes_tell_it_alike_on_a_busy_machine(
    story: ModuleType, busy_machine: None
) -> None:
    happened = story.events_of_the_story()
    expected = [str(len(happened)), story.digest(happened)]
    assert [in_another_process(seed) for seed in ("0", "4711")] == [expected, expected]


def test_a_reset_lab_begins_the_same_story_again(story: ModuleType) -> None:
    with Lab() as lab:
        story.tell(lab)
        first = [story.plain(event) for event in lab.trace]
        lab.reset()
        story.tell(lab)
        assert [story.plain(event) for event in lab.trace] == first


def test_labs_in_equal_states_have_equal_fingerprints() -> None:
    with Lab() as lab:
        before = lab.fingerprint()
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "y")
        after = lab.fingerprint()
        lab.reset()
        assert lab.fingerprint() == before != after
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "y")
        assert lab.fingerprint() == after
