"""pyproject.toml, environment.yml and pins.txt name the same packages."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # matplotlib without a desktop's Qt
CONDA_ONLY = {"python", "pip"}
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][\w.]*)( ; (?P<marker>.+))?")


@pytest.fixture(scope="module")
def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def requirements(project: dict) -> list[Requirement]:
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in project["dependencies"] + extras]


@pytest.fixture(scope="module")
def pins(root: Path) -> list[re.Match[str]]:
    lines = (root / "pins.txt").read_text(encoding="utf-8").splitlines()
    matches = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert None not in matches, "a line of pins.txt is not name==version"
    return [match for match in matches if match]


def pinned_in(
    pins: list[re.Match[str]], python: str, platform: str, machine: str
) -> dict[str, str]:
    """The pins that apply on one Python, platform and processor."""
    surroundings = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
        "platform_machine": machine,
        "os_name": "nt" if platform == "win32" else "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    found: dict[str, str] = {}
    for pin in pins:
        if pin["marker"] is None or Marker(pin["marker"]).evaluate(surroundings):
            assert pin["name"] not in found, f"{pin['name']} is pinned twice for {surroundings}"
            found[pin["name"]] = pin["version"]
    return found


def test_every_requirement_has_one_lower_bound_and_nothing_else(
    requirements: list[Requirement],
) -> None:
    for requirement in requirements:
        assert [specifier.operator for specifier in requirement.specifier] == [">="], requirement


def test_environment_yml_names_what_pyproject_names(
    root: Path, project: dict, requirements: list[Requirement]
) -> None:
    environment = yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == project["name"]
    lines = [line for line in environment["dependencies"] if isinstance(line, str)]
    conda = {line.split()[0]: line.split()[1] for line in lines if " " in line}
    python = conda.pop("python")
    assert python.startswith(project["requires-python"])
    wanted = {CONDA_NAMES.get(one.name, one.name): str(one.specifier) for one in requirements}
    assert conda == wanted
    assert {line for line in lines if " " not in line} <= CONDA_ONLY
    assert {"pip": ["-e ."]} in environment["dependencies"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_pins_fit_every_requirement_on_every_platform(
    requirements: list[Requirement],
    pins: list[re.Match[str]],
    python: str,
    machine: str,
    platform: str,
) -> None:
    pinned = pinned_in(pins, python, platform, machine)
    for requirement in [*requirements, Requirement("setuptools>=77")]:
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is missing from pins.txt; make it again"
        assert requirement.specifier.contains(version), f"{requirement} but {version} is pinned"


def test_pins_are_in_alphabetical_order(pins: list[re.Match[str]]) -> None:
    names = [pin["name"] for pin in pins]
    assert names == sorted(names)
