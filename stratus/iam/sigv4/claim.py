"""What a signed request claims: read from its Authorization header or, presigned, from its query. Nothing is verified here.

Source: "Authenticating Requests: Using the Authorization Header" and "... Using Query Parameters" (Amazon S3 API Reference).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import unquote_plus

from stratus.iam.failures import Failure, Family, failure, query_failure
from stratus.iam.sigv4.canonical import Fields
from stratus.wire.errors import AwsError
from stratus.wire.message import Request

ALGORITHM = "AWS4-HMAC-SHA256"
WEEK = 604_800
MAX_AUTHORIZATION = 8192


@dataclass(frozen=True, slots=True)
class Claim:
    """`signed_at` is the moment as signed (`20260101T000000Z`), `moment` the same in seconds since the epoch."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_at: str
    moment: float
    signed_headers: str
    signature: str
    token: str | None
    expires: int | None = None

    @property
    def presigned(self) -> bool:
        return self.expires is not None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def read_claim(request: Request, fields: Fields, family: Family) -> Claim | None:
    """The claim of `request`; None when it is not signed at all. Raises AwsError in the words of `family` when it is unreadable."""
    authorization = fields.get("authorization")
    query = _auth_parameters(request.query, family) if request.query else {}
    if authorization is None:
        if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query or "X-Amz-Credential" in query:
            return _from_query(query, family)
        if "Signature" in query and "AWSAccessKeyId" in query:
            raise failure(family, Failure.UNSUPPORTED)
        return None
    if "X-Amz-Algorithm" in query or "X-Amz-Signature" in query:
        raise failure(family, Failure.AMBIGUOUS)
    return _from_header(authorization, fields, family)


def _from_header(authorization: str, fields: Fields, family: Family) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _unsupported(algorithm, family)
    if len(authorization) > MAX_AUTHORIZATION:
        raise failure(family, Failure.INCOMPLETE)
    parts: dict[str, str] = {}
    for part in rest.split(","):
        name, _, value = part.partition("=")
        name = name.strip()
        if name in parts:
            raise failure(family, Failure.INCOMPLETE, f"Authorization header has more than one '{name}'.")
        parts[name] = value.strip()
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    if missing or len(parts) != 3:
        raise _incomplete(missing, fields, family)
    signed_at, moment = _date(fields, family)
    key, date, region, service = _credential(parts["Credential"], family)
    return Claim(
        key,
        date,
        region,
        service,
        signed_at,
        moment,
        parts["SignedHeaders"],
        parts["Signature"],
        fields.get("x-amz-security-token"),
    )


def _unsupported(algorithm: str, family: Family) -> AwsError:
    if algorithm == "AWS4-ECDSA-P256-SHA256":
        return AwsError(
            "NotImplemented", "Stratus does not implement Signature Version 4A (AWS4-ECDSA-P256-SHA256).", 501
        )
    if algorithm == "AWS":
        return failure(family, Failure.UNSUPPORTED, None if family is Family.S3 else _SIGNATURE_VERSION_2)
    return failure(family, Failure.UNSUPPORTED)


_SIGNATURE_VERSION_2 = "AWS Signature Version 2 is not supported. Please use AWS4-HMAC-SHA256."


def _incomplete(missing: list[str], fields: Fields, family: Family) -> AwsError:
    if family is Family.S3:
        return failure(family, Failure.INCOMPLETE)
    words = [f"Authorization header requires '{name}' parameter." for name in missing]
    if "x-amz-date" not in fields and "date" not in fields:
        words.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    return failure(family, Failure.INCOMPLETE, " ".join(words) or None)


def _credential(credential: str, family: Family) -> tuple[str, str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5 or not all(parts) or parts[4] != "aws4_request":
        if family is Family.S3:
            raise failure(family, Failure.INCOMPLETE, _S3_CREDENTIAL)
        raise failure(family, Failure.INCOMPLETE, _CREDENTIAL.format(credential[:256]))
    return parts[0], parts[1], parts[2], parts[3]


_CREDENTIAL = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'"
_EXPECTED_CREDENTIAL = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
_S3_CREDENTIAL = f"The authorization header is malformed; {_EXPECTED_CREDENTIAL}"


def _date(fields: Fields, family: Family) -> tuple[str, float]:
    stamp = fields.get("x-amz-date")
    if stamp is None and (date := fields.get("date")) is not None:
        stamp = _basic_format(date)
    moment = _moment(stamp) if stamp is not None else None
    if stamp is None or moment is None:
        if family is Family.S3:
            raise AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
        if stamp is None:
            raise _incomplete([], fields, family)
        raise failure(family, Failure.INCOMPLETE, _DATE.format(stamp[:64]))
    return stamp, moment


_DATE = "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601"


def _basic_format(date: str) -> str | None:
    """An HTTP date (RFC 9110, 5.6.7) in the form that is signed."""
    if _moment(date) is not None:
        return date
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _moment(stamp: str) -> float | None:
    if len(stamp) != 16 or stamp[8] != "T" or stamp[15] != "Z" or not stamp.isascii():
        return None
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


_PRESIGNED = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)


def _auth_parameters(query: str, family: Family) -> Mapping[str, str]:
    """The parameters that sign a URL, by their plain names: an encoded `X%2DAmz-Credential` is a parameter like any other."""
    if "X-Amz-" not in query and "Signature=" not in query:
        return {}
    found: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-") or name in ("Signature", "AWSAccessKeyId"):
            if name in found:
                raise query_failure(family, f"{name} must not be given more than once.")
            found[name] = unquote_plus(value)
    return found


def _from_query(query: Mapping[str, str], family: Family) -> Claim:
    algorithm = query.get("X-Amz-Algorithm", "")
    if algorithm == "AWS4-ECDSA-P256-SHA256":
        raise _unsupported(algorithm, family)
    if not all(query.get(name) for name in _PRESIGNED):
        raise query_failure(
            family,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
            "X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        )
    if algorithm != ALGORITHM:
        raise query_failure(family, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    moment = _moment(query["X-Amz-Date"])
    if moment is None:
        raise query_failure(family, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    credential = query["X-Amz-Credential"].split("/")
    if len(credential) != 5 or not all(credential) or credential[4] != "aws4_request":
        raise query_failure(family, f"Error parsing the X-Amz-Credential parameter; {_EXPECTED_CREDENTIAL}")
    return Claim(
        credential[0],
        credential[1],
        credential[2],
        credential[3],
        query["X-Amz-Date"],
        moment,
        query["X-Amz-SignedHeaders"],
        query["X-Amz-Signature"],
        query.get("X-Amz-Security-Token"),
        _expires(query["X-Amz-Expires"], family),
    )


def _expires(text: str, family: Family) -> int:
    if not (text.lstrip("-").isdigit() and text.isascii() and len(text) < 16):
        raise query_failure(family, "X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        raise query_failure(family, "X-Amz-Expires must be non-negative")
    if seconds > WEEK:
        raise query_failure(family, _TOO_LONG)
    return seconds


_TOO_LONG = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
