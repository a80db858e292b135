"""CreateBucket, DeleteBucket, HeadBucket, ListBuckets, GetBucketLocation."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import orjson

from stratus.service import Access, Call, Result, operation
from stratus.services.s3 import versions
from stratus.services.s3.base import S3Base
from stratus.services.s3.bucket import ALL_BLOCKED, Bucket, check_name
from stratus.services.s3.errors import invalid_argument, refused
from stratus.services.s3.object_headers import GRANTS
from stratus.services.s3.operations.get_object import moment
from stratus.services.s3.permissions import common, on_bucket
from stratus.services.s3.tagging import MAX_BUCKET_TAGS, parse_set
from stratus.wire.errors import AwsError

MOST_BUCKETS = 10_000


def on_new_bucket(service: S3Base, call: Call) -> Iterable[Access]:
    context = dict(common(service, call))
    if constraint := (call.params.get("CreateBucketConfiguration") or {}).get("LocationConstraint"):
        context["s3:LocationConstraint"] = (constraint,)
    yield Access("s3:CreateBucket", f"arn:aws:s3:::{call.params['Bucket']}", context)


def on_all_buckets(service: S3Base, call: Call) -> Iterable[Access]:
    yield Access("s3:ListAllMyBuckets", "*", common(service, call))


class Buckets(S3Base):
    @operation("CreateBucket", on_new_bucket)
    async def create_bucket(self, call: Call) -> Result:
        params, name = call.params, call.params["Bucket"]
        check_name(name)
        settings = self._initial_settings(params)
        self._check_location((params.get("CreateBucketConfiguration") or {}).get("LocationConstraint"))
        existing = self.directory.find(name)
        if existing is not None and existing.region == self.region == "us-east-1":
            return {"Location": f"/{name}", "BucketArn": existing.arn}
        if not self.directory.claim(name):
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise AwsError("BucketAlreadyOwnedByYou", message, 409, members={"BucketName": name})
        bucket = await self.whole(self._create(name, int(call.now), settings))
        location = f"/{name}" if self.region == "us-east-1" else f"http://{name}.s3.amazonaws.com/"
        return {"Location": location, "BucketArn": bucket.arn}

    @operation("DeleteBucket", on_bucket("s3:DeleteBucket"))
    async def delete_bucket(self, call: Call) -> Result:
        """Deletes an empty bucket; uploads that were never completed go with it."""
        await self.whole(self._delete(self.bucket(call)))
        return {}

    @operation("HeadBucket", on_bucket("s3:ListBucket"))
    async def head_bucket(self, call: Call) -> Result:
        bucket = self.bucket(call)
        return {"BucketRegion": bucket.region, "AccessPointAlias": False, "BucketArn": bucket.arn}

    @operation("ListBuckets", on_all_buckets)
    async def list_buckets(self, call: Call) -> Result:
        params = call.params
        limit = params.get("MaxBuckets", MOST_BUCKETS)
        if not 1 <= limit <= MOST_BUCKETS:
            message = f"Argument max-buckets must be an integer between 1 and {MOST_BUCKETS}"
            raise invalid_argument(message, "max-buckets", limit)
        prefix, region = params.get("Prefix") or "", params.get("BucketRegion")
        after = params.get("ContinuationToken") or ""
        found = [
            bucket
            for bucket in self.directory.all()
            if bucket.name > after and bucket.name.startswith(prefix) and region in (None, bucket.region)
        ]
        page = found[:limit]
        result: dict[str, Any] = {
            "Buckets": [_listed(bucket) for bucket in page],
            "Owner": {"ID": self.canonical_id},
        }
        if params.get("Prefix"):
            result["Prefix"] = prefix
        if len(found) > limit:
            result["ContinuationToken"] = page[-1].name
        return result

    @operation("GetBucketLocation", on_bucket("s3:GetBucketLocation"))
    async def get_bucket_location(self, call: Call) -> Result:
        """The region; None stands for us-east-1."""
        region = self.bucket(call).region
        return {"LocationConstraint": None if region == "us-east-1" else region}

    async def _create(self, name: str, created: int, settings: dict[str, Any]) -> Bucket:
        try:
            bucket_id = await self.database.write(lambda connection: _insert(connection, name, created, settings))
        finally:
            self.directory.unclaim(name)
        bucket = Bucket(bucket_id, name, self.region, created, settings)
        self.directory.add(bucket)
        return bucket

    async def _delete(self, bucket: Bucket) -> None:
        unused = await self.database.write(lambda connection: _delete(connection, bucket))
        self.directory.remove(bucket)
        self.files.discard(unused)

    def _initial_settings(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("ObjectLockEnabledForBucket"):
            raise refused("Object Lock")
        if params.get("ObjectOwnership") not in (None, "BucketOwnerEnforced"):
            raise refused(f"Object Ownership {params['ObjectOwnership']} (ACLs)")
        if params.get("ACL") not in (None, "private") or any(params.get(grant) for grant in GRANTS):
            message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            raise AwsError("InvalidBucketAclWithObjectOwnership", message, 400)
        configuration = params.get("CreateBucketConfiguration") or {}
        if configuration.get("Location") or configuration.get("Bucket") or params.get("BucketNamespace"):
            raise refused("directory buckets")
        settings: dict[str, Any] = {"PublicAccessBlock": ALL_BLOCKED}
        if tags := configuration.get("Tags"):
            settings["Tagging"] = parse_set({"TagSet": tags}, MAX_BUCKET_TAGS, "Bucket")
        return settings

    def _check_location(self, constraint: str | None) -> None:
        if constraint == "us-east-1":
            message = "The specified location-constraint is not valid"
            raise AwsError("InvalidLocationConstraint", message, 400, members={"LocationConstraint": constraint})
        if constraint != (None if self.region == "us-east-1" else self.region):
            message = (
                f"The {constraint or 'unspecified'} location constraint is incompatible "
                "for the region specific endpoint this request was sent to."
            )
            raise AwsError("IllegalLocationConstraintException", message, 400)


def _insert(connection: sqlite3.Connection, name: str, created: int, settings: dict[str, Any]) -> int:
    cursor = connection.execute("INSERT INTO buckets (name, created) VALUES (?, ?)", (name, created))
    rows = [(cursor.lastrowid, setting, orjson.dumps(value)) for setting, value in settings.items()]
    connection.executemany("INSERT INTO settings VALUES (?, ?, ?)", rows)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _delete(connection: sqlite3.Connection, bucket: Bucket) -> list[str]:
    if connection.execute("SELECT 1 FROM versions WHERE bucket = ? LIMIT 1", (bucket.id,)).fetchone():
        message = "The bucket you tried to delete is not empty"
        if bucket.versioning is not None:
            message += ". You must delete all versions in the bucket."
        raise AwsError("BucketNotEmpty", message, 409, members={"BucketName": bucket.name})
    unused = []
    for (upload,) in connection.execute("SELECT id FROM uploads WHERE bucket = ?", (bucket.id,)).fetchall():
        unused += versions.remove_parts(connection, upload)
    connection.execute("DELETE FROM uploads WHERE bucket = ?", (bucket.id,))
    connection.execute("DELETE FROM settings WHERE bucket = ?", (bucket.id,))
    connection.execute("DELETE FROM buckets WHERE id = ?", (bucket.id,))
    return unused


def _listed(bucket: Bucket) -> dict[str, Any]:
    return {
        "Name": bucket.name,
        "CreationDate": moment(bucket.created),
        "BucketRegion": bucket.region,
        "BucketArn": bucket.arn,
    }
