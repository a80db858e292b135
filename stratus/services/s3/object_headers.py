"""What an object carries besides its bytes: headers given back with it, user metadata, storage class, tags."""

import re
from datetime import datetime
from typing import Any

from stratus.services.s3.bucket import Bucket
from stratus.services.s3.errors import invalid_argument, refused
from stratus.services.s3.tagging import parse_header
from stratus.wire.errors import AwsError

STORED_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires")
MAX_METADATA_BYTES = 2048
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
ENCRYPTION = "AES256"

SAME_BEHAVIOUR_CLASSES = frozenset(
    ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "REDUCED_REDUNDANCY", "GLACIER_IR")
)
"""Storage classes that differ in price and redundancy only: recorded and given back, without effect on one machine."""

REFUSED_PARAMS = {
    "SSECustomerAlgorithm": "server-side encryption with customer keys (SSE-C)",
    "SSECustomerKey": "server-side encryption with customer keys (SSE-C)",
    "CopySourceSSECustomerKey": "server-side encryption with customer keys (SSE-C)",
    "SSEKMSKeyId": "server-side encryption with KMS keys (SSE-KMS)",
    "SSEKMSEncryptionContext": "server-side encryption with KMS keys (SSE-KMS)",
    "ObjectLockMode": "Object Lock",
    "ObjectLockRetainUntilDate": "Object Lock",
    "ObjectLockLegalHoldStatus": "Object Lock",
    "ObjectLockEventHold": "Object Lock",
    "ObjectLockEventHoldDurationDays": "Object Lock",
    "ObjectLockEventHoldDurationYears": "Object Lock",
    "WebsiteRedirectLocation": "static website hosting (x-amz-website-redirect-location)",
    "WriteOffsetBytes": "appends (x-amz-write-offset-bytes)",
    "MFA": "MFA delete",
    "AnnotationDirective": "object annotations",
    "IfMatchSize": "deletes conditional on size (directory buckets)",
    "IfMatchLastModifiedTime": "deletes conditional on time (directory buckets)",
}
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "GrantWrite")


def refuse_unsupported(params: dict[str, Any]) -> None:
    """Raises NotImplemented, by name, for what would change the meaning or the safety of the object."""
    for name in REFUSED_PARAMS.keys() & params.keys():
        if params[name] not in (None, "", False):
            raise refused(REFUSED_PARAMS[name])


def check_encryption(params: dict[str, Any]) -> None:
    """SSE-S3 is always on; raises NotImplemented for KMS keys."""
    wanted = params.get("ServerSideEncryption")
    if wanted in (None, ENCRYPTION):
        return
    if wanted in ("aws:kms", "aws:kms:dsse"):
        raise refused("server-side encryption with KMS keys (SSE-KMS)")
    raise AwsError("InvalidArgument", "The encryption method specified is not supported", 400)


def check_acl(params: dict[str, Any]) -> None:
    """ACLs are off (Object Ownership is always BucketOwnerEnforced); raises AccessControlListNotSupported."""
    if params.get("ACL") in (None, "bucket-owner-full-control") and not any(params.get(grant) for grant in GRANTS):
        return
    raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def check_header_value(value: Any, name: str) -> None:
    """Raises InvalidArgument for what could not stand in a response header."""
    if isinstance(value, str) and CONTROL.search(value):
        raise invalid_argument("Header value cannot contain control characters.", name, ascii(value))


def describe(params: dict[str, Any], bucket: Bucket) -> dict[str, Any]:
    """The part of a version's `meta` that PutObject, CopyObject and CreateMultipartUpload take from their parameters."""
    refuse_unsupported(params)
    check_encryption(params)
    check_acl(params)
    meta = {name: params[name] for name in STORED_HEADERS if params.get(name)}
    if encoding := _without_transport(meta.pop("ContentEncoding", "")):
        meta["ContentEncoding"] = encoding
    if isinstance(expires := meta.get("Expires"), datetime):
        meta["Expires"] = int(expires.timestamp())
    for name, value in meta.items():
        check_header_value(value, name)
    meta.setdefault("ContentType", DEFAULT_CONTENT_TYPE)
    if metadata := params.get("Metadata"):
        meta["Metadata"] = _checked_metadata(metadata)
    if tagging := params.get("Tagging"):
        meta["Tags"] = parse_header(tagging)
    storage_class = params.get("StorageClass") or "STANDARD"
    if storage_class != "STANDARD":
        meta["StorageClass"] = _checked_class(storage_class)
    return meta


def _without_transport(encoding: str) -> str:
    """The encodings of the object itself: `aws-chunked` is how its bytes were sent."""
    names = (name.strip() for name in encoding.split(","))
    return ", ".join(name for name in names if name and name.lower() != "aws-chunked")


def _checked_metadata(metadata: dict[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in metadata.items()}
    for name, value in lowered.items():
        check_header_value(name + value, f"x-amz-meta-{name!a}")
    size = sum(len(name.encode()) + len(value.encode("utf-8", "surrogateescape")) for name, value in lowered.items())
    if size > MAX_METADATA_BYTES:
        members = {"Size": str(size), "MaxSizeAllowed": str(MAX_METADATA_BYTES)}
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise AwsError("MetadataTooLarge", message, 400, members=members)
    return lowered


def _checked_class(storage_class: str) -> str:
    if storage_class in SAME_BEHAVIOUR_CLASSES:
        return storage_class
    if storage_class in ("GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP"):
        raise refused(f"the storage class {storage_class}")
    raise AwsError("InvalidStorageClass", "The storage class you specified is not valid", 400)
