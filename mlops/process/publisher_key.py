"""The key by which this machine's trainings seal what they publish, and who is known besides."""

from pathlib import Path

from mlops.process.secret_files import ensure_secret, replace_secret
from model_store.seals.account import account
from model_store.seals.keys import PrivateKey, PublicKey
from model_store.seals.publishers import FOLDER, SUFFIX, PublisherFolder
from model_store.seals.seal import Signer

PRIVATE = "publisher_key.pem"


def ensure_signer(secrets: Path) -> Signer:
    """Return who seals here, by the key in a folder of secrets; it is made if it is not there.

    A key that is made is known from then on. One that was revoked stays unknown.

    Raises:
        OSError: the key can be neither read nor made.
        KeyTextError: its file holds something else.
    """
    text = ensure_secret(secrets, PRIVATE, lambda: _made(secrets).text())
    return Signer(PrivateKey.of_text(text.encode()), account())


def has_keys(secrets: Path) -> bool:
    """Return whether there is a key that seals here, or one of others whose seals count.

    A service that holds public halves alone shall not get a key of its own.
    """
    return (secrets / PRIVATE).is_file() or bool(PublisherFolder(secrets / FOLDER).paths())


def rotate(secrets: Path) -> Signer:
    """Return who seals from now on, by a new key; what the old one sealed stays valid.

    Raises:
        OSError: it cannot be written.
    """
    key = _made(secrets)
    replace_secret(key.text().strip(), secrets / PRIVATE)
    return Signer(key, account())


def trust(secrets: Path, key: PublicKey) -> None:
    """Let the seals of a key count from now on.

    Raises:
        OSError: it cannot be written.
    """
    folder = secrets / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_secret(key.text().strip(), folder / f"{key.id}{SUFFIX}")


def _made(secrets: Path) -> PrivateKey:
    key = PrivateKey.new()
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    # First: a crash in between leaves a key that seals nothing, and none that nobody knows.
    trust(secrets, key.public)
    return key
