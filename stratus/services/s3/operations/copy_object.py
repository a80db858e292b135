"""CopyObject and UploadPartCopy: the bytes are read, digested anew and sealed under a key of their own."""

from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import conditionals, ranges
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.checksums import DEFAULT_ALGORITHM, DIGESTS, Digests, known, member
from stratus.services.s3.copy_source import CopySource
from stratus.services.s3.errors import invalid_request
from stratus.services.s3.object_headers import describe
from stratus.services.s3.operations.get_object import GetObject, moment
from stratus.services.s3.operations.multipart import Multipart
from stratus.services.s3.permissions import on_copy
from stratus.services.s3.receiving import MAX_PUT, Stored, receive
from stratus.services.s3.versions import Version
from stratus.wire.errors import AwsError

FROM_SOURCE = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)


class CopyObject(GetObject, Multipart):
    @operation("CopyObject", on_copy)
    async def copy_object(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        conditionals.check_write_params(params)
        source, version = self._source(call)
        if version.size > MAX_PUT:
            raise invalid_request(
                f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT}"
            )
        meta = self._copied_meta(call, bucket, source, version)
        algorithm = known(params["ChecksumAlgorithm"]) if params.get("ChecksumAlgorithm") else _algorithm_of(version)
        stored, digests = await self._copy_bytes(version, 0, version.size, [algorithm])
        checksums = {member(name): value for name, value in digests.checksums().items()} | {
            "ChecksumType": "FULL_OBJECT"
        }
        etag = digests.md5.hex()
        added = await self.add_version(call, bucket, stored, etag, meta | checksums)
        return {
            "CopyObjectResult": {"ETag": f'"{etag}"', "LastModified": moment(added.modified), **checksums},
            **self._source_version(call, source, version),
            **self.written(bucket, added),
        }

    @operation("UploadPartCopy", on_copy)
    async def upload_part_copy(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        upload = self.upload(call, bucket)
        source, version = self._source(call)
        start, stop = 0, version.size
        if params.get("CopySourceRange"):
            start, stop = ranges.of_copy_source(params["CopySourceRange"], version.size)
        if stop - start > MAX_PUT:
            raise invalid_request(
                f"The specified copy source is larger than the maximum allowable size for a copy source: {MAX_PUT}"
            )
        stored, digests = await self._copy_bytes(version, start, stop, [upload.algorithm])
        await self.add_part(call, bucket, stored, digests.md5.hex(), digests.checksums())
        checksums = {member(name): value for name, value in digests.checksums().items()} if upload.chosen else {}
        return {
            "CopyPartResult": {"ETag": f'"{digests.md5.hex()}"', "LastModified": moment(int(call.now)), **checksums},
            "ServerSideEncryption": "AES256",
            **self._source_version(call, source, version),
        }

    def _source(self, call: Call) -> tuple[CopySource, Version]:
        source = CopySource.parse(call.params["CopySource"])
        bucket = self.source_bucket(call, source)
        try:
            version = self.find(call, bucket, source.key, source.version_id)
        except AwsError as error:
            if error.code != "MethodNotAllowed":
                raise
            raise invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id."
            ) from None
        conditionals.check_copy_source(call.params, version)
        return source, version

    async def _copy_bytes(
        self, version: Version, start: int, stop: int, algorithms: list[str]
    ) -> tuple[Stored, Digests]:
        digests = Digests(algorithms)
        content = self.content(version, start, stop)
        return await receive(content, stop - start, digests, self.files, self.seal), digests

    def _copied_meta(self, call: Call, bucket: Bucket, source: CopySource, version: Version) -> dict[str, Any]:
        params = dict(call.params)
        directive, tagging = params.get("MetadataDirective") or "COPY", params.get("TaggingDirective") or "COPY"
        for name, value in (("x-amz-metadata-directive", directive), ("x-amz-tagging-directive", tagging)):
            if value not in ("COPY", "REPLACE"):
                raise AwsError("InvalidArgument", f"Unknown {name.removeprefix('x-amz-').replace('-', ' ')}.", 400)
        same_object = (source.bucket, source.key) == (params["Bucket"], params["Key"]) and not source.version_id
        changes = directive == "REPLACE" or params.get("StorageClass") or params.get("ServerSideEncryption")
        if same_object and not changes:
            raise invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                "metadata, storage class, website redirect location or encryption attributes."
            )
        if tagging == "COPY":
            params.pop("Tagging", None)
        if directive == "COPY":
            params |= {name: version.meta.get(name) for name in FROM_SOURCE}
        meta = describe(params, bucket)
        if tagging == "COPY" and version.tags:
            meta["Tags"] = version.tags
        return meta

    def _source_version(self, call: Call, source: CopySource, version: Version) -> dict[str, Any]:
        kept = self.source_bucket(call, source).versioning is not None
        return {"CopySourceVersionId": version.id} if kept else {}


def _algorithm_of(version: Version) -> str:
    """A copy keeps the algorithm of its source's checksum."""
    return next((name for name in DIGESTS if member(name) in version.meta), DEFAULT_ALGORITHM)
