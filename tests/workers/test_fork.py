"""Forks of a process, made in a process of their own, as that of the tests has threads."""

import signal
import subprocess
import sys
from subprocess import CompletedProcess

import pytest

ASK = """
import os, sys, threading
from workers.fork import ask_copy

def question():
    {question}

print(*ask_copy(question))
"""


def ask(question: str) -> "CompletedProcess[str]":
    """Ask a copy, and print its exit code and its answer."""
    script = ASK.format(question=question)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_a_copy_answers_and_ends() -> None:
    """Its imports are not imported in the parent."""
    asked = ask("import wave; return 'wave' in sys.modules and 'é' * 100_000 or ''")
    assert asked.stdout == "0 " + "é" * 100_000 + "\n"
    assert "wave" not in ask("pass").stdout


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(2)", 2),
        ("sys.exit()", 0),
        ("raise KeyboardInterrupt", 128 + signal.SIGINT),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_a_copy_that_ends_is_reported_by_its_exit_code(end: str, code: int) -> None:
    """It never goes on with the code of its parent."""
    assert ask(end).stdout == f"{code} \n"


def test_a_copy_that_fails_says_so() -> None:
    """It prints the traceback on standard error."""
    asked = ask("raise MemoryError")
    assert asked.stdout == "1 \n"
    assert "MemoryError" in asked.stderr


def test_a_copy_is_not_left_behind() -> None:
    """It is stopped when its parent stops waiting."""
    script = """
import os, signal, time
from workers.fork import ask_copy

# Who runs the tests in the background may have had it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def question():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(os.write(1, b"ended") - 5))
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(60)

ask_copy(question)
"""
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert asked.stdout == b"ended"


def test_a_copy_that_does_not_stop_is_killed() -> None:
    """Its parent does not wait for ever, and ends with what stopped it."""
    script = """
import os, signal
from workers import fork

fork._ENDS_SECONDS = 0.1
signal.signal(signal.SIGINT, signal.default_int_handler)

def question():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(os.getppid(), signal.SIGINT)
    while True:
        signal.pause()

try:
    fork.ask_copy(question)
except KeyboardInterrupt:
    print("stopped")
"""
    asked = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert asked.stdout == b"stopped\n"


def test_a_copy_holds_nothing_open_of_its_parent() -> None:
    """A port that a killed parent had can be had again, however long the copy takes to end."""
    held = "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
    names = "names = {os.path.basename(os.readlink(f'/proc/self/fd/{n}')) for n in (0, 1, 2)}"
    script = held + ASK.format(
        question=f"n = os.listdir('/proc/self/fd'); {names}; return f'{{len(n)}} {{sorted(names)}}'"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, capture_output=True, check=False
    )
    # The three of every process, the answer's pipe, and the folder that is listed.
    assert asked.stdout.startswith(b"0 5 ")
    assert b"'null'" in asked.stdout
