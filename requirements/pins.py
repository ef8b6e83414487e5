"""Solve the pins: `pins.py add [PACKAGE]` moves what that needs and no more, `pins.py upgrade` all.

`dev` is solved first, as it contains the others; they are then solved within its answer, so that a
model is trained, tested and served by the same versions. `--universal` solves for every supported
platform at once. All is done in a copy of the folder: where it fails, the files stay as they were.

Run it by `make add` and `make upgrade`, with the interpreter of a virtual environment.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LARGEST = "dev"
WITHIN = ("lab", "train", "api", "boosters", "uv")
# Solved by itself, as it needs an older pandas, and installed by itself: `make evidently`.
ALONE = "evidently"
INSTALLED = ("train", "lab", "dev")
"""The sets that a virtual environment may hold; each contains the one before."""

_VERSION = r"\s*(?:==|>=|<=|~=|!=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*"
_NAME, _EXTRAS = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*", r"(?:\[[\w., -]+\])?"
REQUIREMENT = re.compile(rf"{_NAME}{_EXTRAS}(?:{_VERSION}(?:,{_VERSION})*)?")
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)( ;[^\\]+)?", re.MULTILINE)


class PinsError(Exception):
    """The pins cannot be solved or installed; the sentence says why."""


def canonical(name: str) -> str:
    """Return a package's name as indexes and pins have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirement: str) -> str:
    """Return the canonical name that a requirement begins with; empty where it has none.

    Raises:
        PinsError: it is no name with a version, as are options, addresses and paths.
    """
    if not (found := REQUIREMENT.fullmatch(requirement.strip())):
        raise PinsError(
            f"{requirement!r} is no package: give its name, and a version if need be, as in "
            "make add PACKAGE='xgboost>=3'."
        )
    return canonical(found[1])


def require(file: Path, requirement: str) -> None:
    """Put a requirement into a file, in place of one of the same name."""
    name = named(requirement)
    lines = file.read_text(encoding="utf-8").splitlines()
    others = [line for line in lines if canonical(re.split(r"[\[<>=!~; ]", line)[0]) != name]
    file.write_text("\n".join([*others, requirement.strip()]) + "\n", encoding="utf-8")


def pins(folder: Path) -> dict[str, set[str]]:
    """Return the versions that each package has, in any set but the one that is alone."""
    found: dict[str, set[str]] = {}
    for file in folder.glob("*.txt"):
        if file.stem != ALONE:
            for name, version, _ in PIN.findall(file.read_text(encoding="utf-8")):
                found.setdefault(name, set()).add(version)
    return found


def moves(before: dict[str, set[str]], after: dict[str, set[str]]) -> list[str]:
    """Return what is another version now, came or went, a line each."""
    return [
        f"  {name} {', '.join(sorted(before.get(name, {'new'})))} -> "
        f"{', '.join(sorted(after.get(name, {'gone'})))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def install_solver() -> Path:
    """Return uv, of the version that is pinned, from this virtual environment.

    Raises:
        PinsError: it cannot be installed.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--require-hashes", "--requirement", str(HERE / "uv.txt")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PinsError(f"uv, which solves the pins, cannot be installed: {done.stderr.strip()}")
    return Path(sys.executable).with_name("uv")


def solve(folder: Path, *, upgrade: bool) -> None:
    """Solve the requirements of a folder; what is pinned there stays unless it must move.

    Raises:
        PinsError: there is no answer.
    """
    uv = install_solver()

    def compiled(name: str, *options: str) -> None:
        command = [str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
        # As the image installs them: nothing is compiled there.
        command += ["--only-binary", ":all:", "--no-emit-build-options"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-annotate"]
        command += ["--custom-compile-command", "make add, or make upgrade"]
        command += [*options, f"{name}.in", "--output-file", f"{name}.txt"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            # Without the lines that uv draws around its words, and its hints about other Pythons.
            words = " ".join(done.stderr.encode("ascii", "ignore").decode().split())
            reason = words.partition(" hint: ")[0]
            _, because, reason_alone = reason.partition("Because ")
            raise PinsError(f"There is no such set of packages: {because}{reason_alone or reason}")

    compiled(LARGEST, *["--upgrade"] * upgrade)
    for name in WITHIN:
        compiled(name, "--constraint", f"{LARGEST}.txt")
    if upgrade:
        compiled(ALONE, "--upgrade")


def install() -> None:
    """Install the set that this virtual environment holds, as its stamps say.

    Raises:
        PinsError: it cannot be installed.
    """
    venv = Path(sys.prefix)
    held = [name for name in INSTALLED if (venv / f".{name}").exists()] or [INSTALLED[0]]
    python = str(Path(sys.executable).resolve())
    command = [str(HERE / "install.sh"), python, str(venv), held[-1]]
    if subprocess.run(command, cwd=HERE.parent, check=False).returncode:  # noqa: S603 - ours
        raise PinsError("The packages cannot be installed here: see above.")
    for name in held:
        (venv / f".{name}").touch()


def change(requirement: str, file: str, *, upgrade: bool) -> list[str]:
    """Solve the pins, and install what changed; return what moved, a line each.

    Args:
        requirement: What is added first; empty: nothing.
        file: The file that it is added to.
        upgrade: Whether all moves to its newest version.

    Raises:
        PinsError: that is not possible; the files are as they were.
    """
    kept = {path: path.read_bytes() for path in HERE.iterdir() if path.suffix in {".in", ".txt"}}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for path in kept:
            shutil.copy(path, folder / path.name)
        if requirement:
            require(folder / file, requirement)
        solve(folder, upgrade=upgrade)
        moved = moves(pins(HERE), pins(folder))
        print("\n".join(moved) or "  Every pin is as it was.")
        try:
            for path, before in kept.items():
                if (now := (folder / path.name).read_bytes()) != before:
                    path.write_bytes(now)
            install()
        except BaseException:
            for path, before in kept.items():
                path.write_bytes(before)
            raise
    return moved


def main() -> None:
    """Do what the command line says; end in a sentence where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("verb", choices=["add", "upgrade"])
    parser.add_argument("package", nargs="?", default="")
    parser.add_argument("--set", choices=["project", "api"], default="project")
    given = parser.parse_args()
    try:
        change(given.package, f"{given.set}.in", upgrade=given.verb == "upgrade")
    except PinsError as error:
        sys.exit(f"{error}\nThe files in requirements/ are as they were.")
    except KeyboardInterrupt:
        sys.exit("Stopped. The files in requirements/ are as they were.")


if __name__ == "__main__":
    main()
