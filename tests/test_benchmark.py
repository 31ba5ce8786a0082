"""The benchmark runs and prints what it should; how fast it is, is nobody's business here."""

import pytest

from labmail import benchmark
from labmail.benchmark import Measure


def test_a_row_shows_both_numbers_and_their_ratio() -> None:
    row = str(Measure("letters", 500.0, "aiosmtpd alone", 1000.0, "/s"))
    assert row.split() == ["letters", "500", "/s", "aiosmtpd", "alone", "1,000", "/s", "×", "0.50"]
    assert "×" not in str(Measure("start", 99.0, "", None, "ms"))


def test_every_measure_can_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("LETTERS", "QUESTIONS"):
        monkeypatch.setattr(benchmark, size, 8)
    monkeypatch.setattr(benchmark, "RUNS", 1)
    measures = list(benchmark.measure_all())
    assert len(measures) == 6
    assert all(m.lab > 0 and (m.other is None or m.other > 0) for m in measures)
