"""The publisher whose seals the tests' stores and services know."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from model_store.seals.keys import PrivateKey
from model_store.seals.publishers import KnownPublishers
from model_store.seals.seal import Signer

# The same in every process of a test.
KEY = PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
PUBLISHERS = KnownPublishers({KEY.public.id: KEY.public})
SIGNER = Signer(KEY, "ada@desk")


def trust_tests(local_data: Path) -> None:
    """Let a service with this folder know the tests' publisher."""
    folder = local_data / "secrets" / "publishers"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{KEY.public.id}.pem").write_text(KEY.public.text())
