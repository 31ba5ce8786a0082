#!/usr/bin/env python3
"""Makes Mail Lab ready on this machine, and opens it.

    python3 start.py              make ready (once, some minutes), then open JupyterLab
    python3 start.py install      make ready only
    python3 start.py test         run every test of the project (--oldest: with the oldest packages)
    python3 start.py doctor       is this machine fit for the lab?
    python3 start.py bench        how fast is the lab here?

Everything goes into the folder .venv beside this file; nothing else on the machine changes, and
nothing is done twice. What follows the command is handed on: python3 start.py lab --no-browser

This file needs nothing but Python itself, and runs (to explain itself) on one as old as 3.6.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple

ROOT = os.path.dirname(os.path.abspath(__file__))
FIRST_NOTEBOOK = os.path.join("notebooks", "00_start_here.ipynb")
OLDEST = (3, 11)
TRIED = ((3, 13), (3, 12), (3, 11))  # pins.txt is made for these; a newer Python may work too
SPACE = 1000 * 1000 * 1000  # octets; a finished .venv takes about 600 MB, unpacking some more

# ── Saying things ─────────────────────────────────────────────────────────────────────────────


class Trouble(Exception):
    """Something a person must do something about; the text says what, in plain words."""


def say(text="", end="\n"):
    """Print, also where the terminal knows no such letters (then they become question marks)."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    sys.stdout.write((text + end).encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def dotted(version):
    return ".".join(str(part) for part in version)


# What pip, uv, venv and the system say, and what it means. The first that fits is told.
MEANINGS = (
    (
        r"No space left|ENOSPC|Errno 28|not enough space",
        "The disk is full. Free about 1 GB where this folder is (and in the temporary folder), "
        "then run the same command again.",
    ),
    (
        r"Read-only file system|Permission denied|Errno 13|Errno 30|Access is denied",
        "This folder cannot be written. Copy the whole folder to a place that is yours "
        "(your home folder), then run the same command there.",
    ),
    (
        r"ensurepip is not available|No module named '?(ensurepip|venv)",
        "This Python cannot make environments: its 'venv' part is missing. On Debian and Ubuntu: "
        "sudo apt install python3-venv   Then run the same command again.",
    ),
    (
        r"name resolution|getaddrinfo|resolve|NewConnectionError|Failed to establish|timed out"
        r"|ProxyError|ConnectTimeout|Connection refused|error sending request|unreachable"
        r"|dns error|Could not fetch URL|CERTIFICATE_VERIFY_FAILED|from versions: none",
        "The packages could not be fetched: no way to the package index. Look at the network, a "
        "proxy, and what 'pip config list' says, then run the same command again. "
        "Once all is installed, no network is needed any more.",
    ),
    (
        r"No matching distribution|no version of|No solution found",
        "The package index has no fitting version of a package for this Python. "
        "Python 3.11, 3.12 and 3.13 are tried; with one of these, run the same command again.",
    ),
)


def meaning(output):
    """What the output of a failed program means to a person; empty when it is not known."""
    for pattern, words in MEANINGS:
        if re.search(pattern, output, re.IGNORECASE):
            return words
    return ""


# ── Finding a Python ──────────────────────────────────────────────────────────────────────────

Python = namedtuple("Python", "command version")  # ["python3.12"], (3, 12, 1)

PROBE = (
    "import json, sys; json.dump("
    "[getattr(sys, '_base_executable', None) or sys.executable, list(sys.version_info[:3])],"
    " sys.stdout)"
)


