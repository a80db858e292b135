"""GetObject and HeadObject."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from stratus.iam.principal import Kind
from stratus.service import Call, Result, operation
from stratus.services.s3 import conditionals, lifecycle, ranges, versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.checksums import member
from stratus.services.s3.errors import access_denied, invalid_request, method_not_allowed, no_such_key, no_such_version
from stratus.services.s3.keys import key_bytes
from stratus.services.s3.object_headers import ENCRYPTION, check_header_value, refuse_unsupported
from stratus.services.s3.permissions import on_object
from stratus.services.s3.version_ids import checked_version_id
from stratus.services.s3.versions import Version
from stratus.storage.objects import Reading, Span
from stratus.wire.errors import AwsError
from stratus.wire.message import Response

OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Bytes `start` to `stop` (exclusive) of an object, and the checksums of just these, as far as they are known."""

    start: int
    stop: int
    partial: bool = False
    parts_count: int | None = None
    checksums: dict[str, str] = field(default_factory=dict)


class GetObject(S3Base):
    @operation("GetObject", on_object("s3:GetObject", versioned="s3:GetObjectVersion"))
    async def get_object(self, call: Call) -> Result:
        return self._answer(call, with_body=True)

    @operation("HeadObject", on_object("s3:GetObject", versioned="s3:GetObjectVersion"))
    async def head_object(self, call: Call) -> Result:
        return self._answer(call, with_body=False)

    def find(self, call: Call, bucket: Bucket, key: str, version_id: str | None) -> Version:
        """The version asked for, or the current one. What is not there is AccessDenied to who may not list the bucket."""
        connection = self.database.reader
        if version_id is None:
            found = versions.current(connection, bucket.id, key_bytes(key))
            if found is not None and not found.marker:
                return found
            if not self.may_list(call, bucket):
                raise access_denied()
            raise no_such_key(key, _marker_headers(found) if found else None)
        found = versions.by_id(connection, bucket.id, key_bytes(key), checked_version_id(version_id))
        if found is None:
            raise no_such_version(key, version_id) if self.may_list(call, bucket) else access_denied()
        if found.marker:
            modified = ("last-modified", http_date(found.modified))
            raise method_not_allowed(_method(call), [*_marker_headers(found), modified, ("allow", "DELETE")])
        return found

    def content(self, version: Version, start: int, stop: int) -> bytes | Reading:
        """The bytes of a version from `start` to `stop` (exclusive), to be streamed if they are not few."""
        if version.upload is None and version.file is None:
            return self.seal.open(versions.small_bytes(self.database.reader, version.seq))[start:stop]
        return self.files.read(self._spans(version, start, stop))

    def _spans(self, version: Version, start: int, stop: int) -> list[Span | bytes]:
        if version.upload is None:
            assert version.file is not None
            return [Span(version.file, version.size, start, stop)]
        spans: list[Span | bytes] = []
        offset = 0
        for part in versions.parts_of(self.database.reader, version.upload):
            first, last = max(start - offset, 0), min(stop - offset, part.size)
            if first < last and part.file is not None:
                spans.append(Span(part.file, part.size, first, last))
            elif first < last:
                spans.append(self.seal.open(versions.small_bytes(self.database.reader, part.seq))[first:last])
            offset += part.size
        return spans

    def _answer(self, call: Call, *, with_body: bool) -> Result:
        bucket, params = self.bucket(call), call.params
        refuse_unsupported(params)
        overrides = _overrides(call)
        version = self.find(call, bucket, params["Key"], params.get("VersionId"))
        try:
            conditionals.check_read(params, version)
        except conditionals.NotModified:
            return _not_modified(bucket, version)
        chosen = self._chosen(call, version)
        result = {**described(bucket, version), **overrides, "AcceptRanges": "bytes"}
        result["ContentLength"] = chosen.stop - chosen.start
        if chosen.parts_count is not None:
            result["PartsCount"] = chosen.parts_count
        if params.get("ChecksumMode") == "ENABLED":
            result |= chosen.checksums
        if chosen.partial:
            result["ContentRange"] = f"bytes {chosen.start}-{chosen.stop - 1}/{version.size}"
            result["ResponseMetadata"] = {"HTTPStatusCode": 206}
        if with_body:
            result["Body"] = self.content(version, chosen.start, chosen.stop)
        return result

    def _chosen(self, call: Call, version: Version) -> Chosen:
        """What of the object the call asks for: all of it, a range, or a part."""
        number, header = call.params.get("PartNumber"), call.params.get("Range")
        if number is not None:
            if header is not None:
                raise invalid_request("Cannot specify both Range header and partNumber query parameter")
            return self._part(version, number)
        if header is not None and not _range_still_applies(call, version):
            header = None
        found = ranges.requested(header, version.size)
        if found is not None:
            return Chosen(*found, partial=True)
        checksums = {name: value for name, value in version.meta.items() if name.startswith("Checksum")}
        return Chosen(0, version.size, checksums=checksums)

    def _part(self, version: Version, number: int) -> Chosen:
        """The part with this place in the object; what was put at once is one part."""
        if version.upload is None:
            if number == 1:
                return Chosen(0, version.size, partial=version.size > 0)
            raise _no_such_part(number, 1)
        offset, count, found = 0, 0, None
        for count, part in enumerate(versions.parts_of(self.database.reader, version.upload), 1):
            if count == number:
                found = offset, part
            offset += part.size
        if found is None:
            raise _no_such_part(number, count)
        start, part = found
        checksums = {member(name): value for name, value in part.checksums.items() if member(name) in version.meta}
        return Chosen(start, start + part.size, partial=True, parts_count=count, checksums=checksums)


