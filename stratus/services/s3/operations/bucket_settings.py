"""A bucket's versioning, default encryption, CORS, lifecycle and tags."""

from typing import Any

from stratus.service import Call, Result, operation
from stratus.services.s3 import cors, lifecycle
from stratus.services.s3.base import S3Base
from stratus.services.s3.documents import document
from stratus.services.s3.errors import malformed_xml, need, refused
from stratus.services.s3.object_headers import ENCRYPTION
from stratus.services.s3.permissions import on_bucket
from stratus.services.s3.tagging import MAX_BUCKET_TAGS, as_set, parse_set
from stratus.wire.errors import AwsError


class BucketSettings(S3Base):
    @operation("PutBucketVersioning", on_bucket("s3:PutBucketVersioning"))
    async def put_bucket_versioning(self, call: Call) -> Result:
        given = document(call, "VersioningConfiguration")
        if given.get("MFADelete") == "Enabled" or call.params.get("MFA"):
            raise refused("MFA delete")
        if given.get("Status") not in ("Enabled", "Suspended"):
            message = "The Versioning element must be specified"
            raise AwsError("IllegalVersioningConfigurationException", message, 400)
        await self.set(self.bucket(call), "Versioning", given["Status"])
        return {}

    @operation("GetBucketVersioning", on_bucket("s3:GetBucketVersioning"))
    async def get_bucket_versioning(self, call: Call) -> Result:
        status = self.bucket(call).versioning
        return {"Status": status} if status else {}

    @operation("PutBucketEncryption", on_bucket("s3:PutEncryptionConfiguration"))
    async def put_bucket_encryption(self, call: Call) -> Result:
        """Everything is encrypted with SSE-S3 whatever is set; KMS keys are refused by name."""
        rules = need(document(call, "ServerSideEncryptionConfiguration"), "Rules")["Rules"]
        if len(rules) != 1:
            raise malformed_xml()
        rule = rules[0]
        default = need(
            need(rule, "ApplyServerSideEncryptionByDefault")["ApplyServerSideEncryptionByDefault"], "SSEAlgorithm"
        )
        if default["SSEAlgorithm"].startswith("aws:kms") or default.get("KMSMasterKeyID"):
            raise refused("server-side encryption with KMS keys (SSE-KMS); use AES256")
        if default["SSEAlgorithm"] != ENCRYPTION:
            raise malformed_xml()
        await self.set(self.bucket(call), "Encryption", [rule])
        return {}

    @operation("GetBucketEncryption", on_bucket("s3:GetEncryptionConfiguration"))
    async def get_bucket_encryption(self, call: Call) -> Result:
        usual = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ENCRYPTION}, "BucketKeyEnabled": False}]
        return {"ServerSideEncryptionConfiguration": {"Rules": self.bucket(call).settings.get("Encryption") or usual}}

    @operation("DeleteBucketEncryption", on_bucket("s3:PutEncryptionConfiguration"))
    async def delete_bucket_encryption(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Encryption", None)
        return {}

    @operation("PutBucketCors", on_bucket("s3:PutBucketCORS"))
    async def put_bucket_cors(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Cors", cors.check(document(call, "CORSConfiguration")))
        return {}

    @operation("GetBucketCors", on_bucket("s3:GetBucketCORS"))
    async def get_bucket_cors(self, call: Call) -> Result:
        rules = self._setting(call, "Cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist")
        return {"CORSRules": rules}

    @operation("DeleteBucketCors", on_bucket("s3:PutBucketCORS"))
    async def delete_bucket_cors(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Cors", None)
        return {}

    @operation("PutBucketLifecycleConfiguration", on_bucket("s3:PutLifecycleConfiguration"))
    async def put_bucket_lifecycle_configuration(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Lifecycle", lifecycle.check(document(call, "LifecycleConfiguration")))
        return {}

    @operation("GetBucketLifecycleConfiguration", on_bucket("s3:GetLifecycleConfiguration"))
    async def get_bucket_lifecycle_configuration(self, call: Call) -> Result:
        message = "The lifecycle configuration does not exist"
        return {"Rules": lifecycle.shown(self._setting(call, "Lifecycle", "NoSuchLifecycleConfiguration", message))}

    @operation("DeleteBucketLifecycle", on_bucket("s3:PutLifecycleConfiguration"))
    async def delete_bucket_lifecycle(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Lifecycle", None)
        return {}

    @operation("PutBucketTagging", on_bucket("s3:PutBucketTagging"))
    async def put_bucket_tagging(self, call: Call) -> Result:
        tags = parse_set(document(call, "Tagging"), MAX_BUCKET_TAGS, "Bucket")
        await self.set(self.bucket(call), "Tagging", tags)
        return {"ResponseMetadata": {"HTTPStatusCode": 204}}

    @operation("GetBucketTagging", on_bucket("s3:GetBucketTagging"))
    async def get_bucket_tagging(self, call: Call) -> Result:
        return {"TagSet": as_set(self._setting(call, "Tagging", "NoSuchTagSet", "The TagSet does not exist"))}

    @operation("DeleteBucketTagging", on_bucket("s3:PutBucketTagging"))
    async def delete_bucket_tagging(self, call: Call) -> Result:
        await self.set(self.bucket(call), "Tagging", None)
        return {}

    def _setting(self, call: Call, name: str, code: str, message: str) -> Any:
        bucket = self.bucket(call)
        value = bucket.settings.get(name)
        if not value:
            raise AwsError(code, message, 404, members={"BucketName": bucket.name})
        return value
