"""RSA keys, for the venues that take one in the place of a shared secret. cryptography is imported when one signs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cancelall.core.errors import SecretError
from cancelall.core.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def is_private_key(secret: Secret) -> bool:
    """Whether a secret is a PEM private key rather than a shared secret."""
    return "PRIVATE KEY" in secret.reveal()


def signature(secret: Secret, message: bytes) -> str:
    """RSASSA-PKCS1-v1_5 with SHA-256, in base64. Raises SecretError when the key cannot be used."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.b64encode(private_key(secret).sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def private_key(secret: Secret) -> RSAPrivateKey:
    """The key in a PEM block. Raises SecretError when there is none, or one of another kind."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SecretError("api_secret is a PEM block that does not hold an unencrypted private key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SecretError("api_secret is a private key, but not an RSA one")
    return key
