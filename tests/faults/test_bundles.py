"""Bundles that were damaged: refused with the reason, while the old version answers."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from model_store.golden import Golden
from model_store.manifest import Manifest
from tests.api.conftest import Service, running, small_settings
from tests.faults.conftest import NewFault, Sums
from tests.faults.report import Fault
from tests.faults.stamps import touch
from tests.model_store.conftest import reseal_bundle

FLIPS_A_ROUND = 10
"""Makes 200 in `make faults`."""


@dataclass
class Watching:
    """A running service that is to load the second version, and the first one's answers."""

    service: Service
    sums: Sums
    fault: Fault

    @property
    def bundle(self) -> Path:
        """The folder of the second version."""
        return self.sums.root / "sum" / self.sums.second

    def look(self) -> dict[str, str]:
        """Let the service look at its store; return the reason of each refused version.

        Whatever it found, it is ready, and its answer is that of the version it names.
        """
        # So that it looks again, whatever was damaged.
        if (self.bundle / "manifest.json").exists():
            touch(self.bundle / "manifest.json")
        self.service.state.reloader.refresh()
        answer = self.service.predict({"a": 3, "b": 5})
        version = answer.headers["X-Model-Version"]
        right = abs(answer.json()["total"] - (3 + 5 * self.sums.factors[version])) < 0.01
        self.fault.count("answers")
        self.fault.count("wrong answers", not right)
        assert right
        assert version in {self.sums.first, self.sums.second}
        ready = self.service.client.get("/health/ready")
        assert ready.status_code == 200
        refused = {r["version"]: r["reason"] for r in ready.json()["refused"]}
        assert (version == self.sums.second) != (self.sums.second in refused)
        return refused

    def see_refused(self, *words: str) -> None:
        """See that the second version is refused for a reason that says one of these."""
        reason = self.look()[self.sums.second]
        assert any(word in reason for word in words), reason
        self.fault.count("damages refused")

    @contextmanager
    def damaged(self) -> Iterator[None]:
        """Put the bundle right in the end."""
        sound = self.bundle.with_name(".sound")
        shutil.copytree(self.bundle, sound)
        yield
        shutil.rmtree(self.bundle)
        sound.rename(self.bundle)


def flip_bits(watching: Watching) -> None:
    """Flip one bit at a random place, of all files as they are large."""
    for _ in range(FLIPS_A_ROUND):
        with watching.damaged():
            files = listed(watching.bundle)
            [name] = random.choices(list(files), list(files.values()))  # noqa: S311 - seeded
            content = bytearray((watching.bundle / name).read_bytes())
            place = random.randrange(len(content) * 8)  # noqa: S311 - as above
            content[place // 8] ^= 1 << place % 8
            (watching.bundle / name).write_bytes(content)
            watching.see_refused(name, "holds version")


def listed(bundle: Path) -> dict[str, int]:
    """Return the files of a sound bundle, by name, and their sizes."""
    text = (bundle / "manifest.json").read_bytes()
    manifest = msgspec.json.decode(text, type=Manifest)
    return {file.name: file.size for file in manifest.files} | {"manifest.json": len(text)}


def cut_short(watching: Watching) -> None:
    """Cut a file at a random place."""
    for name in listed(watching.bundle):
        with watching.damaged():
            content = (watching.bundle / name).read_bytes()
            cut = random.randrange(len(content))  # noqa: S311 - pytest-randomly seeds it
            (watching.bundle / name).write_bytes(content[:cut])
            watching.see_refused(name)


def empty(watching: Watching) -> None:
    """Leave a file without content, and the bundle without one of its files."""
    for name in listed(watching.bundle):
        with watching.damaged():
            (watching.bundle / name).write_bytes(b"")
            watching.see_refused(name)
        with watching.damaged():
            (watching.bundle / name).unlink()
            watching.see_refused(name, "has no version")


def swap_bundles(watching: Watching) -> None:
    """Put the other version in its place, as a whole, and then each of its files."""
    other = watching.bundle.with_name(watching.sums.first)
    with watching.damaged():
        shutil.rmtree(watching.bundle)
        shutil.copytree(other, watching.bundle)
        watching.see_refused(f"holds version {watching.sums.first}")
    for name in listed(watching.bundle):
        if (other / name).read_bytes() != (watching.bundle / name).read_bytes():
            with watching.damaged():
                shutil.copy(other / name, watching.bundle / name)
                watching.see_refused(name, "holds version")


def seal_other_packages(watching: Watching) -> None:
    """Say that the model was made by other packages; only wrong answers make that a reason."""
    packages = {"scikit-learn": "0.0.1", "numpy": "0.0.1", "skops": "0.0.1"}
    with watching.damaged():
        reseal_bundle(watching.bundle, {"golden.json": wrong_golden(watching)}, packages=packages)
        watching.see_refused("0.0.1")


def seal_wrong_golden_rows(watching: Watching) -> None:
    """Say that training got other answers."""
    with watching.damaged():
        reseal_bundle(watching.bundle, {"golden.json": wrong_golden(watching)})
        watching.see_refused("golden")


def wrong_golden(watching: Watching) -> bytes:
    """Return the golden rows with one answer that is a little off."""
    golden = msgspec.json.decode((watching.bundle / "golden.json").read_bytes(), type=Golden)
    row = random.randrange(len(golden.outputs))  # noqa: S311 - pytest-randomly seeds it
    golden.outputs[row]["total"] += 1.0
    return msgspec.json.encode(golden)


def seal_the_other_model(watching: Watching) -> None:
    """Put the other version's model in, and seal it with right hashes."""
    other = watching.bundle.with_name(watching.sums.first)
    contents = {n: (other / n).read_bytes() for n in listed(other) if n.startswith("model.")}
    with watching.damaged():
        reseal_bundle(watching.bundle, contents)
        watching.see_refused("golden")


DAMAGES: tuple[Callable[[Watching], None], ...] = (
    flip_bits,
    cut_short,
    empty,
    swap_bundles,
    seal_other_packages,
    seal_wrong_golden_rows,
    seal_the_other_model,
)


@pytest.mark.slow  # a bundle is checked after each of many damages
def test_a_damaged_bundle_is_refused_while_the_old_one_answers(
    sums: Sums, tmp_path: Path, rounds: int, new_fault: NewFault
) -> None:
    """Each with a reason that names what is wrong; once it is put right it is loaded."""
    fault = new_fault("a bundle flipped, cut, emptied, swapped, of other packages, wrong")
    settings = small_settings(tmp_path)
    own = sums.copied(settings.local_data)
    with running(sums.root, settings, ["sum"]) as service:
        watching = Watching(service, own, fault)
        own.store.promote("sum", own.second)
        for _ in range(rounds):
            for damage in DAMAGES:
                damage(watching)
            fault.rounds += 1
        assert watching.look() == {}
