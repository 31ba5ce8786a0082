"""The course's files are found beside the package or where LABMAIL_DATA says."""

from pathlib import Path

import pytest

from labmail import paths


def folder_with_worlds(place: Path) -> Path:
    (place / "worlds").mkdir(parents=True)
    return place


def test_the_checkout_has_them() -> None:
    assert paths.data_dir({}) == paths.CHECKOUT / "data"
    assert (paths.data_dir({}) / "worlds").is_dir()


def test_the_variable_goes_first(tmp_path: Path) -> None:
    mine = folder_with_worlds(tmp_path / "Thư của Sơn")
    assert paths.data_dir({"LABMAIL_DATA": str(mine)}) == mine


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    beside = folder_with_worlds(tmp_path / "data")
    assert paths.data_dir({"LABMAIL_DATA": ""}, checkout=tmp_path) == beside


def test_the_home_folder_may_be_written_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    mine = folder_with_worlds(tmp_path / "mail")
    assert paths.data_dir({"LABMAIL_DATA": "~/mail"}) == mine


def test_a_wrong_variable_is_named_with_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(paths.DataNotFound) as caught:
        paths.data_dir({"LABMAIL_DATA": str(tmp_path)})
    assert str(caught.value).startswith(f"LABMAIL_DATA names {tmp_path}, but")
    assert "unset it" in str(caught.value)


def test_a_package_without_its_checkout_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(paths.DataNotFound, match=r"pip install -e \."):
        paths.data_dir({}, checkout=tmp_path)


def test_one_file_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = folder_with_worlds(tmp_path) / "worlds" / "tiny.toml"
    world.touch()
    monkeypatch.setenv("LABMAIL_DATA", str(tmp_path))
    assert paths.data_file("worlds", "tiny.toml") == world
    with pytest.raises(paths.DataNotFound, match=r"no file worlds.huge\.toml in"):
        paths.data_file("worlds", "huge.toml")
