"""Secure Remote Password as Amazon Cognito speaks it: RFC 5054's 3072-bit group, SHA-256, and an HKDF of Cognito's own.

The server keeps a salt and a verifier, never the password. The client's side is public in amazon-cognito-identity-js
(AuthenticationHelper.js) and pycognito (aws_srp.py); their padding of hexadecimal numbers is part of the protocol.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33"
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864"
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
_INFO = b"Caldera Derived Key"


def _padded(number: int) -> bytes:
    """Big-endian bytes with a leading zero where the first bit is set: the clients' `padHex`."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


def _power(base: int, exponent: int) -> int:
    """`pow(base, exponent, N)`, four bits at a time: `pow` itself would hold all other threads up until it is done."""
    powers = [1]
    for _ in range(15):
        powers.append(powers[-1] * base % N)
    result = 1
    for place, digit in enumerate(f"{exponent:x}"):
        result = pow(result, 16, N) * powers[int(digit, 16)] % N
        if place % 8 == 0:
            time.sleep(0)  # lets the event loop's thread in
    return result


K = _hash(_padded(N), _padded(G))


@dataclass(frozen=True, slots=True)
class Verifier:
    """What is kept of a password."""

    salt: int
    value: int


def new_verifier(pool_name: str, user_id: str, password: str, salt: int | None = None) -> Verifier:
    """The verifier of `password`, with a fresh salt unless one is given. Costs one modular power: run it in a thread.

    `pool_name` is the part of the pool's id after the underscore, `user_id` what the client is told as USER_ID_FOR_SRP.
    """
    salt = secrets.randbits(128) if salt is None else salt
    inner = hashlib.sha256(f"{pool_name}{user_id}:{password}".encode()).digest()
    return Verifier(salt, _power(G, _hash(_padded(salt), inner)))


def matches(verifier: Verifier, pool_name: str, user_id: str, password: str) -> bool:
    """Whether `password` is the one behind `verifier`. Costs one modular power."""
    candidate = new_verifier(pool_name, user_id, password, verifier.salt)
    return hmac.compare_digest(_padded(candidate.value), _padded(verifier.value))


def parse_public(text: str) -> int | None:
    """The client's A from its hexadecimal form; None where it is no number or zero modulo N, which would fix the secret."""
    if not 0 < len(text) <= 1024 or not all(c in "0123456789abcdefABCDEF" for c in text):
        return None
    number = int(text, 16)
    return number if number % N else None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server's half of one exchange."""

    secret: int
    public: int


def new_challenge(verifier: Verifier) -> Challenge:
    """A fresh b and B. Costs one modular power."""
    while True:
        secret = secrets.randbits(256)
        public = (K * verifier.value + _power(G, secret)) % N
        if public:
            return Challenge(secret, public)


def session_key(verifier: Verifier, challenge: Challenge, client_public: int) -> bytes | None:
    """The key both sides share if the client knows the password; None where the exchange must be refused (u = 0).

    Costs two modular powers.
    """
    u = _hash(_padded(client_public), _padded(challenge.public))
    if u == 0:
        return None
    shared = _power(client_public * _power(verifier.value, u) % N, challenge.secret)
    extracted = hmac.digest(_padded(u), _padded(shared), "sha256")
    return hmac.digest(extracted, _INFO + b"\x01", "sha256")[:16]


def signature(key: bytes, pool_name: str, user_id: str, secret_block: bytes, timestamp: str) -> bytes:
    """What proves knowledge of the key: PASSWORD_CLAIM_SIGNATURE before its base64."""
    return hmac.digest(key, pool_name.encode() + user_id.encode() + secret_block + timestamp.encode(), "sha256")
