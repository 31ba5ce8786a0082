"""Starts ``labmail`` again and again, quickly: everything is imported once, then forked.

Each line of standard input is a command line; its process says what it says on standard
output, after a line with its process id.
"""

import os
import sys

from labmail import cli, lab

assert lab.Lab is not None  # imported here, once for all

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.stdout.write(f"{os.getpid()}\n")
        sys.stdout.flush()
        raise SystemExit(cli.main(line.split()))
    os.waitpid(child, 0)
