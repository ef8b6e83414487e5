"""Ed25519 keys of publishers, as the PEM texts that `openssl pkey` reads and writes."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from model_store.errors import ModelStoreError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ID_LENGTH = 16


class KeyTextError(ModelStoreError):
    """A text holds no key of the wanted sort."""


@dataclass(frozen=True)
class PublicKey:
    """The half of a publisher's key that everybody may have: it checks seals, and makes none."""

    raw: bytes
    """Its 32 bytes."""

    @property
    def id(self) -> str:
        """Return its name: the beginning of its SHA-256, in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()[:_ID_LENGTH]

    @classmethod
    def of_text(cls, text: bytes) -> Self:
        """Read a key in PEM.

        Raises:
            KeyTextError: it is none.
        """
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see `verifies`
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        try:
            key = serialization.load_pem_public_key(text)
        except Exception as error:  # a text from elsewhere may raise anything
            raise KeyTextError("That is no public key in PEM.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise KeyTextError("That is a public key of another sort than Ed25519.")
        return cls(key.public_bytes_raw())

    def text(self) -> str:
        """Return it in PEM."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see `verifies`
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        pem = Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode("ascii")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether this key's other half made a signature of exactly this message."""
        # A service of compiled models needs none of it.
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """A publisher's key: whoever holds it decides which estimators a service runs."""

    _key: "Ed25519PrivateKey"

    @classmethod
    def new(cls) -> Self:
        """Return a key that nobody has."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def of_text(cls, text: bytes) -> Self:
        """Read a key in PEM, without a password.

        Raises:
            KeyTextError: it is none.
        """
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PrivateKey,
        )

        try:
            key = serialization.load_pem_private_key(text, None)
        except Exception as error:
            raise KeyTextError("That is no private key in PEM.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyTextError("That is a private key of another sort than Ed25519.")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """Return the half that others may have."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def text(self) -> str:
        """Return it in PEM: a secret."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return pem.decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)
