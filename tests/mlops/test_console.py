"""What is printed is plain text, whoever wrote it: no markup, and no command to the terminal."""

import json
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from ml_pipe.runner.run.context import Context
from ml_pipe.runner.run.progress import show_phases
from ml_pipe.runner.run.run_folder import Outcome, Run, write_run
from mlops.console import notify, print_json, print_line, print_table, say
from model_store.file_store import FileModelStore
from model_store.names import on_one_line, printable
from tests.mlops.conftest import Mlops, Publish

HOSTILE = "[/nope] [red]x[/red] \x1b[2J\x1b]0;title\x07 \x9b31m \r\x08 \u202egnp.exe\u2066 \x7f"
# A terminal may do what any of these says.
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def obeyed(text: str) -> list[str]:
    """Return the characters of a text that a terminal would obey."""
    return COMMANDS.findall(text)


def test_every_printer_prints_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, titles, sentences and JSON; markup is no markup."""
    say(HOSTILE)
    notify(HOSTILE)
    print_table(["Reason"], [(HOSTILE,)], title=HOSTILE)
    print_json({"reason": HOSTILE})
    print_line(json.dumps({"reason": HOSTILE}, ensure_ascii=False))
    printed = capsys.readouterr()
    assert obeyed(printed.out + printed.err) == []
    assert printed.out.count("[/nope]") == 5
    assert r"\x1b[2J" in printed.out
    assert "[red]x[/red]" in printed.err
    # What a script reads is the very value.
    assert json.loads(printed.out.splitlines()[-1]) == {"reason": HOSTILE}


def test_texts_of_people_stay_readable() -> None:
    """Letters of any language, and the ends of lines."""
    for text in ("Zürich 東京 \U0001f600", "\u0645\u200c\u0645", "two\nlines\tand a tab"):
        assert printable(text) == text
    assert on_one_line("two\nlines\x1b") == r"two\nlines\x1b"
    assert printable("\udc80\U000e0001") == r"\udc80\U000e0001"


@pytest.mark.parametrize(
    "reason", ["[/nope]", HOSTILE, "a\n  2030-01-01T00:00:00Z  champion to v9"]
)
def test_reasons_and_cards_are_shown_as_they_are(
    reason: str, mlops: Mlops, publish: Publish, store: FileModelStore
) -> None:
    """A reason with a line break forges no move."""
    version = publish()
    store.promote("line", version, "shadow", reason=reason)
    for arguments in (("show", "line"), ("list",), ("show", "line", "--json"), ("verify",)):
        done = mlops("models", *arguments)
        assert done.exit_code == 0, done.output
        assert obeyed(done.output) == []
    shown = mlops("models", "show", "line").stdout
    assert "\n  2030" not in shown
    assert on_one_line(reason) in shown


def test_runs_are_shown_as_they_are(mlops: Mlops, local_data: Path) -> None:
    """Why a run failed may quote whatever its table held."""
    folder = local_data / "runs" / "20261130T120000Z_a"
    folder.mkdir(parents=True)
    run = Run(
        run=folder.name,
        pipeline="a",
        notebooks={},
        parameters={"data": HOSTILE},
        context=Context(local_data=str(local_data)),
        outcome=Outcome(state="failed", reason=HOSTILE),
    )
    write_run(folder, run)
    other = local_data / "runs" / "20261130T120001Z_a"
    other.mkdir()
    write_run(
        other, Run(run=other.name, pipeline="a", notebooks={}, parameters={}, context=run.context)
    )
    for arguments in (("list",), ("show", folder.name), ("compare", folder.name, other.name)):
        done = mlops("runs", *arguments)
        assert done.exit_code == 0, done.output
        assert "[/nope]" in done.output
        assert obeyed(done.output) == []


@pytest.mark.slow  # it starts a process
@pytest.mark.parametrize(
    "arguments",
    [
        ("models", "show", HOSTILE),
        ("models", "promote", "line", HOSTILE),
        ("models", "approve", HOSTILE, HOSTILE, "--yes"),
        ("runs", "show", HOSTILE),
        ("train", HOSTILE),
        ("train", "-p", HOSTILE),
        ("publishers", "trust", HOSTILE),
        ("publishers", "revoke", HOSTILE),
        ("feedback", "import", HOSTILE),
        ("log", "export", "--after", "[/nope]"),
        ("[/nope]",),
    ],
)
def test_a_wrong_argument_is_quoted_as_it_is(
    arguments: tuple[str, ...], mlops: Mlops, publish: Publish
) -> None:
    """It is a sentence, and never a traceback."""
    publish()
    done = mlops(*arguments)
    assert done.exit_code in {1, 2, 3}
    assert "Traceback" not in done.output
    assert obeyed(done.output) == []
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_heading_of_a_notebook_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """The line that moves while a run lasts shows what the notebook is at."""
    console = Console(force_terminal=True, stderr=True, color_system=None, width=200)
    with show_phases("loading", console) as phases:
        phases.show("[/nope] \x1b]0;title\x07")
        time.sleep(0.6)  # it is drawn four times a second
    assert r"[/nope] \x1b]0;title\x07" in capsys.readouterr().err


def test_nothing_is_printed_by_another_way() -> None:
    """So that a new verb cannot forget it."""
    root = Path(__file__).parents[2]
    ways = re.compile(r"\b(typer\.(echo|secho)|click\.echo|print|Console|sys\.stdout\.write)\(")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in (root / "mlops").rglob("*.py")
        if path.name != "console.py"
        for line in path.read_text("utf-8").splitlines()
        if ways.search(line)
    ]
    # The digest of the image's code, and a process's answer to the one that started it.
    assert [line for line in found if "git_revision" not in line] == []
