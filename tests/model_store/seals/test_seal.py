"""A seal is a known publisher's signature of one version, whole; without it no estimator is run."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sklearn.linear_model import LinearRegression

from model_store.bundle import Compilation, Draft
from model_store.errors import RefusedError
from model_store.file_store import FileModelStore
from model_store.seals import seal
from model_store.seals.keys import PrivateKey
from model_store.seals.publishers import KnownPublishers, PublisherFolder
from model_store.seals.seal import SEAL, Signer
from model_store.store import LoadPolicy
from tests.model_store.conftest import DraftLine, reseal_bundle
from tests.publisher_key import KEY, PUBLISHERS, SIGNER

pytestmark = pytest.mark.slow  # each publishes, which loads in a process of its own

KNOWING = LoadPolicy(publishers=PUBLISHERS)
NOBODY = LoadPolicy()


@pytest.fixture
def uncompiled(draft_line: DraftLine) -> Draft:
    """Return a draft that is served by its estimator alone."""
    return draft_line(compilation=Compilation(reason="This test wants none."))


@pytest.fixture
def sealing(tmp_path: Path) -> FileModelStore:
    """Return an empty store in `tmp_path / "models"` that seals, and knows by whom."""
    return FileModelStore(tmp_path / "models", KNOWING, signer=SIGNER)


@pytest.fixture
def unsealing(tmp_path: Path) -> FileModelStore:
    """Return the same store for whoever has no key."""
    return FileModelStore(tmp_path / "models", KNOWING)


def test_a_sealed_estimator_answers_and_an_unsealed_one_does_not(
    sealing: FileModelStore, unsealing: FileModelStore, uncompiled: Draft, tmp_path: Path
) -> None:
    """The refusal names what to do."""
    sealed, unsealed = sealing.publish(uncompiled), unsealing.publish(uncompiled)
    assert sealing.load("line", sealed).form == "estimator"
    for load in (sealing.load, sealing.verify):
        with pytest.raises(RefusedError, match=f"mlops models approve line {unsealed}.*--all"):
            load("line", unsealed)
    # What it is made of is not even looked at.
    (tmp_path / "models" / "line" / sealed / SEAL).unlink()
    with pytest.raises(RefusedError, match="no seal"):
        sealing.load("line", sealed)


def test_an_unsealed_version_is_served_compiled(
    unsealing: FileModelStore, draft_line: DraftLine
) -> None:
    """A compiled model runs no code, so that anyone may have made it."""
    version = unsealing.publish(draft_line())
    assert unsealing.load("line", version).form == "compiled"
    with pytest.raises(RefusedError, match="no seal"):
        unsealing.verify("line", version)


def test_a_seal_by_a_key_that_is_not_known_is_none(
    sealing: FileModelStore, uncompiled: Draft, tmp_path: Path
) -> None:
    """It is known by the settings, never by what the store holds."""
    version = sealing.publish(uncompiled)
    for policy in (NOBODY, LoadPolicy(publishers=KnownPublishers())):
        other = FileModelStore(tmp_path / "models", policy)
        with pytest.raises(RefusedError, match=f"key {KEY.public.id} that sealed it is not known"):
            other.load("line", version)
        folder = other.version_folder("line", version)
        assert seal.state(folder, policy.publishers) == f"unknown key {KEY.public.id}"
    assert seal.state(folder, PUBLISHERS).startswith("ada@desk, ")
    assert seal.counts(folder, PUBLISHERS)


def other_answers(folder: Path) -> None:
    """Forge a manifest with everything in it right."""
    seal = (folder / SEAL).read_bytes()
    reseal_bundle(folder, {"card.md": b"# Another"})
    (folder / SEAL).write_bytes(seal)


def other_who(folder: Path) -> None:
    """Let somebody else have sealed it."""
    path = folder / SEAL
    path.write_bytes(path.read_bytes().replace(b"ada@desk", b"eve@desk"))


def hostile_key(folder: Path) -> None:
    """Let the key's id be a text for whoever reads the refusal."""
    path = folder / SEAL
    seal = msgspec.json.decode(path.read_bytes()) | {"key": "\x1b[2J all is well"}
    path.write_bytes(msgspec.json.encode(seal))


def no_signature(folder: Path) -> None:
    """Leave the signature out."""
    path = folder / SEAL
    seal = msgspec.json.decode(path.read_bytes()) | {"signature": ""}
    path.write_bytes(msgspec.json.encode(seal))


def no_base64(folder: Path) -> None:
    """Let the signature be no Base64."""
    path = folder / SEAL
    seal = msgspec.json.decode(path.read_bytes()) | {"signature": "ä"}
    path.write_bytes(msgspec.json.encode(seal))


def no_json(folder: Path) -> None:
    """Damage the file."""
    (folder / SEAL).write_bytes(b"[" * 4000)


