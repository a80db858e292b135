"""Multipart uploads: CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload, ListParts.

A completed object goes on lying in its parts: completing copies no byte.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from hashlib import md5
from typing import Any
from urllib.parse import quote

import orjson

from stratus.service import Call, Result, operation
from stratus.services.s3 import checksums, completion, conditionals, lifecycle, versions
from stratus.services.s3.bucket import Bucket
from stratus.services.s3.checksums import DEFAULT_ALGORITHM, Expected, member
from stratus.services.s3.errors import integer, invalid_argument, invalid_request, no_such_upload
from stratus.services.s3.keys import key_bytes
from stratus.services.s3.object_headers import ENCRYPTION, describe, refuse_unsupported
from stratus.services.s3.operations.get_object import moment
from stratus.services.s3.operations.put_object import PutObject, expected_of, make_room, new_id
from stratus.services.s3.permissions import on_object, on_put
from stratus.services.s3.receiving import Stored
from stratus.services.s3.versions import MAX_PART_NUMBER, Part, Version

MOST_PARTS = 1000
FULL_OBJECT, COMPOSITE = "FULL_OBJECT", "COMPOSITE"


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that is neither completed nor aborted. `chosen`: the client named the checksum algorithm."""

    id: str
    key: bytes
    started: int
    meta: dict[str, Any]
    algorithm: str
    checksum_type: str
    chosen: bool


