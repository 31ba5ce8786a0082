"""Where the course's plain files are: worlds, zones, sample letters, glossary.

The files in ``data/`` are for learners to open and to edit, so they are not hidden inside the
installed package: they stay in the checkout, beside ``labmail/``. A checkout and
``pip install -e .`` in it both find them there. Whoever keeps them elsewhere names the folder
in the environment variable ``LABMAIL_DATA``.
"""

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "LABMAIL_DATA"
CHECKOUT = Path(__file__).resolve().parent.parent


class DataNotFound(FileNotFoundError):
    """The folder with the course's files is not where it was looked for."""


def data_dir(environment: Mapping[str, str] = os.environ, checkout: Path = CHECKOUT) -> Path:
    """The folder ``data/``, absolute: `LABMAIL_DATA` if it is set, else the one of the checkout.

    Raises `DataNotFound` when there is no such folder, or it holds no ``worlds``.
    """
    named = environment.get(VARIABLE, "")
    folder = Path(named).expanduser().absolute() if named else checkout / "data"
    if (folder / "worlds").is_dir():
        return folder
    if named:
        raise DataNotFound(
            f"{VARIABLE} names {folder}, but there is no folder 'worlds' in it. "
            f"Let it name a copy of the course's data folder, or unset it."
        )
    raise DataNotFound(
        f"The course's data folder is not at {folder}. "
        f"Install Mail Lab from its checkout with 'pip install -e .', "
        f"or let {VARIABLE} name a copy of the data folder."
    )


def data_file(*parts: str) -> Path:
    """The file ``data/<parts>``, as in ``data_file("worlds", "course.toml")``.

    Raises `DataNotFound` when it is not there.
    """
    path = data_dir().joinpath(*parts)
    if not path.is_file():
        raise DataNotFound(
            f"There is no file {Path(*parts)} in {data_dir()}. "
            f"Compare with the checkout, or take the file from a fresh copy of the course."
        )
    return path
