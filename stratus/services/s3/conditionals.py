"""Conditional requests: RFC 9110 section 13, as S3 does them for reads, copies, writes and deletes."""

from datetime import datetime
from typing import Any

from stratus.services.s3.errors import no_such_key, precondition_failed
from stratus.services.s3.versions import Version
from stratus.wire.errors import AwsError


class NotModified(Exception):  # noqa: N818 - not an error: the answer 304
    """What the client has is still what there is."""


def matches(condition: str, etag: str) -> bool:
    """Whether an If-Match or If-None-Match names this ETag (stored without quotes) or is `*`."""
    wanted = (one.strip().removeprefix("W/").strip('"') for one in condition.split(","))
    return any(one in ("*", etag) for one in wanted)


def check_read(params: dict[str, Any], version: Version) -> None:
    """GetObject and HeadObject. Raises PreconditionFailed (412) or NotModified (304).

    If-Match decides over If-Unmodified-Since, If-None-Match over If-Modified-Since.
    """
    if (tags := params.get("IfMatch")) is not None:
        if not matches(tags, version.etag):
            raise precondition_failed("If-Match")
    elif (since := params.get("IfUnmodifiedSince")) is not None and version.modified > _seconds(since):
        raise precondition_failed("If-Unmodified-Since")
    if (tags := params.get("IfNoneMatch")) is not None:
        if matches(tags, version.etag):
            raise NotModified
    elif (since := params.get("IfModifiedSince")) is not None and version.modified <= _seconds(since):
        raise NotModified


def check_copy_source(params: dict[str, Any], version: Version) -> None:
    """CopyObject and UploadPartCopy: the same four conditions on the source, all failing with 412."""
    renamed = {
        name: params.get("CopySource" + name)
        for name in ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")
    }
    try:
        check_read(renamed, version)
    except NotModified:
        condition = (
            "x-amz-copy-source-If-None-Match" if renamed["IfNoneMatch"] else "x-amz-copy-source-If-Modified-Since"
        )
        raise precondition_failed(condition) from None
    except AwsError as error:
        raise precondition_failed("x-amz-copy-source-" + error.members["Condition"]) from None


def check_write_params(params: dict[str, Any]) -> None:
    """Writes know `If-None-Match: *` and `If-Match: "etag"`, nothing else and not both."""
    none_match, match = params.get("IfNoneMatch"), params.get("IfMatch")
    if (none_match is not None and none_match.strip() != "*") or (match is not None and match.strip() == "*"):
        header = "If-None-Match" if none_match is not None else "If-Match"
        raise _not_implemented_header(header)
    if none_match is not None and match is not None:
        raise _not_implemented_header("If-Match,If-None-Match")


def check_write(params: dict[str, Any], key: str, latest: Version | None) -> None:
    """PutObject, CopyObject and CompleteMultipartUpload against the current version, at the moment of the write."""
    there = latest is not None and not latest.marker
    if params.get("IfNoneMatch") is not None and there:
        raise precondition_failed("If-None-Match")
    if (tags := params.get("IfMatch")) is not None:
        if latest is None or latest.marker:
            raise no_such_key(key)
        if not matches(tags, latest.etag):
            raise precondition_failed("If-Match")


def check_delete(params: dict[str, Any], target: Version | None) -> None:
    """DeleteObject's If-Match (`*`: that there is an object)."""
    tags = params.get("IfMatch")
    if tags is not None and (target is None or target.marker or not matches(tags, target.etag)):
        raise precondition_failed("If-Match")


def _not_implemented_header(header: str) -> AwsError:
    message = "A header you provided implies functionality that is not implemented"
    return AwsError("NotImplemented", message, 501, members={"Header": header})


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
