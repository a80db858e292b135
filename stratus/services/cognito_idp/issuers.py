"""The `iss` of a user pool's tokens: the pool's address, as the client itself addressed it.

OpenID Connect wants the issuer to be the URL below which the client found the keys (Discovery 1.0, section 4.3), and clients compare
the two as texts. Somebody who reaches us as `http://localhost:4566` gets that; whoever comes under AWS's name gets AWS's.
"""

from stratus.service import Addresses
from stratus.services.cognito_idp.pool import Pool
from stratus.wire.message import Request


def issuer(pool: Pool, request: Request | None, addresses: Addresses) -> str:
    """The issuer for a client that sent `request`; a Host header that is no address of ours decides nothing."""
    endpoint = addresses.endpoint_of(request.host, secure=request.secure) if request else None
    return f"{endpoint}/{pool.id}" if endpoint else pool.issuer


def is_issuer(pool: Pool, text: object, addresses: Addresses) -> bool:
    """Whether `text` is an issuer that tokens of `pool` may carry."""
    if not isinstance(text, str):
        return False
    return text == pool.issuer or (
        text.endswith(f"/{pool.id}") and addresses.is_endpoint(text.removesuffix(f"/{pool.id}"))
    )