def a_link(folder: Path) -> None:
    """Let the seal stand elsewhere."""
    (folder / SEAL).rename(folder / "elsewhere")
    (folder / SEAL).symlink_to(folder / "elsewhere")


def too_large(folder: Path) -> None:
    """Let the seal be of a size that no seal has."""
    with (folder / SEAL).open("ab") as file:
        file.write(b" " * 10_000)


@pytest.mark.parametrize(
    "forge",
    [other_answers, other_who, hostile_key, no_signature, no_base64, no_json, a_link, too_large],
)
def test_a_seal_that_does_not_fit_is_refused(
    forge: Any, sealing: FileModelStore, uncompiled: Draft, tmp_path: Path
) -> None:
    """Whatever was changed: the files, the manifest, the seal."""
    version = sealing.publish(uncompiled)
    forge(tmp_path / "models" / "line" / version)
    with pytest.raises(RefusedError):
        sealing.load("line", version)
    assert not seal.counts(tmp_path / "models" / "line" / version, PUBLISHERS)


def test_a_seal_cannot_be_moved_to_another_version(
    sealing: FileModelStore, unsealing: FileModelStore, draft_line: DraftLine, tmp_path: Path
) -> None:
    """It is of one manifest."""
    reason = Compilation(reason="This test wants none.")
    sealed = sealing.publish(draft_line(compilation=reason))
    unsealed = unsealing.publish(draft_line(3.0, compilation=reason))
    root = tmp_path / "models" / "line"
    shutil.copy(root / sealed / SEAL, root / unsealed / SEAL)
    with pytest.raises(RefusedError, match="not of this version"):
        sealing.load("line", unsealed)


def test_a_version_from_elsewhere_is_sealed_as_it_was_looked_at(
    sealing: FileModelStore, unsealing: FileModelStore, uncompiled: Draft, tmp_path: Path
) -> None:
    """What was changed between the look and the seal is not sealed."""
    published = unsealing.publish_noted(uncompiled)
    before = sealing.bundle_fingerprint("line", published.version)
    with pytest.raises(RefusedError, match="no publisher's key"):
        unsealing.seal("line", published.version)
    with pytest.raises(RefusedError, match="changed meanwhile"):
        sealing.seal("line", published.version, "0" * 64)
    sealing.seal("line", published.version, published.manifest)
    assert sealing.load("line", published.version).form == "estimator"
    # The running service tries it again.
    assert sealing.bundle_fingerprint("line", published.version) != before
    (tmp_path / "models" / "line" / published.version / "card.md").write_text("another")
    with pytest.raises(RefusedError, match=r"card\.md is not the file"):
        sealing.seal("line", published.version)


def test_two_keys_are_known_while_one_takes_over_from_the_other(
    uncompiled: Draft, tmp_path: Path
) -> None:
    """Keys come and go in their folder, and the store sees it at once."""
    keys = [PrivateKey.new(), PrivateKey.new()]
    folder = tmp_path / "publishers"
    folder.mkdir()
    policy = LoadPolicy(publishers=PublisherFolder(folder))
    versions = []
    for key in keys:
        (folder / f"{key.public.id}.pem").write_text(key.public.text())
        store = FileModelStore(tmp_path / "models", policy, signer=Signer(key, "ada@desk"))
        versions.append(store.publish(uncompiled))
        assert [store.load("line", version).form for version in versions] == ["estimator"] * len(
            versions
        )
    before = store.bundle_fingerprint("line", versions[0])
    (folder / f"{keys[0].public.id}.pem").unlink()
    assert store.bundle_fingerprint("line", versions[0]) != before
    with pytest.raises(RefusedError, match="not known here"):
        store.load("line", versions[0])
    assert store.load("line", versions[1]).form == "estimator"
    # What is no key is nobody's.
    (folder / "odd.pem").write_text("no key")
    (folder / "private.pem").write_text(keys[0].text())
    assert list(PublisherFolder(folder).all()) == [keys[1].public.id]


def test_a_key_survives_its_text() -> None:
    """The same that `openssl genpkey -algorithm ed25519` writes."""
    assert PrivateKey.of_text(KEY.text().encode()).public == KEY.public
    assert KEY.text().startswith("-----BEGIN PRIVATE KEY-----")
    assert KEY.public.text().startswith("-----BEGIN PUBLIC KEY-----")


def test_a_seal_lets_no_type_of_another_package_in(tmp_path: Path, draft_line: DraftLine) -> None:
    """That is for the settings to say."""
    line = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    line.note = Path("somewhere")
    store = FileModelStore(tmp_path, KNOWING, signer=SIGNER)
    with pytest.raises(RefusedError, match=r"not trusted \(pathlib"):
        store.publish(draft_line(estimator=line, compilation=Compilation(reason="None.")))
