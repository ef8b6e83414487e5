"""A seal: `seal.json` beside a version's manifest, the signature of a publisher.

What is signed is who sealed it and when, and the exact bytes of `manifest.json`, whose hashes cover
every other file. So a seal stands for one version, whole, and cannot be moved to another one.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from model_store import bundle, files
from model_store.errors import ModelStoreError, RefusedError
from model_store.manifest import Manifest
from model_store.seals.keys import PrivateKey
from model_store.seals.publishers import Publishers

SEAL = "seal.json"
_MAX_BYTES = 4096
# What else a key may ever sign must not pass for a seal.
_PURPOSE = b"ml-service seal 1\n"


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in `seal.json`."""

    key: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    """The id of the publisher's key. It is shown, whoever wrote it."""
    time: str
    """RFC 3339, UTC."""
    who: str
    """The account and machine that sealed it."""
    signature: str = ""
    """Ed25519, in Base64."""

    def message(self, manifest: bytes) -> bytes:
        """Return what is signed: the seal without its signature, and the manifest's text."""
        head = msgspec.json.encode({"key": self.key, "time": self.time, "who": self.who})
        return _PURPOSE + head + b"\n" + manifest


@dataclass(frozen=True)
class Signer:
    """Who seals, and by which key."""

    key: PrivateKey
    who: str

    def seal(self, manifest: bytes, time: str) -> bytes:
        """Return what to write to `seal.json` for a manifest's text."""
        seal = Seal(key=self.key.public.id, time=time, who=self.who)
        signature = base64.b64encode(self.key.sign(seal.message(manifest))).decode("ascii")
        signed = msgspec.structs.replace(seal, signature=signature)
        return msgspec.json.format(msgspec.json.encode(signed), indent=2)


def put(  # noqa: PLR0913 - which version, by whom, when
    folder: Path, model: str, version: str, signer: Signer, *, time: str, expected: str = ""
) -> None:
    """Seal the undamaged version in a folder; one writer at a time: hold the model's lock.

    Args:
        folder: the version's.
        model: whose version it must be.
        version: which one it must be.
        signer: who seals it.
        time: RFC 3339, UTC.
        expected: the SHA-256 of its manifest's text when somebody looked at it; empty: any.

    Raises:
        NotFoundError: there is no bundle.
        RefusedError: it is damaged, of another version, or not what was looked at.
    """
    _, _, digest = bundle.read_all(folder, model, version)
    text = files.read(folder / bundle.MANIFEST)
    if hashlib.sha256(text).hexdigest() != digest or expected not in {"", digest}:
        raise RefusedError("It was changed meanwhile, and is not sealed: look at it again.")
    files.replace(folder / SEAL, signer.seal(text, time))


def read(folder: Path) -> Seal | None:
    """Return the seal in a version's folder, whoever's; None where there is none.

    Raises:
        RefusedError: it is damaged.
    """
    try:
        text = files.read(folder / SEAL, _MAX_BYTES)
        return msgspec.json.decode(text, type=Seal)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RefusedError(f"{SEAL} is damaged ({error}). {_advice()}") from error


def check(folder: Path, manifest: Manifest, publishers: Publishers) -> None:
    """See that a known publisher sealed the version whose manifest was read from a folder.

    Raises:
        RefusedError: there is no seal, or it is of an unknown key or of something else.
    """
    advice = _advice(manifest)
    seal = read(folder)
    if seal is None:
        raise RefusedError(
            "It has no seal of a publisher, so that its estimator is not loaded: only a compiled "
            f"form may be served. {advice}"
        )
    key = publishers.find(seal.key)
    if key is None:
        raise RefusedError(f"The key {seal.key} that sealed it is not known here. {advice}")
    # What was checked and read is the manifest given; of another text the seal would not be.
    text = files.read(folder / bundle.MANIFEST)
    if not (manifest.seals(text) and _is_of(seal, text, publishers)):
        raise RefusedError(f"Its seal is not of this version: it was changed since. {advice}")


def state(folder: Path, publishers: Publishers) -> str:
    """Return who sealed a version, for people: a phrase, empty where nobody did."""
    try:
        seal = read(folder)
        if seal is None:
            return ""
        if publishers.find(seal.key) is None:
            return f"unknown key {seal.key}"
        if not _is_of(seal, files.read(folder / bundle.MANIFEST), publishers):
            return "another version: the seal does not fit"
    except (ModelStoreError, OSError):
        return "a damaged seal"
    return f"{seal.who}, {seal.time}, key {seal.key}"


def counts(folder: Path, publishers: Publishers) -> bool:
    """Return whether the seal of a version is of a known publisher, and of this version."""
    try:
        seal = read(folder)
        return seal is not None and _is_of(seal, files.read(folder / bundle.MANIFEST), publishers)
    except (ModelStoreError, OSError):
        return False


def _is_of(seal: Seal, manifest: bytes, publishers: Publishers) -> bool:
    key = publishers.find(seal.key)
    try:
        signature = base64.b64decode(seal.signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return key is not None and key.verifies(signature, seal.message(manifest))


def _advice(manifest: Manifest | None = None) -> str:
    one = f"{manifest.model} {manifest.version}" if manifest else "MODEL VERSION"
    return (
        "If you trust whoever made it, seal it: `mlops models approve "
        f"{one}`, or `mlops models approve --all` for all that there are."
    )
