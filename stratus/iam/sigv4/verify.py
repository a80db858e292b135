"""Whether a request was signed by the holder of a secret, for this service, about now.

Source: "AWS Signature Version 4 for API requests" (IAM User Guide).
"""

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache

from stratus.iam.failures import Failure, Family, failure, query_failure
from stratus.iam.sigv4.canonical import (
    Fields,
    canonical_headers,
    canonical_query,
    canonical_request,
    normalised_path,
    s3_path,
)
from stratus.iam.sigv4.claim import ALGORITHM, Claim
from stratus.wire.errors import AwsError
from stratus.wire.message import Request

SKEW = 15 * 60


@lru_cache(maxsize=2048)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key derived for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def check_window(claim: Claim, family: Family, service: str, region: str | None, now: float) -> None:
    """That the signature's date is near enough (`now` is wall time), a presigned URL's window is open, and the scope is right:
    for this service's signing name and this region (None takes any).
    """
    if claim.expires is None:
        if abs(now - claim.moment) > SKEW:
            raise _skewed(claim, family, now)
    elif claim.moment > now + SKEW:
        raise failure(family, Failure.URL_EARLY, None if family is Family.S3 else _too_early(claim, now))
    elif claim.moment + claim.expires < now:
        raise _url_expired(claim, claim.expires, family, now)
    if claim.date != claim.signed_at[:8]:
        raise _wrong_scope(claim, family, _DATE_WORDS.format(claim=claim), _S3_DATE_WORDS.format(claim=claim))
    if region is not None and claim.region != region:
        message = f"the region '{claim.region}' is wrong; expecting '{region}'"
        raise _wrong_scope(
            claim,
            family,
            f"Credential should be scoped to a valid region, not '{claim.region}'. ",
            message,
            region,
        )
    if claim.service != service:
        message = f'incorrect service "{claim.service}". This endpoint belongs to "{service}".'
        raise _wrong_scope(claim, family, f"Credential should be scoped to correct service: '{service}'. ", message)


_DATE_WORDS = (
    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
    "'{claim.date}' != '{claim.signed_at:.8}', from '{claim.signed_at}'."
)
_S3_DATE_WORDS = (
    'Invalid credential date "{claim.date}". This date is not the same as X-Amz-Date: "{claim.signed_at:.8}".'
)


def verify(request: Request, fields: Fields, claim: Claim, payload_hash: str, secret: str, family: Family) -> bytes:
    """Raises AwsError unless `claim.signature` is what `secret` makes of this request; returns the signing key."""
    signed = claim.signed_headers.split(";")
    _check_signed(fields, signed, claim, family)
    s3 = family is Family.S3
    try:
        canonical = canonical_request(
            request.method,
            s3_path(request.path) if s3 else normalised_path(request.path),
            canonical_query(request.query, without="X-Amz-Signature" if claim.presigned else None),
            canonical_headers(fields, signed),
            claim.signed_headers,
            payload_hash,
        )
    except (KeyError, UnicodeEncodeError):
        raise failure(family, Failure.MISMATCH) from None
    key = signing_key(secret, claim.date, claim.region, claim.service)
    digest = hashlib.sha256(canonical).hexdigest()
    text = f"{ALGORITHM}\n{claim.signed_at}\n{claim.scope}\n{digest}"
    if not same(hmac.digest(key, text.encode(), "sha256").hex(), claim.signature):
        raise failure(family, Failure.MISMATCH)
    return key


def same(expected: str, given: str) -> bool:
    """Equality in a time that tells nothing about where two texts differ."""
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))


def _check_signed(fields: Fields, signed: list[str], claim: Claim, family: Family) -> None:
    """`host`, the date and every `x-amz-` header must be under the signature."""
    unsigned = [name for name in fields if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed:
        unsigned.append("host")
    if not claim.presigned and "x-amz-date" not in fields and "date" not in signed:
        unsigned.append("date")
    if not unsigned:
        return
    if family is Family.S3:
        raise failure(family, Failure.UNSIGNED_HEADER, HeadersNotSigned=", ".join(unsigned))
    if "host" in unsigned:
        words = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    else:
        words = f"'{unsigned[0]}' must be a 'SignedHeader' in the AWS Authorization."
    raise failure(family, Failure.UNSIGNED_HEADER, words)


def _skewed(claim: Claim, family: Family, now: float) -> AwsError:
    if family is Family.S3:
        members = {
            "RequestTime": claim.signed_at,
            "ServerTime": _iso(now),
            "MaxAllowedSkewMilliseconds": str(SKEW * 1000),
        }
        return failure(family, Failure.SKEWED, **members)
    return failure(
        family, Failure.SKEWED, _too_early(claim, now) if claim.moment > now else _too_late(claim, now, SKEW)
    )


def _url_expired(claim: Claim, seconds: int, family: Family, now: float) -> AwsError:
    if family is not Family.S3:
        return failure(family, Failure.URL_EXPIRED, _too_late(claim, now, seconds))
    members = {
        "X-Amz-Expires": str(seconds),
        "Expires": _iso(claim.moment + seconds),
        "ServerTime": _iso(now),
    }
    return failure(family, Failure.URL_EXPIRED, **members)


def _too_late(claim: Claim, now: float, window: int) -> str:
    return f"Signature expired: {claim.signed_at} is now earlier than {_basic(now - window)} ({_basic(now)} - {_span(window)})"


def _too_early(claim: Claim, now: float) -> str:
    return f"Signature not yet current: {claim.signed_at} is still later than {_basic(now + SKEW)} ({_basic(now)} + {_span(SKEW)})"


def _span(seconds: int) -> str:
    return f"{seconds // 60} min." if seconds % 60 == 0 else f"{seconds} s."


def _wrong_scope(claim: Claim, family: Family, words: str, s3_words: str, region: str | None = None) -> AwsError:
    if family is not Family.S3:
        return failure(family, Failure.WRONG_SCOPE, words)
    members = {} if region is None else {"Region": region}
    if claim.presigned:
        error = query_failure(family, f"Error parsing the X-Amz-Credential parameter; {s3_words}")
        error.members.update(members)
        return error
    return failure(family, Failure.WRONG_SCOPE, f"The authorization header is malformed; {s3_words}", **members)


def _basic(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
