"""GetObjectAttributes."""

from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import versions
from stratus.services.s3.checksums import DIGESTS, member
from stratus.services.s3.errors import integer, invalid_argument
from stratus.services.s3.operations.get_object import GetObject, moment
from stratus.services.s3.permissions import on_attributes
from stratus.services.s3.versions import MAX_PART_NUMBER, Version
from stratus.wire.errors import AwsError

ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
MOST_PARTS = 1000
_NOT_ASKED = "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty"


class GetObjectAttributes(GetObject):
    @operation("GetObjectAttributes", on_attributes)
    async def get_object_attributes(self, call: Call) -> Result:
        bucket, params = self.bucket(call), call.params
        asked = params.get("ObjectAttributes") or []
        if not asked:
            raise AwsError("InvalidRequest", _NOT_ASKED)
        if any(name not in ATTRIBUTES for name in asked):
            raise invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", ",".join(asked))
        version = self.find(call, bucket, params["Key"], params.get("VersionId"))
        known: dict[str, Any] = {
            "ETag": version.etag,
            "Checksum": {name: value for name, value in version.meta.items() if name.startswith("Checksum")},
            "StorageClass": version.meta.get("StorageClass", "STANDARD"),
            "ObjectSize": version.size,
        }
        if version.upload is not None and "ObjectParts" in asked:
            known["ObjectParts"] = self._parts(call, version, version.upload)
        result = {name: known[name] for name in asked if name in known}
        result["LastModified"] = moment(version.modified)
        if bucket.versioning is not None:
            result["VersionId"] = version.id
        return result

    def _parts(self, call: Call, version: Version, upload: str) -> dict[str, Any]:
        """How many parts there are, and, of objects with a composite checksum, the parts themselves."""
        (count,) = self.database.reader.execute("SELECT count(*) FROM parts WHERE upload = ?", (upload,)).fetchone()
        if version.meta.get("ChecksumType") != "COMPOSITE":
            return {"TotalPartsCount": count}
        marker = integer(call.params.get("PartNumberMarker"), "x-amz-part-number-marker", 0, MAX_PART_NUMBER)
        limit = integer(call.params.get("MaxParts"), "x-amz-max-parts", MOST_PARTS, MOST_PARTS)
        found = list(versions.parts_of(self.database.reader, upload, marker, limit + 1))
        chosen = {name for name in DIGESTS if member(name) in version.meta}
        parts = [
            {
                "PartNumber": part.number,
                "Size": part.size,
                **{member(name): value for name, value in part.checksums.items() if name in chosen},
            }
            for part in found[:limit]
        ]
        return {
            "TotalPartsCount": count,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": found[:limit][-1].number if parts else 0,
            "MaxParts": limit,
            "IsTruncated": len(found) > limit,
            "Parts": parts,
        }
