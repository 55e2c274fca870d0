"""What the venues' signatures have in common. Written from their documents, and never from the client's signer."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

Encode = Callable[[bytes], str]


def as_hex(digest: bytes) -> str:
    return digest.hex()


def as_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")


def hmac_sha256(secret: str, signed: bytes, encode: Encode) -> str:
    """The signature of these bytes, with the secret's own bytes as the key."""
    return encode(hmac.new(secret.encode("utf-8"), signed, hashlib.sha256).digest())


def genuine(signed: bytes, signature: str, credentials: Mapping[str, str], encode: Encode) -> bool:
    """Whether the owner of these credentials signed this: by HMAC-SHA256, else in base64 by RSA (PKCS#1 v1.5, SHA-256)
    or Ed25519.
    """
    if "ed25519_public_key" in credentials:
        return _ed25519_verifies(signed, signature, credentials["ed25519_public_key"])
    if "rsa_public_key" in credentials:
        return _rsa_verifies(signed, signature, credentials["rsa_public_key"])
    expected = hmac_sha256(credentials["api_secret"], signed, encode)
    return hmac.compare_digest(expected.encode("ascii"), signature.encode("utf-8"))


def _rsa_verifies(signed: bytes, signature: str, public_key_pem: str) -> bool:
    """Whether the signature is one. The library is loaded only for accounts with an RSA key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(public_key_pem.encode("ascii"))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("rsa_public_key is not an RSA key")
    try:
        key.verify(base64.b64decode(signature, validate=True), signed, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):  # binascii.Error is one
        return False
    return True


def _ed25519_verifies(signed: bytes, signature: str, public_key_hex: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key_hex)).verify(base64.b64decode(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True