class Multipart(PutObject):
    @operation("CreateMultipartUpload", on_put)
    async def create_multipart_upload(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        algorithm, checksum_type, chosen = _checksum_choice(params)
        meta = {
            "Object": describe(params, bucket),
            "Algorithm": algorithm,
            "ChecksumType": checksum_type,
            "Chosen": chosen,
            "Initiator": call.principal.arn,
        }
        key, upload_id = key_bytes(params["Key"]), secrets.token_urlsafe(48)

        def begin(connection: sqlite3.Connection) -> None:
            self.bucket_still_exists(connection, bucket)
            row = (upload_id, bucket.id, key, int(call.now), orjson.dumps(meta))
            connection.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", row)

        await self.database.write(begin, savepoint=False)
        result = {
            "Bucket": bucket.name,
            "Key": params["Key"],
            "UploadId": upload_id,
            "ServerSideEncryption": ENCRYPTION,
            **_abortion(bucket, params["Key"], int(call.now)),
        }
        return result | ({"ChecksumAlgorithm": algorithm, "ChecksumType": checksum_type} if chosen else {})

    @operation("UploadPart", on_object("s3:PutObject", existing_tags=False))
    async def upload_part(self, call: Call) -> Result:
        bucket = self.bucket(call)
        refuse_unsupported(call.params)
        upload, expected = self.upload(call, bucket), expected_of(call)
        _check_part_checksum(upload, expected)
        algorithms = {upload.algorithm, expected.algorithm} if expected.chosen else {upload.algorithm}
        stored, digests = await self.take_in(call, expected, algorithms)
        await self.add_part(call, bucket, stored, digests.md5.hex(), digests.checksums())
        shown = digests.checksums() if expected.chosen else {}
        sent = {member(name): value for name, value in shown.items() if name == expected.chosen}
        return {"ETag": f'"{digests.md5.hex()}"', "ServerSideEncryption": ENCRYPTION, **sent}

    @operation("CompleteMultipartUpload", on_object("s3:PutObject", existing_tags=False))
    async def complete_multipart_upload(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        conditionals.check_write_params(params)
        wanted = completion.parts_wanted(params.get("MultipartUpload"))

        def complete(connection: sqlite3.Connection) -> tuple[Version, list[str]]:
            self.bucket_still_exists(connection, bucket)
            upload = find_upload(connection, bucket, params)
            latest = versions.current(connection, bucket.id, upload.key)
            conditionals.check_write(params, params["Key"], latest)
            there = {part.number: part for part in versions.parts_of(connection, upload.id)}
            needed = upload.algorithm if upload.chosen and upload.checksum_type == COMPOSITE else None
            parts = completion.matched(upload.id, wanted, there, needed)
            whole = _checksums_of_whole(upload, parts)
            size = sum(part.size for part in parts)
            completion.check_whole(params, whole, upload.checksum_type, size)
            etag = f"{md5(b''.join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False).hexdigest()}-{len(parts)}"
            meta = {**upload.meta["Object"], **whole, "ChecksumType": upload.checksum_type}
            version = Version(
                upload.key,
                self.next_seq(),
                new_id(bucket),
                True,
                False,
                int(call.now),
                size,
                etag,
                meta,
                None,
                upload.id,
            )
            unused = make_room(connection, bucket, version, latest)
            for number in there.keys() - {part.number for part in parts}:
                unused += versions.remove_part(connection, upload.id, there[number])
            versions.insert(connection, bucket.id, version, None)
            connection.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))
            return version, unused

        version = await self.change(complete)
        checks = {name: value for name, value in version.meta.items() if name.startswith("Checksum")}
        return {
            "Location": f"{self.addresses.endpoint}/{bucket.name}/{quote(params['Key'])}",
            "Bucket": bucket.name,
            "Key": params["Key"],
            "ETag": f'"{version.etag}"',
            **checks,
            **self.written(bucket, version),
        }

    @operation("AbortMultipartUpload", on_object("s3:AbortMultipartUpload", existing_tags=False))
    async def abort_multipart_upload(self, call: Call) -> Result:
        bucket = self.bucket(call)

        def abort(connection: sqlite3.Connection) -> tuple[None, list[str]]:
            return None, remove_upload(connection, find_upload(connection, bucket, call.params).id)

        await self.change(abort)
        return {}

    @operation("ListParts", on_object("s3:ListMultipartUploadParts", existing_tags=False))
    async def list_parts(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        upload = self.upload(call, bucket)
        marker = integer(params.get("PartNumberMarker"), "part-number-marker", 0, MAX_PART_NUMBER)
        limit = integer(params.get("MaxParts"), "max-parts", MOST_PARTS, MOST_PARTS)
        found = list(versions.parts_of(self.database.reader, upload.id, marker, limit + 1))
        parts, truncated = found[:limit], len(found) > limit
        owner = {"ID": self.canonical_id}
        return {
            "Bucket": bucket.name,
            "Key": params["Key"],
            "UploadId": upload.id,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": parts[-1].number if parts else 0,
            "MaxParts": limit,
            "IsTruncated": truncated,
            "Parts": [_listed(part) for part in parts],
            "Initiator": {"ID": upload.meta["Initiator"]},
            "Owner": owner,
            "StorageClass": upload.meta["Object"].get("StorageClass", "STANDARD"),
            "ChecksumAlgorithm": upload.algorithm,
            "ChecksumType": upload.checksum_type,
            **_abortion(bucket, params["Key"], upload.started),
        }

    def upload(self, call: Call, bucket: Bucket) -> Upload:
        """The upload that a call names; raises NoSuchUpload, and InvalidArgument for an impossible part number."""
        number = call.params.get("PartNumber")
        if number is not None and not 1 <= number <= MAX_PART_NUMBER:
            message = f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
            raise invalid_argument(message, "partNumber", number)
        return find_upload(self.database.reader, bucket, call.params)

    async def add_part(
        self, call: Call, bucket: Bucket, stored: Stored, etag: str, part_checksums: dict[str, str]
    ) -> None:
        """Makes stored bytes a part of the upload, in place of an earlier one of that number."""
        number: int = call.params["PartNumber"]

        def add(connection: sqlite3.Connection) -> tuple[None, list[str]]:
            upload = find_upload(connection, bucket, call.params)
            earlier = versions.part_of(connection, upload.id, number)
            unused = versions.remove_part(connection, upload.id, earlier) if earlier else []
            part = Part(number, self.next_seq(), int(call.now), stored.size, etag, part_checksums, stored.file)
            versions.insert_part(connection, upload.id, part, stored.small)
            return None, unused

        await self.record(stored, add)


def find_upload(connection: sqlite3.Connection, bucket: Bucket, params: dict[str, Any]) -> Upload:
    """Raises NoSuchUpload."""
    upload_id: str = params["UploadId"]
    row = connection.execute(
        "SELECT key, started, meta FROM uploads WHERE id = ? AND bucket = ?", (upload_id, bucket.id)
    ).fetchone()
    if row is None or row[0] != key_bytes(params["Key"]):
        raise no_such_upload(upload_id)
    meta = orjson.loads(row[2])
    return Upload(upload_id, row[0], row[1], meta, meta["Algorithm"], meta["ChecksumType"], meta["Chosen"])


def remove_upload(connection: sqlite3.Connection, upload_id: str) -> list[str]:
    """Aborts an upload; returns the files to discard."""
    unused = versions.remove_parts(connection, upload_id)
    connection.execute("DELETE FROM uploads WHERE id = ?", (upload_id,))
    return unused


def _checksum_choice(params: dict[str, Any]) -> tuple[str, str, bool]:
    """Algorithm, type, and whether the client chose: S3 itself takes a CRC-64/NVME of the full object."""
    named, wanted = params.get("ChecksumAlgorithm"), params.get("ChecksumType")
    if not named:
        if wanted:
            raise invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return DEFAULT_ALGORITHM, FULL_OBJECT, False
    algorithm = checksums.known(named)
    usual = FULL_OBJECT if algorithm == DEFAULT_ALGORITHM else COMPOSITE
    chosen = wanted or usual
    possible = {FULL_OBJECT} if algorithm == DEFAULT_ALGORITHM else {COMPOSITE}
    if algorithm in checksums.COMBINERS:
        possible.add(FULL_OBJECT)
    if chosen not in possible:
        raise invalid_request(
            f"The {chosen} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    return algorithm, chosen, True


def _check_part_checksum(upload: Upload, expected: Expected) -> None:
    sent = expected.chosen
    if upload.chosen and sent != upload.algorithm:
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm.lower()}, "
            f"actual checksum Type: {sent.lower() if sent else 'null'}"
        )


def _checksums_of_whole(upload: Upload, parts: list[Part]) -> dict[str, str]:
    of_parts = [part.checksums[upload.algorithm] for part in parts]
    if upload.checksum_type == COMPOSITE:
        value = checksums.of_parts(upload.algorithm, of_parts)
    else:
        value = checksums.of_whole(upload.algorithm, list(zip(of_parts, (part.size for part in parts), strict=True)))
    return {member(upload.algorithm): value}


def _abortion(bucket: Bucket, key: str, started: int) -> dict[str, Any]:
    due = lifecycle.abortion(bucket.lifecycle, key, started)
    return {"AbortDate": moment(due[0]), "AbortRuleId": due[1]} if due else {}


def _listed(part: Part) -> dict[str, Any]:
    checks = {member(name): value for name, value in part.checksums.items()}
    return {
        "PartNumber": part.number,
        "LastModified": moment(part.modified),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **checks,
    }
