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
class LoadedService:
    """A running service that is to load the second version, while the first one answers."""

    service: Service
    sums: Sums
    fault: Fault

    @property
    def bundle(self) -> Path:
        """The folder of the second version."""
        return self.sums.root / "sum" / self.sums.second

    def refresh(self) -> dict[str, str]:
        """Let the service reload from its store; return the reason of each refused version.

        Whatever it found, it is ready, and its answer is that of the version it names.
        """
        # So that it reads the bundle again, whatever was damaged.
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

    def assert_refused(self, *words: str) -> None:
        """Assert that the second version is refused for a reason with one of these words."""
        reason = self.refresh()[self.sums.second]
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


def flip_bits(world: LoadedService) -> None:
    """Flip one bit at a random place, of all files as they are large."""
    for _ in range(FLIPS_A_ROUND):
        with world.damaged():
            files = listed(world.bundle)
            [name] = random.choices(list(files), list(files.values()))  # noqa: S311 - seeded
            content = bytearray((world.bundle / name).read_bytes())
            place = random.randrange(len(content) * 8)  # noqa: S311 - as above
            content[place // 8] ^= 1 << place % 8
            (world.bundle / name).write_bytes(content)
            world.assert_refused(name, "holds version")


def listed(bundle: Path) -> dict[str, int]:
    """Return the files of a sound bundle, by name, and their sizes."""
    text = (bundle / "manifest.json").read_bytes()
    manifest = msgspec.json.decode(text, type=Manifest)
    return {file.name: file.size for file in manifest.files} | {"manifest.json": len(text)}


def cut_short(world: LoadedService) -> None:
    """Cut a file at a random place."""
    for name in listed(world.bundle):
        with world.damaged():
            content = (world.bundle / name).read_bytes()
            cut = random.randrange(len(content))  # noqa: S311 - pytest-randomly seeds it
            (world.bundle / name).write_bytes(content[:cut])
            world.assert_refused(name)


def empty(world: LoadedService) -> None:
    """Leave a file without content, and the bundle without one of its files."""
    for name in listed(world.bundle):
        with world.damaged():
            (world.bundle / name).write_bytes(b"")
            world.assert_refused(name)
        with world.damaged():
            (world.bundle / name).unlink()
            world.assert_refused(name, "has no version")


def swap_bundles(world: LoadedService) -> None:
    """Put the other version in its place, as a whole, and then each of its files."""
    other = world.bundle.with_name(world.sums.first)
    with world.damaged():
        shutil.rmtree(world.bundle)
        shutil.copytree(other, world.bundle)
        world.assert_refused(f"holds version {world.sums.first}")
    for name in listed(world.bundle):
        if (other / name).read_bytes() != (world.bundle / name).read_bytes():
            with world.damaged():
                shutil.copy(other / name, world.bundle / name)
                world.assert_refused(name, "holds version")


def seal_other_packages(world: LoadedService) -> None:
    """Say that the model was made by other packages; only wrong answers make that a reason."""
    packages = {"scikit-learn": "0.0.1", "numpy": "0.0.1", "skops": "0.0.1"}
    with world.damaged():
        reseal_bundle(world.bundle, {"golden.json": wrong_golden(world)}, packages=packages)
        world.assert_refused("0.0.1")


def seal_wrong_golden_rows(world: LoadedService) -> None:
    """Say that training got other answers."""
    with world.damaged():
        reseal_bundle(world.bundle, {"golden.json": wrong_golden(world)})
        world.assert_refused("golden")


def wrong_golden(world: LoadedService) -> bytes:
    """Return the golden rows with one answer that is a little off."""
    golden = msgspec.json.decode((world.bundle / "golden.json").read_bytes(), type=Golden)
    row = random.randrange(len(golden.outputs))  # noqa: S311 - pytest-randomly seeds it
    golden.outputs[row]["total"] += 1.0
    return msgspec.json.encode(golden)


def seal_the_other_model(world: LoadedService) -> None:
    """Put the other version's model in, and seal it with right hashes."""
    other = world.bundle.with_name(world.sums.first)
    contents = {n: (other / n).read_bytes() for n in listed(other) if n.startswith("model.")}
    with world.damaged():
        reseal_bundle(world.bundle, contents)
        world.assert_refused("golden")


DAMAGES: tuple[Callable[[LoadedService], None], ...] = (
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
    """Each damage has a reason that names it; once the bundle is right it is loaded."""
    fault = new_fault("a bundle flipped, cut, emptied, swapped, of other packages, wrong")
    settings = small_settings(tmp_path)
    own = sums.copied(settings.local_data)
    with running(sums.root, settings, ["sum"]) as service:
        world = LoadedService(service, own, fault)
        own.store.promote("sum", own.second)
        for _ in range(rounds):
            for damage in DAMAGES:
                damage(world)
            fault.rounds += 1
        assert world.refresh() == {}
