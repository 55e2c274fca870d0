"""What the venues' signatures share: HMAC with SHA-256, and RSA where a private key takes the place of the secret.

OpenSSL and cryptography are imported when one signs: the connections have begun by then.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cancelall.core.errors import SecretError
from cancelall.core.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def api_key(secrets: Any, options: object) -> str:  # the venue's own
    """The API key as the account's name."""
    key: str = secrets.api_key.reveal()
    return key


def signature(secret: Secret, message: bytes, encode: Callable[[bytes], str]) -> str:
    """The HMAC, encoded; with an RSA key RSASSA-PKCS1-v1_5 in base64. Raises SecretError if the key cannot be used."""
    if not _is_private_key(secret):
        import hashlib  # OpenSSL, 3 ms
        import hmac

        return encode(hmac.new(secret.reveal().encode(), message, hashlib.sha256).digest())
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return to_base64(_private_key(secret).sign(message, padding.PKCS1v15(), hashes.SHA256()))


def any_signature(secret: Secret, message: bytes) -> str:
    """The HMAC in hex, or the signature of an RSA or Ed25519 key in base64. Raises SecretError if it cannot be used."""
    if not _is_private_key(secret):
        return signature(secret, message, bytes.hex)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = _private_key_of_any_kind(secret)
    if isinstance(key, rsa.RSAPrivateKey):
        return to_base64(key.sign(message, padding.PKCS1v15(), hashes.SHA256()))
    return to_base64(key.sign(message))


def nonce() -> str:
    """Text that no other signature has: 16 random bytes in hex. The only chance in a venue's `sign`; what signs with it
    takes it as an argument, so that it is as pure as the rest.
    """
    return os.urandom(16).hex()


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def check_rsa_key(secrets: Any, options: object) -> None:  # the venue's own
    """A PEM secret must be an RSA private key that can be read. Raises SecretError."""
    if _is_private_key(secrets.api_secret):
        _private_key(secrets.api_secret)


def check_any_key(secrets: Any, options: object) -> None:  # the venue's own
    """A PEM secret must be an RSA or Ed25519 private key that can be read. Raises SecretError."""
    if _is_private_key(secrets.api_secret):
        _private_key_of_any_kind(secrets.api_secret)


def _is_private_key(secret: Secret) -> bool:
    return "PRIVATE KEY" in secret.reveal()


def _private_key(secret: Secret) -> RSAPrivateKey:
    """The RSA key in a PEM block. Raises SecretError when there is none, or one of another kind."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = _loaded(secret)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SecretError("api_secret is a private key, but not an RSA one")
    return key


def _private_key_of_any_kind(secret: Secret) -> RSAPrivateKey | Ed25519PrivateKey:
    """The RSA or Ed25519 key in a PEM block. Raises SecretError when there is none, or one of another kind."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    key = _loaded(secret)
    if not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise SecretError("api_secret is a private key, but neither an RSA nor an Ed25519 one")
    return key


def _loaded(secret: Secret) -> object:
    """The key in a PEM block. Raises SecretError when there is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SecretError("api_secret is a PEM block that does not hold an unencrypted private key") from None