def described(bucket: Bucket, version: Version) -> dict[str, Any]:
    """What GetObject and HeadObject say about a version besides its bytes."""
    result = {name: value for name, value in version.meta.items() if name != "Tags" and not name.startswith("Checksum")}
    if "Expires" in result:
        result["Expires"] = moment(result["Expires"])
    result["ETag"] = f'"{version.etag}"'
    result["LastModified"] = moment(version.modified)
    result["ServerSideEncryption"] = ENCRYPTION
    if bucket.versioning is not None:
        result["VersionId"] = version.id
    if version.tags:
        result["TagCount"] = len(version.tags)
    return result | expiration_of(bucket, version)


def expiration_of(bucket: Bucket, version: Version) -> dict[str, str]:
    """When lifecycle rules will expire the version, as `x-amz-expiration` says it."""
    if not bucket.lifecycle or not version.latest:
        return {}
    due = lifecycle.expiration(bucket.lifecycle, version.name, version.tags, version.size, version.modified)
    return {"Expiration": f'expiry-date="{http_date(due[0])}", rule-id="{quote(due[1])}"'} if due else {}


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def http_date(seconds: int) -> str:
    return moment(seconds).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _overrides(call: Call) -> dict[str, Any]:
    wanted = {name: call.params[given] for given, name in OVERRIDES.items() if call.params.get(given) is not None}
    if wanted and call.principal.kind is Kind.ANONYMOUS:
        raise invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    for name, value in wanted.items():
        check_header_value(value, name)
    return wanted


def _range_still_applies(call: Call, version: Version) -> bool:
    """If-Range (RFC 9110 section 13.1.5): the range holds only for the representation that the client has part of."""
    condition = call.request.headers.get("if-range") if call.request else None
    return condition is None or condition in (f'"{version.etag}"', http_date(version.modified))


def _not_modified(bucket: Bucket, version: Version) -> Response:
    headers = [("etag", f'"{version.etag}"'), ("last-modified", http_date(version.modified))]
    if bucket.versioning is not None:
        headers.append(("x-amz-version-id", version.id))
    if "CacheControl" in version.meta:
        headers.append(("cache-control", version.meta["CacheControl"]))
    if "Expires" in version.meta:
        headers.append(("expires", http_date(version.meta["Expires"])))
    return Response(304, headers)


def _marker_headers(marker: Version) -> list[tuple[str, str]]:
    return [("x-amz-delete-marker", "true"), ("x-amz-version-id", marker.id)]


def _method(call: Call) -> str:
    return "HEAD" if call.operation == "HeadObject" else "GET"


def _no_such_part(number: int, count: int) -> AwsError:
    members = {"ActualPartCount": str(count), "PartNumberRequested": str(number)}
    return AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416, members=members)