def probe(command):
    """The `Python` that answers to a command, or None if none does.

    A Python that lives in a virtual environment gives the one it was made from: ours must not
    break when the other environment is thrown away.
    """
    try:
        answer = subprocess.run(
            [*list(command), "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
        )
        path, version = json.loads(answer.stdout.decode("utf-8", "replace"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Python([path], tuple(version))


def commands():
    """Commands that may be a Python, the likeliest first: this one, PATH, pyenv."""
    yield [sys.executable]
    for version in TRIED:
        for name in ("python" + dotted(version), "python3", "python"):
            if shutil.which(name):
                yield [shutil.which(name)]
        if os.name == "nt" and shutil.which("py"):
            yield ["py", "-" + dotted(version)]
    pyenv = os.environ.get("PYENV_ROOT") or os.path.join(os.path.expanduser("~"), ".pyenv")
    versions = os.path.join(pyenv, "versions")
    for name in sorted(os.listdir(versions) if os.path.isdir(versions) else [], reverse=True):
        yield [os.path.join(versions, name, "bin", "python")]


def choose(found):
    """The best of some Pythons: the first one tried with the lab, else the first new enough."""
    fitting = [python for python in found if python.version >= OLDEST]
    tried = [python for python in fitting if python.version[:2] in TRIED]
    return (tried or fitting or [None])[0]


def find_python():
    """A Python that is new enough, or None; asks no more of them than needed."""
    seen = []
    asked = set()
    for command in commands():
        if tuple(command) in asked:
            continue
        asked.add(tuple(command))
        python = probe(command)
        if python is not None:
            seen.append(python)
            if choose([python]) and python.version[:2] in TRIED:
                return python
    return choose(seen)


def old_python():
    """What to say when there is none."""
    return Trouble(
        f"Mail Lab needs Python {dotted(OLDEST)} or newer; this is Python "
        f"{dotted(sys.version_info[:3])}, and no newer one was found on PATH or in pyenv. "
        "Install one (python.org, 'apt install python3.12 python3.12-venv', 'brew install "
        "python'), then run: python3.12 start.py"
    )


# ── The environment ───────────────────────────────────────────────────────────────────────────


def read(path):
    with open(path, "rb") as file:
        return file.read()


def direct_dependencies(text):
    """[(name, oldest version)] of the packages Mail Lab runs on, read from pyproject.toml."""
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    return re.findall(r'"([\w.-]+)>=([\w.]+)"', block.group(1) if block else "")


class Environment:
    """A virtual environment that holds Mail Lab, and knows when it is complete.

    When all is installed, a stamp is left in it: what was asked for (pins.txt, pyproject.toml),
    for which Python, in which folder. A stamp that fits means: nothing to do, nothing to reach.
    No stamp means that an installation was broken off: it is made anew.
    """

    def __init__(self, root=ROOT, name=".venv", oldest=False):
        self.root = root
        self.folder = os.path.join(root, name)
        self.stamp = os.path.join(self.folder, "mail-lab-is-complete.json")
        self.oldest = oldest

    def program(self, name):
        """The path of a program in the environment."""
        if os.name == "nt":
            return os.path.join(self.folder, "Scripts", name + ".exe")
        return os.path.join(self.folder, "bin", name)

    def wanted(self, version):
        """What the stamp says when everything asked for is there."""
        files = [os.path.join(self.root, name) for name in ("pins.txt", "pyproject.toml")]
        content = b"\0".join(read(path) for path in files)
        return {
            "wanted": hashlib.sha256(content).hexdigest(),
            "python": dotted(version),
            # From bytes: the same under every locale, also those that know no such letters.
            "folder": os.fsencode(self.root).decode("utf-8", "replace"),
        }

    def found(self):
        """What the stamp says; empty when there is none that can be read."""
        try:
            with open(self.stamp, encoding="utf-8") as file:
                content = json.load(file)
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def version(self):
        """The version of the Python inside, or None when it does not start."""
        python = probe([self.program("python")]) if os.path.isdir(self.folder) else None
        return python.version if python else None

    def state(self):
        """One of "ready", "outdated" (to be brought up to date in place), "absent" (to be made)."""
        found = self.found()
        version = self.version() if found else None
        if version is None:
            return "absent"
        wanted = self.wanted(version)
        if found == wanted:
            return "ready"
        same = all(found.get(key) == wanted[key] for key in ("python", "folder"))
        return "outdated" if same and not self.oldest else "absent"

    def variables(self):
        """The variables of the programs that run in it."""
        variables = dict(os.environ)
        for name in ("PYTHONHOME", "PYTHONPATH", "CONDA_PREFIX"):
            variables.pop(name, None)
        programs = os.path.dirname(self.program("python"))
        variables.update(
            VIRTUAL_ENV=self.folder,
            PATH=programs + os.pathsep + variables.get("PATH", ""),
            PYTHONUTF8="1",
            PYTHONUNBUFFERED="1",
            JUPYTER_PREFER_ENV_PATH="1",
        )
        return variables

    def ready(self):
        """Make it complete, whatever it takes; nothing if it is."""
        state = self.state()
        if state == "ready":
            return
        if os.path.exists(self.stamp):
            os.remove(self.stamp)
        started = time.time()
        if state == "absent":
            self.make()
        self.install()
        with open(self.stamp, "w", encoding="utf-8") as file:
            json.dump(self.wanted(self.version()), file, indent=1, sort_keys=True)
        say(f"Ready after {time.time() - started:.0f} s.")

    def make(self):
        """An empty environment, with pip in it."""
        self.clear()
        free = shutil.disk_usage(self.root).free
        if free < SPACE:
            raise Trouble(f"{meaning('ENOSPC')} ({free // 10**6} MB are free.)")
        python, uv = find_python(), shutil.which("uv")
        if python:
            say(f"Making {self.folder} with Python {dotted(python.version)} …")
            command = [*python.command, "-m", "venv", self.folder]
            code, output = run(command, self.root)
            if code == 0:
                return
            self.clear()
            if not uv:
                raise failed("The environment could not be made.", output)
        elif not uv:
            raise old_python()
        # uv needs no 'venv' part of Python, and fetches a Python when there is none.
        exact = python.command[0] if python else dotted(TRIED[0])
        say(f"Making {self.folder} with uv …")
        code, output = run([uv, "venv", "--seed", "--python", exact, self.folder], self.root)
        if code != 0:
            raise failed("The environment could not be made.", output)

    def clear(self):
        """Take away what was begun; leave alone what is not an environment."""
        if not os.path.isdir(self.folder) or not os.listdir(self.folder):
            return
        if not os.path.exists(os.path.join(self.folder, "pyvenv.cfg")):
            raise Trouble(
                f"{self.folder} is there, but it is not a Python environment. "
                "Move it away, then run the same command again."
            )
        say(f"Taking away the unfinished or outdated {self.folder} …")
        shutil.rmtree(self.folder)

    def install(self):
        """The pinned packages and Mail Lab itself, with uv when it is there, else with pip."""
        for arguments, count in self.requests():
            uv = shutil.which("uv")
            if uv:
                say("Installing with uv …" if count else "Installing Mail Lab itself …")
                into = ["pip", "install", "--python", self.program("python")]
                code, output = run([uv, *into, *arguments], self.root)
                if code == 0:
                    continue
                say(f"uv could not ({last_line(output)}); trying pip.")
            pip = [self.program("python"), "-m", "pip", "install", "--no-input"]
            pip += ["--disable-pip-version-check", "--progress-bar", "off"]
            code, output = run(pip + arguments, self.root, Progress(count), self.variables())
            if code != 0:
                raise failed("The packages could not be installed.", output)

    def requests(self):
        """[(arguments for pip install, how many packages that are)]"""
        if self.oldest:
            text = read(os.path.join(self.root, "pyproject.toml")).decode("utf-8")
            oldest = [f"{name}=={version}" for name, version in direct_dependencies(text)]
            return [([*oldest, "-e", ".[test]"], 0)]
        pins = read(os.path.join(self.root, "pins.txt")).decode("utf-8")
        count = sum("==" in line for line in pins.splitlines())
        itself = ["--no-deps", "--no-build-isolation", "-e", "."]
        return [(["-r", "pins.txt"], count), (itself, 0)]


class Progress:
    """Turns the lines of pip into one line that counts."""

    def __init__(self, count):
        self.count = count
        self.done = 0
        self.terminal = sys.stdout.isatty()

    def __call__(self, line):
        begun = re.match(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+)", line)
        if begun and self.count:
            self.done = min(self.done + 1, self.count)
            name = re.split(r"[=<>!~;\[]", os.path.basename(begun.group(1)))[0]
            if self.terminal:
                say(f"\r  {self.done} of {self.count}  {name:<50.50}", end="")
            elif self.done % 25 == 0:
                say(f"  {self.done} of {self.count}")
        elif line.startswith("Installing collected packages") and self.count:
            say(("\r" if self.terminal else "") + "  unpacking …" + " " * 60)


def run(command, folder, listen=None, variables=None):
    """Run a program, hand each line it prints to `listen`; (exit code, everything it printed)."""
    lines = []
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        return 127, str(error)
    try:
        with process.stdout:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                lines.append(line)
                if listen:
                    listen(line)
        return process.wait(), "\n".join(lines)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def last_line(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def failed(what, output):
    """What to say when a program failed: what it means if that is known, and its own last lines."""
    said = "\n".join("    " + line for line in output.splitlines()[-15:])
    return Trouble("\n".join(filter(None, [what, meaning(output), "It was said:\n" + said])))


# ── What can be asked for ─────────────────────────────────────────────────────────────────────


def in_front(environment, command):
    """Run a program that talks to the person itself, Ctrl-C included; its exit code."""
    process = subprocess.Popen(command, cwd=environment.root, env=environment.variables())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def lab(environment, arguments):
    """JupyterLab, at the first notebook."""
    environment.ready()
    there = os.path.exists(os.path.join(environment.root, FIRST_NOTEBOOK))
    place = [FIRST_NOTEBOOK] if there else []
    say("Opening JupyterLab. Ctrl-C here ends it.")
    return in_front(
        environment, [environment.program("python"), "-m", "jupyterlab", *place, *arguments]
    )


def install(environment, arguments):
    """The environment, and nothing more."""
    environment.ready()
    say(f"Mail Lab is ready in {environment.folder}")
    return 0


def doctor(environment, arguments):
    """`labmail doctor`"""
    environment.ready()
    return in_front(environment, [environment.program("labmail"), "doctor", *arguments])


def bench(environment, arguments):
    """`labmail bench`"""
    environment.ready()
    return in_front(environment, [environment.program("labmail"), "bench", *arguments])


Step = namedtuple("Step", "name command")


def notebooks(root):
    """Every notebook of the course, and the solutions beside them."""
    found = []
    for folder in ("notebooks", os.path.join("notebooks", "solutions")):
        path = os.path.join(root, folder)
        names = sorted(os.listdir(path)) if os.path.isdir(path) else []
        found += [os.path.join(folder, name) for name in names if name.endswith(".ipynb")]
    return found


def steps(environment, arguments):
    """What `test` runs. Arguments go to pytest."""
    python = [environment.program("python"), "-m"]
    tests = Step("pytest", [*python, "pytest", "-n", "auto", *arguments])
    if environment.oldest:
        # Foreign programs and long floods try our own code, not the packages' versions.
        quick = ["-m", "not foreign and not slow"]
        return [Step("pytest", [*tests.command, *quick])]
    listed = notebooks(environment.root)
    strict = ["pytest", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "120"]
    validation = Step(
        "notebooks",
        # All cells of a notebook on one worker, one after the other; notebooks side by side.
        python + strict + ["-n", "auto", "--dist", "loadfile"] + listed if listed else None,
    )
    return [
        Step("ruff check", [*python, "ruff", "check", "."]),
        Step("ruff format", [*python, "ruff", "format", "--check", "."]),
        Step("mypy", [*python, "mypy"]),
        Step("import layers", [environment.program("lint-imports")]),
        tests,
        validation,
    ]


def closing_lines(output):
    """The end of what pytest said: why tests were skipped or failed, and its last line."""
    lines = output.splitlines()
    rules = [number for number, line in enumerate(lines) if re.match(r"=+ .+ =+$", line)]
    summary = [number for number in rules if "short test summary" in lines[number]]
    return lines[(summary or rules or [len(lines) - 1])[-1] :]


def take(step, environment):
    """Run one step, show one line; (passed, the closing lines if it is pytest's)."""
    say(f"{step.name:<15}", end="")
    if step.command is None:
        say("nothing to test yet")
        return True, []
    started = time.time()
    code, output = run(step.command, environment.root, variables=environment.variables())
    verdict = "ok" if code == 0 else "FAILED"
    say(f"{verdict:<6} {time.time() - started:7.1f} s")
    if code != 0:
        say(output)
    return code == 0, closing_lines(output) if "pytest" in step.command else []


def test(environment, arguments):
    """Run every step, also after one has failed, then sum up."""
    if "--oldest" in arguments:
        arguments = [argument for argument in arguments if argument != "--oldest"]
        environment = Environment(environment.root, ".venv-oldest", oldest=True)
    environment.ready()
    taken = [(step, *take(step, environment)) for step in steps(environment, arguments)]
    say()
    for step, _, closing in taken:
        if closing:
            say(step.name + ":")
            say("\n".join(closing))
    bad = [step.name for step, passed, _ in taken if not passed]
    say("FAILED: " + ", ".join(bad) if bad else f"All {len(taken)} steps passed.")
    return 1 if bad else 0


COMMANDS = {"lab": lab, "install": install, "test": test, "doctor": doctor, "bench": bench}


def main(arguments):
    """The exit code of what was asked for."""
    if arguments and arguments[0] in ("-h", "--help", "help"):
        say(__doc__.strip())
        return 0
    name = arguments[0] if arguments and not arguments[0].startswith("-") else "lab"
    rest = arguments[1:] if arguments[:1] == [name] else arguments
    if name not in COMMANDS:
        say(f"There is no '{name}'. Say one of these:\n\n{__doc__.strip()}")
        return 2
    try:
        return COMMANDS[name](Environment(), rest)
    except KeyboardInterrupt:
        say("\nStopped. Run the same command again: it takes up or makes anew what was begun.")
        return 130
    except Trouble as trouble:
        say("\n" + str(trouble))
        return 1
    except OSError as error:
        known = error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM)
        words = meaning(os.strerror(error.errno)) if known else ""
        say("\n" + "\n".join(filter(None, [words, f"It was said: {error}"])))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
